// Every name of the OAuth problem reporting extension and of Adobe's list, wherever it may stand, to its verdict.
#include "http/oauth1_problem.h"

#include <gtest/gtest.h>

#include "http/key_verdict.h"
#include "http/oauth1.h"
#include "support/scripted_transport.h"

namespace surveysync::http {
namespace {

using std::chrono::seconds;

struct Expected {
  const char* name;
  Refusal refusal;
  const char* never_worked;  ///< the verdict on a key that never worked
  const char* worked;        ///< on one that did
};
const Expected kNames[] = {
    {"timestamp_refused", Refusal::clock, "clock_skew", "clock_skew"},
    {"nonce_used", Refusal::nonce, "signature_refused", "signature_refused"},
    {"signature_invalid", Refusal::signature, "signature_refused", "signature_refused"},
    {"signature_method_rejected", Refusal::signature, "signature_refused", "signature_refused"},
    {"version_rejected", Refusal::signature, "signature_refused", "signature_refused"},
    {"parameter_absent", Refusal::signature, "signature_refused", "signature_refused"},
    {"parameter_rejected", Refusal::signature, "signature_refused", "signature_refused"},
    {"consumer_key_unknown", Refusal::never_valid, "mistyped", "rotated"},
    {"consumer_key_rejected", Refusal::never_valid, "mistyped", "rotated"},
    {"consumer_key_refused", Refusal::access, "access_disabled", "access_disabled"},
    {"token_expired", Refusal::expired, "expired", "expired"},
    {"token_revoked", Refusal::revoked, "revoked", "revoked"},
    {"token_rejected", Refusal::token, "mistyped", "rotated"},
    {"token_used", Refusal::token, "mistyped", "rotated"},
    {"verifier_invalid", Refusal::token, "mistyped", "rotated"},
    {"permission_unknown", Refusal::access, "access_disabled", "access_disabled"},
    {"permission_denied", Refusal::access, "access_disabled", "access_disabled"},
    {"user_refused", Refusal::access, "access_disabled", "access_disabled"},
    {"additional_authorization_required", Refusal::access, "access_disabled", "access_disabled"},
};

Judgement judge_object(const Response& response) {
  if (response.body.find("result_ok\":false") == std::string::npos) return {};
  return {false, response.status == 400 ? ErrorKind::rejected : ErrorKind::unauthorized, response.body, false,
          Refusal::access};
}

KeyEvidence evidence_of(Refusal refusal, bool worked) {
  KeyEvidence evidence;
  evidence.refusal = refusal;
  evidence.words = "some words";
  evidence.reference = "file:/secrets/us.consumer";
  evidence.fingerprint = "0123abcd";
  evidence.lines = {"a", "b", "c", "d"};
  evidence.worked = worked;
  if (worked) evidence.good_lines = evidence.lines;
  evidence.oauth = OAuthEvidence{"us", "file:/secrets/us.token", {}};
  return evidence;
}

std::vector<Response> ways_to_say(const std::string& name) {
  using test::answer;
  return {
      answer(401, "oauth_problem=" + name),
      answer(400, "oauth_problem=" + name + "&oauth_problem_advice=see%20signature_invalid"),
      answer(401, "", {{"WWW-Authenticate", "OAuth realm=\"https://x/\", oauth_problem=\"" + name + "\""}}),
      answer(401, "<html>no</html>", {{"www-authenticate", "oauth oauth_problem=" + name}}),
      answer(401, R"({"result_ok":false,"code":401,"message":"oauth_problem=)" + name + "\"}"),
      answer(400, R"({"result_ok":false,"code":"400","message":")" + name + "\"}"),
      answer(200, R"({"result_ok":false,"code":401,"message":"oauth_problem=)" + name + "\"}"),
      answer(401, R"({"oauth_problem":")" + name + "\"}"),
      answer(401, R"({"error":")" + name + "\"}"),
      answer(401, name),
      answer(403, "oauth_problem: " + name + "\n"),
  };
}

TEST(OAuthProblem, EveryNameWhereverItStands) {
  for (const Expected& expected : kNames) {
    for (const Response& response : ways_to_say(expected.name)) {
      const Judgement judgement = judge_signed_response(response, judge_object);
      EXPECT_FALSE(judgement.ok) << expected.name << response.body;
      EXPECT_EQ(judgement.refusal, expected.refusal) << expected.name << " in " << response.body;
      EXPECT_NE(judgement.message.find(expected.name), std::string::npos) << judgement.message;
    }
  }
}

TEST(OAuthProblem, EveryNameToItsVerdict) {
  for (const Expected& expected : kNames) {
    EXPECT_EQ(judge_key(evidence_of(expected.refusal, false)).verdict, expected.never_worked) << expected.name;
    const KeyVerdict verdict = judge_key(evidence_of(expected.refusal, true));
    EXPECT_EQ(verdict.verdict, expected.worked) << expected.name;
    EXPECT_FALSE(verdict.next_step.empty());
  }
}

TEST(OAuthProblem, OtherWordsForTheSame) {
  struct Case {
    const char *words, *name;
  };
  const Case cases[] = {
      {"Invalid signature", "signature_invalid"},
      {"Expired timestamp, yours 1318622958, ours 1318624158", "timestamp_refused"},
      {"Timestamp is out of sequence.", "timestamp_refused"},
      {"Nonce already used: abc", "nonce_used"},
      {"Invalid consumer key", "consumer_key_unknown"},
      {"Invalid access token: xyz", "token_rejected"},
      {"The token has been revoked", "token_revoked"},
      {"Token has expired", "token_expired"},
  };
  for (const Case& one : cases) {
    const auto problem = find_oauth_problem(one.words);
    ASSERT_TRUE(problem) << one.words;
    EXPECT_EQ(problem->name, one.name);
  }
  for (const char* const nothing :
       {"", "Login failed / Invalid auth token", "Invalid api_token or api_token_secret supplied", "a signature",
        "tokens_expired", "xtimestamp_refused"})
    EXPECT_FALSE(find_oauth_problem(nothing)) << nothing;
}

TEST(OAuthProblem, AnUnknownNameIsARefusalAllTheSame) {
  const Judgement judgement =
      judge_signed_response(test::answer(401, "oauth_problem=moon_in_the_wrong_phase"), nullptr);
  EXPECT_EQ(judgement.kind, ErrorKind::unauthorized);
  EXPECT_EQ(judgement.refusal, Refusal::pair);
}

TEST(OAuthProblem, TellsTheTimesThatAreAccepted) {
  const Judgement judgement = judge_signed_response(
      test::answer(400, "oauth_problem=timestamp_refused&oauth_acceptable_timestamps=1318622358-1318622958"), nullptr);
  ASSERT_TRUE(judgement.vendor_time);
  EXPECT_EQ(*judgement.vendor_time, UtcTime(seconds(1'318'622'658)));
  for (const char* const odd : {"oauth_acceptable_timestamps=", "oauth_acceptable_timestamps=9-3",
                                "oauth_acceptable_timestamps=1-99999999999999999999", "oauth_acceptable_timestamps=5"})
    EXPECT_FALSE(
        judge_signed_response(test::answer(400, std::string("oauth_problem=timestamp_refused&") + odd), nullptr)
            .vendor_time)
        << odd;
}

TEST(OAuthProblem, GoodAnswersAreNotSearched) {
  EXPECT_TRUE(judge_signed_response(test::answer(200, R"({"result_ok":true,"data":["oauth_problem=nonce_used"]})"),
                                    judge_object)
                  .ok);
  const Judgement broken = judge_signed_response(test::answer(503, "oauth_problem=nonce_used"), judge_object);
  EXPECT_EQ(broken.kind, ErrorKind::unavailable);
  const Judgement page = judge_signed_response(test::answer(401, "<html>token_expired</html>"), judge_object);
  EXPECT_EQ(page.kind, ErrorKind::unavailable) << "a page in between says nothing about the key";
}

TEST(OAuthVerdict, TheClockWhenTheDatesDiffer) {
  KeyEvidence evidence = evidence_of(Refusal::signature, false);
  evidence.oauth->clock_skew = seconds(1200);
  KeyVerdict verdict = judge_key(evidence);
  EXPECT_EQ(verdict.verdict, "clock_skew");
  EXPECT_NE(verdict.evidence.find("this host's clock is 20m behind the vendor's"), std::string::npos)
      << verdict.evidence;
  evidence.oauth->clock_skew = seconds(-61);
  EXPECT_EQ(judge_key(evidence).verdict, "clock_skew");
  evidence.oauth->clock_skew = seconds(-59);
  verdict = judge_key(evidence);
  EXPECT_EQ(verdict.verdict, "signature_refused");
  EXPECT_NE(verdict.next_step.find("proxy"), std::string::npos);
}

TEST(OAuthVerdict, ATokenThatIsOverNeedsAPerson) {
  for (const Refusal refusal : {Refusal::expired, Refusal::revoked, Refusal::token}) {
    EXPECT_NE(judge_key(evidence_of(refusal, true)).next_step.find("surveysync authorize us"), std::string::npos);
  }
}

TEST(OAuthVerdict, OneNewLineInOneOfTheFiles) {
  KeyEvidence evidence = evidence_of(Refusal::never_valid, false);
  evidence.good_lines = {"a", "old", "c", "d"};
  KeyVerdict verdict = judge_key(evidence);
  EXPECT_EQ(verdict.verdict, "half_rotated");
  EXPECT_NE(verdict.evidence.find("us.consumer"), std::string::npos);
  evidence.good_lines = {"a", "b", "old", "d"};
  evidence.refusal = Refusal::pair;
  EXPECT_EQ(judge_key(evidence).verdict, "half_rotated");
  evidence.good_lines = {"a", "b", "old", "older"};  // a new token beside the consumer's key is no half
  EXPECT_EQ(judge_key(evidence).verdict, "mistyped");
  evidence.good_lines = {"a", "b"};
  EXPECT_EQ(judge_key(evidence).verdict, "mistyped");
}

TEST(OAuthVerdict, AnotherRegionTakesIt) {
  KeyEvidence evidence = evidence_of(Refusal::never_valid, false);
  EXPECT_TRUE(may_belong_elsewhere(evidence));
  evidence.accepted_elsewhere = "eu";
  EXPECT_EQ(judge_key(evidence).verdict, "wrong_region");
}

TEST(KeyVerdict, TheFourWordsOfAVendorThatSaysWhatIsWrong) {
  KeyEvidence evidence = evidence_of(Refusal::absent, false);
  evidence.oauth.reset();
  EXPECT_EQ(judge_key(evidence).verdict, "missing");
  evidence.refusal = Refusal::invalid;
  EXPECT_EQ(judge_key(evidence).verdict, "invalid");
  evidence.worked = true;
  EXPECT_EQ(judge_key(evidence).verdict, "rotated");
  evidence.refusal = Refusal::expired;
  EXPECT_EQ(judge_key(evidence).verdict, "expired");
  evidence.refusal = Refusal::revoked;
  EXPECT_EQ(judge_key(evidence).verdict, "revoked");
}

}  // namespace
}  // namespace surveysync::http
