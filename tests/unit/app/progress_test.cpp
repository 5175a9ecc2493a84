#include "app/progress.h"

#include <gtest/gtest.h>

#include <condition_variable>

namespace surveysync::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Time moves only when the test says so; waits end with stop alone.
class HandClock final : public Clock {
 public:
  SteadyTime now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  UtcTime utc_now() const override { return {}; }
  bool wait_until(SteadyTime, const std::stop_token& stop) override {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any().wait(lock, stop, [] { return false; });
    return false;
  }
  void advance(Duration time) {
    const std::lock_guard lock(mutex_);
    now_ += time;
  }

 private:
  mutable std::mutex mutex_;
  SteadyTime now_{seconds(1000)};
};

class ProgressTest : public testing::Test {
 protected:
  Progress::Options terminal() {
    Progress::Options options;
    options.terminal = true;
    options.columns = [] { return std::size_t{100}; };
    options.write = [this](std::string_view text) { screen_ += text; };
    return options;
  }
  HandClock clock_;
  std::string screen_;
};

const Scope kRun{"us", 7, "", ""};
const Scope kResponses{"us", 7, "response", "12"};

TEST_F(ProgressTest, CountsThePartsOfTheNamedStream) {
  Progress progress({{"us", "response"}}, terminal(), clock_);
  clock_.advance(seconds(1));
  progress.on_event(event::RunPlanned{kRun, 10, 1000});
  progress.on_event(event::PageStored{kResponses, {}, 250});
  progress.on_event(event::PartitionFinished{{"us", 7, "survey", "12"}, "succeeded", {}, ""});
  progress.on_event(event::PartitionFinished{kResponses, "succeeded", {}, ""});
  progress.on_event(event::PageStored{{"other", 8, "response", "1"}, {}, 999});
  screen_.clear();
  clock_.advance(seconds(10));
  progress.draw();
  EXPECT_NE(screen_.find("1/10 surveys  250/1,000 responses  25/s  30 s left"), std::string::npos) << screen_;
}

TEST_F(ProgressTest, DrawsAtMostTenTimesASecond) {
  Progress progress({{"us", "response"}}, terminal(), clock_);
  clock_.advance(seconds(1));
  progress.on_event(event::RunPlanned{kRun, 1, 0});
  const std::size_t drawn = screen_.size();
  for (int i = 0; i < 50; ++i)
    progress.on_event(event::PageStored{kResponses, {}, 1});
  EXPECT_EQ(screen_.size(), drawn);
  clock_.advance(milliseconds(100));
  progress.on_event(event::PageStored{kResponses, {}, 1});
  EXPECT_GT(screen_.size(), drawn);
}

TEST_F(ProgressTest, ClearsItsLinesForALogLineAndForGood) {
  Progress progress({{"us", "response"}, {"eu", "response"}}, terminal(), clock_);
  progress.draw();
  screen_.clear();
  progress.clear();
  EXPECT_EQ(screen_, "\033[2A\r\033[J");
  progress.draw();
  screen_.clear();
  progress.finish();
  progress.draw();
  EXPECT_EQ(screen_, "\033[2A\r\033[J") << "nothing comes back after the end";
}

TEST_F(ProgressTest, WritesNoControlSequencesElsewhere) {
  Progress::Options options = terminal();
  options.terminal = false;
  Progress progress({{"us", "response"}}, std::move(options), clock_);
  clock_.advance(seconds(1));
  progress.on_event(event::RunPlanned{kRun, 1, 0});
  progress.draw();
  progress.finish();
  EXPECT_EQ(screen_, "");
}

TEST(ProgressLineTest, FitsTheTerminal) {
  SourceProgress progress;
  progress.source = "us";
  EXPECT_EQ(progress_line(progress, {}, 80), "us  reading the list of surveys");
  progress.planned = true;
  progress.partitions = 10;
  progress.partitions_done = 5;
  progress.expected = 100'000;
  progress.records = 50'000;
  const SteadyTime now(seconds(10));
  EXPECT_EQ(progress_line(progress, now, 0), "us  5/10 surveys  50,000/100,000 responses  5,000/s  10 s left");
  EXPECT_EQ(progress_line(progress, now, 120),
            "us  [###############---------------]  5/10 surveys  50,000/100,000 responses  5,000/s  10 s left");
  EXPECT_EQ(progress_line(progress, now, 30), "us  5/10 surveys  50,000/100,…");
}

}  // namespace
}  // namespace surveysync::app
