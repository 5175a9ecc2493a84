// The table of product.md section 5, row by row.
#include "http/key_verdict.h"

#include <gtest/gtest.h>

namespace surveysync::http {
namespace {

const std::vector<std::string> kOld{"aaaaaaaa", "bbbbbbbb"};

KeyEvidence evidence(Refusal refusal) {
  KeyEvidence made;
  made.refusal = refusal;
  made.words = "answered 401: Login failed / Invalid auth token";
  made.reference = "file:/etc/surveysync/secrets/us.key";
  made.fingerprint = "1a2b3c4d";
  made.lines = kOld;
  return made;
}

struct Row {
  const char* name;
  const char* verdict;
  KeyEvidence given;
  std::vector<const char*> evidence_says, step_says;
};

Row row(const char* name, const char* verdict, Refusal refusal, void (*change)(KeyEvidence&),
        std::vector<const char*> evidence_says, std::vector<const char*> step_says) {
  KeyEvidence given = evidence(refusal);
  change(given);
  return {name, verdict, given, std::move(evidence_says), std::move(step_says)};
}

class Verdicts : public testing::TestWithParam<Row> {};

TEST_P(Verdicts, AreGivenWithEvidenceAndANextStep) {
  const Row& row = GetParam();
  const KeyVerdict found = judge_key(row.given);
  EXPECT_EQ(found.verdict, row.verdict);
  EXPECT_NE(found.evidence.find("Login failed / Invalid auth token"), std::string::npos) << "the vendor's words";
  EXPECT_NE(found.evidence.find("1a2b3c4d"), std::string::npos) << "which key";
  for (const char* const text : row.evidence_says)
    EXPECT_NE(found.evidence.find(text), std::string::npos) << text << " in " << found.evidence;
  for (const char* const text : row.step_says)
    EXPECT_NE(found.next_step.find(text), std::string::npos) << text << " in " << found.next_step;
  EXPECT_EQ(judge_key(row.given), found) << "pure";
}

constexpr const char* kFile = "/etc/surveysync/secrets/us.key";

INSTANTIATE_TEST_SUITE_P(
    Table, Verdicts,
    testing::Values(
        row("Rotated", "rotated", Refusal::pair,
            [](KeyEvidence& e) {
              e.worked = true;
              e.last_good_at = UtcTime(std::chrono::hours(1));
            },
            {"it last worked at 1970-01-01T01:00:00Z", "still holds the same key"}, {kFile, "within seconds"}),
        row("RotatedWithTheWordsForANeverValidPair", "rotated", Refusal::never_valid,
            [](KeyEvidence& e) { e.worked = true; }, {"it worked before"}, {kFile}),
        row("RotatedBackToAKeyThatWorkedOnce", "rotated", Refusal::pair,
            [](KeyEvidence& e) {
              e.worked = true;
              e.good_lines = {"aaaaaaaa", "dddddddd"};
            },
            {}, {kFile}),
        row("Mistyped", "mistyped", Refusal::never_valid,
            [](KeyEvidence& e) { e.oddities = {"line 2 has a blank inside"}; },
            {"never worked here", "line 2 has a blank inside"}, {kFile, "without quotes"}),
        row("MistypedInTheWordsForADeletedKey", "mistyped", Refusal::pair, [](KeyEvidence&) {}, {"never worked here"},
            {kFile}),
        row("MistypedInBothLinesAfterAGoodKey", "mistyped", Refusal::pair,
            [](KeyEvidence& e) {
              e.good_lines = {"cccccccc", "dddddddd"};
            },
            {}, {kFile}),
        row("HalfRotatedSecretForgotten", "half_rotated", Refusal::never_valid,
            [](KeyEvidence& e) {
              e.good_lines = {"cccccccc", "bbbbbbbb"};
            },
            {"line 1 changed from cccccccc to aaaaaaaa", "line 2 is still that of the key that last worked"},
            {"both lines", kFile}),
        row("HalfRotatedTokenForgotten", "half_rotated", Refusal::pair,
            [](KeyEvidence& e) {
              e.good_lines = {"aaaaaaaa", "dddddddd"};
            },
            {"line 2 changed"}, {kFile}),
        row("WrongRegion", "wrong_region", Refusal::pair, [](KeyEvidence& e) { e.accepted_elsewhere = "eu"; },
            {"region eu accepts it"}, {"region = \"eu\"", "SIGHUP"}),
        row("ARegionSaysNothingAboutAKeyThatWorkedHere", "rotated", Refusal::pair,
            [](KeyEvidence& e) {
              e.accepted_elsewhere = "eu";
              e.worked = true;
            },
            {}, {}),
        row("PermissionDenied", "permission_denied", Refusal::access, [](KeyEvidence& e) { e.account_accepts = true; },
            {"may read the account"}, {"permission", "asked again by itself"}),
        row("AccessDisabled", "access_disabled", Refusal::access, [](KeyEvidence& e) { e.worked = true; },
            {"also that for the account"}, {"API access", "asked again by itself"})),
    [](const auto& about) { return std::string(about.param.name); });

TEST(KeyVerdict, OtherRegionsAreAskedOnlyForAKeyThatNeverWorked) {
  EXPECT_TRUE(may_belong_elsewhere(evidence(Refusal::pair)));
  EXPECT_TRUE(may_belong_elsewhere(evidence(Refusal::never_valid)));
  EXPECT_FALSE(may_belong_elsewhere(evidence(Refusal::access)));
  KeyEvidence worked = evidence(Refusal::pair);
  worked.worked = true;
  EXPECT_FALSE(may_belong_elsewhere(worked));
  KeyEvidence follows_a_good_one = evidence(Refusal::pair);
  follows_a_good_one.good_lines = kOld;
  EXPECT_FALSE(may_belong_elsewhere(follows_a_good_one));
}

TEST(KeyVerdict, AMissingSecretNamesTheFile) {
  const KeyVerdict found = missing_key("file:/run/us.key", "secret file /run/us.key cannot be read: No such file");
  EXPECT_EQ(found.verdict, "missing");
  EXPECT_NE(found.evidence.find("No such file"), std::string::npos);
  EXPECT_NE(found.next_step.find("/run/us.key"), std::string::npos);
}

TEST(KeyVerdict, AFileThatCannotBeReadAnyMoreHoldsNoKey) {
  KeyEvidence emptied = evidence(Refusal::pair);
  emptied.worked = true;
  emptied.unreadable = "secret file /run/us.key is empty";
  const KeyVerdict found = judge_key(emptied);
  EXPECT_EQ(found.evidence.find("the same key"), std::string::npos) << found.evidence;
  EXPECT_NE(found.evidence.find("is empty"), std::string::npos) << found.evidence;
  EXPECT_NE(found.next_step.find("and write them into "), std::string::npos) << found.next_step;
}

TEST(KeyVerdict, TheNetworkIsNeverTheKey) {
  EXPECT_EQ(undecided_key("no route to host").verdict, "indeterminate");
  EXPECT_EQ(resting_key().verdict, "indeterminate");
}

TEST(KeyVerdict, TheWayToReplaceAKeyDependsOnItsPlace) {
  EXPECT_NE(write_to("file:/a", "it").find("within seconds"), std::string::npos);
  EXPECT_NE(write_to("credential:us.key", "it").find("restart"), std::string::npos);
  EXPECT_NE(write_to("env:US_KEY", "it").find("restart"), std::string::npos);
  EXPECT_NE(write_to("exec:vault", "it").find("SIGHUP"), std::string::npos);
}

TEST(KeyVerdict, OddKeysAreDescribedAndNeverShown) {
  Credential credential;
  for (const char* const line :
       {"short", "token with blank", "token with blank", "qu\"oted-token", "t\xC3\xB6kent\xC3\xB6ken"})
    credential.lines.emplace_back(std::string(line));
  credential.warnings = {"quotes around a line trimmed", "environment variables leak"};
  std::string all;
  for (const std::string& one : key_oddities(credential))
    all += one + "\n";
  for (const char* const text : {"line 1 has only 5 characters", "line 2 has a blank inside", "line 3 is the same",
                                 "line 4 has quotes", "line 5 has characters that no key has", "quotes around"})
    EXPECT_NE(all.find(text), std::string::npos) << text << " in " << all;
  EXPECT_EQ(all.find("token"), std::string::npos);
  EXPECT_EQ(all.find("environment"), std::string::npos);
}

}  // namespace
}  // namespace surveysync::http
