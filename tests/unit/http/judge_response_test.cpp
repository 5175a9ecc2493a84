// Who refuses: the vendor, or something between us and it.
#include <gtest/gtest.h>

#include "client_fixture.h"
#include "http/verdict.h"

namespace surveysync::http {
namespace {

struct Row {
  int status;
  const char* body;
  Headers headers;
  ErrorKind kind;
  Refusal refusal;
};

class Refusals : public testing::TestWithParam<Row> {};

TEST_P(Refusals, AreTheVendorsOrTheNetworks) {
  const Row& row = GetParam();
  // Understands nothing: the status and the looks of the answer decide.
  const Judgement judgement = judge_response(test::answer(row.status, row.body, row.headers), nullptr);
  EXPECT_FALSE(judgement.ok);
  EXPECT_EQ(judgement.kind, row.kind) << judgement.message;
  EXPECT_EQ(judgement.refusal, row.refusal);
}

const Headers kProxyAsks{{"Proxy-Authenticate", "Basic realm=\"proxy\""}};
const Headers kThroughAProxy{{"Via", "1.1 squid"}};
const Headers kMiddleAsks{{"Via", "1.1 squid"}, {"WWW-Authenticate", "Basic"}};

INSTANTIATE_TEST_SUITE_P(Senders, Refusals,
                         testing::Values(Row{401, "", {}, ErrorKind::unauthorized, Refusal::pair},
                                         Row{401, "", kThroughAProxy, ErrorKind::unauthorized, Refusal::pair},
                                         Row{401, "{}", {}, ErrorKind::unauthorized, Refusal::access},
                                         Row{401, "", kProxyAsks, ErrorKind::unavailable, Refusal::none},
                                         Row{401, "", kMiddleAsks, ErrorKind::unavailable, Refusal::none},
                                         Row{401, "Unauthorized", {}, ErrorKind::unavailable, Refusal::none},
                                         Row{401, "<html>sign in</html>", {}, ErrorKind::unavailable, Refusal::none},
                                         Row{407, "", {}, ErrorKind::unavailable, Refusal::none},
                                         Row{407, "{}", kProxyAsks, ErrorKind::unavailable, Refusal::none},
                                         Row{407, "<html>", {}, ErrorKind::unavailable, Refusal::none},
                                         Row{403, "{}", {}, ErrorKind::denied, Refusal::access},
                                         Row{403, "", {}, ErrorKind::denied, Refusal::access},
                                         Row{403, "error code: 1020", {}, ErrorKind::denied, Refusal::none},
                                         Row{403, "<html>blocked</html>", {}, ErrorKind::unavailable, Refusal::none},
                                         Row{404, "{}", {}, ErrorKind::denied, Refusal::none},
                                         Row{522, "<html>", {}, ErrorKind::unavailable, Refusal::none}));

TEST(RefusalThroughAProxy, TheVendorsOwnWordsPassThroughAProxy) {
  const Judge vendor = [](const Response&) {
    return Judgement{false, ErrorKind::unauthorized, "Login failed", false, Refusal::pair};
  };
  const Judgement judgement = judge_response(test::answer(401, "{\"code\":401}", kMiddleAsks), vendor);
  EXPECT_EQ(judgement.kind, ErrorKind::unauthorized);
  EXPECT_EQ(judgement.refusal, Refusal::pair);
}

class TheNetwork : public ClientFixture {};

TEST_F(TheNetwork, NeverMakesAKeyRefused) {
  options.retry.attempts = 2;
  for (const Response& instead : {test::answer(401, "<html>"), test::answer(407, ""), test::answer(401, "", kProxyAsks),
                                  test::answer(522, "<html>"), test::answer(403, "<html>")}) {
    transport.otherwise([&](const Request&) { return test::answer(instead.status, instead.body, instead.headers); });
    EXPECT_EQ(fails(call()).kind(), ErrorKind::unavailable);
  }
  transport.otherwise(
      [](const Request&) -> Response { throw Error(ErrorKind::unavailable, "the certificate was refused"); });
  EXPECT_EQ(fails(call()).kind(), ErrorKind::unavailable);
  EXPECT_EQ(observer.count<event::KeyRefused>(), 0U);
  EXPECT_TRUE(client().key_state().usable);
}

}  // namespace
}  // namespace surveysync::http
