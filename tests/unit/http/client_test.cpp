// The matrix of one call: status, body, attempt, advice, stop, budget.
#include <atomic>
#include <thread>

#include "client_fixture.h"
#include "http/duplicate_guard.h"

using namespace std::chrono_literals;

namespace surveysync::http {
namespace {

using test::answer;

TEST(Encode, IsRfc3986) {
  EXPECT_EQ(percent_encode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(percent_encode("a b&c=d/[0]\n\xC3\xA9%"), "a%20b%26c%3Dd%2F%5B0%5D%0A%C3%A9%25");
  EXPECT_EQ(encode_query({{"filter[field][0]", "x y"}, {"page", "1"}}), "filter%5Bfield%5D%5B0%5D=x%20y&page=1");
  EXPECT_EQ(encode_query({}), "");
}

TEST_F(ClientFixture, SignsSendsAndReturnsTheBody) {
  options.endpoint.prefix = "/gate";
  transport.then(ok(R"({"ok":1})", {{"Date", "Thu, 01 Jan 2026 12:00:05 GMT"}}));
  const Reply reply = get(call("/v5/survey", {{"page", "1"}}));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, R"({"ok":1})");
  EXPECT_GE(reply.body.capacity(), reply.body.size() + 64);
  EXPECT_FALSE(reply.cached);
  ASSERT_TRUE(reply.vendor_date);
  EXPECT_NEAR(std::chrono::duration<double>(client().clock_skew().value()).count(), 5.0, 0.1);
  const Request request = transport.requests().at(0);
  EXPECT_EQ(request.target, "/gate/v5/survey?page=1&api_token=token-one&api_token_secret=secret-one");
  EXPECT_EQ(request.display, "/v5/survey");
  EXPECT_EQ(request.headers.at(0).first, "X-Test");
  const auto finished = observer.all<event::CallFinished>();
  ASSERT_EQ(finished.size(), 1U);
  EXPECT_EQ(finished[0].scope.source, "us");
  EXPECT_EQ(finished[0].path, "/v5/survey");
  EXPECT_EQ(observer.count<event::KeyAccepted>(), 1U);
  EXPECT_EQ(client().stats().requests, 1);
  EXPECT_EQ(client().stats().bytes, 8);
}

struct Row {
  int status;
  const char* body;
  ErrorKind kind;
  std::size_t requests;  // with 3 attempts, the same answer each time
};

class Matrix : public ClientFixture, public testing::WithParamInterface<Row> {};

TEST_P(Matrix, EndsAsTheTableSays) {
  const Row& row = GetParam();
  options.retry.attempts = 3;
  clock.advance(1h);
  (void)client();
  clock.advance(1h);  // no longer a young process
  transport.otherwise([&](const Request&) { return answer(row.status, row.body); });
  const Error error = fails(call());
  EXPECT_EQ(error.kind(), row.kind) << error.what();
  EXPECT_EQ(transport.count(), row.requests) << error.what();
  EXPECT_EQ(error.http_status(), row.status);
  EXPECT_EQ(std::string(error.what()).find("token-one"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    Statuses, Matrix,
    testing::Values(Row{200, "", ErrorKind::unavailable, 3}, Row{200, " \n", ErrorKind::unavailable, 3},
                    Row{200, "<html>", ErrorKind::unavailable, 3}, Row{204, "", ErrorKind::unavailable, 3},
                    Row{301, "", ErrorKind::unavailable, 3}, Row{302, "{}", ErrorKind::unavailable, 3},
                    Row{400, "{}", ErrorKind::rejected, 1}, Row{403, "{}", ErrorKind::denied, 1},
                    Row{404, "{}", ErrorKind::denied, 1}, Row{404, "<html>", ErrorKind::unavailable, 3},
                    Row{401, "<html>", ErrorKind::unavailable, 3},
                    Row{403, "\xEF\xBB\xBF<html>", ErrorKind::unavailable, 3}, Row{405, "{}", ErrorKind::rejected, 1},
                    Row{407, "", ErrorKind::unavailable, 3}, Row{408, "{}", ErrorKind::unavailable, 3},
                    Row{410, "{}", ErrorKind::denied, 1}, Row{422, "{}", ErrorKind::rejected, 1},
                    Row{425, "{}", ErrorKind::unavailable, 3}, Row{429, "{}", ErrorKind::throttled, 3},
                    Row{429, "<html>", ErrorKind::throttled, 3}, Row{500, "{}", ErrorKind::unavailable, 3},
                    Row{503, "malformed", ErrorKind::unavailable, 3}, Row{522, "<html>", ErrorKind::unavailable, 3},
                    Row{500, "login", ErrorKind::unavailable, 3}, Row{500, "throttle", ErrorKind::throttled, 3},
                    Row{400, "throttle", ErrorKind::throttled, 3}, Row{200, "throttle", ErrorKind::throttled, 3},
                    Row{400, "repeat", ErrorKind::throttled, 3}, Row{200, "denied", ErrorKind::denied, 1},
                    Row{200, "malformed", ErrorKind::malformed, 2}, Row{400, "malformed", ErrorKind::rejected, 1}));

TEST_F(ClientFixture, RetriesWithJitterAndTellsSo) {
  transport.then(answer(502, "{}")).then(Error(ErrorKind::unavailable, "connection refused")).then(ok());
  const SteadyTime begin = clock.now();
  EXPECT_EQ(get(call()).status, 200);
  EXPECT_LE(clock.now() - begin, 3s);
  const auto retries = observer.all<event::RetryScheduled>();
  ASSERT_EQ(retries.size(), 2U);
  EXPECT_EQ(retries[0].attempt, 1);
  EXPECT_EQ(retries[0].kind, ErrorKind::unavailable);
  EXPECT_LE(retries[0].wait, 500ms);
  EXPECT_LE(retries[1].wait, 1s);
  EXPECT_EQ(client().stats().retries, 2);
  EXPECT_EQ(client().stats().requests, 3);
}

TEST_F(ClientFixture, ACallMayHaveFewerAttempts) {
  transport.otherwise([](const Request&) { return answer(502, "{}"); });
  Call few = call();
  few.attempts = 2;
  EXPECT_EQ(fails(few).kind(), ErrorKind::unavailable);
  EXPECT_EQ(transport.count(), 2U);
}

TEST_F(ClientFixture, AHeavyQuestionGivesUpSoonerOnlyUnderItsWeight) {
  Call heavy = call();
  heavy.heavy_attempts = 2;
  transport.otherwise([](const Request&) { return answer(503, "{}"); });
  EXPECT_TRUE(fails(heavy).asks_for_less());
  EXPECT_EQ(transport.count(), 2U);
  transport.otherwise([](const Request&) { return answer(502, "{}"); });
  EXPECT_FALSE(fails(heavy).asks_for_less());
  EXPECT_EQ(transport.count(), 2U + static_cast<std::size_t>(options.retry.attempts));
}

TEST_F(ClientFixture, StopsWhenTheBudgetIsUsedUp) {
  options.retry = {1000, 30s, 60s, 3min};
  transport.otherwise([](const Request&) { return answer(502, "{}"); });
  const SteadyTime begin = clock.now();
  EXPECT_EQ(fails(call()).kind(), ErrorKind::unavailable);
  EXPECT_LE(clock.now() - begin, 3min + 1s);
  EXPECT_LT(transport.count(), 1000U);
}

TEST_F(ClientFixture, StopEndsEverythingAsCancelled) {
  transport.otherwise([&](const Request&) -> Response {
    stop.request_stop();
    throw Error(ErrorKind::unavailable, "connection lost");
  });
  EXPECT_EQ(fails(call()).kind(), ErrorKind::cancelled);
  EXPECT_EQ(fails(call("/v5/other")).kind(), ErrorKind::cancelled);
  EXPECT_EQ(transport.count(), 1U);
}

TEST_F(ClientFixture, MalformedIsFetchedAnewOnce) {
  transport.then(Error(ErrorKind::malformed, "cut")).then(ok());
  EXPECT_EQ(get(call()).status, 200);
  transport.then(Error(ErrorKind::malformed, "cut")).then(Error(ErrorKind::malformed, "cut again"));
  EXPECT_EQ(fails(call("/v5/x")).kind(), ErrorKind::malformed);
  EXPECT_EQ(transport.count(), 4U);
}

TEST_F(ClientFixture, ErrorsOfTheProgramAreNotRepeated) {
  transport.then(Error(ErrorKind::config, "control character"));
  EXPECT_EQ(fails(call()).kind(), ErrorKind::config);
  EXPECT_EQ(transport.count(), 1U);
}

TEST_F(ClientFixture, MasksSecretsInWhatTheVendorSays) {
  transport.otherwise([](const Request&) { return Response(answer(404, "{}")); });
  transport.then(Error(ErrorKind::malformed, "echo of secret-one"))
      .then(Error(ErrorKind::malformed, "echo of secret-one"));
  EXPECT_EQ(std::string(fails(call()).what()).find("secret-one"), std::string::npos);
}

// --- throttling ---

TEST_F(ClientFixture, RestsTheWholeAccountForTheAdvisedTime) {
  for (const auto& [header, rest] :
       std::vector<std::pair<std::string, Duration>>{{"7", 7s},
                                                     {"Thu, 01 Jan 2026 13:00:30 GMT", 30s},
                                                     {"-5", 60s},
                                                     {"0", 60s},
                                                     {"99999999", 60s},
                                                     {"soon", 60s},
                                                     {"Thu, 01 Jan 2026 12:00:00 GMT", 60s}}) {
    observer.clear();
    clock.advance(1h);  // the limiter is quiet again, and earlier throttling is forgotten by the success in between
    // The server's clock is an hour away from ours; its own Date counts.
    transport.then(answer(429, "{}", {{"Retry-After", header}, {"Date", "Thu, 01 Jan 2026 13:00:00 GMT"}})).then(ok());
    const SteadyTime begin = clock.now();
    EXPECT_EQ(get(call("/v5/" + std::to_string(transport.count()))).status, 200);
    EXPECT_GE(clock.now() - begin, rest) << header;
    EXPECT_LE(clock.now() - begin, rest + 2s) << header;
    ASSERT_EQ(observer.count<event::Throttled>(), 1U);
    EXPECT_EQ(observer.all<event::Throttled>()[0].rest, rest);
    EXPECT_GE(client().limiter().resting_until(), begin + rest);
  }
}

TEST_F(ClientFixture, GivesUpWhenTheAdviceIsTooLong) {
  transport.then(answer(429, "{}", {{"Retry-After", "1000"}}));
  const Error error = fails(call());
  EXPECT_EQ(error.kind(), ErrorKind::throttled);
  EXPECT_EQ(error.retry_after(), 1000s);
  EXPECT_EQ(fails(call("/v5/other")).kind(), ErrorKind::throttled) << "others do not go on meanwhile";
  EXPECT_EQ(transport.count(), 1U);
}

TEST_F(ClientFixture, ThrottlingWithoutAdviceRestsOneWindowThenLonger) {
  options.retry.budget = 1h;
  for (int i = 0; i < 4; ++i)
    transport.then(answer(429, "{}"));
  transport.then(ok());
  EXPECT_EQ(get(call()).status, 200);
  const auto rests = observer.all<event::Throttled>();
  ASSERT_EQ(rests.size(), 4U);
  EXPECT_EQ(rests[0].rest, 60s);
  for (std::size_t i = 1; i < 4; ++i) {
    EXPECT_GE(rests[i].rest, 60s);
    EXPECT_LE(rests[i].rest, 5min);
  }
  EXPECT_LT(client().limiter().rate(), 240 * 0.8);
  EXPECT_EQ(client().stats().throttled, 4);
}

TEST_F(ClientFixture, ARepeatRefusedWaitsForTheGuardAndHoldsNobodyElse) {
  transport.then(answer(429, "repeat")).then(ok());
  const SteadyTime begin = clock.now();
  EXPECT_EQ(get(call()).status, 200);
  EXPECT_GE(clock.now() - begin, 65s);
  EXPECT_LE(client().limiter().resting_until(), begin);
  EXPECT_NEAR(client().limiter().rate(), 180.0, 3.0) << "slowed, and one window recovered";
}

TEST_F(ClientFixture, RetryAfterOnA503RestsTheAccount) {
  transport.then(answer(503, "{}", {{"Retry-After", "20"}})).then(ok());
  const SteadyTime begin = clock.now();
  EXPECT_EQ(get(call()).status, 200);
  EXPECT_GE(clock.now() - begin, 20s);
  EXPECT_LE(clock.now() - begin, 22s);
}

TEST_F(ClientFixture, AWarningSlowsDownOnceAWindow) {
  for (int i = 0; i < 3; ++i)
    transport.then(ok("{}", {{"X-SG-Warning", "almost"}}));
  for (int i = 0; i < 3; ++i)
    get(call("/v5/" + std::to_string(i)));
  EXPECT_DOUBLE_EQ(client().limiter().rate(), 180.0);
  clock.advance(61s);
  transport.then(ok("{}", {{"x-sg-warning", "still"}}));
  get(call("/v5/9"));
  EXPECT_LT(client().limiter().rate(), 140.0);
}

TEST_F(ClientFixture, RateLimitHeadersOnlySlowDown) {
  struct Hint {
    Headers headers;
    Duration rest;
  };
  const auto epoch = [&](Duration ahead) {
    return std::to_string(std::chrono::floor<std::chrono::seconds>(clock.utc_now().time_since_epoch() + ahead).count());
  };
  clock.set_utc(UtcTime(std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)));
  int n = 0;
  for (const Hint& hint : std::vector<Hint>{{{{"RateLimit-Remaining", "0"}, {"RateLimit-Reset", "30"}}, 30s},
                                            {{{"RateLimit", "limit=100, remaining=0, reset=12"}}, 12s},
                                            {{{"RateLimit", "\"default\";r=0;t=9"}}, 9s},
                                            {{{"X-RateLimit-Remaining", "0"}, {"X-RateLimit-Reset", "-4"}}, 0s},
                                            {{{"X-RateLimit-Remaining", "0"}, {"X-RateLimit-Reset", "86400"}}, 0s},
                                            {{{"RateLimit-Remaining", "50"}, {"RateLimit-Reset", "30"}}, 0s}}) {
    transport.then(ok("{}", hint.headers));
    clock.advance(1h);
    get(call("/v5/" + std::to_string(++n)));
    const Duration rest = std::max(client().limiter().resting_until() - clock.now(), Duration::zero());
    EXPECT_LE(rest, hint.rest) << n;
    EXPECT_GE(rest, hint.rest - 1s) << n;
  }
  clock.advance(1h);
  transport.then(ok("{}", {{"X-RateLimit-Remaining", "0"}, {"X-RateLimit-Reset", epoch(40s)}}));
  get(call("/v5/epoch"));
  EXPECT_GE(client().limiter().resting_until() - clock.now(), 37s);
  EXPECT_LE(client().limiter().resting_until() - clock.now(), 41s);
}

// --- time-outs and their echo ---

Error vendor_timeout() {
  Error error(ErrorKind::unavailable, "time-out");
  error.with_timed_out(true);
  return error;
}

TEST_F(ClientFixture, ATimeOutRestsTheAccount) {
  transport.then(vendor_timeout()).then(ok());
  const SteadyTime begin = clock.now();
  EXPECT_EQ(get(call()).status, 200);
  EXPECT_EQ(transport.times().at(1) - begin, 70s);
}

TEST_F(ClientFixture, AConnectionThatEndsAfterALongSilenceIsATimeOutToo) {
  transport.then([&](const Request&) -> Response {
    clock.advance(30s);
    throw Error(ErrorKind::unavailable, "ended the connection");
  });
  Call once = call();
  once.attempts = 1;
  EXPECT_TRUE(fails(once).timed_out());
  EXPECT_EQ(client().limiter().resting_until(), clock.now() + 70s);
}

TEST_F(ClientFixture, ASlow500IsATimeOutToo) {
  transport.then(answer(500, "{}", {}, 30s)).then(ok());
  const SteadyTime begin = clock.now();
  get(call());
  EXPECT_GE(transport.times().at(1) - begin, 70s);
  transport.then(answer(500, "{}", {}, 2s)).then(ok());
  const SteadyTime quick = clock.now();
  get(call("/v5/2"));
  EXPECT_LE(clock.now() - quick, 5s);
}

TEST_F(ClientFixture, A400AfterATimeOutIsItsEcho) {
  (void)client();
  clock.advance(1h);
  transport.then(vendor_timeout());
  Call once = call("/v5/a");
  once.attempts = 1;
  const Error first = fails(once);
  EXPECT_EQ(first.kind(), ErrorKind::unavailable);
  EXPECT_TRUE(first.timed_out());
  // Another worker's call was on its way when the account began to rest: the vendor still blocks.
  transport.then(answer(400, "{}")).then(ok());
  const SteadyTime begin = clock.now();
  EXPECT_EQ(get(call("/v5/b")).status, 200);
  EXPECT_GE(clock.now() - begin, 140s);
}

TEST_F(ClientFixture, AnUnexplained400IsDoubtedOnceAfterTroubleOnly) {
  (void)client();
  clock.advance(1h);
  transport.then(answer(503, "{}"));
  Call once = call("/v5/a");
  once.attempts = 1;
  (void)fails(once);
  clock.advance(100s);
  transport.then(answer(400, "{}")).then(answer(400, "{}"));
  EXPECT_EQ(fails(call("/v5/b")).kind(), ErrorKind::rejected);
  EXPECT_EQ(transport.count(), 3U);
  clock.advance(10min);
  transport.then(answer(400, "{}"));
  EXPECT_EQ(fails(call("/v5/c")).kind(), ErrorKind::rejected);
  EXPECT_EQ(transport.count(), 4U);
}

TEST_F(ClientFixture, A400AtBirthMayBeAnEarlierProcessesEcho) {
  transport.then(answer(400, "{}")).then(ok());
  const SteadyTime begin = clock.now();
  EXPECT_EQ(get(call()).status, 200);
  EXPECT_GE(clock.now() - begin, 70s);
}

// --- the duplicate guard ---

TEST_F(ClientFixture, AnAnsweredQuestionWaitsForTheGuard) {
  transport.otherwise([](const Request&) { return ok(); });
  get(call("/v5/survey", {{"page", "1"}}));
  const SteadyTime first = clock.now();
  get(call("/v5/survey", {{"page", "2"}}));
  EXPECT_LT(clock.now() - first, 1s);
  get(call("/v5/survey", {{"page", "1"}}));
  EXPECT_GE(clock.now() - first, 65s);
}

TEST_F(ClientFixture, AClientMadeAnewStillKnowsWhatWasAnswered) {
  options.answered_lately = std::make_shared<DuplicateGuard>(65s, clock);
  transport.otherwise([](const Request&) { return ok(); });
  get(call("/v5/survey", {{"page", "1"}}));
  const SteadyTime first = clock.now();
  restart();  // as by a reload
  get(call("/v5/survey", {{"page", "1"}}));
  EXPECT_GE(clock.now() - first, 65s);
}

TEST_F(ClientFixture, AFailedQuestionIsRepeatedByBackoff) {
  transport.then(answer(502, "{}")).then(ok());
  const SteadyTime begin = clock.now();
  get(call());
  EXPECT_LT(clock.now() - begin, 2s);
}

TEST_F(ClientFixture, CachedAnswersCountAsReadWhenFirstSent) {
  transport.then(ok("{}", {{"X-SG-Cached", "true"}}));
  const SteadyTime begin = clock.now();
  const Reply unknown = get(call("/v5/a"));
  EXPECT_TRUE(unknown.cached);
  EXPECT_EQ(unknown.sent_at, begin - 65s);
  transport.then(answer(502, "{}")).then(ok("{}", {{"X-SG-Cached", "true"}}));
  const Reply repeated = get(call("/v5/b"));
  const std::vector<SteadyTime> times = transport.times();
  EXPECT_EQ(repeated.sent_at, times.at(1)) << "the vendor may have made it for the attempt that failed";
  transport.then(ok());
  EXPECT_GT(get(call("/v5/c")).sent_at, times.at(2)) << "a fresh answer is as old as its own request";
}

TEST_F(ClientFixture, TheGuardForgetsOldQuestions) {
  options.limiter.requests = 1'000'000;
  transport.otherwise([](const Request&) { return answer(200, "{}", {}, 0s); });
  for (int i = 0; i < 6000; ++i)
    get(call("/v5/" + std::to_string(i)));
  EXPECT_EQ(transport.count(), 6000U);
}

// --- waits end at once ---

class ByHand : public ClientFixture {
 protected:
  ByHand() : ClientFixture(test::ManualClock::Mode::by_hand) {}

  /// Runs one call on a thread until it waits for the clock, stops it, and returns how it ended.
  ErrorKind stopped_while_waiting(const Call& what) {
    (void)client();
    ErrorKind kind = ErrorKind::bug;
    std::jthread worker([&] { kind = fails(what).kind(); });
    EXPECT_TRUE(clock.await_waiters(1));
    stop.request_stop();
    worker.join();
    return kind;
  }
};

TEST_F(ByHand, StopEndsTheWaitForTheLimiter) {
  client().limiter().rest(5min);
  EXPECT_EQ(stopped_while_waiting(call()), ErrorKind::cancelled);
  EXPECT_EQ(transport.count(), 0U);
}

TEST_F(ByHand, StopEndsTheWaitBeforeARetry) {
  transport.then(answer(429, "repeat"));
  EXPECT_EQ(stopped_while_waiting(call()), ErrorKind::cancelled);
  EXPECT_EQ(transport.count(), 1U);
}

TEST_F(ByHand, StopEndsTheWaitForTheDuplicateGuard) {
  transport.then(ok());
  get(call());
  EXPECT_EQ(stopped_while_waiting(call()), ErrorKind::cancelled);
  EXPECT_EQ(transport.count(), 1U);
}

TEST_F(ByHand, TwoWorkersNeverAskTheSameAtOnce) {
  std::atomic<int> at_once = 0;
  transport.otherwise([&](const Request&) {
    EXPECT_EQ(++at_once, 1);
    std::this_thread::yield();
    --at_once;
    return ok();
  });
  (void)client();
  std::jthread first([&] { get(call()); });
  std::jthread second([&] { get(call()); });
  ASSERT_TRUE(clock.await_waiters(1));
  EXPECT_EQ(transport.count(), 1U) << "the other waits for the guard";
  clock.advance(70s);
  first.join();
  second.join();
  EXPECT_EQ(transport.count(), 2U);
}

}  // namespace
}  // namespace surveysync::http
