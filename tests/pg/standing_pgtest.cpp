// store/ledger: where partitions stand, the plan that a run takes over, certified runs and their hooks.
#include <libpq-fe.h>
#include <poll.h>

#include "writer_fixture.h"

namespace surveysync::test {
namespace {

using Lines = std::vector<std::string>;

class StandingTest : public WriterTest {
 protected:
  StandingTest() : ledger_(*connection_) {}
  static UtcTime at(int seconds) { return UtcTime(std::chrono::seconds(1'767'225'600 + seconds)); }
  static store::Standing full() {
    return {.total = 12,
            .newest = "2026-01-01 00:00:09",
            .newest_at = at(9),
            .hint = "abc",
            .removed = 2,
            .tombstoned = 1,
            .settled = true,
            .balanced = true,
            .probed_at = at(10),
            .swept_at = at(11)};
  }
  static void expect_equal(const store::Standing& a, const store::Standing& b) {
    EXPECT_EQ(a.total, b.total);
    EXPECT_EQ(a.newest, b.newest);
    EXPECT_EQ(a.newest_at, b.newest_at);
    EXPECT_EQ(a.hint, b.hint);
    EXPECT_EQ(a.removed, b.removed);
    EXPECT_EQ(a.tombstoned, b.tombstoned);
    EXPECT_EQ(a.settled, b.settled);
    EXPECT_EQ(a.balanced, b.balanced);
    EXPECT_EQ(a.probed_at, b.probed_at);
    EXPECT_EQ(a.swept_at, b.swept_at);
  }
  /// Another process took the lease.
  store::Fence lost() {
    store::Fence old = fence_;
    fence_ = store::Lease::acquire(*connection_, "us", std::chrono::minutes(5));
    return old;
  }

  store::Ledger ledger_;
};

TEST_F(StandingTest, APartitionThatWasNeverLookedAtToTheEndHasNoTotal) {
  apply(numbered(1, 2), "page 2");
  const auto states = ledger_.states("us");
  ASSERT_EQ(states.size(), 1U);
  EXPECT_EQ(states[0].stream, "response");
  EXPECT_EQ(states[0].partition, "77");
  EXPECT_EQ(states[0].title, "A survey");
  EXPECT_EQ(states[0].bookmark, "bookmark");
  EXPECT_EQ(states[0].page_size, 250);
  EXPECT_TRUE(states[0].open_pass);
  expect_equal(states[0].standing, {});
  EXPECT_TRUE(ledger_.states("other").empty());
}

TEST_F(StandingTest, SavingKeepsThePassAndPagesKeepTheStanding) {
  ledger_.save_standing(fence_, "response", "77", full());
  apply(numbered(1, 2), "page 2");
  auto states = ledger_.states("us");
  ASSERT_EQ(states.size(), 1U);
  expect_equal(states[0].standing, full());
  EXPECT_TRUE(states[0].open_pass);
  ledger_.save_standing(fence_, "response", "77", {.total = 0});
  states = ledger_.states("us");
  expect_equal(states[0].standing, {.total = 0});
  EXPECT_EQ(states[0].bookmark, "bookmark");
  EXPECT_EQ(ledger_.checkpoint("us", "response", "77")->position, "page 2");
}

TEST_F(StandingTest, ClosingThePassEndsItAndForgetsItsSightings) {
  store::WriteTarget seeing = target();
  seeing.sight = true;
  writer_.apply(numbered(1, 2), decode, checkpoint("page 2"), seeing);
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.sighting"), "1");
  ledger_.close_pass(fence_, {"response", "77", "later", "ignored", 99}, full());
  const auto states = ledger_.states("us");
  EXPECT_FALSE(states[0].open_pass);
  EXPECT_EQ(states[0].bookmark, "later");
  EXPECT_EQ(states[0].page_size, 99);
  EXPECT_EQ(states[0].title, "A survey");
  expect_equal(states[0].standing, full());
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.sighting"), "0");
  EXPECT_NE(query("SELECT newest_change FROM surveysync.checkpoint"), "");
}

TEST_F(StandingTest, APlanIsTakenOnceAndOnlyWhileItIsYoung) {
  EXPECT_FALSE(ledger_.take_plan(fence_, std::chrono::hours(1)));
  const std::string context("{\"a\"\0\xff", 7);
  const std::vector<store::PlannedPartition> plan = {
      {{"78", "Second\xff", 5, context, 3}, 12, "2026-01-01 00:00:09", at(9)},
      {{"9", "", 0, "", std::nullopt}, -1, "", {}}};
  ledger_.save_plan(fence_, {{{"1", "old", 0, ""}}});
  ledger_.save_plan(fence_, plan);
  const auto taken = ledger_.take_plan(fence_, std::chrono::hours(1));
  ASSERT_TRUE(taken);
  ASSERT_EQ(taken->size(), 2U);
  EXPECT_EQ((*taken)[0].partition.name, "78");
  EXPECT_EQ((*taken)[0].partition.title, "Second\xEF\xBF\xBD");
  EXPECT_EQ((*taken)[0].partition.expected_records, 5);
  EXPECT_EQ((*taken)[0].partition.context, context);
  EXPECT_EQ((*taken)[0].partition.removed, 3);
  EXPECT_EQ((*taken)[0].total, 12);
  EXPECT_EQ((*taken)[0].newest, "2026-01-01 00:00:09");
  EXPECT_EQ((*taken)[0].newest_at, at(9));
  EXPECT_EQ((*taken)[1].partition.removed, std::nullopt);
  EXPECT_EQ((*taken)[1].total, -1);
  EXPECT_EQ((*taken)[1].newest_at, std::nullopt);
  EXPECT_FALSE(ledger_.take_plan(fence_, std::chrono::hours(1)));
  ledger_.save_plan(fence_, plan);
  run_sql("UPDATE surveysync.plan SET planned_at = now() - interval '61 minutes'");
  EXPECT_FALSE(ledger_.take_plan(fence_, std::chrono::hours(1)));
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.plan"), "0");
}

TEST_F(StandingTest, ACertifiedRunNotifiesAndWaitsForItsHook) {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> listener(PQconnectdb(cluster_.uri(database_).c_str()), &PQfinish);
  PQclear(PQexec(listener.get(), "LISTEN surveysync"));
  const std::int64_t failed = run_, second = ledger_.open_run(fence_, "resync"),
                     third = ledger_.open_run(fence_, "replay");
  ledger_.finish_run(fence_, failed, "partial", {}, "one survey does not balance");
  ledger_.finish_run(fence_, second, "succeeded", {}, "", true);
  ledger_.finish_run(fence_, third, "succeeded", {}, "", true);
  std::vector<std::string> heard;
  for (int turn = 0; turn < 100 && heard.size() < 2; ++turn) {
    pollfd ready{PQsocket(listener.get()), POLLIN, 0};
    ::poll(&ready, 1, 100);
    PQconsumeInput(listener.get());
    while (PGnotify* notice = PQnotifies(listener.get())) {
      heard.emplace_back(notice->extra);
      PQfreemem(notice);
    }
  }
  EXPECT_EQ(heard, (Lines{"us " + std::to_string(second), "us " + std::to_string(third)}));
  EXPECT_EQ(ledger_.runs_without_hook("us"), (std::vector<std::int64_t>{second, third}));
  ledger_.note_hook(fence_, second);
  EXPECT_EQ(ledger_.runs_without_hook("us"), (std::vector<std::int64_t>{third}));
  EXPECT_TRUE(ledger_.runs_without_hook("other").empty());
  EXPECT_EQ(rows("SELECT kind, certified FROM surveysync.run ORDER BY run_id"),
            (Lines{"incremental|f", "resync|t", "replay|t"}));
}

TEST_F(StandingTest, NothingIsWrittenOnceTheLeaseIsLost) {
  apply(numbered(1, 2));
  const store::Fence old = lost();
  const std::vector<std::function<void()>> acts = {
      [&] { ledger_.save_standing(old, "response", "77", full()); },
      [&] {
        ledger_.close_pass(old, {"response", "77", "", "", 0}, full());
      },
      [&] { ledger_.forget_sightings(old, "response", "77"); },
      [&] {
        ledger_.save_plan(old, {{{"1", "", 0, ""}}});
      },
      [&] { ledger_.take_plan(old, std::chrono::hours(1)); },
      [&] { ledger_.finish_run(old, run_, "succeeded", {}, "", true); },
      [&] { ledger_.note_hook(old, run_); },
      [&] {
        ledger_.mark_deleted(old, run_, stream_, "77", {{kSurvey, std::int64_t{1}}});
      },
      [&] {
        ledger_.mark_unseen_deleted(old, run_, {stream_, "77", ledger_.now(), {}, {}});
      },
      [&] { ledger_.mark_partition_deleted(old, run_, stream_, "77"); }};
  for (std::size_t index = 0; index < acts.size(); ++index)
    EXPECT_EQ(error_of(acts[index]).kind(), ErrorKind::locked) << index;
  expect_equal(ledger_.states("us")[0].standing, {});
  EXPECT_EQ(query("SELECT count(*) FROM alchemer.response WHERE deleted_at IS NULL"), "2");
  EXPECT_EQ(query("SELECT certified FROM surveysync.run"), "f");
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.plan"), "0");
}

}  // namespace
}  // namespace surveysync::test
