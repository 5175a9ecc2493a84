// store/retention: what goes, what is needed and stays, and that it goes in bounded steps.
#include "store/retention.h"

#include <fmt/format.h>

#include "fixture.h"
#include "store/history.h"

namespace surveysync::test {
namespace {

using Lines = std::vector<std::string>;
constexpr Duration kDay = std::chrono::hours(24);
constexpr store::RetentionLimits kLimits{400 * kDay, 90 * kDay};

class RetentionTest : public DatabaseTest {
 protected:
  /// A finished run so many days ago; its number.
  std::int64_t add_run(int days_ago, const std::string& outcome = "succeeded", const std::string& kind = "incremental",
                       const std::string& source = "us") {
    const bool certified = outcome == "succeeded" && kind == "incremental";
    return std::stoll(query(fmt::format(
        "INSERT INTO surveysync.run (source, kind, outcome, started_at, finished_at, holder, epoch, certified) VALUES "
        "('{}', '{}', '{}', now() - interval '{} days', now() - interval '{} days', 'h', 1, {}) RETURNING run_id",
        source, kind, outcome, days_ago, days_ago, certified)));
  }
  void add_stream(std::int64_t run, int days_ago, const std::string& partition,
                  const std::string& outcome = "succeeded") {
    run_sql(
        fmt::format("INSERT INTO surveysync.run_stream (run_id, stream, partition, source, outcome, started_at, "
                    "finished_at) VALUES "
                    "({}, 'response', '{}', 'us', '{}', now() - interval '{} days', now() - interval '{} days')",
                    run, partition, outcome, days_ago, days_ago));
  }
  void add_certificate(std::int64_t run, int days_ago, const std::string& partition, bool balanced = true) {
    run_sql(fmt::format(
        "INSERT INTO surveysync.certificate (run_id, source, survey_id, as_of, total_before, total_after, fetched, "
        "stored_live, tombstoned, quarantined, excluded, in_flight, balanced, certified_at, partition) VALUES "
        "({0}, 'us', {1}, now(), 1, 1, 1, 1, 0, 0, 0, 0, {2}, now() - interval '{3} days', '{1}')",
        run, partition, balanced, days_ago));
  }
  void add_quarantined(const std::string& key, int days_ago) {
    run_sql(fmt::format(
        "INSERT INTO surveysync.quarantine (source, stream, partition, record_key, reason, raw, run_id, first_seen_at, "
        "last_seen_at) VALUES ('us', 'response', '1', '{}', 'no', 'bytes', 1, now() - interval '900 days', "
        "now() - interval '{} days')",
        key, days_ago));
  }
  store::Forgotten forget(int slices = 10) {
    const auto connection = connect();
    return store::Retention(*connection).carry_out("us", kLimits, slices);
  }
  Lines runs() { return rows("SELECT run_id FROM surveysync.run ORDER BY run_id"); }
};

TEST_F(RetentionTest, OldRunsGoWithTheirStreamsCertificatesAndRequests) {
  const auto old = add_run(500), young = add_run(10);
  for (const auto& [run, days] : {std::pair(old, 500), std::pair(young, 10)}) {
    add_stream(run, days, "1");
    add_certificate(run, days, "1");
    run_sql(
        fmt::format("INSERT INTO surveysync.request (source, kind, finished_at, run_id) VALUES ('us', 'resync', now() "
                    "- interval '{} days', {})",
                    days, run));
  }
  run_sql(
      "INSERT INTO surveysync.request (source, kind, requested_at) VALUES ('us', 'resync', now() - interval '900 "
      "days')");
  const store::Forgotten gone = forget();
  EXPECT_EQ(gone, (store::Forgotten{1, 1, 1, 1, 0}));
  EXPECT_EQ(store::words_of(gone), "1 runs, 1 rows of run_stream, 1 certificates, 1 requests");
  EXPECT_EQ(runs(), Lines{std::to_string(young)});
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.request WHERE finished_at IS NULL"), "1") << "nobody carried it yet";
  EXPECT_EQ(forget(), store::Forgotten()) << "the second time there is nothing to do";
}

TEST_F(RetentionTest, WhatIsNewestStaysHoweverOld) {
  // Partition 1 succeeded last in the oldest run, was tried in vain since, and is certified by that run alone.
  const auto success = add_run(900), attempt = add_run(800, "failed"), useless = add_run(700, "failed"),
             latest = add_run(500);
  add_stream(success, 900, "1");
  add_certificate(success, 900, "1");
  add_stream(attempt, 800, "1", "failed");
  add_certificate(attempt, 800, "1", false);
  add_stream(useless, 700, "2", "failed");
  add_stream(latest, 500, "2");
  const auto before = store::History(*connect()).clocks();
  EXPECT_EQ(forget(), (store::Forgotten{1, 1, 0, 0, 0}));
  EXPECT_EQ(runs(), (Lines{std::to_string(success), std::to_string(attempt), std::to_string(latest)}));
  EXPECT_EQ(rows("SELECT run_id FROM surveysync.certificate ORDER BY 1"),
            (Lines{std::to_string(success), std::to_string(attempt)}));
  const auto after = store::History(*connect()).clocks();
  ASSERT_EQ(after.size(), before.size());
  EXPECT_EQ(after.at(0).last_success, before.at(0).last_success);
  EXPECT_EQ(after.at(0).last_certified, before.at(0).last_certified);
  EXPECT_EQ(after.at(0).last_attempt, before.at(0).last_attempt);
}

TEST_F(RetentionTest, ReplaysAreNeitherAttemptNorSuccess) {
  const auto replay = add_run(600, "succeeded", "replay"), again = add_run(550, "succeeded", "replay"),
             night = add_run(5);
  add_stream(replay, 600, "1");
  add_stream(again, 550, "1");
  EXPECT_EQ(forget().streams, 2);
  EXPECT_EQ(runs(), (Lines{std::to_string(again), std::to_string(night)})) << "the newest of its kind stays";
}

TEST_F(RetentionTest, OtherSourcesAndYoungRunsAreLeftAlone) {
  add_run(500, "succeeded", "incremental", "eu");
  add_run(499, "succeeded", "incremental", "eu");
  add_run(399);
  add_run(1);
  EXPECT_EQ(forget(), store::Forgotten());
  EXPECT_EQ(runs().size(), 4U);
}

TEST_F(RetentionTest, ManyGoInSlices) {
  run_sql(
      "INSERT INTO surveysync.run (source, kind, outcome, started_at, finished_at, holder, epoch) SELECT 'us', "
      "'incremental', 'succeeded', now() - interval '500 days' + n * interval '1 second', now() - interval '500 days', "
      "'h', 1 FROM generate_series(1, 1000) AS n");
  EXPECT_EQ(forget(2).runs, 2 * store::kRetentionSlice);
  EXPECT_EQ(forget().runs, 999 - 2 * store::kRetentionSlice);
  EXPECT_EQ(runs().size(), 1U);
}

TEST_F(RetentionTest, RunsThatMustStayDoNotHideThoseBehindThem) {
  run_sql(
      "INSERT INTO surveysync.run (source, kind, outcome, started_at, finished_at, holder, epoch) SELECT 'us', "
      "'incremental', 'succeeded', now() - interval '500 days' + n * interval '1 second', now() - interval '500 days', "
      "'h', 1 FROM generate_series(1, 500) AS n");
  // The first three hundred are each the last that saw a survey.
  run_sql(
      "INSERT INTO surveysync.run_stream (run_id, stream, partition, source, outcome, started_at) SELECT run_id, "
      "'response', run_id::text, 'us', 'succeeded', now() FROM surveysync.run AS r ORDER BY r.run_id LIMIT 300");
  EXPECT_EQ(forget().runs, 199);
  EXPECT_EQ(runs().size(), 301U);
}

TEST_F(RetentionTest, QuarantinedRecordsAreCountedStillButTheirBytesGo) {
  add_quarantined("1/7", 91);
  add_quarantined("1/8", 89);
  EXPECT_EQ(forget(), (store::Forgotten{0, 0, 0, 0, 1}));
  EXPECT_EQ(rows("SELECT record_key, length(raw), reason LIKE '%retention%' FROM surveysync.quarantine ORDER BY 1"),
            (Lines{"1/7|0|t", "1/8|5|f"}));
  EXPECT_EQ(forget(), store::Forgotten());
}

TEST_F(RetentionTest, StopsBetweenSlices) {
  add_run(500);
  add_run(499);
  std::stop_source stop;
  const auto connection = connect("postgres", stop.get_token());
  stop.request_stop();
  EXPECT_EQ(store::Retention(*connection).carry_out("us", kLimits, 10), store::Forgotten());
}

}  // namespace
}  // namespace surveysync::test
