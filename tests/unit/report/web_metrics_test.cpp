// /metrics: names, values, escaping, bounds; and the counters behind it. promtool judges the text in
// tests/system/test_status.py.
#include "report/web_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "support/manual_clock.h"
#include "web_fixture.h"

namespace surveysync::report {
namespace {

using namespace web_test;
using testing::HasSubstr;
using testing::Not;

const Scope kUs{"us", 7, "response", "101"};

std::string text_of(const StatusView& view, const MeterReading& reading = {}) {
  return metrics_text(view, reading, {}, {});
}

TEST(WebMetrics, ClocksBySourceAndSurvey) {
  const std::string text = text_of(some_view());
  EXPECT_THAT(text, HasSubstr("# TYPE surveysync_source_last_certified_timestamp_seconds gauge\n"));
  EXPECT_THAT(text, HasSubstr("surveysync_source_last_certified_timestamp_seconds{source=\"us\"} 1767265260\n"));
  EXPECT_THAT(
      text, HasSubstr("surveysync_survey_newest_change_timestamp_seconds{source=\"us\",survey=\"102\"} 1767250800\n"));
  EXPECT_THAT(text, HasSubstr("surveysync_survey_balanced{source=\"us\",survey=\"101\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("surveysync_source_balanced{source=\"us\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("surveysync_source_stale_after_seconds{source=\"us\"} 93600\n"));
  EXPECT_THAT(text, HasSubstr("surveysync_source_held{source=\"us\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("surveysync_open_incidents{rule=\"\",source=\"\",severity=\"\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("surveysync_build_info{version=\"1.2.3\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("surveysync_budget_requests_per_minute{account=\"vendor/us\"} 120\n"));
}

TEST(WebMetrics, NeverIsAbsentAndNotZero) {
  const std::string text = text_of(empty_view());
  EXPECT_THAT(text, Not(HasSubstr("last_certified")));
  EXPECT_THAT(text, HasSubstr("surveysync_source_balanced{source=\"us\"} 0\n"));
}

TEST(WebMetrics, HeldAndAway) {
  const std::string held = text_of(held_view());
  EXPECT_THAT(held, HasSubstr("surveysync_source_held{source=\"us\"} 1\n"));
  EXPECT_THAT(held, HasSubstr("surveysync_key_refused{source=\"us\",slot=\"secret\",verdict=\"rotated\"} 1\n"));
  EXPECT_THAT(
      held,
      HasSubstr("surveysync_open_incidents{rule=\"credentials_refused\",source=\"us\",severity=\"critical\"} 1\n"));
  EXPECT_THAT(text_of(away_view()), HasSubstr("surveysync_database_up 0\n"));
  EXPECT_THAT(text_of(StatusView()), HasSubstr("surveysync_database_up 0\n"));
}

TEST(WebMetrics, LabelsAreEscaped) {
  auto database = some_database();
  database->sources[0].surveys[0].id = "a\"b\\c\nd";
  EXPECT_THAT(text_of(some_view(database)), HasSubstr("survey=\"a\\\"b\\\\c\\nd\""));
}

TEST(WebMetrics, SeriesBySurveyAreBounded) {
  auto database = some_database();
  SourceView& source = database->sources[0];
  source.surveys.clear();
  for (std::size_t id = 0; id < kSurveySeries + 70; ++id) {
    SurveyView survey{std::to_string(id), "", {}, 1, Proof::balanced, ""};
    survey.clocks.newest_change = kNow - std::chrono::minutes(id);
    source.surveys.push_back(survey);
  }
  const std::string text = text_of(some_view(database));
  EXPECT_THAT(text, HasSubstr("surveysync_survey_series_left_out 70\n"));
  EXPECT_THAT(text, HasSubstr("survey=\"499\""));
  EXPECT_THAT(text, Not(HasSubstr("survey=\"500\"")));
}

TEST(WebMetrics, ProcessFromItsOwnFolderOnly) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "proc self";
  std::filesystem::create_directories(folder / "fd");
  std::ofstream(folder / "status") << "Name:\tx\nVmSize:\t  2000 kB\nVmRSS:\t  1000 kB\nThreads:\t7\n";
  std::ofstream(folder / "stat") << "1 (a ) b) S 1 1 1 0 -1 4194304 1 0 0 0 150 50 0 0 20 0 7 0 100 1 1\n";
  std::ofstream(folder / "limits") << "Max open files            1024                 4096                 files\n";
  std::ofstream(folder / "fd" / "0");
  const ProcessUse use = process_use(folder.string());
  EXPECT_EQ(use.resident_bytes, 1024000);
  EXPECT_EQ(use.virtual_bytes, 2048000);
  EXPECT_EQ(use.threads, 7);
  EXPECT_EQ(use.open_files, 1);
  EXPECT_EQ(use.files_limit, 1024);
  ASSERT_TRUE(use.cpu_seconds);
  EXPECT_NEAR(*use.cpu_seconds, 2.0, 0.01);
  EXPECT_FALSE(process_use("/nowhere").resident_bytes);
  EXPECT_TRUE(process_use().threads);
  std::filesystem::remove_all(folder);
}

TEST(Meters, CountWhatHappens) {
  surveysync::test::ManualClock clock;
  Meters meters(clock);
  meters.know("us");
  meters.on_event(event::CallFinished{kUs, "/v5/survey", 200, 1000, {}, false});
  meters.on_event(event::CallFinished{kUs, "/v5/survey", 429, 10, {}, false});
  meters.on_event(event::PageStored{kUs, {1, 5, 2, 3, 0, 1}, 11});
  meters.on_event(event::DeletionsMarked{kUs, 4});
  meters.on_event(event::Throttled{kUs, {}, "slow down"});
  meters.on_event(event::RetryScheduled{kUs, "/v5/survey", 1, {}, ErrorKind::throttled, "slow down"});
  meters.on_event(event::KeyRefused{kUs, "secret", "a1b2c3d4", "rotated", "", ""});
  meters.on_event(event::CertificateIssued{kUs, false, 1, 1, 1, 0, 0});
  meters.on_event(event::RunFinished{kUs, "partial", {}, std::chrono::seconds(30), "", ""});
  meters.on_event(event::AlertSent{kUs, "ops", "key", "503"});
  const std::string text = text_of(some_view(), meters.reading());
  for (const char* const line :
       {"surveysync_requests_total{source=\"us\",code=\"200\"} 1",
        "surveysync_requests_total{source=\"us\",code=\"429\"} 1",
        "surveysync_received_bytes_total{source=\"us\"} 1010",
        "surveysync_rows_total{source=\"us\",change=\"inserted\"} 5",
        "surveysync_rows_total{source=\"us\",change=\"tombstoned\"} 4", "surveysync_throttled_total{source=\"us\"} 1",
        "surveysync_retries_total{source=\"us\",kind=\"throttled\"} 1",
        "surveysync_key_verdicts_total{source=\"us\",verdict=\"rotated\"} 1",
        "surveysync_certificates_total{source=\"us\",verdict=\"unbalanced\"} 1",
        "surveysync_certificates_total{source=\"us\",verdict=\"balanced\"} 0",
        "surveysync_runs_total{source=\"us\",outcome=\"partial\"} 1",
        "surveysync_alerts_total{channel=\"ops\",outcome=\"failed\"} 1",
        "surveysync_run_duration_seconds_bucket{source=\"us\",le=\"10\"} 0",
        "surveysync_run_duration_seconds_bucket{source=\"us\",le=\"60\"} 1",
        "surveysync_run_duration_seconds_bucket{source=\"us\",le=\"+Inf\"} 1",
        "surveysync_run_duration_seconds_sum{source=\"us\"} 30"})
    EXPECT_THAT(text, HasSubstr(std::string(line) + "\n"));
}

TEST(Meters, ProgressOfARunFromBeginningToEnd) {
  surveysync::test::ManualClock clock;
  Meters meters(clock);
  meters.on_event(event::RunStarted{kUs, "incremental"});
  ASSERT_EQ(meters.progress().size(), 1U);
  EXPECT_FALSE(meters.progress()[0].planned);
  meters.on_event(event::RunPlanned{kUs, 2, 100});
  meters.on_event(event::PageStored{kUs, {}, 40});
  meters.on_event(event::PageStored{{"eu", 9, "response", "1"}, {}, 99});  // nobody's
  meters.on_event(event::CertificateIssued{kUs, true, 40, 40, 40, 0, 0});
  meters.on_event(event::PartitionFinished{kUs, "succeeded", {}, ""});
  const ProgressView run = meters.progress().at(0);
  EXPECT_EQ(run.run_id, 7);
  EXPECT_EQ(run.records, 40);
  EXPECT_EQ(run.expected, 100);
  EXPECT_EQ(run.parts_done, 1);
  meters.on_event(event::RunFinished{kUs, "succeeded", {}, {}, "", ""});
  EXPECT_TRUE(meters.progress().empty());
}

TEST(Meters, DefinitionsAreNoProgressOfTheRecords) {
  surveysync::test::ManualClock clock;
  Meters meters(clock);
  const Scope definition{"us", 7, "survey", "101"};
  const auto begin = [&](bool narrowed) {
    meters.on_event(event::RunStarted{{"us", 7, "", ""}, "incremental", narrowed});
    meters.on_event(event::RunPlanned{{"us", 7, "", ""}, 1, 10});
    meters.on_event(event::PageStored{definition, {}, 122});
    meters.on_event(event::PartitionFinished{definition, "succeeded", {}, ""});
  };
  begin(false);
  EXPECT_EQ(meters.progress().at(0).records, 0);
  EXPECT_EQ(meters.progress().at(0).parts_done, 0);
  meters.on_event(event::PageStored{kUs, {}, 10});
  meters.on_event(event::CertificateIssued{kUs, true, 10, 10, 10, 0, 0});
  meters.on_event(event::PartitionFinished{kUs, "succeeded", {}, ""});
  EXPECT_EQ(meters.progress().at(0).records, 10);
  EXPECT_EQ(meters.progress().at(0).parts_done, 1);
  begin(false);
  meters.on_event(event::PageStored{kUs, {}, 4});
  EXPECT_EQ(meters.progress().at(0).records, 4) << "known from the run before";
  begin(true);
  EXPECT_EQ(meters.progress().at(0).records, 122) << "a window ends without certificates";
}

TEST(Meters, TheLastMinuteOfCalls) {
  surveysync::test::ManualClock clock;
  Meters meters(clock);
  const Event call = event::CallFinished{kUs, "/v5/survey", 200, 1, {}, false};
  meters.on_event(call);
  clock.advance(std::chrono::seconds(30));
  meters.on_event(call);
  EXPECT_EQ(meters.recent_calls()["us"], 2);
  clock.advance(std::chrono::seconds(31));
  EXPECT_EQ(meters.recent_calls()["us"], 1);
  clock.advance(std::chrono::hours(5));
  EXPECT_EQ(meters.recent_calls()["us"], 0);
  meters.on_event(call);
  EXPECT_EQ(meters.recent_calls()["us"], 1);
}

}  // namespace
}  // namespace surveysync::report
