#include "http/limiter.h"

#include <gtest/gtest.h>

#include <deque>
#include <thread>

#include "base/error.h"
#include "support/manual_clock.h"

using namespace std::chrono_literals;

namespace surveysync::http {
namespace {

using test::ManualClock;

TEST(Limiter, SpacesCallsEvenly) {
  ManualClock clock;
  Limiter limiter({120, 60s}, clock);
  const SteadyTime begin = clock.now();
  for (int call = 0; call < 10; ++call) {
    limiter.acquire({});
    EXPECT_EQ(clock.now(), begin + call * 500ms);
  }
}

TEST(Limiter, SavesNothingUpWhileIdle) {
  ManualClock clock;
  Limiter limiter({60, 60s}, clock);
  limiter.acquire({});
  clock.advance(1h);
  const SteadyTime begin = clock.now();
  limiter.acquire({});
  limiter.acquire({});
  EXPECT_EQ(clock.now(), begin + 1s);
}

TEST(Limiter, RestHoldsEveryoneAndALongerOneStays) {
  ManualClock clock;
  Limiter limiter({60, 60s}, clock);
  const SteadyTime begin = clock.now();
  limiter.rest(70s);
  limiter.rest(10s);
  EXPECT_EQ(limiter.resting_until(), begin + 70s);
  limiter.acquire({});
  EXPECT_EQ(clock.now(), begin + 70s);
  limiter.acquire({});
  EXPECT_EQ(clock.now(), begin + 71s) << "no burst after a rest";
}

TEST(Limiter, ARestOrderedWhileWaitingHoldsTheWaiterToo) {
  ManualClock clock(ManualClock::Mode::by_hand);
  Limiter limiter({60, 60s}, clock);
  limiter.acquire({});
  SteadyTime passed;
  std::jthread worker([&] {
    limiter.acquire({});
    passed = clock.now();
  });
  ASSERT_TRUE(clock.await_waiters(1));
  limiter.rest(30s);
  const SteadyTime resting = limiter.resting_until();
  clock.advance(1s);
  while (clock.now() < resting) {
    ASSERT_TRUE(clock.await_waiters(1));
    clock.advance(1s);
  }
  worker.join();
  EXPECT_GE(passed, resting);
}

TEST(Limiter, ASlotThatIsWokenUpForTooLateIsAskedForAnew) {
  ManualClock clock(ManualClock::Mode::by_hand);
  Limiter limiter({60, 60s}, clock);
  limiter.acquire({});
  SteadyTime passed;
  std::jthread worker([&] {
    limiter.acquire({});
    passed = clock.now();
  });
  ASSERT_TRUE(clock.await_waiters(1));
  clock.advance(100s);  // the process was stopped
  const SteadyTime woken = clock.now();
  worker.join();
  EXPECT_GE(passed, woken);
  const SteadyTime before = clock.now();
  std::jthread another([&] {
    limiter.acquire({});
    passed = clock.now();
  });
  ASSERT_TRUE(clock.await_waiters(1)) << "no burst: the late call took a slot of its own";
  clock.advance(1s);
  another.join();
  EXPECT_EQ(passed, before + 1s);
}

TEST(Limiter, GivesUpAtOnceWhenItWouldTakeTooLong) {
  ManualClock clock;
  Limiter limiter({60, 60s}, clock);
  limiter.rest(10min);
  try {
    limiter.acquire({}, clock.now() + 5min);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::throttled);
  }
  limiter.acquire({}, clock.now() + 10min);
}

TEST(Limiter, StopEndsTheWait) {
  ManualClock clock(ManualClock::Mode::by_hand);
  Limiter limiter({1, 60s}, clock);
  limiter.acquire({});
  ErrorKind kind = ErrorKind::bug;
  std::jthread worker([&](const std::stop_token& stop) {
    try {
      limiter.acquire(stop);
    } catch (const Error& error) {
      kind = error.kind();
    }
  });
  ASSERT_TRUE(clock.await_waiters(1));
  worker.request_stop();
  worker.join();
  EXPECT_EQ(kind, ErrorKind::cancelled);
}

TEST(Limiter, SlowsByAQuarterAndRecoversByOnePercentAWindow) {
  ManualClock clock;
  Limiter limiter({100, 60s}, clock);
  limiter.slow_down();
  EXPECT_DOUBLE_EQ(limiter.rate(), 75.0);
  clock.advance(59s);
  EXPECT_DOUBLE_EQ(limiter.rate(), 75.0);
  clock.advance(1s);
  EXPECT_DOUBLE_EQ(limiter.rate(), 76.0);
  clock.advance(4 * 60s);
  EXPECT_DOUBLE_EQ(limiter.rate(), 80.0);
  limiter.slow_down();
  EXPECT_DOUBLE_EQ(limiter.rate(), 60.0);
  clock.advance(24h);
  EXPECT_DOUBLE_EQ(limiter.rate(), 100.0) << "never faster than configured";
  for (int i = 0; i < 50; ++i)
    limiter.slow_down();
  EXPECT_DOUBLE_EQ(limiter.rate(), 10.0) << "never slower than a tenth";
  const SteadyTime begin = clock.now();
  limiter.acquire({});
  limiter.acquire({});
  EXPECT_EQ(clock.now() - begin, 6s);
}

TEST(Limiter, RefusesALimitThatAllowsNothing) {
  ManualClock clock;
  EXPECT_THROW(Limiter({0, 60s}, clock), Error);
  EXPECT_THROW(Limiter({1, 0s}, clock), Error);
}

/// A server that counts requests as they arrive, each up to `latency` after it was sent.
int refusals(bool sliding, int limit, int share, Duration latency) {
  ManualClock clock;
  Limiter limiter({share, 60s}, clock);
  std::deque<SteadyTime> seen;
  int refused = 0;
  std::uint64_t state = 42;
  SteadyTime last{};
  for (int call = 0; call < 1000; ++call) {
    limiter.acquire({});
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    const SteadyTime arrival =
        std::max<SteadyTime>(last, clock.now() + latency * static_cast<std::int64_t>(state >> 40) / (1LL << 24));
    last = arrival;
    const SteadyTime window_begin =
        sliding ? arrival - 60s : SteadyTime(std::chrono::floor<std::chrono::minutes>(arrival.time_since_epoch()));
    while (!seen.empty() && (sliding ? seen.front() <= window_begin : seen.front() < window_begin))
      seen.pop_front();
    if (static_cast<int>(seen.size()) >= limit) {
      ++refused;
    } else {
      seen.push_back(arrival);
    }
  }
  return refused;
}

TEST(Limiter, NeverMeetsTheLimitOfAFixedOrASlidingWindow) {
  for (const auto& [limit, share] : std::vector<std::pair<int, int>>{{100, 95}, {240, 120}, {240, 228}, {30, 28}}) {
    EXPECT_EQ(refusals(false, limit, share, 2s), 0) << limit << " fixed";
    EXPECT_EQ(refusals(true, limit, share, 2s), 0) << limit << " sliding";
  }
}

}  // namespace
}  // namespace surveysync::http
