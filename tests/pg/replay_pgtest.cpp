// Tables made again from stored payloads and definition history, and quarantined records tried again, against a real
// PostgreSQL.

#include "sync/replay.h"

#include "book_fixture.h"

namespace surveysync::test {
namespace {

class ReplayTest : public BookTest {
 protected:
  sync::RunReport replay(std::stop_token stop = {}) {
    return sync::replay(job_, vendor_, open_, events_, clock_, stop);
  }
  sync::RunReport retry(const std::vector<std::int64_t>& ids = {}) {
    return sync::retry_quarantined(job_, ids, vendor_, open_, events_, clock_, {});
  }
  std::vector<std::string> checkpoints() {
    return rows(
        "SELECT stream, partition, bookmark, position, page_size, title, newest_change, total, balanced FROM "
        "surveysync.checkpoint ORDER BY 1, 2");
  }
  void lose_tables() { run_sql("TRUNCATE alchemer.question, alchemer.option, alchemer.answer"); }
};

TEST_F(ReplayTest, TruncatedTablesComeBackEqual) {
  vendor_.fill(1, 37);
  vendor_.fill(2, 3);
  vendor_.surveys[2].responses[2] = R"({"id":2,"v":5,"status":"x","odd":1,"variables":{"b": 1,  "a":2}})";
  vendor_.surveys[2].questions[12] = R"({"id":12,"title":"A\u0000B","options":{"5":"Nul\u0000"}})";
  load();
  const auto before = everything();
  const auto stood = checkpoints();
  const auto requests = vendor_.requests();
  lose_tables();
  ASSERT_NE(everything(), before);
  const auto report = replay();
  EXPECT_EQ(report.outcome, sync::Outcome::succeeded) << (report.error ? report.error->full_text() : "");
  EXPECT_EQ(everything(), before);
  EXPECT_EQ(checkpoints(), stood);
  EXPECT_EQ(vendor_.requests(), requests);
  EXPECT_EQ(query("SELECT kind || ' ' || outcome FROM surveysync.run ORDER BY run_id DESC LIMIT 1"),
            "replay succeeded");
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.lease WHERE holder <> ''"), "0");
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.run_stream s JOIN surveysync.run r USING (run_id) WHERE r.kind = "
                  "'replay' AND s.outcome = 'succeeded'"),
            "4");
}

TEST_F(ReplayTest, AgainIsTheSame) {
  vendor_.fill(1, 12);
  load();
  const auto before = everything();
  const auto versions = query("SELECT count(*) FROM surveysync.definition_history");
  replay();
  replay();
  EXPECT_EQ(everything(), before);
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.definition_history"), versions);
}

TEST_F(ReplayTest, DamagedColumnsAreMended) {
  vendor_.fill(1, 12);
  load();
  const auto before = everything();
  run_sql("UPDATE alchemer.response SET status = 'nonsense' WHERE response_id = 3");
  run_sql("UPDATE alchemer.answer SET answer = 'nonsense' WHERE response_id = 4");
  run_sql("DELETE FROM alchemer.answer WHERE response_id = 5");
  run_sql("UPDATE alchemer.question SET title = 'nonsense', position = 9");
  EXPECT_EQ(replay().outcome, sync::Outcome::succeeded);
  EXPECT_EQ(everything(), before);
}

TEST_F(ReplayTest, WhatIsMarkedDeletedStaysSo) {
  vendor_.fill(1, 12);
  load();
  vendor_.surveys[1].questions.erase(11);
  load();
  run_sql("UPDATE alchemer.response SET deleted_at = '2026-02-03' WHERE response_id IN (4, 5)");
  const auto before = everything();
  ASSERT_EQ(query("SELECT count(*) FROM alchemer.question WHERE deleted_at IS NOT NULL"), "1");
  const auto versions = rows(
      "SELECT object, object_id, recorded_at, payload_hash FROM surveysync.definition_history "
      "ORDER BY 1, 2, 3");
  lose_tables();
  replay();
  EXPECT_EQ(everything(), before);
  lose_tables();
  replay();
  EXPECT_EQ(everything(), before);
  EXPECT_EQ(rows("SELECT object, object_id, recorded_at, payload_hash FROM surveysync.definition_history "
                 "ORDER BY 1, 2, 3"),
            versions);
}

TEST_F(ReplayTest, ACutOffReplayLeavesNoDeletedQuestionAlive) {
  vendor_.fill(1, 2);
  load();
  vendor_.surveys[1].questions.erase(11);
  load();
  const auto before = everything();
  lose_tables();
  replay();
  // As if the process had died between making the row and marking it.
  run_sql("UPDATE alchemer.question SET deleted_at = NULL WHERE question_id = 11");
  replay();
  EXPECT_EQ(everything(), before);
}

TEST_F(ReplayTest, OnlyTheNamedSurvey) {
  vendor_.fill(1, 3);
  vendor_.fill(2, 3);
  load();
  lose_tables();
  job_.only = {"2", "9"};
  const auto report = replay();
  EXPECT_EQ(query("SELECT string_agg(DISTINCT survey_id::text, ',') FROM alchemer.answer"), "2");
  ASSERT_EQ(report.failures.size(), 1U);
  EXPECT_EQ(report.failures[0].partition, "9");
  EXPECT_EQ(report.outcome, sync::Outcome::partial);
}

TEST_F(ReplayTest, StopsAndGoesOn) {
  vendor_.fill(1, 1100);
  load();
  const auto before = everything();
  lose_tables();
  std::stop_source stop;
  class Stopper final : public Observer {
   public:
    explicit Stopper(std::stop_source& stop) : stop_(stop) {}
    void on_event(const Event& event) noexcept override {
      if (std::holds_alternative<event::PageStored>(event) && ++pages_ == 2) stop_.request_stop();
    }

   private:
    std::stop_source& stop_;
    std::atomic<int> pages_ = 0;
  } stopper(stop);
  const auto first = sync::replay(job_, vendor_, open_, stopper, clock_, stop.get_token());
  EXPECT_EQ(first.outcome, sync::Outcome::cancelled);
  EXPECT_EQ(query("SELECT outcome FROM surveysync.run ORDER BY run_id DESC LIMIT 1"), "cancelled");
  EXPECT_NE(everything(), before);
  EXPECT_EQ(replay().outcome, sync::Outcome::succeeded);
  EXPECT_EQ(everything(), before);
  EXPECT_GE(events_.of<event::PageStored>().size(), 5U);
}

TEST_F(ReplayTest, RowsThatAreEqualAlreadyAreLeftAlone) {
  vendor_.fill(1, 40);
  load();
  run_sql("DELETE FROM alchemer.answer WHERE response_id = 5");
  const auto report = replay();
  EXPECT_EQ(report.counts.updated, 1);
  EXPECT_EQ(query("SELECT string_agg(response_id::text, ',') FROM alchemer.response r JOIN surveysync.run USING "
                  "(run_id) WHERE kind = 'replay'"),
            "5");
}

TEST_F(ReplayTest, ALostConnectionInTheMiddleCostsNothing) {
  vendor_.fill(1, 800);
  vendor_.fill(2, 800);
  load();
  const auto before = everything();
  lose_tables();
  class Killer final : public Observer {
   public:
    explicit Killer(std::function<void()> kill) : kill_(std::move(kill)) {}
    void on_event(const Event& event) noexcept override {
      if (std::holds_alternative<event::PageStored>(event) && ++pages_ == 3) kill_();
      if (std::holds_alternative<event::StoreUnavailable>(event)) ++lost;
    }
    std::atomic<int> lost = 0;

   private:
    std::function<void()> kill_;
    std::atomic<int> pages_ = 0;
  } killer([this] {
    query(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = "
        "current_database()");
  });
  const auto report = sync::replay(job_, vendor_, open_, killer, clock_, {});
  EXPECT_EQ(report.outcome, sync::Outcome::succeeded) << (report.error ? report.error->full_text() : "");
  EXPECT_GT(killer.lost, 0);
  EXPECT_EQ(everything(), before);
}

TEST_F(ReplayTest, DefinitionsOfADeletedSurveyComeBackDeleted) {
  vendor_.fill(1, 3);
  load();
  const auto session = open_({});
  const store::Fence fence = session->acquire_lease("us", std::chrono::minutes(5));
  const std::int64_t run = session->ledger().open_run(fence, "incremental");
  for (const model::StreamSpec& stream : vendor_.streams())
    session->ledger().mark_partition_deleted(fence, run, stream, "1");
  session->release_lease(fence);
  const auto before = everything();
  lose_tables();
  replay();
  EXPECT_EQ(everything(), before);
  EXPECT_EQ(query("SELECT count(*) FROM alchemer.question WHERE deleted_at IS NULL"), "0");
}

TEST_F(ReplayTest, ALeaseHeldElsewhereKeepsItOut) {
  run_sql(
      "INSERT INTO surveysync.lease (source, holder, epoch, acquired_at, renewed_at, expires_at) VALUES ('us', "
      "'elsewhere/1/1', 5, now(), now(), now() + interval '1 hour')");
  EXPECT_EQ(error_of([&] { replay(); }).kind(), ErrorKind::locked);
}

TEST_F(ReplayTest, AQuarantinedNewerVersionStaysInQuarantine) {
  vendor_.fill(1, 5);
  load();
  vendor_.surveys[1].responses[3] = R"({"id":3,"v":2,"letter":"new"})";
  load();
  ASSERT_EQ(query("SELECT record_key FROM surveysync.quarantine"), "1/3");
  const auto before = everything();
  lose_tables();
  replay();
  EXPECT_EQ(everything(), before);
  EXPECT_EQ(query("SELECT raw = convert_to('{\"id\":3,\"v\":2,\"letter\":\"new\"}', 'UTF8') FROM "
                  "surveysync.quarantine"),
            "t");
}

TEST_F(ReplayTest, QuarantinedRecordsAreStoredOnceTheyAreUnderstood) {
  vendor_.fill(1, 5);
  vendor_.surveys[1].responses[3] = R"({"id":3,"v":2,"status":"L","letter":"new"})";
  load();
  EXPECT_EQ(retry().counts.quarantined, 1);
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.quarantine WHERE retried_at IS NOT NULL"), "1");
  const auto seen = query("SELECT last_seen_at FROM surveysync.quarantine");
  EXPECT_EQ(query("SELECT last_seen_at = first_seen_at FROM surveysync.quarantine"), "t");
  vendor_.understands_letters = true;
  const auto stood = checkpoints();
  const auto requests = vendor_.requests();
  const auto report = retry();
  EXPECT_EQ(report.outcome, sync::Outcome::succeeded) << (report.error ? report.error->full_text() : "");
  EXPECT_EQ(report.counts.inserted, 1);
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.quarantine"), "0");
  EXPECT_EQ(query("SELECT status FROM alchemer.response WHERE response_id = 3"), "L");
  EXPECT_EQ(vendor_.requests(), requests);
  // newest_change may move: the record's own change is met now.
  EXPECT_EQ(checkpoints().size(), stood.size());
}

TEST_F(ReplayTest, OlderQuarantinedBytesReplaceNothingNewer) {
  vendor_.fill(1, 5);
  load();
  vendor_.surveys[1].responses[3] = R"({"id":3,"v":2,"status":"old","letter":"new"})";
  load();
  ASSERT_EQ(query("SELECT count(*) FROM surveysync.quarantine"), "1");
  run_sql("UPDATE alchemer.response SET changed_at = now(), status = 'newer' WHERE response_id = 3");
  vendor_.understands_letters = true;
  retry();
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.quarantine"), "0");
  EXPECT_EQ(query("SELECT status FROM alchemer.response WHERE response_id = 3"), "newer");
}

TEST_F(ReplayTest, RetryTakesTheNamedOnesAndTellsTheUnknown) {
  vendor_.fill(1, 5);
  vendor_.surveys[1].responses[3] = R"({"id":3,"v":2,"status":"L","letter":"new"})";
  vendor_.surveys[1].responses[4] = R"({"id":4,"v":2,"status":"L","letter":"new"})";
  load();
  vendor_.understands_letters = true;
  const std::int64_t id = std::stoll(query("SELECT quarantine_id FROM surveysync.quarantine WHERE record_key = '1/4'"));
  const auto report = retry({id, 4711});
  EXPECT_EQ(query("SELECT string_agg(record_key, ',') FROM surveysync.quarantine"), "1/3");
  ASSERT_EQ(report.failures.size(), 1U);
  EXPECT_EQ(report.failures[0].partition, "4711");
}

}  // namespace
}  // namespace surveysync::test
