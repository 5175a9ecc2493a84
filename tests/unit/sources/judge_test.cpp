#include "sources/alchemer/judge.h"

#include <gtest/gtest.h>

namespace surveysync::sources::alchemer {
namespace {

http::Judgement of(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.body = std::move(body);
  return judge(response);
}

TEST(AlchemerJudge, SoundAnswersAreFine) {
  EXPECT_TRUE(of(200, R"({"result_ok":true,"total_count":"0","data":[]})").ok);
  EXPECT_TRUE(of(200, R"({"id":"1","title":"flat form without envelope"})").ok);
  EXPECT_TRUE(of(200, "\xEF\xBB\xBF{\"result_ok\":true,\"data\":[]}").ok);
}

TEST(AlchemerJudge, LargePagesAreJudgedWhenSplit) {
  EXPECT_TRUE(of(200, R"({"result_ok":true,"data":[")" + std::string(2 * kJudgedBody, 'x') + "\"]}").ok);
}

struct No {
  int status;
  const char* body;
  ErrorKind kind;
};

class AlchemerSaysNo : public testing::TestWithParam<No> {};

TEST_P(AlchemerSaysNo, IsUnderstood) {
  const http::Judgement judgement = of(GetParam().status, GetParam().body);
  EXPECT_FALSE(judgement.ok);
  EXPECT_EQ(judgement.kind, GetParam().kind) << policy(judgement.kind).name << ": " << judgement.message;
}

INSTANTIATE_TEST_SUITE_P(
    Wordings, AlchemerSaysNo,
    testing::Values(
        No{200, R"({"result_ok":false,"code":401,"message":"Login failed \/ Invalid auth token"})",
           ErrorKind::unauthorized},
        No{200, R"({"result_ok":false,"code":"401","message":"Login failed \/ Invalid auth token"})",
           ErrorKind::unauthorized},
        No{401, R"({"result_ok":false,"code":401,"message":"Invalid api_token or api_token_secret supplied"})",
           ErrorKind::unauthorized},
        No{401, R"({"result_ok":false,"code":"401","message":"Invalid credentials"})", ErrorKind::unauthorized},
        No{401, "<html>proxy</html>", ErrorKind::unavailable},
        No{200, R"({"result_ok":false,"code":403,"message":"Permission Denied"})", ErrorKind::denied},
        No{200, R"({"result_ok":false,"code":404,"message":"no such survey"})", ErrorKind::denied},
        No{429, R"({"result_ok":false,"code":429,"message":"You have exceeded the requests per minute"})",
           ErrorKind::throttled},
        No{400, R"({"result_ok":false,"code":400,"message":"Please wait for other requests to complete"})",
           ErrorKind::throttled},
        No{200, R"({"result_ok":false,"code":"429","message":""})", ErrorKind::throttled},
        No{200, R"({"result_ok":false,"code":105,"message":"Service currently unavailable"})", ErrorKind::unavailable},
        No{500, R"({"result_ok":false,"code":500,"message":"oops"})", ErrorKind::unavailable},
        No{400, R"({"result_ok":false,"code":400,"message":"bad filter"})", ErrorKind::rejected},
        No{200, R"({"result_ok":false})", ErrorKind::rejected}, No{200, "", ErrorKind::unavailable},
        No{200, "  \n", ErrorKind::unavailable}, No{200, "<!DOCTYPE html>", ErrorKind::unavailable},
        No{520, "<html>cloudflare</html>", ErrorKind::unavailable}, No{200, "[]", ErrorKind::unavailable},
        No{200, R"({"result_ok":true,"data":null})", ErrorKind::unavailable},
        No{200, R"({"result_ok":true,"data":[)", ErrorKind::malformed}));

struct About {
  int status;
  const char* body;
  http::Refusal refusal;
};

class AlchemerRefusal : public testing::TestWithParam<About> {};

TEST_P(AlchemerRefusal, SaysWhatItIsAbout) {
  EXPECT_EQ(of(GetParam().status, GetParam().body).refusal, GetParam().refusal) << GetParam().body;
}

INSTANTIATE_TEST_SUITE_P(
    Wordings, AlchemerRefusal,
    testing::Values(
        About{200, R"({"result_ok":false,"code":401,"message":"Login failed \/ Invalid auth token"})",
              http::Refusal::pair},
        About{401, R"({"result_ok":false,"code":"401","message":"Login failed \/ Invalid auth token"})",
              http::Refusal::pair},
        About{200, R"({"result_ok":false,"code":"401","message":"Invalid api_token or api_token_secret supplied"})",
              http::Refusal::never_valid},
        About{401, R"({"result_ok":false,"code":401,"message":"Invalid credentials"})", http::Refusal::pair},
        About{401, R"({"result_ok":false,"code":401})", http::Refusal::pair},
        About{401, R"({"result_ok":false,"code":401,"message":"API access is disabled for this account"})",
              http::Refusal::access},
        About{403, R"({"result_ok":false,"code":403,"message":"GET is not allowed"})", http::Refusal::access},
        About{200, R"({"result_ok":false,"code":"403","message":"Permission Denied"})", http::Refusal::access},
        About{200, R"({"result_ok":false,"code":404,"message":"no such survey"})", http::Refusal::none},
        About{500, R"({"result_ok":false,"code":500,"message":"oops"})", http::Refusal::none},
        About{200, R"({"result_ok":true,"data":[]})", http::Refusal::none}));

TEST(AlchemerJudge, KnowsTheRefusedRepeat) {
  EXPECT_TRUE(of(429, R"({"result_ok":false,"code":429,"message":"Please wait for other requests to complete."})")
                  .repeat_refused);
  EXPECT_FALSE(of(429, R"({"result_ok":false,"code":429,"message":"You have exceeded the requests per minute"})")
                   .repeat_refused);
}

TEST(AlchemerJudge, LeavesOtherStatusesToTheirNumber) {
  EXPECT_TRUE(of(404, "not found").ok);
  EXPECT_TRUE(of(503, R"({"error":"x"})").ok);
}

TEST(AlchemerJudge, KeepsWhatTheVendorSaidWholeForTheMasker) {
  const http::Judgement judgement = of(400, R"({"result_ok":false,"message":")" + std::string(500, 'm') + "\"}");
  EXPECT_EQ(judgement.message.size(), 500U);
}

}  // namespace
}  // namespace surveysync::sources::alchemer
