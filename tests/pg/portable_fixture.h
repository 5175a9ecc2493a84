#pragma once
// All that we do in a database, told through any connection text, as a role that may neither make temporary tables nor
// take advisory locks nor notify: what engines lack that speak PostgreSQL's protocol (reliability.md 5.8).

#include <thread>

#include "book_fixture.h"
#include "list_source.h"
#include "store/history.h"
#include "store/incidents.h"
#include "store/key_book.h"
#include "store/requests.h"
#include "store/shared_budget.h"
#include "sync/replay.h"
#include "sync/run.h"
#include "sync/verify.h"

namespace surveysync::test {

class PortableTest : public BookTest {
 protected:
  static constexpr const char* kRole = "portable";

  PortableTest() {
    database_ = cluster_.create_database();
    if (query("SELECT count(*) FROM pg_roles WHERE rolname = 'portable'") == "0") run_sql("CREATE ROLE portable LOGIN");
    run_sql("REVOKE TEMP ON DATABASE " + database_ + " FROM PUBLIC; GRANT CREATE ON DATABASE " + database_ +
            " TO portable");
    for (const std::string& function : rows("SELECT oid::regprocedure FROM pg_proc WHERE (proname ~ 'advisory' OR "
                                            "proname = 'pg_notify') AND pronamespace = "
                                            "'pg_catalog'::regnamespace"))
      run_sql("REVOKE EXECUTE ON FUNCTION pg_catalog." + function + " FROM PUBLIC");
    open_ = [this](std::stop_token token) {
      return std::make_unique<store::Session>(through(), events_, clock_, std::move(token));
    };
  }

  /// How the role connects.
  virtual pg::ConnectOptions through() const = 0;
  std::unique_ptr<pg::Connection> connection() { return std::make_unique<pg::Connection>(through(), clock_, never_); }

  void expect_refusals() {
    const auto one = connection();
    for (const char* sql :
         {"CREATE TEMP TABLE t (a int)", "SELECT pg_advisory_lock(1)", "SELECT pg_try_advisory_xact_lock(1)",
          "SELECT pg_advisory_unlock_all()", "SELECT pg_notify('surveysync', '')"})
      EXPECT_EQ(error_of([&] { one->execute(sql); }).sqlstate(), "42501") << sql;
  }

  /// Several processes at once, as daemons that start together.
  void migrate() {
    std::vector<std::jthread> processes;
    for (int process = 0; process < 3; ++process) {
      processes.emplace_back([this] {
        try {
          const auto one = connection();
          store::migrate(*one);
          store::require_version(*one);
        } catch (const Error& error) {
          ADD_FAILURE() << error.full_text();
        }
      });
    }
    processes.clear();
    EXPECT_EQ(query("SELECT count(*) FROM surveysync.schema_migration WHERE name <> ''"),
              std::to_string(store::embedded_migrations().size()));
    const auto one = connection();
    store::History history(*one);
    EXPECT_TRUE(history.missing_privileges().empty());
    history.rehearse_write();
  }

  sync::RunReport run_list(ListSource& vendor, sync::RunKind kind, bool dry = false) {
    sync::Job job;
    job.source = "list";
    job.kind = kind;
    job.dry_run = dry;
    job.page_sizes = {10, 2, 10};
    job.workers = 3;
    sync::RunReport report = sync::run(job, vendor, open_, events_, clock_, never_);
    EXPECT_EQ(report.outcome, sync::Outcome::succeeded) << (report.error ? report.error->full_text() : "");
    return report;
  }
  std::string live() {
    return query("SELECT count(*) FROM alchemer.response WHERE source = 'list' AND deleted_at IS NULL");
  }

  /// Nights with additions, edits and deletions; a rehearsal; a resync.
  void run_nights() {
    ListSource vendor;
    vendor.dated = true;
    for (std::int64_t survey = 1; survey <= 5; ++survey)
      for (std::int64_t id = 1; id <= 33; ++id)
        vendor.put(survey, id, "Complete");
    run_list(vendor, sync::RunKind::incremental);
    EXPECT_EQ(live(), "165");
    vendor.now += 86'400;
    vendor.put(2, 34, "Partial");
    vendor.put(3, 5, "Disqualified");
    vendor.surveys[1].erase(7);
    run_list(vendor, sync::RunKind::incremental, true);
    EXPECT_EQ(live(), "165") << "a rehearsal leaves nothing";
    run_list(vendor, sync::RunKind::incremental);
    run_list(vendor, sync::RunKind::resync);
    EXPECT_EQ(live(), "165");
    EXPECT_EQ(query("SELECT status FROM alchemer.response WHERE source = 'list' AND survey_id = 3 AND response_id = 5"),
              "\"Disqualified\"");
    EXPECT_EQ(query("SELECT count(*) FROM alchemer.response WHERE source = 'list' AND deleted_at IS NOT NULL"), "1");
    EXPECT_EQ(query("SELECT count(*) FROM surveysync.lease WHERE holder <> ''"), "0");
  }

  /// Definitions, answers, history; compared from both sides; the tables made again.
  void keep_book() {
    vendor_.fill(1, 37);
    vendor_.fill(2, 12);
    load();
    EXPECT_TRUE(sync::verify(job_, true, vendor_, open_, events_, clock_, never_).equal());
    const std::vector<std::string> before = everything();
    run_sql("TRUNCATE alchemer.question, alchemer.option, alchemer.answer");
    const sync::RunReport report = sync::replay(job_, vendor_, open_, events_, clock_, never_);
    EXPECT_EQ(report.outcome, sync::Outcome::succeeded) << (report.error ? report.error->full_text() : "");
    EXPECT_EQ(everything(), before);
  }

  /// What the daemon and its keys write.
  void serve() {
    const auto one = connection(), other = connection();
    store::Requests requests(*one);
    const std::int64_t id = requests.add("us", "resync", {{"1"}, {}, UtcTime(), {}, true}, "operator");
    const store::Fence fence = store::Lease::acquire(*one, "us", std::chrono::minutes(1));
    EXPECT_EQ(store::Requests(*other).holder("us"), fence.holder);
    EXPECT_EQ(requests.waiting(), std::vector<std::string>{"us"});
    const std::optional<store::RunRequest> taken = requests.take(fence);
    ASSERT_TRUE(taken);
    EXPECT_EQ(taken->arguments.from, UtcTime());
    requests.note_run(fence, id, 1);
    requests.finish(fence, id, 1, "succeeded", 0, "");
    EXPECT_EQ(store::Requests(*other).find(id)->outcome, "succeeded");
    EXPECT_FALSE(requests.withdraw(id));
    store::Lease::renew(*one, fence, std::chrono::minutes(1));
    store::Lease::release(*one, fence);

    store::KeyRecord key;
    key.source = "us";
    key.slot = "secret";
    key.fingerprint = "0a1b2c3d";
    key.lines = {"11111111", "22222222"};
    key.verdict = "rotated";
    store::KeyBook book(*one);
    EXPECT_EQ(book.begin(key).uses, 1);
    book.refused(key, 2, {Duration::zero()});
    EXPECT_TRUE(store::KeyBook(*other).claim_probe(key, {std::chrono::minutes(1)}, 12));
    EXPECT_FALSE(book.claim_probe(key, {std::chrono::minutes(1)}, 12));
    book.accepted(key);
    EXPECT_EQ(store::KeyBook(*other).recall(key).good_lines, key.lines);
    EXPECT_EQ(book.records("us").size(), 1U);

    store::Incident incident;
    incident.key = incident.rule = "key_refused";
    incident.severity = "critical";
    store::Incidents incidents(*one);
    EXPECT_TRUE(incidents.open(incident).opened);
    EXPECT_FALSE(store::Incidents(*other).open(incident).opened);
    incidents.note_notified(incidents.open_ones().at(0).incident_id);
    EXPECT_TRUE(incidents.resolve("key_refused"));

    store::SharedBudget budget(through(), "account", clock_), second(through(), "account", clock_);
    EXPECT_EQ(budget.take(std::chrono::seconds(1), std::chrono::hours(1), never_), Duration::zero());
    EXPECT_GT(second.take(std::chrono::seconds(1), std::chrono::hours(1), never_), Duration::zero());
    budget.rest(std::chrono::seconds(30));
    EXPECT_EQ(second.take(std::chrono::seconds(1), std::chrono::seconds(20), never_), std::nullopt);

    store::History history(*one);
    EXPECT_FALSE(history.runs("", 10).empty());
    EXPECT_FALSE(history.recent_runs("list", 10).empty());
    EXPECT_FALSE(history.clocks().empty());
  }

  const std::stop_token never_;
};

}  // namespace surveysync::test
