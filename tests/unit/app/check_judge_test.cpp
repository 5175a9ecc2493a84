// What `check` thinks of plain facts.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "app/check_judge.h"

namespace surveysync::app {
namespace {

using std::chrono::hours;

constexpr uid_t kUs = 1000, kService = 999, kOther = 1234;

SecretFileFacts sound() {
  SecretFileFacts facts;
  facts.path = "/etc/surveysync/secrets/us.key";
  facts.exists = true;
  facts.mode = S_IFREG | 0600;
  facts.owner = kUs;
  facts.directory = "/etc/surveysync/secrets";
  facts.directory_mode = S_IFDIR | 0750;
  return facts;
}

CheckResult judged(const SecretFileFacts& facts, uid_t us = kUs, std::optional<uid_t> service = std::nullopt) {
  return judge_secret_file("permissions us", facts, {us, service});
}

TEST(SecretFileTest, ASoundOnePasses) {
  EXPECT_EQ(judged(sound()).verdict, Verdict::pass);
  SecretFileFacts link = sound();
  link.link_to = "/run/secrets/us.key";
  const CheckResult result = judged(link);
  EXPECT_EQ(result.verdict, Verdict::pass);
  EXPECT_NE(result.message.find("a link to /run/secrets/us.key"), std::string::npos);
}

TEST(SecretFileTest, WhatOthersCanReadFails) {
  for (const mode_t mode : {0640U, 0604U, 0644U, 0660U, 0601U}) {
    SecretFileFacts facts = sound();
    facts.mode = S_IFREG | mode;
    const CheckResult result = judged(facts);
    EXPECT_EQ(result.verdict, Verdict::fail) << mode;
    EXPECT_NE(result.hint.find("chmod 0600 /etc/surveysync/secrets/us.key"), std::string::npos) << result.hint;
  }
}

TEST(SecretFileTest, WhatIsMissingOrNoFileFails) {
  SecretFileFacts facts = sound();
  facts.exists = false;
  EXPECT_EQ(judged(facts).verdict, Verdict::fail);
  facts = sound();
  facts.regular = false;
  EXPECT_EQ(judged(facts).verdict, Verdict::fail);
}

TEST(SecretFileTest, AnotherOwnerFails) {
  SecretFileFacts facts = sound();
  facts.owner = kOther;
  EXPECT_EQ(judged(facts).verdict, Verdict::fail);
  facts.owner = 0;
  EXPECT_EQ(judged(facts).verdict, Verdict::pass);
  facts.readable = false;
  EXPECT_EQ(judged(facts).verdict, Verdict::fail);
}

TEST(SecretFileTest, WhoeverMayWriteTheDirectoryMayReplaceTheSecret) {
  SecretFileFacts facts = sound();
  facts.directory_mode = S_IFDIR | 0777;
  EXPECT_EQ(judged(facts).verdict, Verdict::fail);
  facts.directory_mode = S_IFDIR | S_ISVTX | 0777;
  EXPECT_EQ(judged(facts).verdict, Verdict::pass);
  facts.directory_mode = S_IFDIR | 0770;
  EXPECT_EQ(judged(facts).verdict, Verdict::warn);
  facts = sound();
  facts.directory_owner = kOther;
  EXPECT_EQ(judged(facts).verdict, Verdict::fail);
}

TEST(SecretFileTest, RootIsToldThatTheServiceCannotReadIt) {
  SecretFileFacts facts = sound();
  facts.owner = 0;
  EXPECT_EQ(judged(facts, 0, kService).verdict, Verdict::warn);
  EXPECT_EQ(judged(facts, 0).verdict, Verdict::pass);
  facts.owner = kService;
  EXPECT_EQ(judged(facts, 0, kService).verdict, Verdict::pass);
}

TEST(CertificateTest, IsWarnedOfThreeWeeksBefore) {
  const UtcTime now(hours(24 * 20000));
  const auto verdict = [&](int days) {
    return judge_certificate("c", "the vendor's certificate", now + hours(24 * days) + hours(1), now);
  };
  EXPECT_EQ(verdict(21).verdict, Verdict::pass);
  EXPECT_EQ(verdict(20).verdict, Verdict::warn);
  EXPECT_NE(verdict(1).message.find("1 more day,"), std::string::npos);
  EXPECT_NE(verdict(-3).message.find("ended on"), std::string::npos);
  EXPECT_EQ(verdict(-3).verdict, Verdict::warn);
}

TEST(DatabaseTlsTest, OffLoopbackTheServerMustBeVerified) {
  EXPECT_EQ(judge_database_tls("t", {true, "prefer", ""}).verdict, Verdict::pass);
  EXPECT_EQ(judge_database_tls("t", {false, "prefer", ""}).verdict, Verdict::warn);
  for (const char* const weak : {"prefer", "require", "verify-ca"})
    EXPECT_EQ(judge_database_tls("t", {false, weak, "TLSv1.3"}).verdict, Verdict::warn) << weak;
  EXPECT_EQ(judge_database_tls("t", {false, "verify-full", "TLSv1.3"}).verdict, Verdict::pass);
}

TEST(UnitTest, AllowsWhatExecPathsName) {
  const std::string closed = "[Service]\nNoExecPaths=/\nExecPaths=/usr/bin/surveysync /usr/lib -/usr/lib64\n";
  EXPECT_TRUE(unit_allows("", "/usr/bin/vault"));
  EXPECT_FALSE(unit_allows(closed, "/usr/bin/vault"));
  EXPECT_TRUE(unit_allows(closed, "/usr/bin/surveysync"));
  EXPECT_FALSE(unit_allows(closed, "/usr/bin/surveysync-too"));
  EXPECT_TRUE(unit_allows(closed, "/usr/lib/vault/run"));
  EXPECT_TRUE(unit_allows(closed, "/usr/lib64/x"));
  EXPECT_TRUE(unit_allows(closed + "\nExecPaths=/usr/bin/vault\n", "/usr/bin/vault"));
  EXPECT_FALSE(unit_allows(closed + "\nExecPaths=\n", "/usr/lib/x"));
  EXPECT_TRUE(unit_allows(closed + "\nNoExecPaths=\n", "/usr/bin/vault"));
}

TEST(DeniedTest, FailsWhereSomebodyAskedForIt) {
  SourceConfig source;
  EXPECT_EQ(who_wants(false, false, false, source), Wanted::nobody);
  EXPECT_EQ(who_wants(true, false, false, source), Wanted::nobody);
  EXPECT_EQ(who_wants(false, true, false, source), Wanted::by_name);
  EXPECT_EQ(who_wants(false, false, true, source), Wanted::by_name);
  source.privacy["contacts"] = "off";
  EXPECT_EQ(who_wants(true, false, false, source), Wanted::nobody);
  source.privacy["contacts"] = "hash";
  EXPECT_EQ(who_wants(true, false, false, source), Wanted::privacy);
  EXPECT_EQ(who_wants(false, false, false, source), Wanted::nobody);

  EXPECT_EQ(judge_denied("d", Wanted::nobody, "no").verdict, Verdict::warn);
  EXPECT_EQ(judge_denied("d", Wanted::by_name, "no").verdict, Verdict::fail);
  const CheckResult asked = judge_denied("d", Wanted::privacy, "no");
  EXPECT_EQ(asked.verdict, Verdict::fail);
  EXPECT_NE(asked.hint.find("contacts = \"off\""), std::string::npos);
}

TEST(CheckReportTest, CountsAndShowsHintsLineByLine) {
  CheckReport report([](const CheckResult&) {});
  report.pass("one", "fine");
  report.warn("two", "odd", "mend it");
  EXPECT_FALSE(report.failed());
  report.add({"three", Verdict::fail, "bad", "as the owner:\nGRANT x;\nGRANT y;"});
  EXPECT_TRUE(report.failed());
  EXPECT_EQ(checks_summary(report, false), "\n3 checks: 1 passed, 1 warning, 1 failed\n");
  const std::string line = check_line(report.results().back(), false);
  EXPECT_NE(line.find("\n            GRANT x;\n            GRANT y;\n"), std::string::npos) << line;
  EXPECT_EQ(checks_json(report).find(R"({"ok":false,"passed":1,"warnings":1,"failed":1,"checks":[{"name":"one")"), 0U);
}

}  // namespace
}  // namespace surveysync::app
