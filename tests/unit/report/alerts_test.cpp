// Whatever happens to the outbox's file and to the configuration, what was to be told is told.
#include "report/alerts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <latch>
#include <sstream>

namespace surveysync::test {
namespace {

namespace fs = std::filesystem;
using report::Alert;
using report::AlertState;
using report::KnownIncident;
using ::testing::ElementsAre;

/// Lets a test act while a channel's thread tells that it has sent something.
class Listener final : public Observer {
 public:
  void on_event(const Event& event) noexcept override {
    if (std::holds_alternative<event::AlertSent>(event) && at_sent) at_sent();
  }
  std::function<void()> at_sent;
};

/// One channel whose command writes down what it hears, while the file `open` is there.
class AlertsTest : public ::testing::Test {
 protected:
  AlertsTest() : folder_(fs::path(::testing::TempDir()) / ("alerts-" + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~AlertsTest() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ / name; }
  report::ChannelOptions channel(const std::string& timeout = "5s") const {
    report::ChannelOptions options;
    options.name = "ops";
    options.type = "exec";
    options.lists["command"] = {
        "/bin/sh", "-c",
        "test -e " + path("open") + " && echo $SURVEYSYNC_ALERT_KEY $SURVEYSYNC_ALERT_EVENT >> " + path("heard")};
    options.settings["timeout"] = timeout;
    return options;
  }
  report::AlertsOptions options() const {
    report::AlertsOptions made;
    made.channels = {channel()};
    made.state_dir = path("state");
    made.retry = made.longest_retry = made.try_file = std::chrono::milliseconds(20);
    return made;
  }
  void open_receiver() const { std::ofstream(path("open")) << "yes"; }
  std::vector<std::string> heard() const {
    std::ifstream file(path("heard"));
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);)
      lines.push_back(line);
    return lines;
  }
  static KnownIncident incident(const std::string& key, Clock& clock) {
    KnownIncident known;
    known.alert.key = key;
    known.alert.rule = "run_failed";
    known.alert.severity = "critical";
    known.alert.since = known.alert.at = clock.utc_now();
    known.told = true;
    return known;
  }
  static Alert end_of(const std::string& key, Clock& clock) {
    Alert alert = incident(key, clock).alert;
    alert.state = AlertState::resolved;
    return alert;
  }
  /// Looks until `done`, at most ten seconds.
  template <class Done>
  bool eventually(const Done& done) {
    const Deadline deadline(clock_, std::chrono::seconds(10));
    while (!done() && !deadline.passed())
      clock_.wait_for(std::chrono::milliseconds(10), {});
    return done();
  }

  const fs::path folder_;
  SystemClock clock_;
  Masker masker_;
  Listener listener_;
};

TEST_F(AlertsTest, AFileThatCannotBeWrittenForAWhileLosesNothing) {
  report::Alerts alerts(options(), masker_, listener_, clock_, [](const auto&, const auto&) {});
  alerts.keep(incident("a", clock_), true);
  fs::rename(path("state"), path("away"));
  std::ofstream(path("state")) << "in the way";
  alerts.keep(incident("b", clock_), true);
  EXPECT_TRUE(alerts.find("a")) << "what was known is known in memory, too";
  alerts.forget("a", end_of("a", clock_));
  fs::remove(path("state"));
  fs::rename(path("away"), path("state"));
  open_receiver();
  EXPECT_TRUE(eventually([&] {
    alerts.incidents();
    return heard().size() >= 3;
  }));
  EXPECT_THAT(heard(), ::testing::UnorderedElementsAre("a opened", "a resolved", "b opened"));
  report::Outbox file(path("state"));
  EXPECT_TRUE(eventually([&] { return file.waiting("ops") == 0; }));
  ASSERT_EQ(file.incidents().size(), 1U) << "what ended meanwhile is over in the file, too";
  EXPECT_EQ(file.incidents()[0].alert.key, "b");
}

TEST_F(AlertsTest, AMessageIsSettledInTheBoxItCameFrom) {
  open_receiver();
  std::latch sent(1), go_on(1);
  std::atomic<bool> first = true;
  listener_.at_sent = [&] {
    if (!first.exchange(false)) return;
    sent.count_down();
    go_on.wait();
  };
  report::Alerts alerts(options(), masker_, listener_, clock_, [](const auto&, const auto&) {});
  alerts.keep(incident("a", clock_), true);
  sent.wait();
  fs::rename(path("state"), path("away"));
  std::ofstream(path("state")) << "in the way";
  alerts.keep(incident("b", clock_), true);  // number 1 in memory, as "a" was in the file
  go_on.count_down();
  EXPECT_TRUE(eventually([&] { return heard().size() >= 2; }));
  EXPECT_THAT(heard(), ElementsAre("a opened", "b opened"));
}

TEST_F(AlertsTest, WhatEndsWhileAChannelIsReplacedIsToldByItsSuccessor) {
  open_receiver();
  std::latch sent(1), go_on(1);
  std::atomic<bool> first = true;
  listener_.at_sent = [&] {
    if (!first.exchange(false)) return;
    sent.count_down();
    go_on.wait();
  };
  report::Alerts alerts(options(), masker_, listener_, clock_, [](const auto&, const auto&) {});
  alerts.keep(incident("a", clock_), true);
  sent.wait();
  std::jthread reload([&] { alerts.use({channel("6s")}); });  // waits for the thread that tells
  clock_.wait_for(std::chrono::milliseconds(50), {});
  alerts.forget("a", end_of("a", clock_));
  go_on.count_down();
  EXPECT_TRUE(eventually([&] { return heard().size() >= 2; }));
  EXPECT_THAT(heard(), ElementsAre("a opened", "a resolved"));
}

}  // namespace
}  // namespace surveysync::test
