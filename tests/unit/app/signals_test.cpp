#include "app/signals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>

namespace surveysync::app {
namespace {

using namespace std::chrono_literals;
using testing::ExitedWithCode;

/// For ever, like a log whose reader stands still; a test that waits for it in vain ends by the alarm.
void stand_still() {
  while (true)
    ::pause();
}

SignalOptions options_with(Duration deadline) {
  ::alarm(30);
  SignalOptions options;
  options.stop_deadline = deadline;
  return options;
}

/// Each story ends a process of its own.
class SignalWatchDeathTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(SignalWatchDeathTest, TheDeadlineHoldsWhereNobodyTakesAWord) {
  const auto story = [] {
    SignalOptions options = options_with(600ms);
    options.first = [](int) { stand_still(); };
    options.late = stand_still;
    const SignalWatch watch(std::stop_source(), std::move(options));
    ::kill(::getpid(), SIGTERM);
    stand_still();
  };
  EXPECT_EXIT(story(), ExitedWithCode(128 + SIGTERM), "");
}

TEST_F(SignalWatchDeathTest, TheDeadlineHoldsWhileItIsTakenDown) {
  const auto story = [] {
    SignalOptions options = options_with(600ms);
    options.first = [](int) { stand_still(); };
    std::stop_source stop;
    const SignalWatch watch(stop, std::move(options));
    ::kill(::getpid(), SIGTERM);
    SystemClock().wait_for(30s, stop.get_token());
  };
  EXPECT_EXIT(story(), ExitedWithCode(128 + SIGTERM), "");
}

TEST_F(SignalWatchDeathTest, ASecondSignalEndsItAtOnceAllTheSame) {
  const auto story = [] {
    SignalOptions options = options_with(1h);
    options.first = [](int) { stand_still(); };
    std::stop_source stop;
    const SignalWatch watch(stop, std::move(options));
    ::kill(::getpid(), SIGTERM);
    SystemClock().wait_for(30s, stop.get_token());
    ::kill(::getpid(), SIGINT);
    stand_still();
  };
  EXPECT_EXIT(story(), ExitedWithCode(128 + SIGINT), "");
}

TEST_F(SignalWatchDeathTest, LastWordsAreSaidBeforeTheEnd) {
  const auto story = [] {
    SignalOptions options = options_with(600ms);
    options.first = [](int signal) { std::fprintf(stderr, "signal %d, ", signal); };
    options.late = [] { std::fputs("too late\n", stderr); };
    const SignalWatch watch(std::stop_source(), std::move(options));
    ::kill(::getpid(), SIGTERM);
    stand_still();
  };
  EXPECT_EXIT(story(), ExitedWithCode(128 + SIGTERM), "signal 15, too late");
}

TEST_F(SignalWatchDeathTest, ForgottenListenersAreNotCalledAndTheDeadlineStays) {
  const auto story = [] {
    SignalOptions options = options_with(600ms);
    options.hangup = [] { std::fputs("hangup\n", stderr); };
    options.late = [] { std::fputs("late\n", stderr); };
    SignalWatch watch(std::stop_source(), std::move(options));
    watch.forget_listeners();
    ::kill(::getpid(), SIGHUP);
    ::kill(::getpid(), SIGTERM);
    stand_still();
  };
  EXPECT_EXIT(story(), ExitedWithCode(128 + SIGTERM),
              testing::Not(testing::AnyOf(testing::HasSubstr("late"), testing::HasSubstr("hangup"))));
}

}  // namespace
}  // namespace surveysync::app
