#include "base/event.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

namespace surveysync {
namespace {

std::string field(const EventText& text, std::string_view name) {
  for (const auto& [key, value] : text.fields) {
    if (key == name) return value;
  }
  return "(none)";
}

TEST(EventTest, CarriesWhereItBelongs) {
  const Event event = event::PageStored{{"us", 7, "response", "123"}, {.requests = 1, .inserted = 250}, 250};
  const EventText text = describe(event);
  EXPECT_EQ(text.name, "page_stored");
  EXPECT_EQ(text.severity, Severity::debug);
  EXPECT_EQ(field(text, "source"), "us");
  EXPECT_EQ(field(text, "run_id"), "7");
  EXPECT_EQ(field(text, "stream"), "response");
  EXPECT_EQ(field(text, "partition"), "123");
  EXPECT_EQ(field(text, "inserted"), "250");
  EXPECT_EQ(scope_of(event).partition, "123");
}

TEST(EventTest, OutcomeDecidesSeverity) {
  const auto severity = [](const char* outcome) {
    return describe(event::RunFinished{{"us", 1, "", ""}, outcome, {}, {}, ""}).severity;
  };
  EXPECT_EQ(severity("succeeded"), Severity::info);
  EXPECT_EQ(severity("cancelled"), Severity::info);
  EXPECT_EQ(severity("partial"), Severity::warning);
  EXPECT_EQ(severity("failed"), Severity::error);
}

TEST(EventTest, AnUnbalancedCertificateIsAnError) {
  EXPECT_EQ(describe(event::CertificateIssued{{}, false, 10, 10, 9, 0, 0}).severity, Severity::error);
  EXPECT_EQ(describe(event::CertificateIssued{{}, true, 10, 10, 10, 0, 0}).severity, Severity::debug);
}

TEST(EventTest, ObserversHearInOrder) {
  struct Recorder final : Observer {
    explicit Recorder(std::string& log, char name) : log_(log), name_(name) {}
    void on_event(const Event&) noexcept override { log_ += name_; }
    std::string& log_;
    char name_;
  };
  std::string log;
  Recorder one(log, 'a'), two(log, 'b');
  Observers observers;
  observers.add(one);
  observers.add(two);
  observers.on_event(event::RunAbandoned{});
  EXPECT_EQ(log, "ab");
}

TEST(EventTest, AnObserverThatComesWhileOthersTellHearsTheRest) {
  struct Counter final : Observer {
    void on_event(const Event&) noexcept override { ++heard; }
    std::atomic<int> heard = 0;
  };
  Counter first, late;
  Observers observers;
  observers.add(first);
  std::jthread teller([&](const std::stop_token& stop) {
    while (!stop.stop_requested())
      observers.on_event(event::RunAbandoned{});
  });
  observers.add(late);
  const int before = late.heard;
  observers.on_event(event::RunAbandoned{});
  EXPECT_GT(late.heard, before);
  teller.request_stop();
  teller.join();
  EXPECT_GE(first.heard, late.heard);
}

TEST(EventTest, TooManyObserversAreAnErrorAndNotALoss) {
  struct Quiet final : Observer {
    void on_event(const Event&) noexcept override {}
  } quiet;
  Observers observers;
  for (std::size_t i = 0; i < Observers::kMost; ++i)
    observers.add(quiet);
  EXPECT_THROW(observers.add(quiet), std::length_error);
}

TEST(CountsTest, AddUp) {
  Counts sum{.requests = 1, .inserted = 2, .updated = 3, .unchanged = 4, .tombstoned = 5, .quarantined = 6};
  sum += sum;
  EXPECT_EQ(sum,
            (Counts{.requests = 2, .inserted = 4, .updated = 6, .unchanged = 8, .tombstoned = 10, .quarantined = 12}));
}

}  // namespace
}  // namespace surveysync
