// The account's budget over several processes: here several SharedBudget objects, each with its own connection.

#include "store/shared_budget.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "fixture.h"
#include "support/manual_clock.h"

namespace surveysync::test {
namespace {

using namespace std::chrono_literals;

class SharedBudgetTest : public DatabaseTest {
 protected:
  std::unique_ptr<store::SharedBudget> budget(const std::string& account = "alchemer/us") {
    return std::make_unique<store::SharedBudget>(options(), account, clock_);
  }
  /// Writes down every slot that the row ever gave away.
  void keep_slots() {
    run_sql(
        "CREATE TABLE public.slot (at timestamptz, waited interval); "
        "CREATE FUNCTION public.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF TG_OP = 'INSERT' OR NEW.next_free_at <> OLD.next_free_at THEN "
        "INSERT INTO public.slot VALUES (NEW.next_free_at); END IF; RETURN NEW; END $$; "
        "CREATE TRIGGER keep AFTER INSERT OR UPDATE ON surveysync.rate_budget FOR EACH ROW EXECUTE FUNCTION "
        "public.keep()");
  }
  const std::stop_token never_;
};

TEST_F(SharedBudgetTest, TheFirstSlotIsNowAndTheNextOnesFollowByTheInterval) {
  const auto a = budget(), b = budget();
  EXPECT_EQ(a->take(1s, 1h, never_), Duration::zero());
  const Duration second = b->take(1s, 1h, never_).value();
  EXPECT_GT(second, 500ms);
  EXPECT_LE(second, 1s);
  const Duration third = a->take(1s, 1h, never_).value();
  EXPECT_GT(third, 1500ms);
  EXPECT_LE(third, 2s);
  EXPECT_EQ(budget("another")->take(1s, 1h, never_), Duration::zero());
}

TEST_F(SharedBudgetTest, WhatIsTooLateIsNotTaken) {
  const auto a = budget();
  ASSERT_TRUE(a->take(10min, 1h, never_));
  const std::string before = query("SELECT next_free_at FROM surveysync.rate_budget");
  EXPECT_EQ(a->take(10min, 5min, never_), std::nullopt);
  EXPECT_EQ(query("SELECT next_free_at FROM surveysync.rate_budget"), before);
  EXPECT_TRUE(a->take(10min, 11min, never_));
  EXPECT_TRUE(a->take(1s, SteadyTime::max() - clock_.now(), never_)) << "no limit at all";
}

TEST_F(SharedBudgetTest, NoBurstIsSavedUpWhileNobodyAsks) {
  const auto a = budget();
  ASSERT_TRUE(a->take(1s, 1h, never_));
  run_sql("UPDATE surveysync.rate_budget SET next_free_at = now() - interval '1 day'");
  EXPECT_EQ(a->take(1s, 1h, never_), Duration::zero());
  EXPECT_GT(a->take(1s, 1h, never_).value(), 500ms);
}

TEST_F(SharedBudgetTest, ManyProcessesNeverGetSlotsThatAreTooClose) {
  keep_slots();
  constexpr int kProcesses = 6, kThreads = 2, kEach = 25;
  constexpr Duration kInterval = 3ms;
  std::atomic<int> taken = 0;
  std::vector<std::jthread> threads;
  std::vector<std::unique_ptr<store::SharedBudget>> budgets;
  for (int process = 0; process < kProcesses; ++process)
    budgets.push_back(budget());
  for (int process = 0; process < kProcesses; ++process) {
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, process] {
        for (int turn = 0; turn < kEach; ++turn)
          if (budgets[static_cast<std::size_t>(process)]->take(kInterval, 1h, never_)) ++taken;
      });
    }
  }
  threads.clear();
  EXPECT_EQ(taken, kProcesses * kThreads * kEach);
  EXPECT_EQ(query("SELECT count(*) FROM public.slot"), std::to_string(taken));
  EXPECT_EQ(query("SELECT count(*) FROM (SELECT at - lag(at) OVER (ORDER BY at) AS gap FROM public.slot) g "
                  "WHERE gap < interval '3 ms'"),
            "0");
}

TEST_F(SharedBudgetTest, TheWaitThatIsToldLeadsToTheSlot) {
  keep_slots();
  const auto a = budget();
  for (int turn = 0; turn < 5; ++turn) {
    const UtcTime asked = clock_.utc_now();
    const Duration wait = a->take(250ms, 1h, never_).value();
    const UtcTime told = clock_.utc_now();
    // The row says when the next one may begin: one interval after ours. Server and test share a clock.
    const std::int64_t slot =
        std::stoll(query("SELECT (extract(epoch FROM max(at)) * 1000000)::bigint FROM slot")) - 250'000;
    EXPECT_LE(UtcTime(std::chrono::microseconds(slot)), told + wait + 1us);
    EXPECT_GE(UtcTime(std::chrono::microseconds(slot)), asked + wait - 1us);
  }
}

TEST_F(SharedBudgetTest, ARestHoldsForAllAndALongerOneStays) {
  const auto a = budget(), b = budget();
  a->rest(30s);
  EXPECT_EQ(b->take(1ms, 20s, never_), std::nullopt);
  a->rest(1s);
  const Duration wait = b->take(1ms, 1h, never_).value();
  EXPECT_GT(wait, 25s);
  EXPECT_LE(wait, 30s);
  b->rest(60s);
  EXPECT_GT(a->take(1ms, 1h, never_).value(), 55s);
  EXPECT_EQ(budget("another")->take(1s, 1h, never_), Duration::zero());
}

TEST_F(SharedBudgetTest, AConnectionThatIsLostIsOpenedAgain) {
  const auto a = budget();
  ASSERT_TRUE(a->take(1ms, 1h, never_));
  const std::string kill =
      "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'surveysync' AND "
      "datname = current_database()";
  EXPECT_EQ(query(kill), "1");
  EXPECT_TRUE(a->take(1ms, 1h, never_));
  EXPECT_EQ(query(kill), "1");
  a->rest(30s);
  EXPECT_EQ(query("SELECT rest_until > now() FROM surveysync.rate_budget"), "t") << "a rest opens it again too";
}

TEST_F(SharedBudgetTest, ALockedRowIsWaitedForByOneStatementAtATimeAndTheStopIsHeeded) {
  const auto a = budget();
  ASSERT_TRUE(a->take(1ms, 1h, never_));
  const auto holder = connect();
  pg::Transaction lock(*holder);
  lock.execute("SELECT account FROM surveysync.rate_budget FOR UPDATE");
  std::stop_source stop;
  std::vector<std::jthread> threads;
  std::atomic<int> cancelled = 0;
  for (int thread = 0; thread < 3; ++thread) {
    threads.emplace_back([&] {
      try {
        a->take(1ms, 1h, stop.get_token());
      } catch (const Error& error) {
        if (error.kind() == ErrorKind::cancelled) ++cancelled;
      }
    });
  }
  EXPECT_TRUE(await("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'", "1"));
  const SteadyTime began = clock_.now();
  stop.request_stop();
  threads.clear();
  EXPECT_EQ(cancelled, 3) << "also those that wait for the connection";
  EXPECT_LT(clock_.now() - began, 4s);
  lock.commit();
  EXPECT_TRUE(a->take(1ms, 1h, never_)) << "and the connection is sound";
}

TEST(SharedBudgetOutage, IsWaitedOutAndEndsWithTheStopOrItsTime) {
  TempCluster cluster;
  pg::ConnectOptions options;
  options.uri = cluster.uri(cluster.copy_database(migrate_uri));
  SystemClock clock;
  store::SharedBudget budget(options, "a", clock);
  ASSERT_TRUE(budget.take(1ms, 1h, {}));
  cluster.stop();
  budget.rest(1s);  // throws nothing

  ManualClock fast;
  store::SharedBudget impatient(options, "a", fast);
  const SteadyTime began = fast.now();
  EXPECT_EQ(error_of([&] { impatient.take(1ms, 1h, {}); }).kind(), ErrorKind::unavailable);
  EXPECT_EQ(fast.now() - began, store::SharedBudget::kOutage);

  std::stop_source stop;
  ErrorKind kind = ErrorKind::bug;
  std::jthread stopped([&] { kind = error_of([&] { budget.take(1ms, 1h, stop.get_token()); }).kind(); });
  stop.request_stop();
  stopped.join();
  EXPECT_EQ(kind, ErrorKind::cancelled);

  std::optional<Duration> slot;
  std::jthread patient([&] { slot = budget.take(1ms, 1h, {}); });
  cluster.start();
  patient.join();
  EXPECT_TRUE(slot);
}

TEST_F(SharedBudgetTest, WhatIsNoOutageIsSaidAtOnce) {
  run_sql("DROP TABLE surveysync.rate_budget");
  EXPECT_EQ(error_of([&] { budget()->take(1ms, 1h, never_); }).kind(), ErrorKind::refused_schema);
  budget()->rest(1s);
}

/// With the disk's part in it: a slot must not wait for one.
TEST(SharedBudgetCost, ASlotIsCheap) {
  TempCluster cluster({.settings = {"fsync=on", "synchronous_commit=on"}});
  pg::ConnectOptions options;
  options.uri = cluster.uri(cluster.copy_database(migrate_uri));
  SystemClock clock;
  store::SharedBudget budget(options, "a", clock);
  budget.take(1us, 1h, {});
  constexpr int kSlots = 1000;
  const SteadyTime began = clock.now();
  for (int turn = 0; turn < kSlots; ++turn)
    budget.take(1us, 1h, {});
  const Duration each = (clock.now() - began) / kSlots;
  RecordProperty("microseconds_each", std::to_string(each / 1us));
  EXPECT_LT(each, 5ms) << "usually a tenth of a millisecond; the bound is for a busy machine";
  std::fprintf(stderr, "a slot costs %lld us\n", static_cast<long long>(each / 1us));
}

}  // namespace
}  // namespace surveysync::test
