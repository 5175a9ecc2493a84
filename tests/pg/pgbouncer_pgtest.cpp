// All that we do, through a real PgBouncer in transaction mode: each transaction may meet another server connection,
// and what a session leaves behind meets other clients.

#include "portable_fixture.h"
#include "support/pgbouncer.h"

namespace surveysync::test {
namespace {

using namespace std::chrono_literals;

class PgBouncerTest : public PortableTest {
 protected:
  pg::ConnectOptions through() const override {
    pg::ConnectOptions options;
    options.uri = bouncer_.uri(database_, kRole);
    return options;
  }
  /// Fewer than the connections of a run, so that they are passed around.
  PgBouncer bouncer_{cluster_, {kRole}, 3};
};

TEST_F(PgBouncerTest, EverythingWorks) {
  expect_refusals();
  migrate();
  run_nights();
  keep_book();
  serve();
  EXPECT_EQ(bouncer_.log().find("closing because: unclean server"), std::string::npos) << bouncer_.log();
}

TEST_F(PgBouncerTest, NothingOfASessionIsLeftBehind) {
  run_sql("ALTER DATABASE " + database_ + " SET synchronous_commit = on");  // the test cluster's own is off
  migrate();
  // All sessions of the pool, seen by one who sets nothing: what the server itself would say.
  const auto settings = [&](pg::Connection& connection) {
    std::string text;
    for (const char* name : {"TimeZone", "search_path", "statement_timeout", "lock_timeout", "synchronous_commit",
                             "idle_in_transaction_session_timeout"})
      text += connection.execute(std::string("SELECT current_setting('") + name + "')").text(0, 0) + ";";
    return text;
  };
  const auto direct = connect(kRole);
  const std::string clean = settings(*direct);
  run_nights();
  serve();
  // Held open side by side, so that each gets a session of its own.
  std::vector<std::unique_ptr<pg::Connection>> clients;
  for (int client = 0; client < 3; ++client) {
    clients.push_back(connection());
    clients.back()->execute_script("BEGIN");
  }
  for (const auto& client : clients) {
    EXPECT_EQ(settings(*client), clean);
    EXPECT_EQ(client->execute("SELECT count(*) FROM pg_catalog.pg_prepared_statements").integer(0, 0), 0);
    client->execute_script("ROLLBACK");
  }
}

TEST_F(PgBouncerTest, AStatementThatWaitsEndsWithTheStop) {
  migrate();
  store::SharedBudget budget(through(), "account", clock_);
  ASSERT_TRUE(budget.take(1ms, 1h, never_));
  const auto holder = connect();
  pg::Transaction lock(*holder);
  lock.execute("SELECT account FROM surveysync.rate_budget FOR UPDATE");
  std::stop_source stop;
  ErrorKind kind = ErrorKind::bug;
  std::jthread waiting([&] { kind = error_of([&] { budget.take(1ms, 1h, stop.get_token()); }).kind(); });
  EXPECT_TRUE(await("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'", "1"));
  stop.request_stop();
  waiting.join();
  EXPECT_EQ(kind, ErrorKind::cancelled);
  EXPECT_TRUE(await("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'", "0"));
  lock.commit();
  EXPECT_TRUE(budget.take(1ms, 1h, never_));
}

}  // namespace
}  // namespace surveysync::test
