#include "app/heartbeat.h"

#include <gtest/gtest.h>

#include "app/hook.h"
#include "support/manual_clock.h"

namespace surveysync::app {
namespace {

using namespace std::chrono_literals;

class Counter final : public Observer {
 public:
  void on_event(const Event&) noexcept override { ++heard; }
  std::atomic<int> heard = 0;
};

class HeartbeatTest : public testing::Test {
 protected:
  /// Tells something on a thread of its own.
  void tell_elsewhere(bool apart) {
    std::jthread([&] {
      if (apart) pulse_.stand_apart();
      pulse_.on_event(event::RunAbandoned{});
    }).join();
  }

  test::ManualClock clock_{test::ManualClock::Mode::by_hand};
  Heartbeat work_{clock_, 5min}, keys_{clock_, 5min};
  Counter log_;
  Pulse pulse_{log_, work_, keys_};
};

TEST_F(HeartbeatTest, WhatHangsIsNoLongerAlive) {
  clock_.advance(5min - 1s);
  EXPECT_TRUE(work_.alive());
  clock_.advance(1s);
  EXPECT_FALSE(work_.alive());
  work_.beat();
  EXPECT_TRUE(work_.alive());
}

TEST_F(HeartbeatTest, HowLongItMayBeSilentDependsOnWhatItIsAt) {
  work_.enter(20min);
  clock_.advance(19min);
  EXPECT_TRUE(work_.alive());
  work_.enter(5min);
  clock_.advance(6min);
  EXPECT_FALSE(work_.alive());
}

TEST_F(HeartbeatTest, EventsOfAnyOfItsWorkersAreItsLife) {
  clock_.advance(4min);
  tell_elsewhere(false);
  clock_.advance(4min);
  EXPECT_TRUE(work_.alive());
  EXPECT_EQ(log_.heard, 1);
}

TEST_F(HeartbeatTest, TheThreadApartKeepsNoOtherAlive) {
  clock_.advance(4min);
  tell_elsewhere(true);
  clock_.advance(4min);
  EXPECT_FALSE(work_.alive());
  EXPECT_TRUE(keys_.alive());
  EXPECT_EQ(log_.heard, 1) << "what it tells is handed on all the same";
}

TEST_F(HeartbeatTest, AQuietHookIsLifeForAsLongAsItMayTake) {
  int turns = 0;
  SystemClock system;
  const auto a_minute_passes = [&] {
    EXPECT_TRUE(work_.alive()) << "after " << turns << " minutes";
    work_.beat();
    clock_.advance(1min);
    ++turns;
  };
  EXPECT_EQ(run_hook("exec sleep 1", {"us", 42, "", ""}, 1h, log_, system, {}, a_minute_passes), "");
  EXPECT_GT(turns, 6) << "or nothing was tried";
  clock_.advance(5min);
  EXPECT_FALSE(work_.alive()) << "it is the turns that count";
}

}  // namespace
}  // namespace surveysync::app
