#include "report/telemetry.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "report/journal.h"
#include "support/event_examples.h"

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

TEST_F(TelemetryTest, EveryEventIsOneJsonLineWithWhatALineNeeds) {
  for (const test::EventExamples& of : test::all_event_examples()) {
    for (const test::EventExample& example : of.examples) {
      const std::string line = tell(example.event, LogFormat::json);
      const EventText text = describe(example.event);
      ASSERT_EQ(line.find('\n'), line.size() - 1) << line;
      json::Document document;
      const json::Value root = document.parse_copy(line);
      EXPECT_EQ(root["time"].text(), "2026-11-21T18:57:00.123Z") << line;
      EXPECT_EQ(root["level"].text(), name_of(text.severity)) << line;
      EXPECT_EQ(root["event"].text(), text.name) << line;
      EXPECT_EQ(root["message"].text(), text.message) << line;
      const std::int64_t run_id = scope_of(example.event).run_id;
      EXPECT_EQ(root["run_id"].is_absent(), run_id == 0) << line;
      EXPECT_EQ(root["run_id"].as_int().value_or(0), run_id) << line;
      EXPECT_EQ(root.members().size(), 4 + text.fields.size()) << line;
      for (const auto& [field, value] : text.fields)
        EXPECT_EQ(root[field].text(), value) << line;
    }
  }
}

TEST_F(TelemetryTest, CountsAndTimesAreNumbersAndIdsAreText) {
  const auto type_of = [&](const Event& event, std::string_view field) {
    json::Document document;
    return document.parse_copy(tell(event, LogFormat::json))[field].type();
  };
  EXPECT_EQ(type_of(event::DaemonStopped{{}, 1}, "abandoned"), json::Type::number);
  EXPECT_EQ(type_of(event::DaemonStarted{{}, 1}, "sources"), json::Type::number);
  EXPECT_EQ(type_of(event::DeletionsBraked{{}, 1, 2, ""}, "missing"), json::Type::number);
  EXPECT_EQ(type_of(event::RequestTaken{{}, 1, "", "", ""}, "request_id"), json::Type::number);
  EXPECT_EQ(type_of(event::CertificateIssued{{}, true, 1, 1, 1, 0, 0}, "balanced"), json::Type::boolean);
  EXPECT_EQ(type_of(event::KeyRotated{{}, "next", "12345678"}, "fingerprint"), json::Type::string);
  EXPECT_EQ(type_of(event::RecordQuarantined{{}, "98", ""}, "record_key"), json::Type::string);
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

TEST_F(TelemetryTest, TheLevelChangesWhileItWorks) {
  std::string lines;
  TelemetryOptions options;
  options.write = [&](std::string_view line) { lines += line; };
  Telemetry telemetry(std::move(options), masker_, clock_);
  telemetry.on_event(event::PageStored{{}, {}, 1});
  EXPECT_EQ(lines, "");
  telemetry.set_level(Severity::debug);
  telemetry.on_event(event::PageStored{{}, {}, 1});
  EXPECT_NE(lines, "");
  lines.clear();
  telemetry.set_level(Severity::error);
  telemetry.on_event(event::RunAbandoned{});
  EXPECT_EQ(lines, "");
}

class JournalTest : public TelemetryTest {
 protected:
  /// The entries that the journal got; when it `takes` none, what went to standard error is in lines_.
  std::vector<std::string> journal(const Event& event, LogFormat format = LogFormat::text, bool takes = true) {
    std::vector<std::string> got;
    TelemetryOptions options;
    options.format = format;
    options.write = [&](std::string_view line) { lines_ += line; };
    options.journal = [&](const std::vector<std::string>& entries) {
      got = entries;
      return takes;
    };
    Telemetry(std::move(options), masker_, clock_).on_event(event);
    return got;
  }
  std::string lines_;
};

TEST_F(JournalTest, CarriesTheFields) {
  EXPECT_EQ(
      journal(event::RunFinished{{"us", 7, "", ""}, "partial", {.requests = 3}, std::chrono::seconds(2), ""}),
      (std::vector<std::string>{
          "MESSAGE=run of us partial  event=run_finished source=us run_id=7 outcome=partial requests=3 inserted=0 "
          "updated=0 unchanged=0 tombstoned=0 quarantined=0 elapsed_seconds=2.000",
          "PRIORITY=4", "SYSLOG_IDENTIFIER=surveysync", "SURVEYSYNC_EVENT=run_finished", "SURVEYSYNC_SOURCE=us",
          "SURVEYSYNC_RUN_ID=7", "SURVEYSYNC_OUTCOME=partial", "SURVEYSYNC_REQUESTS=3", "SURVEYSYNC_INSERTED=0",
          "SURVEYSYNC_UPDATED=0", "SURVEYSYNC_UNCHANGED=0", "SURVEYSYNC_TOMBSTONED=0", "SURVEYSYNC_QUARANTINED=0",
          "SURVEYSYNC_ELAPSED_SECONDS=2.000"}));
  EXPECT_EQ(lines_, "");
}

TEST_F(JournalTest, PrioritiesAreSyslogs) {
  const auto priority = [&](Severity severity) { return journal(event::Note{{}, severity, "x"}).at(1); };
  EXPECT_EQ(priority(Severity::info), "PRIORITY=6");
  EXPECT_EQ(priority(Severity::warning), "PRIORITY=4");
  EXPECT_EQ(priority(Severity::error), "PRIORITY=3");
}

TEST_F(JournalTest, DropsWhatIsBelowItsLevel) {
  EXPECT_TRUE(journal(event::Note{{}, Severity::debug, "x"}).empty());
}

TEST_F(JournalTest, EveryEntryIsMaskedAndOneLine) {
  masker_.add(Secret("topsecrettoken"));
  for (const std::string& entry :
       journal(event::ContractChanged{{"us", 0, "", ""}, "a\ntopsecrettoken", "topsecrettoken\xff"})) {
    EXPECT_EQ(entry.find("topsecrettoken"), std::string::npos) << entry;
    EXPECT_EQ(entry.find('\n'), std::string::npos) << entry;
    EXPECT_EQ(entry.find('\xff'), std::string::npos) << entry;
  }
}

TEST_F(JournalTest, TheJsonSwitchHoldsForTheMessage) {
  EXPECT_EQ(journal(event::RunAbandoned{{"us", 7, "", ""}}, LogFormat::json).front(),
            R"(MESSAGE={"time":"2026-11-21T18:57:00.123Z","level":"warning","event":"run_abandoned",)"
            R"("message":"a run whose process died was closed as failed","source":"us","run_id":7})");
}

TEST_F(JournalTest, AJournalThatDoesNotTakeItLeavesItToStandardError) {
  journal(event::RunAbandoned{{"us", 7, "", ""}}, LogFormat::text, false);
  EXPECT_NE(lines_.find("event=run_abandoned source=us run_id=7"), std::string::npos);
}

TEST(IsJournalTest, OnlyTheStreamThatIsOurStandardError) {
  EXPECT_FALSE(is_journal(""));
  EXPECT_FALSE(is_journal("1:1"));
  EXPECT_FALSE(is_journal("nonsense"));
  struct stat about {};
  ASSERT_EQ(::fstat(STDERR_FILENO, &about), 0);
  EXPECT_TRUE(is_journal(std::to_string(about.st_dev) + ":" + std::to_string(about.st_ino)));
}

TEST(LogLineTest, ColoursOnlyTheLevel) {
  const std::string line =
      text_line({"note", Severity::error, "m", {{"reason", "two words"}, {"empty", ""}}}, UtcTime(), Colours::on);
  EXPECT_EQ(line, "1970-01-01T00:00:00.000Z \033[1;31merror  \033[0m m  event=note reason=\"two words\" empty=\"\"");
}

TEST(LogLineTest, NothingInvisibleSteersTheLine) {
  EXPECT_EQ(report::printable("a\u202Eb\u2066c\u2069d"), "a\uFFFDb\uFFFDc\uFFFDd");
  EXPECT_EQ(report::printable("a\u009B31m"), "a\uFFFD31m");
  EXPECT_EQ(report::printable("\u2027\u202F\u2065\u00A0"), "\u2027\u202F\u2065\u00A0");
}

TEST(LogLineTest, PrintableKeepsUtf8) {
  EXPECT_EQ(printable("Grüße 日本 😀"), "Grüße 日本 😀");
  EXPECT_EQ(printable("\xC0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

}  // namespace
}  // namespace surveysync::report
