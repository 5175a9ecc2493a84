#include "app/hook.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace surveysync::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Keeps the notes.
class Listener final : public Observer {
 public:
  void on_event(const Event& event) noexcept override {
    if (const auto* note = std::get_if<event::Note>(&event)) lines.push_back(note->text);
  }
  std::vector<std::string> lines;
};

class HookTest : public testing::Test {
 protected:
  std::string hook(const std::string& command, Duration time = seconds(60), const std::stop_token& stop = {}) {
    return run_hook(command, {"us", 42, "", ""}, time, listener_, clock_, stop);
  }
  Listener listener_;
  SystemClock clock_;
};

TEST_F(HookTest, KnowsItsRunAndItsOutputIsLogged) {
  EXPECT_EQ(hook("echo \"$SURVEYSYNC_SOURCE $SURVEYSYNC_RUN_ID\"; echo oops >&2; printf last"), "");
  EXPECT_EQ(listener_.lines, (std::vector<std::string>{"hook: us 42", "hook: oops", "hook: last"}));
}

TEST_F(HookTest, FailureIsToldInWords) {
  EXPECT_EQ(hook("exit 3"), "ended with status 3");
  EXPECT_EQ(hook("kill -9 $$"), "ended with signal 9");
  EXPECT_EQ(hook("no-such-program-at-all 2>/dev/null"), "ended with status 127");
}

TEST_F(HookTest, OutlastingItsTimeItIsEnded) {
  EXPECT_EQ(hook("echo begun; exec sleep 600", milliseconds(100)), "did not end within 100ms");
  EXPECT_EQ(listener_.lines, std::vector<std::string>{"hook: begun"});
}

TEST_F(HookTest, IgnoringTheRequestToEndItIsKilled) {
  EXPECT_EQ(hook("trap '' TERM; while :; do :; done", milliseconds(50)), "did not end within 50ms");
}

TEST_F(HookTest, IgnoringItAndWritingOnItIsKilledToo) {
  const SteadyTime started = clock_.now();
  EXPECT_EQ(hook("trap '' TERM; echo $$; exec yes", milliseconds(50)), "did not end within 50ms");
  EXPECT_LT(clock_.now() - started, seconds(10));
  ASSERT_EQ(listener_.lines.size(), kHookLines + 1);
  const auto id = static_cast<pid_t>(std::stol(listener_.lines.front().substr(std::string("hook: ").size())));
  EXPECT_EQ(::kill(id, 0), -1) << "it is still there";
}

TEST_F(HookTest, WhatItLeavesInTheBackgroundMayWriteOn) {
  const SteadyTime started = clock_.now();
  EXPECT_EQ(hook("yes & echo done"), "");
  EXPECT_LT(clock_.now() - started, seconds(15));
}

TEST_F(HookTest, EndsWithAStop) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(hook("exec sleep 600", seconds(60), stop.get_token()), "was ended because we were asked to stop");
}

TEST_F(HookTest, WhatItLeavesInTheBackgroundIsNotWaitedFor) {
  const SteadyTime started = clock_.now();
  EXPECT_EQ(hook("sleep 20 & echo done"), "");
  EXPECT_LT(clock_.now() - started, seconds(15));
  EXPECT_EQ(listener_.lines, std::vector<std::string>{"hook: done"});
}

TEST_F(HookTest, SignalsReachIt) {
  // Our threads block what they wait for; a child that inherited that could not be stopped.
  EXPECT_EQ(hook("grep -q '^SigBlk:[[:space:]]*0*$' /proc/self/status"), "");
}

TEST_F(HookTest, MuchOutputIsBounded) {
  EXPECT_EQ(hook("yes surveysync | head -n 5000; head -c 10000 /dev/zero | tr '\\0' x"), "");
  EXPECT_EQ(listener_.lines.size(), kHookLines + 1);
  EXPECT_EQ(listener_.lines.back(), "hook: (more output is not shown)");
}

TEST_F(HookTest, LongLinesAreCut) {
  EXPECT_EQ(hook("head -c 100000 /dev/zero | tr '\\0' x"), "");
  for (const std::string& line : listener_.lines)
    EXPECT_LE(line.size(), 2010U);
}

}  // namespace
}  // namespace surveysync::app
