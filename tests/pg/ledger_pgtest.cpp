// store/lease, store/ledger, store/history: who works what, what ran, what operators see.
#include <sys/wait.h>
#include <unistd.h>

#include "writer_fixture.h"

namespace surveysync::test {
namespace {

using Lines = std::vector<std::string>;
using store::Lease;

class LedgerTest : public WriterTest {
 protected:
  LedgerTest() : ledger_(*connection_), history_(*connection_) {}
  store::Ledger ledger_;
  store::History history_;
};

TEST_F(LedgerTest, ALeaseHeldElsewhereIsLockedUntilItExpires) {
  run_sql("UPDATE surveysync.lease SET holder = 'elsewhere:1/42/7', expires_at = now() + interval '1 hour'");
  const Error error = error_of([&] { Lease::acquire(*connection_, "us", std::chrono::seconds(30)); });
  EXPECT_EQ(error.kind(), ErrorKind::locked);
  EXPECT_NE(error.message().find("elsewhere:1/42/7"), std::string::npos);
  run_sql("UPDATE surveysync.lease SET expires_at = now() - interval '1 second'");
  const store::Fence fence = Lease::acquire(*connection_, "us", std::chrono::seconds(30));
  EXPECT_EQ(fence.epoch, fence_.epoch + 1);
  EXPECT_EQ(query("SELECT holder FROM surveysync.lease"), store::process_identity());
  EXPECT_EQ(query("SELECT extract(epoch FROM expires_at - renewed_at)::int FROM surveysync.lease"), "30");
}

TEST_F(LedgerTest, ADeadProcessOfThisHostIsReplacedAtOnce) {
  const int child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  const std::string host = store::process_identity().substr(0, store::process_identity().find('/'));
  run_sql("UPDATE surveysync.lease SET holder = '" + host + "/" + std::to_string(child) +
          "/123', expires_at = now() + interval '1 hour'");
  EXPECT_EQ(Lease::acquire(*connection_, "us", std::chrono::seconds(30)).epoch, fence_.epoch + 1);
  // The number was given to another process since: another start time.
  run_sql("UPDATE surveysync.lease SET holder = '" + host + "/1/99999999999', expires_at = now() + interval '1 hour'");
  EXPECT_EQ(Lease::acquire(*connection_, "us", std::chrono::seconds(30)).epoch, fence_.epoch + 2);
}

TEST_F(LedgerTest, AStoppedHolderInTheMiddleOfACopyIsReplaced) {
  // As SIGSTOP leaves it: the lease has run out, and a transaction that checked it waits for rows for ever.
  const std::string holder = "otherhost/1/1";
  run_sql("UPDATE surveysync.lease SET holder = '" + holder + "', expires_at = now() - interval '1 min'");
  pg::ConnectOptions its = options();
  its.application_name = store::session_name(holder);
  pg::Connection stopped(its, clock_, {});
  pg::Transaction page(stopped);
  page.execute("SELECT 1 FROM surveysync.lease WHERE source = 'us' FOR KEY SHARE");
  EXPECT_EQ(Lease::acquire(*connection_, "us", std::chrono::seconds(30)).epoch, fence_.epoch + 1);
  EXPECT_THROW(page.execute("SELECT 1"), Error);
}

TEST_F(LedgerTest, ARecordThatIsQuarantinedOnEachPassCountsOnce) {
  const std::string run = std::to_string(run_);
  run_sql("INSERT INTO surveysync.run_stream (run_id, stream, partition, source, started_at, quarantined) VALUES (" +
          run + ", 'response', '77', 'us', now(), 8)");
  run_sql(
      "INSERT INTO surveysync.quarantine (source, stream, partition, record_key, reason, raw, run_id, first_seen_at, "
      "last_seen_at) SELECT 'us', 'response', '77', 'raw:' || n, 'bad', 'x', " +
      run + " - n / 3, now(), now() FROM generate_series(1, 3) AS n");
  EXPECT_EQ(ledger_.quarantined_by(run_, "us", "response", "77"), 2);
  ledger_.finish_partition(fence_, run_, "response", "77", "partial", 4, "");
  EXPECT_EQ(query("SELECT quarantined FROM surveysync.run_stream WHERE run_id = " + run), "2");
}

TEST_F(LedgerTest, RenewAndReleaseHeedTheFence) {
  Lease::renew(*connection_, fence_, std::chrono::minutes(10));
  EXPECT_EQ(query("SELECT extract(epoch FROM expires_at - renewed_at)::int FROM surveysync.lease"), "600");
  store::Fence old = fence_;
  --old.epoch;
  EXPECT_EQ(error_of([&] { Lease::renew(*connection_, old, std::chrono::minutes(10)); }).kind(), ErrorKind::locked);
  Lease::release(*connection_, old);
  EXPECT_EQ(query("SELECT holder FROM surveysync.lease"), store::process_identity());
  Lease::release(*connection_, fence_);
  EXPECT_EQ(query("SELECT holder FROM surveysync.lease"), "");
  EXPECT_EQ(Lease::acquire(*connection_, "us", std::chrono::seconds(30)).epoch, fence_.epoch + 1) << "epochs only grow";
}

TEST_F(LedgerTest, ARenewalPassesPagesUnderWayAndATakeoverWaitsForThem) {
  const auto worker = connect();
  std::optional<pg::Transaction> page(std::in_place, *worker);
  Lease::check(*page, fence_);
  Lease::renew(*connection_, fence_, std::chrono::minutes(10));
  run_sql("UPDATE surveysync.lease SET holder = 'elsewhere:1/42/7', expires_at = now() - interval '1 second'");
  std::jthread taker([&] {
    const auto other = connect();
    EXPECT_EQ(Lease::acquire(*other, "us", std::chrono::seconds(30)).epoch, fence_.epoch + 1);
  });
  EXPECT_TRUE(await("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'", "1"));
  EXPECT_EQ(query("SELECT epoch FROM surveysync.lease"), std::to_string(fence_.epoch));
  page.reset();
  taker.join();
  EXPECT_EQ(query("SELECT epoch FROM surveysync.lease"), std::to_string(fence_.epoch + 1));
}

TEST_F(LedgerTest, ARunFromOpenToFinished) {
  apply(numbered(1, 3));
  ledger_.finish_partition(fence_, run_, "response", "77", "succeeded", 4, "");
  ledger_.finish_partition(fence_, run_, "response", "78", "failed", 1, "it broke\xff");
  const Counts counts{.requests = 5, .inserted = 3, .updated = 0, .unchanged = 0, .tombstoned = 0, .quarantined = 0};
  ledger_.finish_run(fence_, run_, "partial", counts, "one survey failed");
  const auto run = history_.run(run_);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->outcome, "partial");
  EXPECT_EQ(run->counts, counts);
  EXPECT_TRUE(run->finished_at);
  EXPECT_EQ(history_.runs("us", 10).size(), 1U);
  EXPECT_EQ(history_.runs("", 10).size(), 1U);
  EXPECT_TRUE(history_.runs("other", 10).empty());
  EXPECT_FALSE(history_.run(run_ + 1));
  const auto streams = history_.run_streams(run_);
  ASSERT_EQ(streams.size(), 2U);
  EXPECT_EQ(streams[0].counts, (Counts{.requests = 4, .inserted = 3}));
  EXPECT_EQ(streams[1].error, "it broke\xEF\xBF\xBD");
  EXPECT_TRUE(ledger_.close_abandoned(fence_).empty());
}

TEST_F(LedgerTest, ARunOfADeadProcessIsClosedWithItsCounts) {
  apply(numbered(1, 3));
  EXPECT_EQ(ledger_.close_abandoned(fence_), std::vector<std::int64_t>{run_});
  EXPECT_EQ(rows("SELECT outcome, inserted, error IS NOT NULL FROM surveysync.run"), (Lines{"failed|3|t"}));
  EXPECT_EQ(query("SELECT outcome FROM surveysync.run_stream"), "failed");
}

TEST_F(LedgerTest, CertificatesClocksAndCapabilities) {
  apply(numbered(1, 3, 7));
  ledger_.finish_partition(fence_, run_, "response", "77", "succeeded", 1, "");
  store::Certificate certificate{.run_id = run_,
                                 .source = "us",
                                 .partition = "77",
                                 .as_of = ledger_.now(),
                                 .total_before = 3,
                                 .total_after = 3,
                                 .fetched = 3,
                                 .stored_live = 3,
                                 .balanced = true};
  ledger_.save_certificate(fence_, certificate);
  ledger_.save_certificate(fence_, certificate);
  ASSERT_EQ(history_.certificates(run_).size(), 1U);
  EXPECT_TRUE(history_.certificates(run_)[0].balanced);
  EXPECT_EQ(history_.certificates(run_)[0].partition, "77");
  ledger_.finish_run(fence_, run_, "succeeded", {}, "");
  const auto clocks = history_.clocks();
  ASSERT_EQ(clocks.size(), 2U);
  EXPECT_EQ(clocks[0].partition, "");
  EXPECT_EQ(clocks[1].partition, "77");
  EXPECT_EQ(clocks[1].title, "A survey");
  EXPECT_EQ(clocks[1].stored_live, 3);
  EXPECT_EQ(clocks[1].balanced, true);
  EXPECT_EQ(format_utc(*clocks[1].newest_change), "2026-01-01T00:00:07Z");
  for (const auto& clock : clocks)
    EXPECT_TRUE(clock.last_attempt && clock.last_success && clock.last_certified) << clock.partition;
  const std::vector<model::Capability> learned = {{"zone", "UTC", "seen", ledger_.now()},
                                                  {"filter", "works", "empty", ledger_.now()}};
  ledger_.save_capabilities(fence_, learned);
  ledger_.save_capabilities(fence_, {{"zone", "EST", "seen again", ledger_.now()}});
  const auto known = history_.capabilities("us");
  ASSERT_EQ(known.size(), 2U);
  EXPECT_EQ(known[1].value, "EST");
}

TEST_F(LedgerTest, AProbeIsALookAtTheVendorAndAReplayIsNone) {
  apply(numbered(1, 3, 7));
  const UtcTime walked = ledger_.now() - std::chrono::hours(48), probed = ledger_.now() - std::chrono::hours(1);
  ledger_.finish_partition(fence_, run_, "response", "77", "succeeded", 1, "");
  ledger_.finish_run(fence_, run_, "succeeded", {}, "");
  run_sql("UPDATE surveysync.run_stream SET started_at = now() - interval '48 hours', finished_at = '" +
          format_utc(walked) + "'");
  store::Standing standing;
  standing.probed_at = probed;
  ledger_.save_standing(fence_, "response", "77", standing);
  const auto survey = [&] { return history_.clocks().at(1); };
  EXPECT_EQ(survey().last_attempt, probed);
  EXPECT_EQ(survey().last_success, walked) << "the probe found it not to be balanced";
  standing.balanced = true;
  ledger_.save_standing(fence_, "response", "77", standing);
  EXPECT_EQ(survey().last_success, probed);
  // Its definition was read long ago, with success, and did not change since.
  store::Standing definition;
  definition.balanced = true;
  definition.probed_at = walked;
  ledger_.save_standing(fence_, "survey", "77", definition);
  EXPECT_EQ(survey().last_success, probed);
  definition.balanced = false;
  ledger_.save_standing(fence_, "survey", "77", definition);
  EXPECT_FALSE(survey().last_success) << "its definition was never read";
  const auto before = history_.clocks().at(0);
  const std::int64_t replay = ledger_.open_run(fence_, "replay");
  writer_.apply(numbered(1, 3, 7), decode, checkpoint(), target(replay));
  ledger_.finish_partition(fence_, replay, "response", "77", "succeeded", 0, "");
  ledger_.finish_run(fence_, replay, "succeeded", {}, "");
  EXPECT_EQ(history_.clocks().at(0).last_success, before.last_success);
  EXPECT_EQ(survey().last_attempt, probed);
}

TEST_F(LedgerTest, QuarantineIsListedAndForgottenWhenUnseen) {
  apply(page_of({R"({"id":1,"malformed":1})"}));
  const UtcTime between = ledger_.now();
  apply(page_of({R"({"id":2,"malformed":1})"}));
  const auto items = history_.quarantine("us", 10);
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0].record_key, "77/2");
  EXPECT_EQ(items[0].size, 22);
  EXPECT_EQ(items[0].raw, "");
  EXPECT_EQ(history_.quarantine_item(items[0].quarantine_id)->raw, R"({"id":2,"malformed":1})");
  EXPECT_FALSE(history_.quarantine_item(0));
  ledger_.forget_unseen_quarantine(fence_, "response", "77", between);
  EXPECT_EQ(rows("SELECT record_key FROM surveysync.quarantine"), (Lines{"77/2"}));
}

}  // namespace
}  // namespace surveysync::test
