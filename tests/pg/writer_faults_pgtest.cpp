// store/writer under faults: other writers, lost connections, lost leases, missing rights. Each ends by proving
// recovery.
#include <thread>

#include "pg/binary.h"
#include "writer_fixture.h"

namespace surveysync::test {
namespace {

using Lines = std::vector<std::string>;

class WriterFaultTest : public WriterTest {
 protected:
  int backend() { return static_cast<int>(connection_->execute("SELECT pg_catalog.pg_backend_pid()").integer(0, 0)); }
  /// A fresh connection and writer, as the run makes after a loss.
  Counts apply_anew(const model::Page& page) {
    connection_ = connect();
    store::Writer writer(*connection_, events_, clock_);
    return writer.apply(page, decode, checkpoint(), target());
  }
  /// Makes the deferred trigger `name` that runs `body` at COMMIT of a page.
  void at_commit(const std::string& body) {
    run_sql("CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN " + body +
            " RETURN NULL; END$$; "
            "CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON alchemer.response DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION at_commit()");
  }
};

TEST_F(WriterFaultTest, AnotherWorkerWasFirst) {
  // The other transaction holds the key when our lookup sees nothing, and commits while our COPY waits for it.
  const auto other = connect();
  std::optional<pg::Transaction> first(std::in_place, *other);
  first->execute(
      "INSERT INTO alchemer.response (source, survey_id, response_id, status, date_updated, payload, payload_hash, "
      "first_seen_at, changed_at, run_id) VALUES ('us', 77, 2, 'theirs', '2026-01-01 00:00:01+00', '{}', '\\x00', "
      "pg_catalog.now(), pg_catalog.now(), 1)");
  first->execute(
      "INSERT INTO alchemer.answer (source, survey_id, response_id, question_id, item, is_other, run_id) VALUES "
      "('us', 77, 2, 99, '', false, 1)");
  std::jthread committer([&] {
    await("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'COPY%'", "1");
    first->commit();
  });
  EXPECT_EQ(apply(numbered(1, 3, 5, "ours")), (Counts{.inserted = 2, .updated = 1}));
  committer.join();
  EXPECT_EQ(responses(), (Lines{"1|ours|5|f|10=a1,11=b", "2|ours|5|f|10=a2,11=b", "3|ours|5|f|10=a3,11=b"}));
  EXPECT_EQ(query("SELECT sum(inserted) FROM surveysync.run_stream"), "2");
}

TEST_F(WriterFaultTest, ManyWritersOfOneRangeLoseNothing) {
  constexpr int kWriters = 4, kRounds = 6;
  std::vector<std::jthread> workers;
  std::atomic<int> failures = 0;
  for (int worker = 0; worker < kWriters; ++worker) {
    workers.emplace_back([&, worker] {
      try {
        const auto connection = connect();
        store::Writer writer(*connection, events_, clock_);
        for (int round = 0; round < kRounds; ++round) {
          const std::int64_t from = 1 + 7 * ((worker + round) % 5);
          const int version = 1 + round * kWriters + worker;
          // Backwards on purpose: the writer sorts.
          model::Page page = numbered(from, from + 20, version, "v" + std::to_string(version));
          std::ranges::reverse(page.records);
          writer.apply(page, decode, {"response", std::to_string(worker), "", "", 0}, target());
        }
      } catch (const Error& error) {
        ADD_FAILURE() << error.what();
        ++failures;
      }
    });
  }
  workers.clear();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(query("SELECT count(*) FROM alchemer.response"), "49");
  EXPECT_EQ(query("SELECT count(*) FROM alchemer.answer"), "98");
  EXPECT_EQ(query("SELECT count(*) FROM alchemer.response WHERE status <> 'v' || (extract(epoch from "
                  "date_updated)::bigint - 1767225600)"),
            "0");
}

TEST_F(WriterFaultTest, ADeadLockIsRepeated) {
  apply(numbered(1, 2, 1));
  const auto other = connect();
  run_sql("ALTER DATABASE " + database_ + " SET deadlock_timeout = '10ms'");
  connection_ = connect();
  store::Writer writer(*connection_, events_, clock_);
  std::jthread rival;
  {
    // The rival holds response 2 and then wants what our page holds: response 1.
    auto transaction = std::make_shared<pg::Transaction>(*other);
    transaction->execute("SET LOCAL deadlock_timeout = '60s'");
    transaction->execute("UPDATE alchemer.response SET status = 'rival' WHERE response_id = 2");
    rival = std::jthread([this, transaction] {
      await(
          "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO "
          "\"alchemer\"%'",
          "1");
      transaction->execute("UPDATE alchemer.response SET status = 'rival' WHERE response_id = 1");
      transaction->commit();
    });
  }
  EXPECT_EQ(writer.apply(numbered(1, 2, 9, "ours"), decode, checkpoint(), target()), (Counts{.updated = 2}));
  rival.join();
  EXPECT_EQ(responses(), (Lines{"1|ours|9|f|10=a1,11=b", "2|ours|9|f|10=a2,11=b"}));
}

TEST_F(WriterFaultTest, AConnectionLostDuringAPageStoresNothing) {
  const int pid = backend();
  bool killed = false;
  const model::Decode deadly = [&](const model::Record& record, model::RowBatch& batch) {
    decode(record, batch);
    if (!std::exchange(killed, true)) query("SELECT pg_terminate_backend(" + std::to_string(pid) + ")");
  };
  const Error error = error_of([&] { writer_.apply(numbered(1, 200), deadly, checkpoint("p"), target()); });
  EXPECT_EQ(error.kind(), ErrorKind::unavailable) << error.what();
  EXPECT_FALSE(connection_->alive());
  EXPECT_EQ(query("SELECT count(*) FROM alchemer.response"), "0");
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.checkpoint"), "0");
  EXPECT_EQ(apply_anew(numbered(1, 200)), (Counts{.inserted = 200}));
}

TEST_F(WriterFaultTest, AConnectionLostInCommitIsInDoubtAndRepeatable) {
  at_commit("PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5);");
  const Error error = error_of([&] { apply(numbered(1, 5), "p"); });
  EXPECT_EQ(error.kind(), ErrorKind::in_doubt) << error.what();
  run_sql("DROP TRIGGER at_commit ON alchemer.response");
  EXPECT_EQ(apply_anew(numbered(1, 5)), (Counts{.inserted = 5}));
  EXPECT_EQ(apply_anew(numbered(1, 5)), (Counts{.unchanged = 5}));
}

TEST_F(WriterFaultTest, ALostLeaseWritesNothing) {
  run_sql("UPDATE surveysync.lease SET epoch = epoch + 1, holder = 'elsewhere/1/1'");
  EXPECT_EQ(error_of([&] { apply(numbered(1, 5)); }).kind(), ErrorKind::locked);
  EXPECT_EQ(query("SELECT count(*) FROM alchemer.response"), "0");
  EXPECT_EQ(error_of([&] { store::Ledger(*connection_).finish_run(fence_, run_, "succeeded", {}, ""); }).kind(),
            ErrorKind::locked);
  EXPECT_EQ(query("SELECT outcome FROM surveysync.run"), "");
}

TEST_F(WriterFaultTest, StopEndsAPageThatWaitsForALock) {
  const auto other = connect();
  pg::Transaction holder(*other);
  holder.execute("LOCK TABLE alchemer.response IN ACCESS EXCLUSIVE MODE");
  std::stop_source stop;
  connection_->use_stop(stop.get_token());
  std::jthread stopper([&] {
    await("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'", "1");
    stop.request_stop();
  });
  EXPECT_EQ(error_of([&] { apply(numbered(1, 5)); }).kind(), ErrorKind::cancelled);
}

TEST_F(WriterFaultTest, AReadOnlyServerIsToldApart) {
  run_sql("ALTER DATABASE " + database_ + " SET default_transaction_read_only = on");
  const Error error = error_of([&] { apply_anew(numbered(1, 5)); });
  EXPECT_EQ(error.kind(), ErrorKind::unavailable);
  EXPECT_NE(error.hint().find("read-only"), std::string::npos);
}

TEST_F(WriterFaultTest, AMissingPrivilegeNamesItsGrant) {
  run_sql(
      "DROP ROLE IF EXISTS limited; CREATE ROLE limited LOGIN; "
      "GRANT USAGE ON SCHEMA surveysync, alchemer, alfaone, alchemer_wide TO limited; "
      "GRANT CREATE ON SCHEMA alchemer_wide TO limited; "
      "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA surveysync, alchemer, alfaone, alchemer_wide TO "
      "limited; "
      "GRANT USAGE ON ALL SEQUENCES IN SCHEMA surveysync TO limited; REVOKE INSERT ON alchemer.answer FROM limited");
  connection_ = connect("limited");
  store::Writer writer(*connection_, events_, clock_);
  const Error error = error_of([&] { writer.apply(numbered(1, 5), decode, checkpoint(), target()); });
  EXPECT_EQ(error.kind(), ErrorKind::refused_schema);
  EXPECT_NE(error.hint().find("--print-roles"), std::string::npos);
  const auto missing = store::History(*connection_).missing_privileges();
  ASSERT_EQ(missing.size(), 1U);
  EXPECT_EQ(missing[0].grant, "GRANT INSERT ON TABLE alchemer.answer TO limited");
  run_sql(missing[0].grant);
  EXPECT_EQ(writer.apply(numbered(1, 5), decode, checkpoint(), target()), (Counts{.inserted = 5}));
  EXPECT_TRUE(store::History(*connection_).missing_privileges().empty());
  store::History(*connection_).rehearse_write();
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.checkpoint"), "1");
  run_sql("DROP OWNED BY limited; DROP ROLE limited");
}

TEST_F(WriterFaultTest, WorksWithoutTemporaryTablesAndAdvisoryLocks) {
  run_sql(
      "DROP ROLE IF EXISTS plain; CREATE ROLE plain LOGIN; GRANT USAGE ON SCHEMA surveysync, alchemer TO plain; "
      "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA surveysync, alchemer TO plain; "
      "GRANT USAGE ON ALL SEQUENCES IN SCHEMA surveysync TO plain; REVOKE TEMP ON DATABASE " +
      database_ +
      " FROM PUBLIC; "
      "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA pg_catalog FROM PUBLIC; "
      "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pg_catalog TO plain; "
      "REVOKE EXECUTE ON FUNCTION pg_advisory_lock(bigint), pg_advisory_xact_lock(bigint), "
      "pg_try_advisory_lock(bigint) FROM plain");
  connection_ = connect("plain");
  store::Writer writer(*connection_, events_, clock_);
  EXPECT_EQ(writer.apply(numbered(1, 5), decode, checkpoint(), target()), (Counts{.inserted = 5}));
  EXPECT_EQ(writer.apply(numbered(1, 5, 2), decode, checkpoint(), target()), (Counts{.updated = 5}));
  run_sql("DROP OWNED BY plain; DROP ROLE plain");
}

TEST_F(WriterFaultTest, ACancelledCopyStoresNothing) {
  const int pid = backend();
  bool done = false;
  const model::Decode cancelling = [&](const model::Record& record, model::RowBatch& batch) {
    decode(record, batch);
    if (std::get<std::int64_t>(record.key[1]) == 1900 && !std::exchange(done, true))
      query("SELECT pg_cancel_backend(" + std::to_string(pid) + ")");
  };
  model::Page page = numbered(1, 2000, 1, std::string(500, 'x'));
  const Error error = error_of([&] { writer_.apply(page, cancelling, checkpoint(), target()); });
  EXPECT_EQ(error.kind(), ErrorKind::unavailable) << error.what();
  EXPECT_EQ(query("SELECT count(*) FROM alchemer.response"), "0");
  EXPECT_TRUE(connection_->alive());
  EXPECT_EQ(apply(page), (Counts{.inserted = 2000}));
}

TEST_F(WriterFaultTest, ADecoderThatBreaksIsOurBugAndNothingIsStored) {
  const model::Decode broken = [](const model::Record&, model::RowBatch&) { throw Error(ErrorKind::bug, "broken"); };
  EXPECT_EQ(error_of([&] { writer_.apply(numbered(1, 5), broken, checkpoint(), target()); }).kind(), ErrorKind::bug);
  const model::Decode other_key = [](const model::Record& record, model::RowBatch& batch) {
    decode(record, batch);
    const_cast<model::Cell&>(batch.rows()[0].cells[1]) = model::Cell::of(std::int64_t{999});
  };
  EXPECT_EQ(error_of([&] { writer_.apply(numbered(1, 5), other_key, checkpoint(), target()); }).kind(), ErrorKind::bug);
  EXPECT_EQ(apply(numbered(1, 5)), (Counts{.inserted = 5}));
}

}  // namespace
}  // namespace surveysync::test
