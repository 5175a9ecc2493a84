// Incidents are open at most once, whoever finds them.

#include <fmt/format.h>

#include "store/incidents.h"

#include <atomic>
#include <thread>

#include "fixture.h"
#include "store/freshness.h"

namespace surveysync::test {
namespace {

class IncidentsTest : public DatabaseTest {
 protected:
  static store::Incident refused_key() {
    store::Incident incident;
    incident.key = "key us/secret";
    incident.rule = "key_refused";
    incident.source = "us";
    incident.severity = "critical";
    incident.verdict = "rotated";
    incident.evidence = "401 on every endpoint";
    incident.next_step = "put the new key into /etc/surveysync/key";
    return incident;
  }
};

TEST_F(IncidentsTest, OpensOnceAndIsBroughtUpToDate) {
  const auto connection = connect();
  store::Incidents incidents(*connection);
  const auto [id, opened, notified] = incidents.open(refused_key());
  EXPECT_FALSE(notified);
  EXPECT_TRUE(opened);
  store::Incident again = refused_key();
  again.verdict = "mistyped";
  again.evidence = std::string("a\0b", 3);
  again.severity = "warning";
  const auto second = incidents.open(again);
  EXPECT_FALSE(second.opened);
  EXPECT_EQ(second.incident_id, id);
  incidents.note_notified(id);
  const std::vector<store::Incident> open = incidents.open_ones();
  ASSERT_EQ(open.size(), 1U);
  EXPECT_EQ(open[0].incident_id, id);
  EXPECT_EQ(open[0].verdict, "mistyped");
  EXPECT_EQ(open[0].evidence,
            "a\xE2\x90\x80"
            "b");
  EXPECT_EQ(open[0].severity, "critical") << "as it was opened";
  EXPECT_EQ(open[0].source, "us");
  EXPECT_TRUE(open[0].notified_at);
  EXPECT_GE(open[0].notified_at, open[0].opened_at);
  EXPECT_EQ(query("SELECT abs(extract(epoch FROM opened_at - now())) < 60 FROM surveysync.incident"), "t");
}

TEST_F(IncidentsTest, ResolvesToOneAndOpensAnew) {
  const auto connection = connect();
  store::Incidents incidents(*connection);
  EXPECT_EQ(incidents.resolve("key us/secret"), std::nullopt);
  const auto first = incidents.open(refused_key());
  const std::optional<store::Incident> resolved = incidents.resolve("key us/secret");
  ASSERT_TRUE(resolved);
  EXPECT_EQ(resolved->incident_id, first.incident_id);
  EXPECT_EQ(resolved->evidence, "401 on every endpoint");
  EXPECT_TRUE(resolved->resolved_at);
  EXPECT_EQ(incidents.resolve("key us/secret"), std::nullopt);
  EXPECT_TRUE(incidents.open_ones().empty());
  const auto second = incidents.open(refused_key());
  EXPECT_TRUE(second.opened);
  EXPECT_NE(second.incident_id, first.incident_id);
}

TEST_F(IncidentsTest, ManyProcessesOpenAndResolveItOnce) {
  constexpr int kProcesses = 8, kRounds = 15;
  std::atomic<int> opened = 0, resolved = 0, wrong = 0;
  std::vector<std::jthread> threads;
  for (int process = 0; process < kProcesses; ++process) {
    threads.emplace_back([&] {
      const auto connection = connect();
      store::Incidents incidents(*connection);
      for (int round = 0; round < kRounds; ++round) {
        try {
          if (incidents.open(refused_key()).opened) ++opened;
          if (incidents.resolve("key us/secret")) ++resolved;
        } catch (const Error&) {
          ++wrong;
        }
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(opened, resolved);
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.incident"), std::to_string(opened));
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.incident WHERE resolved_at IS NULL"), "0");
}

TEST_F(IncidentsTest, WhatNobodyToldIsTakenByOneAfterAMinute) {
  const auto connection = connect(), other = connect();
  store::Incidents incidents(*connection), others(*other);
  const auto first = incidents.open(refused_key());
  EXPECT_TRUE(incidents.claim_untold().empty()) << "whoever opened it may be about to tell it";
  query("UPDATE surveysync.incident SET opened_at = now() - interval '61 seconds'");
  const std::vector<store::Incident> mine = incidents.claim_untold();
  ASSERT_EQ(mine.size(), 1U);
  EXPECT_EQ(mine[0].incident_id, first.incident_id);
  EXPECT_EQ(mine[0].evidence, "401 on every endpoint");
  EXPECT_TRUE(others.claim_untold().empty());
  EXPECT_TRUE(incidents.open(refused_key()).notified);
}

TEST_F(IncidentsTest, RepetitionsAreDueBySeverityAndTakenByOne) {
  constexpr Duration kCritical = std::chrono::hours(4), kWarning = std::chrono::hours(24);
  const auto connection = connect(), other = connect();
  store::Incidents incidents(*connection), others(*other);
  incidents.note_notified(incidents.open(refused_key()).incident_id);
  store::Incident mild = refused_key();
  mild.key = "mild";
  mild.severity = "warning";
  incidents.note_notified(incidents.open(mild).incident_id);
  EXPECT_TRUE(incidents.claim_repeats(kCritical, kWarning).empty());
  query("UPDATE surveysync.incident SET notified_at = now() - interval '5 hours'");
  const std::vector<store::Incident> due = incidents.claim_repeats(kCritical, kWarning);
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].severity, "critical");
  EXPECT_TRUE(others.claim_repeats(kCritical, kWarning).empty());
  incidents.raise("mild");
  EXPECT_EQ(others.claim_repeats(kCritical, kWarning).size(), 1U) << "it is critical now";
}

TEST_F(IncidentsTest, FreshnessCountsRunsThatAskTheVendor) {
  const auto connection = connect();
  EXPECT_FALSE(store::freshness(*connection, "us").last_certified);
  query(
      "INSERT INTO surveysync.run (source, kind, outcome, started_at, finished_at, certified, holder, epoch) VALUES "
      "('us', 'incremental', 'succeeded', now() - interval '3 hours', now() - interval '2 hours', true, 'h', 1), "
      "('us', 'incremental', 'failed', now() - interval '1 hour', now() - interval '30 minutes', false, 'h', 1), "
      "('us', 'replay', 'succeeded', now() - interval '10 minutes', now(), false, 'h', 1), "
      "('eu', 'incremental', 'succeeded', now(), now(), true, 'h', 1)");
  const store::Freshness fresh = store::freshness(*connection, "us");
  ASSERT_TRUE(fresh.last_certified);
  EXPECT_EQ(fresh.last_outcome, "failed");
  EXPECT_NEAR(std::chrono::duration<double>(fresh.now - *fresh.last_certified).count(), 7200, 60);
  EXPECT_NEAR(std::chrono::duration<double>(fresh.now - *fresh.first_attempt).count(), 10800, 60);
  EXPECT_EQ(store::intakes(*connection, "us", fresh.now - std::chrono::hours(24)).size(), 2U);
  EXPECT_EQ(store::intakes(*connection, "us", fresh.now - std::chrono::hours(2)).size(), 1U);
}

TEST_F(IncidentsTest, OneSurveysRunMakesNoSourceFresh) {
  const auto connection = connect();
  query(
      "INSERT INTO surveysync.run (source, kind, outcome, started_at, finished_at, certified, narrowed, holder, epoch) "
      "VALUES ('us', 'incremental', 'succeeded', now() - interval '3 hours', now() - interval '2 hours', true, false, "
      "'h', 1), ('us', 'incremental', 'succeeded', now(), now(), true, true, 'h', 1)");
  const store::Freshness fresh = store::freshness(*connection, "us");
  EXPECT_NEAR(std::chrono::duration<double>(fresh.now - fresh.last_certified.value()).count(), 7200, 60);
}

TEST_F(IncidentsTest, EverythingBalancesByTheNewestCertificates) {
  const auto connection = connect();
  EXPECT_TRUE(store::all_balanced(*connection, "us"));
  const auto certify = [&](int run, int survey, bool balanced) {
    query(fmt::format(
        "INSERT INTO surveysync.certificate (run_id, source, survey_id, stream, partition, as_of, total_before, "
        "total_after, fetched, stored_live, tombstoned, quarantined, excluded, in_flight, balanced, certified_at) "
        "VALUES ({0}, 'us', {1}, 'response', '{1}', now(), 1, 1, 1, 1, 0, 0, 0, 0, {2}, now())",
        run, survey, balanced));
  };
  certify(1, 5, false);
  certify(1, 6, true);
  EXPECT_FALSE(store::all_balanced(*connection, "us"));
  EXPECT_TRUE(store::all_balanced(*connection, "eu"));
  certify(2, 6, true);
  EXPECT_FALSE(store::all_balanced(*connection, "us"));
  certify(3, 5, true);
  EXPECT_TRUE(store::all_balanced(*connection, "us"));
}

}  // namespace
}  // namespace surveysync::test
