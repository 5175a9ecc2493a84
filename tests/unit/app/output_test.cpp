// What people and programs read: JSON shapes, tables, numbers, suggestions, summaries.
#include <gtest/gtest.h>

#include "app/check_report.h"
#include "app/history_json.h"
#include "app/human.h"
#include "app/json_writer.h"
#include "app/suggest.h"
#include "app/sync_summary.h"

namespace surveysync::app {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

const UtcTime kNow(seconds(1'795'287'420));

TEST(JsonWriterTest, WritesValuesInOrder) {
  EXPECT_EQ(JsonWriter()
                .begin_object()
                .field("a", std::int64_t{1})
                .field("b", "x\"\n")
                .key("c")
                .begin_array()
                .value(true)
                .null()
                .begin_object()
                .end_object()
                .end_array()
                .field("d", std::optional<UtcTime>())
                .field("e", kNow)
                .end_object()
                .done(),
            "{\"a\":1,\"b\":\"x\\\"\\n\",\"c\":[true,null,{}],\"d\":null,\"e\":\"2026-11-21T18:57:00Z\"}\n");
  EXPECT_EQ(JsonWriter().value("\xff").done(), "\"\xEF\xBF\xBD\"\n");
}

TEST(JsonWriterTest, EncodesBase64) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("a"), "YQ==");
  EXPECT_EQ(base64("ab"), "YWI=");
  EXPECT_EQ(base64("abc"), "YWJj");
  EXPECT_EQ(base64("abcd"), "YWJjZA==");
}

TEST(HistoryJsonTest, RunHasTheColumnsOfItsTable) {
  store::RunRow run;
  run.run_id = 7;
  run.source = "us";
  run.kind = "incremental";
  run.started_at = kNow;
  run.counts = {.requests = 1, .inserted = 2};
  const std::string members =
      R"("run_id":7,"source":"us","kind":"incremental","outcome":null,"started_at":"2026-11-21T18:57:00Z","finished_at":null,)"
      R"("requests":1,"inserted":2,"updated":0,"unchanged":0,"tombstoned":0,"quarantined":0,"error":null)";
  EXPECT_EQ(runs_json({run}), "[{" + members + "}]\n");
  EXPECT_EQ(runs_json({}), "[]\n");
  store::Certificate certificate;
  certificate.partition = "12";
  certificate.as_of = kNow;
  certificate.balanced = true;
  EXPECT_EQ(
      run_json(run, {}, {certificate}),
      "{" + members +
          R"(,"streams":[],"certificates":[{"survey_id":"12","as_of":"2026-11-21T18:57:00Z","total_before":0,"total_after":0,)"
          R"("fetched":0,"stored_live":0,"tombstoned":0,"quarantined":0,"excluded":0,"in_flight":0,"balanced":true}]})"
          "\n");
}

TEST(HistoryJsonTest, StatusHasFourClocksForSourceAndSurvey) {
  StatusSource source;
  source.source = "us";
  source.clocks.last_attempt = kNow;
  StatusSurvey survey;
  survey.clocks.partition = "12";
  survey.clocks.title = "T";
  survey.clocks.balanced = false;
  survey.clocks.followed = false;
  source.surveys.push_back(survey);
  EXPECT_EQ(
      status_json({source}),
      R"({"sources":[{"source":"us","configured":true,"last_attempt":"2026-11-21T18:57:00Z","last_success":null,)"
      R"("last_certified":null,"newest_change":null,"stored_live":0,"balanced":null,"followed":true,"last_run":null,)"
      R"("surveys":[{"survey_id":"12","title":"T","last_attempt":null,"last_success":null,"last_certified":null,)"
      R"("newest_change":null,"stored_live":0,"balanced":false,"followed":false}]}]})"
      "\n");
}

TEST(HistoryJsonTest, QuarantinedBytesAreExactInBase64) {
  store::QuarantineRow row;
  row.quarantine_id = 3;
  row.raw = std::string("a\0\xff", 3);
  const std::string json = quarantine_item_json(row);
  EXPECT_NE(json.find(R"("raw":"a\u0000)"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("raw_base64":"YQD/")"), std::string::npos) << json;
}

TEST(HumanTest, Numbers) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1'234'567), "1,234,567");
  EXPECT_EQ(grouped(-1'000), "-1,000");
}

TEST(HumanTest, Times) {
  EXPECT_EQ(spoken(milliseconds(420)), "0.4 s");
  EXPECT_EQ(spoken(seconds(59)), "59 s");
  EXPECT_EQ(spoken(seconds(200)), "3 min 20 s");
  EXPECT_EQ(spoken(seconds(7500)), "2 h 5 min");
  EXPECT_EQ(spoken(std::chrono::hours(100)), "4 d 4 h");
  EXPECT_EQ(ago(std::nullopt, kNow), "never");
  EXPECT_EQ(ago(kNow - seconds(1), kNow), "just now");
  EXPECT_EQ(ago(kNow - seconds(200), kNow), "3 min ago");
  EXPECT_EQ(ago(kNow + seconds(30), kNow), "in 30 s");
  EXPECT_EQ(moment(kNow), "2026-11-21 18:57:00");
}

TEST(HumanTest, TablesAlignWhateverTheScript) {
  TextTable table({{"NAME"}, {"N", TextTable::Align::right}, {"NOTE"}});
  table.add({"Grüße", "5", ""});
  table.add({"日本", "1,000", "x"});
  EXPECT_EQ(table.text(),
            "NAME       N  NOTE\n"
            "Grüße      5\n"
            "日本   1,000  x\n");
  EXPECT_EQ(shortened("abcdef", 4), "abc…");
  EXPECT_EQ(shortened("日本語", 5), "日本…");
}

TEST(SuggestTest, FindsWhatWasMeant) {
  const std::vector<std::string> verbs = {"sync", "status", "check", "runs", "run"};
  EXPECT_EQ(nearest("snyc", verbs), "sync");
  EXPECT_EQ(nearest("statsu", verbs), "status");
  EXPECT_EQ(nearest("chekc", verbs), "check");
  EXPECT_EQ(nearest("frobnicate", verbs), "");
  EXPECT_EQ(did_you_mean("rusn", verbs), "; did you mean \"runs\"?");
}

TEST(CheckReportTest, AFailureKeepsItsHintAndTheRestGoesOn) {
  std::string told;
  CheckReport report([&](const CheckResult& result) { told += check_line(result, false); });
  report.pass("configuration", "fine");
  EXPECT_FALSE(
      report.run("database", []() -> std::string { throw Error(ErrorKind::unavailable, "refused", "start it"); }));
  report.warn("state", "is not there");
  EXPECT_TRUE(report.failed());
  EXPECT_EQ(told,
            "pass  configuration           fine\n"
            "fail  database                refused\n      hint: start it\n"
            "warn  state                   is not there\n");
  EXPECT_EQ(checks_json(report),
            R"({"ok":false,"checks":[{"name":"configuration","verdict":"pass","message":"fine","hint":null},)"
            R"({"name":"database","verdict":"fail","message":"refused","hint":"start it"},)"
            R"({"name":"state","verdict":"warn","message":"is not there","hint":null}]})"
            "\n");
  EXPECT_THROW(report.run("x", []() -> std::string { throw Error(ErrorKind::cancelled, "stop"); }), Error);
}

TEST(SyncSummaryTest, OneRowASourceAndEqualFailuresOnce) {
  sync::RunReport report;
  report.source = "us";
  report.run_id = 3;
  report.outcome = sync::Outcome::partial;
  report.counts = {.requests = 9, .inserted = 1'000};
  report.certified = 2;
  report.elapsed = seconds(12);
  for (const char* const survey : {"1", "2", "3", "4", "5", "6", "7"}) {
    report.failures.push_back({"response", survey, "gone\n  hint: ask", ErrorKind::denied});
  }
  EXPECT_EQ(summary_text(std::span(&report, 1)),
            "SOURCE  OUTCOME    NEW  UPDATED  UNCHANGED  QUARANTINED  CERTIFICATES     REQUESTS  TOOK  RUN\n"
            "us      partial  1,000        0          0            0  balanced 2 of 2         9  12 s    3\n");
  EXPECT_EQ(troubles(std::span(&report, 1)),
            std::vector<std::string>{"source us partial\n  response 1, 2, 3, 4, 5 and 2 more: gone\n    hint: ask"});
  report.outcome = sync::Outcome::succeeded;
  EXPECT_TRUE(troubles(std::span(&report, 1)).empty());
}

}  // namespace
}  // namespace surveysync::app
