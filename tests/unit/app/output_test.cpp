// What people and programs read: JSON shapes, tables, numbers, suggestions, summaries.
#include <gtest/gtest.h>

#include "app/capability_text.h"
#include "app/check_report.h"
#include "app/forecast_text.h"
#include "app/history_json.h"
#include "app/human.h"
#include "app/json_writer.h"
#include "app/suggest.h"
#include "app/sync_summary.h"
#include "app/verify_text.h"

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
          R"(,"streams":[],"certificates":[{"stream":"","survey_id":"12","as_of":"2026-11-21T18:57:00Z","total_before":0,"total_after":0,)"
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
  survey.probed_at = kNow;
  survey.error = "gone";
  source.fallback = "complete passes: x";
  source.capabilities = {{"updated_filter", "ignored", "e", kNow}};
  source.surveys.push_back(survey);
  EXPECT_EQ(
      status_json({{source}}),
      R"({"sources":[{"source":"us","configured":true,"last_attempt":"2026-11-21T18:57:00Z","last_success":null,)"
      R"("last_certified":null,"newest_change":null,"stored_live":0,"balanced":null,"followed":true,"last_run":null,)"
      R"("worked_by":null,"next_run":null,"next_run_reason":null,"refused_key":null,"incidents":[],)"
      R"("fallback":"complete passes: x","capabilities":[{"name":"updated_filter","value":"ignored","evidence":"e",)"
      R"("learned_at":"2026-11-21T18:57:00Z"}],)"
      R"("lists":[],"surveys":[{"survey_id":"12","title":"T","last_attempt":null,"last_success":null,"last_certified":null,)"
      R"("newest_change":null,"stored_live":0,"balanced":false,"followed":false,"probed_at":"2026-11-21T18:57:00Z",)"
      R"("swept_at":null,"deleted":false,"error":"gone"}]}],"incidents":[],"budgets":[]})"
      "\n");
}

TEST(HistoryJsonTest, StatusTellsOfTheNextRunARefusedKeyAndIncidents) {
  StatusSource source;
  source.source = "us";
  source.worked_by = "host/1/2";
  source.next_run = sync::Due{kNow, "scheduled"};
  store::KeyRecord key;
  key.fingerprint = "0123abcd";
  key.verdict = "rotated";
  key.refused_at = kNow;
  key.evidence = "e";
  key.next_step = "n";
  source.refused = key;
  store::Incident incident;
  incident.key = "run_failed/us";
  incident.rule = "run_failed";
  incident.severity = "critical";
  incident.evidence = "e";
  incident.next_step = "n";
  incident.opened_at = kNow;
  source.incidents.push_back(incident);
  const std::string json = status_json({{source}});
  for (
      const char* const part :
      {R"("worked_by":"host/1/2","next_run":"2026-11-21T18:57:00Z","next_run_reason":"scheduled")",
       R"("refused_key":{"fingerprint":"0123abcd","verdict":"rotated","refused_at":"2026-11-21T18:57:00Z")",
       R"("incidents":[{"key":"run_failed/us","rule":"run_failed","severity":"critical","verdict":null,"evidence":"e")"}) {
    EXPECT_NE(json.find(part), std::string::npos) << part << "\n" << json;
  }
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
            "pass  configuration                    fine\n"
            "fail  database                         refused\n      hint: start it\n"
            "warn  state                            is not there\n");
  EXPECT_EQ(
      checks_json(report),
      R"({"ok":false,"passed":1,"warnings":1,"failed":1,"checks":[{"name":"configuration","verdict":"pass","message":"fine","hint":null},)"
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
  report.counts = {.requests = 9, .inserted = 1'000, .tombstoned = 4};
  report.certified = 2;
  report.skipped = 980;
  report.elapsed = seconds(12);
  for (const char* const survey : {"1", "2", "3", "4", "5", "6", "7"}) {
    report.failures.push_back({"response", survey, "gone\n  hint: ask", ErrorKind::denied});
  }
  EXPECT_EQ(
      summary_text(std::span(&report, 1)),
      "SOURCE  OUTCOME    NEW  UPDATED  UNCHANGED  DELETED  QUARANTINED  CERTIFICATES     SKIPPED  REQUESTS  TOOK  "
      "RUN\n"
      "us      partial  1,000        0          0        4            0  balanced 2 of 2      980         9  12 s    "
      "3\n");
  EXPECT_EQ(troubles(std::span(&report, 1)),
            std::vector<std::string>{"source us partial\n  response 1, 2, 3, 4, 5 and 2 more: gone\n    hint: ask"});
  report.outcome = sync::Outcome::succeeded;
  EXPECT_TRUE(troubles(std::span(&report, 1)).empty());
}

TEST(SyncSummaryTest, TheBrakeSaysWhatToDoNext) {
  sync::RunReport report;
  report.source = "us";
  RunStory story;
  story.on_event(event::DeletionsBraked{{"us", 3, "response", "12"}, 120, 500, "more than 5 %"});
  story.on_event(event::DeletionsFrozen{{"us", 3, "response", "13"}, "HTTP 403"});
  story.on_event(event::DeletionsFrozen{{"us", 3, "response", "14"}, "HTTP 403"});
  story.on_event(event::PartitionDeleted{{"us", 3, "", "15"}, "HTTP 404"});
  story.on_event(event::DeletionsFrozen{{"eu", 4, "response", "99"}, "HTTP 403"});
  const std::vector<std::string> texts = notices(report, story.of("us"));
  ASSERT_EQ(texts.size(), 3U);
  EXPECT_NE(texts[0].find("120 of 500"), std::string::npos) << texts[0];
  EXPECT_NE(texts[0].find("surveysync resync us --survey 12 --yes"), std::string::npos) << texts[0];
  EXPECT_NE(texts[1].find("frozen in 13, 14: HTTP 403"), std::string::npos) << texts[1];
  EXPECT_NE(texts[2].find("15 (HTTP 404)"), std::string::npos) << texts[2];
  EXPECT_TRUE(notices(report, story.of("nobody")).empty());
}

TEST(SyncSummaryTest, ADryRunTellsWhatWouldChange) {
  sync::RunReport report;
  report.source = "us";
  EXPECT_EQ(changes_text(report), "us: nothing would change\n");
  sync::PartitionChange equal;
  equal.stream = "response";
  equal.partition = "1";
  sync::PartitionChange change = equal;
  change.partition = "2";
  change.title = "Two";
  change.counts = {.inserted = 3, .tombstoned = 1};
  change.certificate.emplace();
  change.certificate->balanced = true;
  sync::PartitionChange unbalanced = equal;
  unbalanced.partition = "3";
  unbalanced.certificate.emplace();
  unbalanced.certificate->total_after = 10;
  unbalanced.certificate->stored_live = 8;
  unbalanced.certificate->quarantined = 1;
  report.changes = {equal, change, unbalanced};
  report.skipped = 4;
  EXPECT_EQ(changes_text(report),
            "us: would change\n"
            "  SURVEY  STREAM    TITLE  NEW  UPDATED  DELETED  QUARANTINED  CERTIFICATE\n"
            "  2       response  Two      3        0        1            0  would balance\n"
            "  3       response           0        0        0            0  would NOT balance: vendor 10, here 9\n"
            "  1 part read and equal\n"
            "  4 surveys skipped: not due for a probe\n");
}

TEST(CapabilityTextTest, SaysWhatIsDoneInstead) {
  sources::Abilities abilities{true, true, true, ""};
  EXPECT_EQ(fallback_text(abilities, {}),
            "windows look back 26 h: the clock of the change dates is not calibrated yet");
  const std::vector<model::Capability> known = {{"updated_zone", "UTC", "", kNow}};
  EXPECT_EQ(fallback_text(abilities, known), "");
  abilities.reason = "r";
  abilities.windows_counted = false;
  EXPECT_EQ(fallback_text(abilities, known), "certificates compare whole totals: r");
  abilities.windows = false;
  EXPECT_EQ(fallback_text(abilities, known), "complete passes over surveys that changed: r");
  abilities.newest_first = false;
  EXPECT_EQ(fallback_text(abilities, known), "complete passes: r");
  EXPECT_EQ(capability_line({"page_cap", "20", "20 of 130 came", kNow - seconds(7200)}, kNow),
            "page_cap 20 (20 of 130 came; learned 2 h ago)");
  EXPECT_EQ(told_capabilities({{"decoded_with", "x", "", kNow}, {"page_cap", "none", "", kNow}}).size(), 1U);
}

TEST(ForecastTest, TellsRequestsRowsAndTimeAtTheAccountsPace) {
  SourceForecast source;
  source.source = "us";
  source.forecast = {.asked = 31,
                     .requests = 240,
                     .rows = 4210,
                     .surveys = 1000,
                     .changed = 12,
                     .complete = 1,
                     .skipped = 836,
                     .probes = 163};
  source.takes = time_for(240, {120, seconds(60)});
  EXPECT_EQ(source.takes, seconds(120));
  EXPECT_EQ(forecast_text(std::span(&source, 1)),
            "SOURCE  SURVEYS  CHANGED  COMPLETE  PROBED  SKIPPED   ROWS  REQUESTS  TAKES ABOUT\n"
            "us        1,000       12         1     163      836  4,210       240    2 min 0 s\n"
            "planning made 31 requests; a sync that follows at once does not repeat them\n");
  EXPECT_EQ(
      forecast_json(std::span(&source, 1)),
      R"({"sources":[{"source":"us","error":null,"asked":31,"requests":240,"minutes":2,"rows":4210,"surveys":1000,)"
      R"("changed":12,"complete":1,"probes":163,"skipped":836}]})"
      "\n");
  source.error = Error(ErrorKind::locked, "held");
  EXPECT_EQ(forecast_text(std::span(&source, 1)), "");
  EXPECT_EQ(forecast_json(std::span(&source, 1)), "{\"sources\":[{\"source\":\"us\",\"error\":\"held\"}]}\n");
}

TEST(VerifyTextTest, ShowsTheDifferencesOnly) {
  sync::VerifyReport report;
  report.source = "us";
  report.requests = 7;
  sync::PartitionVerdict same;
  same.stream = "response";
  same.partition = "1";
  same.vendor_total = same.holdings.stored_live = 5;
  sync::PartitionVerdict other = same;
  other.partition = "2";
  other.title = "Two";
  other.vendor_total = 7;
  other.missing = 2;
  other.missing_keys = {"2/8", "2/9"};
  report.partitions = {same, other};
  EXPECT_EQ(
      verify_text(report, true),
      "us: DIFFERENT: 1 of 2 surveys equal by ids and content, 7 requests\n"
      "  STREAM    SURVEY  TITLE  VENDOR  STORED  QUARANTINED  EXCLUDED  MISSING  EXTRA  OTHER CONTENT  VERDICT\n"
      "  response  2       Two         7       5            0         0        2      0              0  DIFFERENT\n"
      "  missing here (2): 2/8, 2/9\n");
  report.partitions = {same};
  EXPECT_EQ(verify_text(report, false), "us: equal: 1 of 1 surveys equal by count, 7 requests\n");
  EXPECT_NE(verify_json(std::span(&report, 1), false).find("\"equal\":true,\"deep\":false"), std::string::npos);
  report.unknown_here = {"5"};
  EXPECT_EQ(verify_text(report, false),
            "us: DIFFERENT: 1 of 1 surveys equal by count, 7 requests\n  surveys that were never stored: 5\n");
}

}  // namespace
}  // namespace surveysync::app
