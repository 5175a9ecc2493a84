#include "report/telemetry.h"

#include <gtest/gtest.h>

namespace surveysync::report {
namespace {

/// A clock that stands still.
class StillClock final : public Clock {
 public:
  SteadyTime now() const override { return {}; }
  UtcTime utc_now() const override { return UtcTime(std::chrono::microseconds(1'795'287'420'123'456)); }
  bool wait_until(SteadyTime, const std::stop_token&) override { return true; }
};

class TelemetryTest : public testing::Test {
 protected:
  std::string tell(const Event& event, LogFormat format = LogFormat::text, Severity level = Severity::debug) {
    std::string lines;
    TelemetryOptions options;
    options.format = format;
    options.level = level;
    options.write = [&](std::string_view line) { lines += line; };
    Telemetry(std::move(options), masker_, clock_).on_event(event);
    return lines;
  }
  Masker masker_;
  StillClock clock_;
};

TEST_F(TelemetryTest, OneTextLine) {
  EXPECT_EQ(tell(event::RunStarted{{"us", 7, "", ""}, "incremental"}),
            "2026-11-21T18:57:00.123Z info    incremental run of us started  event=run_started source=us run_id=7 "
            "kind=incremental\n");
}

TEST_F(TelemetryTest, OneJsonLineWithNumbersBare) {
  EXPECT_EQ(tell(event::PageSizeChanged{{"us", 7, "response", "12"}, 250, 100, "slow \"page\"\n"}, LogFormat::json),
            R"({"time":"2026-11-21T18:57:00.123Z","level":"debug","event":"page_size_changed",)"
            R"("message":"page size 250 becomes 100: slow \"page\" ","source":"us","run_id":7,"stream":"response",)"
            R"("partition":"12","from":250,"to":100})"
            "\n");
}

TEST_F(TelemetryTest, MasksMessageAndFields) {
  masker_.add(Secret("topsecrettoken"));
  for (const LogFormat format : {LogFormat::text, LogFormat::json}) {
    const std::string line =
        tell(event::ContractChanged{{"us", 0, "", ""}, "field topsecrettoken", "x=topsecrettoken"}, format);
    EXPECT_EQ(line.find("topsecrettoken"), std::string::npos);
    EXPECT_NE(line.find("***"), std::string::npos);
  }
}

TEST_F(TelemetryTest, DropsWhatIsBelowItsLevel) {
  EXPECT_EQ(tell(event::PageStored{{}, {}, 1}, LogFormat::text, Severity::info), "");
  EXPECT_NE(tell(event::RunAbandoned{}, LogFormat::text, Severity::info), "");
}

TEST_F(TelemetryTest, StaysOneSoundLineWhateverTheTextHolds) {
  const event::Note note{{}, Severity::info, "a\nb\x1b[31mc\xff\xc3"};
  EXPECT_EQ(tell(note), "2026-11-21T18:57:00.123Z info    a b<1b>[31mc\xEF\xBF\xBD\xEF\xBF\xBD  event=note\n");
}

TEST_F(TelemetryTest, CallsTheHooksAroundALine) {
  std::string order;
  TelemetryOptions options;
  options.before_line = [&] { order += "<"; };
  options.after_line = [&] { order += ">"; };
  options.write = [&](std::string_view) { order += "line"; };
  Telemetry(std::move(options), masker_, clock_).on_event(event::RunAbandoned{});
  EXPECT_EQ(order, "<line>");
}

TEST(LogLineTest, ColoursOnlyTheLevel) {
  const std::string line =
      text_line({"note", Severity::error, "m", {{"reason", "two words"}, {"empty", ""}}}, UtcTime(), Colours::on);
  EXPECT_EQ(line, "1970-01-01T00:00:00.000Z \033[1;31merror  \033[0m m  event=note reason=\"two words\" empty=\"\"");
}

TEST(LogLineTest, PrintableKeepsUtf8) {
  EXPECT_EQ(printable("Grüße 日本 😀"), "Grüße 日本 😀");
  EXPECT_EQ(printable("\xC0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

}  // namespace
}  // namespace surveysync::report
