// pg/connection: a rehearsal is one transaction that nobody commits; its parts are savepoints.
#include "writer_fixture.h"

namespace surveysync::test {
namespace {

using Lines = std::vector<std::string>;

class RehearsalTest : public WriterTest {
 protected:
  RehearsalTest() { connection_->begin_rehearsal(); }
  /// What the rehearsing connection itself sees.
  std::int64_t seen(const std::string& sql) { return connection_->execute(sql).integer(0, 0); }
};

TEST_F(RehearsalTest, PagesAreSeenInsideAndNothingIsLeftBehind) {
  store::Ledger ledger(*connection_);
  EXPECT_EQ(apply(numbered(1, 3)), (Counts{.inserted = 3}));
  EXPECT_EQ(apply(numbered(2, 4, 2)), (Counts{.inserted = 1, .updated = 2})) << "time passes in a rehearsal too";
  ledger.save_standing(fence_, "response", "77", {.total = 4});
  ledger.mark_deleted(fence_, run_, stream_, "77", {{kSurvey, std::int64_t{1}}});
  ledger.finish_run(fence_, run_, "succeeded", {}, "", true);
  EXPECT_EQ(seen("SELECT count(*) FROM alchemer.response WHERE deleted_at IS NULL"), 3);
  EXPECT_EQ(query("SELECT count(*) FROM alchemer.response"), "0");
  connection_.reset();
  for (const char* table : {"alchemer.response", "alchemer.answer", "surveysync.checkpoint", "surveysync.run_stream"})
    EXPECT_EQ(query(std::string("SELECT count(*) FROM ") + table), "0") << table;
  EXPECT_EQ(rows("SELECT outcome, certified FROM surveysync.run"), (Lines{"-|f"}));
}

TEST_F(RehearsalTest, WhatFailsCostsItsPartOnly) {
  apply(numbered(1, 2));
  EXPECT_EQ(error_of([&] { connection_->execute("SELECT nonsense"); }).sqlstate(), "42703");
  {
    pg::Transaction abandoned(*connection_);
    abandoned.execute("DELETE FROM alchemer.response");
  }
  {
    pg::Transaction failed(*connection_);
    failed.execute("DELETE FROM alchemer.response");
    EXPECT_EQ(error_of([&] { failed.execute("SELECT 1 / 0"); }).kind(), ErrorKind::refused_row);
  }
  EXPECT_EQ(seen("SELECT count(*) FROM alchemer.response"), 2);
  EXPECT_EQ(apply(page_of({record_text(3, 1, "x"), R"({"id":4,"status":"a\u0000b","answers":{}})"})),
            (Counts{.inserted = 1, .quarantined = 1}))
      << "a page is divided within a rehearsal";
}

TEST_F(RehearsalTest, ItsSettingsAreThoseOfATransactionButItMayRest) {
  EXPECT_EQ(connection_->execute("SELECT pg_catalog.current_setting('TimeZone')").text(0, 0), "UTC");
  EXPECT_EQ(connection_->execute("SELECT pg_catalog.current_setting('lock_timeout')").text(0, 0), "30s");
  EXPECT_EQ(connection_->execute("SELECT pg_catalog.current_setting('idle_in_transaction_session_timeout')").text(0, 0),
            "2h");
}

TEST_F(RehearsalTest, ALostConnectionIsNeverInDoubt) {
  apply(numbered(1, 2));
  pg::Transaction part(*connection_);
  const auto pid = part.execute("SELECT pg_catalog.pg_backend_pid()").integer(0, 0);
  query("SELECT pg_terminate_backend(" + std::to_string(pid) + ", 5000)");
  EXPECT_EQ(error_of([&] { part.commit(); }).kind(), ErrorKind::unavailable);
  EXPECT_FALSE(connection_->alive());
  EXPECT_EQ(error_of([&] { apply(numbered(1, 2)); }).kind(), ErrorKind::unavailable);
  EXPECT_EQ(query("SELECT count(*) FROM alchemer.response"), "0");
}

TEST_F(RehearsalTest, TheLeaseIsRenewedBesideIt) {
  apply(numbered(1, 2));
  const auto keeper = connect();
  store::Lease::renew(*keeper, fence_, std::chrono::minutes(10));
  EXPECT_EQ(query("SELECT extract(epoch FROM expires_at - renewed_at)::int FROM surveysync.lease"), "600");
}

TEST_F(RehearsalTest, OutOfOrderIsABug) {
  EXPECT_EQ(error_of([&] { connection_->begin_rehearsal(); }).kind(), ErrorKind::bug);
  const auto other = connect();
  const pg::Transaction transaction(*other);
  EXPECT_EQ(error_of([&] { other->begin_rehearsal(); }).kind(), ErrorKind::bug);
}

}  // namespace
}  // namespace surveysync::test
