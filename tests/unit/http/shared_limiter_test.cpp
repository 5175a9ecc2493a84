// The limiter that asks a budget shared by all processes.
#include <gtest/gtest.h>

#include <functional>
#include <mutex>
#include <vector>

#include "base/error.h"
#include "http/limiter.h"
#include "support/manual_clock.h"

using namespace std::chrono_literals;

namespace surveysync::http {
namespace {

using test::ManualClock;

/// GCRA in one object that several limiters share, as processes share the database.
class FakeBudget final : public Budget {
 public:
  explicit FakeBudget(ManualClock& clock) : clock_(clock) {}
  std::optional<Duration> take(Duration interval, Duration longest, const std::stop_token& stop) override {
    if (before) before();
    if (stop.stop_requested()) throw Error(ErrorKind::cancelled, "stopped");
    std::unique_lock lock(mutex_);
    intervals.push_back(interval);
    const SteadyTime slot = std::max({next_, rest_, clock_.now()});
    if (slot - clock_.now() > longest) return std::nullopt;
    next_ = slot + interval;
    const Duration wait = slot - clock_.now();
    lock.unlock();
    if (after) after();
    return wait;
  }
  void rest(Duration time) noexcept override {
    const std::lock_guard lock(mutex_);
    rest_ = std::max(rest_, clock_.now() + time);
    rests.push_back(time);
  }

  std::function<void()> before, after;
  std::vector<Duration> intervals, rests;

 private:
  ManualClock& clock_;
  std::mutex mutex_;
  SteadyTime next_{}, rest_{};
};

class SharedLimiter : public testing::Test {
 protected:
  explicit SharedLimiter(ManualClock::Mode mode = ManualClock::Mode::automatic)
      : clock(mode), budget(std::make_shared<FakeBudget>(clock)) {}
  Error fails(Limiter& limiter, SteadyTime latest) {
    try {
      limiter.acquire({}, latest);
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE();
    return Error(ErrorKind::bug, "");
  }
  ManualClock clock;
  std::shared_ptr<FakeBudget> budget;
};

TEST_F(SharedLimiter, TwoProcessesHaveOneBudget) {
  Limiter one({60, 60s}, clock, budget), two({60, 60s}, clock, budget);
  const SteadyTime begin = clock.now();
  for (int i = 0; i < 10; ++i) {
    one.acquire({});
    two.acquire({});
  }
  EXPECT_EQ(clock.now(), begin + 19s);
}

TEST_F(SharedLimiter, ASlowedProcessAsksForALongerInterval) {
  Limiter limiter({60, 60s}, clock, budget);
  limiter.acquire({});
  limiter.slow_down();
  limiter.acquire({});
  ASSERT_EQ(budget->intervals.size(), 2U);
  EXPECT_EQ(budget->intervals[0], 1s);
  EXPECT_GT(budget->intervals[1], 1300ms);
}

TEST_F(SharedLimiter, ARestIsEverybodys) {
  Limiter one({60, 60s}, clock, budget), two({60, 60s}, clock, budget);
  const SteadyTime begin = clock.now();
  one.rest(70s);
  EXPECT_EQ(budget->rests, std::vector<Duration>{70s});
  two.acquire({});
  EXPECT_EQ(clock.now(), begin + 70s);
  one.rest(1h);
  EXPECT_EQ(budget->rests.back(), 120s) << "a rest that long is the one's own who ordered it";
}

TEST_F(SharedLimiter, ARestThatCouldNotBeSharedIsKeptAllTheSame) {
  Limiter limiter({60, 60s}, clock, std::make_shared<FakeBudget>(clock));
  const SteadyTime begin = clock.now();
  limiter.rest(70s);
  limiter.acquire({});
  EXPECT_GE(clock.now(), begin + 70s);
}

TEST_F(SharedLimiter, MoreThanTheCallMayWaitIsThrottled) {
  Limiter one({60, 60s}, clock, budget), two({60, 60s}, clock, budget);
  one.rest(70s);
  EXPECT_EQ(fails(two, clock.now() + 10s).kind(), ErrorKind::throttled);
  EXPECT_EQ(fails(one, clock.now() + 10s).kind(), ErrorKind::throttled) << "and does not even ask";
  EXPECT_EQ(budget->intervals.size(), 1U);
  EXPECT_EQ(fails(two, clock.now() - 1s).kind(), ErrorKind::throttled);
}

TEST_F(SharedLimiter, WhatTheBudgetThrowsPassesThrough) {
  Limiter limiter({60, 60s}, clock, budget);
  budget->before = [] { throw Error(ErrorKind::unavailable, "no database"); };
  EXPECT_EQ(fails(limiter, SteadyTime::max()).kind(), ErrorKind::unavailable);
  budget->before = nullptr;
  limiter.acquire({});
}

TEST_F(SharedLimiter, NothingIsLockedWhileTheBudgetIsAsked) {
  Limiter limiter({60, 60s}, clock, budget);
  const SteadyTime begin = clock.now();
  budget->after = [&, times = 0]() mutable {
    (void)limiter.rate();
    if (times++ == 0) limiter.rest(30s);  // ordered meanwhile: holds for this call too
  };
  limiter.acquire({});
  EXPECT_GE(clock.now(), begin + 30s);
  EXPECT_EQ(budget->intervals.size(), 2U) << "the slot before the rest was given up";
}

TEST_F(SharedLimiter, AStopBetweenSlotAndCallIsSeen) {
  Limiter limiter({60, 60s}, clock, budget);
  std::stop_source stop;
  budget->before = [&] { stop.request_stop(); };
  EXPECT_THROW(limiter.acquire(stop.get_token()), Error);
}

}  // namespace
}  // namespace surveysync::http
