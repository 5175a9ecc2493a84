// How alerts look on each channel.

#include "report/alert_formats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"

namespace surveysync::test {
namespace {

using report::Alert;
using report::AlertState;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr UtcTime kSince{std::chrono::microseconds(1'763'800'000'250'000)};

Alert refused_key() {
  Alert alert;
  alert.key = "credentials_refused/us";
  alert.rule = "credentials_refused";
  alert.source = "us";
  alert.severity = "critical";
  alert.verdict = "rotated";
  alert.evidence = "\"Login failed\" <on> every & any endpoint";
  alert.affected = "nothing of us is loaded";
  alert.next_step = "put the new pair into /etc/surveysync/secrets/us.key";
  alert.host = "warehouse1";
  alert.since = kSince;
  alert.at = kSince + std::chrono::seconds(2);
  return alert;
}

Alert resolved() {
  Alert alert = refused_key();
  alert.state = AlertState::resolved;
  alert.message = "the key 12ab34cd is accepted";
  alert.resolved_at = kSince + std::chrono::hours(1);
  return alert;
}

TEST(AlertFormats, ATitleSaysHowBadWhereAndWhat) {
  EXPECT_EQ(report::alert_title(refused_key()), "CRITICAL us: credentials refused (rotated)");
  EXPECT_EQ(report::alert_title(resolved()), "RESOLVED us: credentials refused (rotated)");
  Alert again = refused_key();
  again.state = AlertState::repeated;
  EXPECT_EQ(report::alert_title(again), "CRITICAL us: credentials refused (rotated), still");
  again.state = AlertState::test;
  again.source.clear();
  again.verdict = "a\nb";
  EXPECT_EQ(report::alert_title(again), "TEST: credentials refused (a b)");
}

TEST(AlertFormats, WithoutASourceATitleSaysWhatItIsAbout) {
  Alert crash = refused_key();
  crash.key = "unit_failed/surveysync.service/warehouse1";
  crash.rule = "unit_failed";
  crash.source = crash.verdict = "";
  EXPECT_EQ(report::alert_title(crash), "CRITICAL: unit failed: surveysync.service on warehouse1");
  crash.key = "database_unreachable/warehouse1";
  crash.rule = "database_unreachable";
  EXPECT_EQ(report::alert_title(crash), "CRITICAL: database unreachable: warehouse1");
  crash.key = crash.rule;
  EXPECT_EQ(report::alert_title(crash), "CRITICAL: database unreachable");
}

TEST(AlertFormats, CommandsStandOnLinesOfTheirOwn) {
  Alert alert = refused_key();
  alert.next_step = "See why, then start it again:\njournalctl -u x -n 100\nsystemctl start x";
  EXPECT_THAT(report::alert_text(alert), HasSubstr("What to do:   See why, then start it again:\n"
                                                   "              journalctl -u x -n 100\n"
                                                   "              systemctl start x\n"));
  json::Document document;
  EXPECT_THAT(
      std::string(document.parse_copy(report::slack_body(alert))["text"].text()),
      HasSubstr("*What to do:* See why, then start it again:\n`journalctl -u x -n 100`\n`systemctl start x`\n"));
  const std::string one = "See why, then start it again: journalctl -u x -n 100; systemctl start x";
  EXPECT_EQ(report::in_one_line(alert.next_step), one);
  EXPECT_THAT(report::command_environment(alert), ::testing::Contains("SURVEYSYNC_ALERT_NEXT_STEP=" + one));
  EXPECT_THAT(report::journal_alert(alert), ::testing::Contains("SURVEYSYNC_NEXT_STEP=" + one));
}

TEST(AlertFormats, ATextHasAllThatAPersonNeeds) {
  const std::string text = report::alert_text(refused_key());
  for (const char* const part : {"Login failed", "2025-11-22T08:26:40Z", "nothing of us is loaded",
                                 "put the new pair into", "credentials_refused/us", "warehouse1"})
    EXPECT_THAT(text, HasSubstr(part));
  const std::string over = report::alert_text(resolved());
  EXPECT_THAT(over, HasSubstr("the key 12ab34cd is accepted"));
  EXPECT_THAT(over, HasSubstr("2025-11-22T09:26:40Z"));
  EXPECT_THAT(over, Not(HasSubstr("put the new pair"))) << "nobody must do anything any more";
}

TEST(AlertFormats, TheBodyOfAWebhookIsJsonWithEverything) {
  json::Document document_text;
  const json::Value document = document_text.parse_copy(report::webhook_body(refused_key()));
  EXPECT_EQ(document["status"].text(), "open");
  EXPECT_EQ(document["event"].text(), "opened");
  EXPECT_EQ(document["key"].text(), "credentials_refused/us");
  EXPECT_EQ(document["evidence"].text(), "\"Login failed\" <on> every & any endpoint");
  EXPECT_EQ(document["affected"].text(), "nothing of us is loaded");
  EXPECT_EQ(document["since"].text(), "2025-11-22T08:26:40.25Z");
  EXPECT_EQ(document["resolved_at"].raw(), "null");
  json::Document over_text;
  const json::Value over = over_text.parse_copy(report::webhook_body(resolved()));
  EXPECT_EQ(over["status"].text(), "resolved");
  EXPECT_EQ(over["message"].text(), "the key 12ab34cd is accepted");
}

TEST(AlertFormats, BadBytesAreReplacedAndLinesKept) {
  Alert alert = refused_key();
  alert.evidence = "a\xff\x01\nb";
  const std::string body = report::webhook_body(alert);
  EXPECT_THAT(body, HasSubstr("a\xEF\xBF\xBD<01>\\nb"));
}

/// The digest is that of `printf '1763800002.{"a":1}' | openssl dgst -sha256 -hmac whsec-test`.
TEST(AlertFormats, TheSignatureIsThatOfOpenssl) {
  EXPECT_EQ(report::webhook_signature("whsec-test", 1'763'800'002, "{\"a\":1}"),
            "t=1763800002,v1=4e9f73c3c7c53cae3809bca8e4a38b712b5f9584518ea1bd621702fa79d16de4");
  EXPECT_NE(report::webhook_signature("whsec-test", 1'763'800'003, "{\"a\":1}"),
            report::webhook_signature("whsec-test", 1'763'800'002, "{\"a\":1}"));
}

TEST(AlertFormats, SlackReadsNoMarkupInTexts) {
  json::Document document_text;
  const json::Value document = document_text.parse_copy(report::slack_body(refused_key()));
  const std::string text(document["text"].text());
  EXPECT_THAT(text, HasSubstr("&lt;on&gt; every &amp; any"));
  EXPECT_THAT(text, HasSubstr(":red_circle: *CRITICAL us: credentials refused (rotated)*"));
  Alert longer = refused_key();
  longer.evidence = std::string(100'000, 'x');
  EXPECT_LT(report::slack_body(longer).size(), 6'000U);
  EXPECT_THAT(report::slack_body(resolved()), HasSubstr(":white_check_mark:"));
}

TEST(AlertFormats, PagerDutyTriggersAndResolvesUnderOneKey) {
  json::Document opened_text;
  const json::Value opened = opened_text.parse_copy(report::pagerduty_body(refused_key(), "routing-key"));
  EXPECT_EQ(opened["event_action"].text(), "trigger");
  EXPECT_EQ(opened["routing_key"].text(), "routing-key");
  EXPECT_EQ(opened["payload"]["severity"].text(), "critical");
  EXPECT_EQ(opened["payload"]["source"].text(), "warehouse1");
  json::Document over_text;
  const json::Value over = over_text.parse_copy(report::pagerduty_body(resolved(), "routing-key"));
  EXPECT_EQ(over["event_action"].text(), "resolve");
  EXPECT_EQ(over["dedup_key"].text(), opened["dedup_key"].text());
}

TEST(AlertFormats, DedupKeysAreShortAndTellLongKeysApart) {
  Alert alert = refused_key();
  EXPECT_EQ(report::pagerduty_dedup_key(alert), "surveysync/credentials_refused/us");
  alert.key = "unit_failed/" + std::string(400, 'u') + "a";
  const std::string one = report::pagerduty_dedup_key(alert);
  EXPECT_LE(one.size(), 255U);
  alert.key.back() = 'b';
  EXPECT_NE(report::pagerduty_dedup_key(alert), one);
}

TEST(AlertFormats, LabelsAreStableAndAnnotationsAreNot) {
  const UtcTime until = kSince + std::chrono::hours(2);
  Alert later = refused_key();
  later.state = AlertState::repeated;
  later.evidence = "other words";
  later.verdict = "mistyped";
  const auto labels = [&](const Alert& alert) {
    const std::string body = report::alertmanager_body({alert}, until);
    return body.substr(0, body.find("\"annotations\""));
  };
  EXPECT_EQ(labels(refused_key()), labels(later));
  EXPECT_EQ(labels(refused_key()), labels(resolved()));
  const std::string open = report::alertmanager_body({refused_key()}, until);
  EXPECT_THAT(open, HasSubstr(R"("alertname":"surveysync_credentials_refused")"));
  EXPECT_THAT(open, HasSubstr(R"("startsAt":"2025-11-22T08:26:40.25Z","endsAt":"2025-11-22T10:26:40.25Z")"));
  EXPECT_THAT(report::alertmanager_body({resolved()}, until), HasSubstr(R"("endsAt":"2025-11-22T09:26:40.25Z")"));
}

TEST(AlertFormats, OneThatIsRaisedEndsItsMilderSelf) {
  Alert alert = refused_key();
  alert.state = AlertState::raised;
  json::Document document_text;
  const json::Value document =
      document_text.parse_copy(report::alertmanager_body({alert}, kSince + std::chrono::hours(2)));
  std::vector<std::string> told;
  for (const json::Value one : document.items())
    told.push_back(std::string(one["labels"]["severity"].text()) + " " + std::string(one["endsAt"].text()));
  EXPECT_EQ(told, (std::vector<std::string>{"critical 2025-11-22T10:26:40.25Z", "warning 2025-11-22T08:26:42.25Z"}));
}

TEST(AlertFormats, TheJournalFindsThemByTheirMessageId) {
  const std::vector<std::string> open = report::journal_alert(refused_key()), over = report::journal_alert(resolved());
  EXPECT_THAT(open, ::testing::Contains(std::string("MESSAGE_ID=") + report::kJournalOpened));
  EXPECT_THAT(open, ::testing::Contains("PRIORITY=2"));
  EXPECT_THAT(open, ::testing::Contains("SURVEYSYNC_KEY=credentials_refused/us"));
  EXPECT_THAT(over, ::testing::Contains(std::string("MESSAGE_ID=") + report::kJournalResolved));
}

TEST(AlertFormats, ACommandGetsOneLineValues) {
  Alert alert = refused_key();
  alert.next_step = "first\nsecond";
  EXPECT_THAT(report::command_environment(alert), ::testing::Contains("SURVEYSYNC_ALERT_NEXT_STEP=first second"));
}

TEST(Channels, HearWhatTheyAskFor) {
  report::ChannelOptions all;
  all.name = "ops";
  all.type = "webhook";
  EXPECT_TRUE(report::wants(all, refused_key()));
  report::ChannelOptions other = all;
  other.sources = {"eu"};
  EXPECT_FALSE(report::wants(other, refused_key()));
  report::ChannelOptions critical = all;
  critical.severity = "critical";
  EXPECT_TRUE(report::wants(critical, refused_key()));
  Alert warning = refused_key();
  warning.severity = "warning";
  EXPECT_FALSE(report::wants(critical, warning));
  report::ChannelOptions ping = all;
  ping.type = "ping";
  EXPECT_FALSE(report::wants(ping, refused_key()));
  Alert certified = refused_key();
  certified.state = AlertState::certified;
  EXPECT_TRUE(report::wants(ping, certified));
  EXPECT_FALSE(report::wants(all, certified));
}

TEST(Channels, AreNotToldThatTheyFailThemselves) {
  report::ChannelOptions ops, chat;
  ops.name = "ops";
  chat.name = "chat";
  ops.type = chat.type = "webhook";
  Alert failing = refused_key();
  failing.source.clear();
  failing.key = std::string(report::kDeliveryRule) + "/ops";
  EXPECT_FALSE(report::wants(ops, failing));
  EXPECT_TRUE(report::wants(chat, failing));
  failing.key += "/warehouse1";
  EXPECT_FALSE(report::wants(ops, failing));
  ops.name = "op";
  EXPECT_TRUE(report::wants(ops, failing));
}

}  // namespace
}  // namespace surveysync::test
