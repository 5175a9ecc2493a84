// The text of mails: no word of an alert can become a header, another recipient, or the end of the message.

#include "report/alerts_mail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace surveysync::test {
namespace {

using report::Alert;
using ::testing::HasSubstr;
using ::testing::Not;

const report::MailEnvelope kEnvelope{
    "surveysync@example.org", {"ops@example.org", "night@example.org"}, "1.2@warehouse1"};

Alert alert() {
  Alert made;
  made.key = "run_failed/us";
  made.rule = "run_failed";
  made.source = "us";
  made.severity = "warning";
  made.evidence = "the vendor answered 500";
  made.at = UtcTime(std::chrono::seconds(1'763'800'002));
  return made;
}

std::string headers_of(const std::string& message) {
  return message.substr(0, message.find("\r\n\r\n"));
}

TEST(MailText, HasTheHeadersOfAMail) {
  const std::string headers = headers_of(report::mail_message(alert(), kEnvelope));
  EXPECT_THAT(headers, HasSubstr("Date: Sat, 22 Nov 2025 08:26:42 +0000\r\n"));
  EXPECT_THAT(headers, HasSubstr("From: surveysync <surveysync@example.org>\r\n"));
  EXPECT_THAT(headers, HasSubstr("To: ops@example.org,\r\n night@example.org\r\n"));
  EXPECT_THAT(headers, HasSubstr("Subject: [surveysync] WARNING us: run failed\r\n"));
  EXPECT_THAT(headers, HasSubstr("Message-ID: <1.2@warehouse1>\r\n"));
}

TEST(MailText, MailsOfOneIncidentAreOneThread) {
  const auto thread = [](const Alert& one) {
    const std::string headers = headers_of(report::mail_message(one, kEnvelope));
    const std::size_t begin = headers.find("References: ");
    return headers.substr(begin, headers.find("\r\n", begin) - begin);
  };
  Alert end = alert(), later = alert();
  end.state = report::AlertState::resolved;
  end.evidence = "other";
  later.since += std::chrono::hours(1);
  EXPECT_THAT(thread(alert()), ::testing::MatchesRegex("References: <[0-9a-f]+@incident.surveysync>"));
  EXPECT_EQ(thread(end), thread(alert()));
  EXPECT_NE(thread(later), thread(alert()));
}

TEST(MailText, EveryLineEndsWithCrLf) {
  Alert long_one = alert();
  long_one.evidence = "one\ntwo\r\nthree" + std::string(500, 'x');
  const std::string message = report::mail_message(long_one, kEnvelope);
  for (std::size_t at = 0; at < message.size(); ++at) {
    if (message[at] == '\n') {
      ASSERT_TRUE(at > 0 && message[at - 1] == '\r') << at;
    } else if (message[at] == '\r') {
      ASSERT_TRUE(at + 1 < message.size() && message[at + 1] == '\n') << at;
    }
  }
  for (std::size_t begin = 0; begin < message.size();) {
    const std::size_t end = message.find("\r\n", begin);
    ASSERT_LE(end - begin, 78U);
    begin = end + 2;
  }
}

TEST(MailText, NoTextBecomesAHeader) {
  Alert evil = alert();
  evil.source = "us\r\nBcc: thief@example.org";
  evil.rule = "x\r\n\r\n.\r\nMAIL FROM:<a@b>";
  evil.verdict = "\nX-Evil: 1";
  evil.evidence = "\r\n.\r\nQUIT\r\n";
  const std::string message = report::mail_message(evil, kEnvelope);
  const std::string headers = headers_of(message);
  EXPECT_THAT(headers, Not(HasSubstr("\nBcc:")));
  EXPECT_THAT(headers, Not(HasSubstr("\nX-Evil")));
  EXPECT_THAT(headers, HasSubstr("Content-Transfer-Encoding: base64")) << "the headers did not end early";
  EXPECT_THAT(message, Not(HasSubstr("QUIT")));
}

TEST(MailText, AForeignSubjectIsEncodedInWholeCharacters) {
  Alert foreign = alert();
  foreign.verdict = "Schlüssel gelöscht und noch viel länger, damit es zwei Wörter werden: 鍵が古い 鍵が古い";
  const std::string message = report::mail_message(foreign, kEnvelope), headers = headers_of(message);
  const std::size_t begin = headers.find("Subject: ") + 9;
  const std::string subject = headers.substr(begin, headers.find("\r\nMessage-ID") - begin);
  EXPECT_THAT(subject, ::testing::StartsWith("=?UTF-8?B?"));
  EXPECT_THAT(subject, HasSubstr("?=\r\n =?UTF-8?B?"));
  for (const char c : headers)
    ASSERT_LT(static_cast<unsigned char>(c), 0x80);
}

/// A subject with all its lines.
std::string subject_of(const std::string& message) {
  const std::string headers = headers_of(message);
  const std::size_t begin = headers.find("Subject: ");
  return headers.substr(begin, headers.find("\r\nMessage-ID") - begin);
}

TEST(MailText, ALongPlainSubjectStaysReadable) {
  Alert plain = alert();
  plain.rule = "credentials_refused";
  plain.verdict = "the account may not use the interface any more, says the vendor, since its plan has changed";
  const std::string subject = subject_of(report::mail_message(plain, kEnvelope));
  EXPECT_EQ(subject,
            "Subject: [surveysync] WARNING us: credentials refused (the account may not\r\n"
            " use the interface any more, says the vendor, since its plan has changed)");
}

TEST(MailText, NoLineOfASubjectIsTooLong) {
  for (const std::string& verdict : {std::string(300, 'x'), std::string("ü") + std::string(299, 'x'),
                                     std::string("a =?UTF-8?B?x?= b") + std::string(100, ' '), std::string("a  b")}) {
    Alert long_one = alert();
    long_one.verdict = verdict;
    const std::string subject = subject_of(report::mail_message(long_one, kEnvelope));
    for (std::size_t begin = 0; begin < subject.size();) {
      const std::size_t end = std::min(subject.find("\r\n", begin), subject.size());
      EXPECT_LE(end - begin, 76U) << subject;
      EXPECT_NE(subject.find_first_not_of(" \r\n", begin), std::string::npos) << "a line of blanks: " << subject;
      begin = end + 2;
    }
  }
}

TEST(MailText, DotsAtTheBeginningOfALineAreDoubledAndTheEndIsMarked) {
  EXPECT_EQ(report::mail_data("a\r\n.\r\n..b\r\nc.\r\n"), "a\r\n..\r\n...b\r\nc.\r\n.\r\n");
  EXPECT_EQ(report::mail_data("a"), "a\r\n.\r\n");
  EXPECT_EQ(report::mail_data(".a\r\n"), "..a\r\n.\r\n");
}

TEST(MailText, AddressesAreBare) {
  EXPECT_TRUE(report::is_mail_address("ops+night@mail.example.org"));
  for (const char* const bad :
       {"", "ops", "@x", "ops@", "a@b@c", "Ops <ops@example.org>", "ops@example.org\r\nRCPT TO:<x@y>", "a b@c"})
    EXPECT_FALSE(report::is_mail_address(bad)) << bad;
}

TEST(MailText, Base64IsThatOfRfc4648) {
  EXPECT_EQ(report::base64(""), "");
  EXPECT_EQ(report::base64("f"), "Zg==");
  EXPECT_EQ(report::base64("fo"), "Zm8=");
  EXPECT_EQ(report::base64("foo"), "Zm9v");
  EXPECT_EQ(report::base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(report::base64(std::string("\0u\0p", 4)), "AHUAcA==");
}

}  // namespace
}  // namespace surveysync::test
