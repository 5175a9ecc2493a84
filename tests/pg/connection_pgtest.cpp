// pg/connection and pg/copy against a real server: order, errors, lost connections, stop.
#include "pg/connection.h"

#include <thread>

#include "fixture.h"
#include "pg/binary.h"
#include "pg/copy.h"

namespace surveysync::test {
namespace {

class ConnectionTest : public EmptyDatabaseTest {
 protected:
  /// A statement of `connection` runs on the server.
  static constexpr const char* kSleeping =
      "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_catalog.pg_sleep%' AND state = 'active' AND "
      "pid <> "
      "pg_backend_pid()";
  std::string terminate(int pid) { return query("SELECT pg_terminate_backend(" + std::to_string(pid) + ")"); }
  static int backend(pg::Connection& connection) {
    return static_cast<int>(connection.execute("SELECT pg_catalog.pg_backend_pid()").integer(0, 0));
  }
};

TEST_F(ConnectionTest, ReadsEveryType) {
  const auto connection = connect();
  const pg::Result result = connection->execute(
      "SELECT 7::int2, -8::int4, 9000000000::int8, true, 'text', '\\x0001'::bytea, '{\"a\":1}'::json, '[1]'::jsonb, "
      "'2026-11-21 18:57:00.000001+00'::timestamptz, 0.5::float8, NULL::text");
  EXPECT_EQ(result.rows(), 1U);
  EXPECT_EQ(result.columns(), 11U);
  EXPECT_EQ(result.integer(0, 0), 7);
  EXPECT_EQ(result.integer(0, 1), -8);
  EXPECT_EQ(result.integer(0, 2), 9'000'000'000);
  EXPECT_TRUE(result.boolean(0, 3));
  EXPECT_EQ(result.text(0, 4), "text");
  EXPECT_EQ(result.bytes(0, 5), std::string_view("\0\1", 2));
  EXPECT_EQ(result.text(0, 6), "{\"a\":1}");
  EXPECT_EQ(result.text(0, 7), "[1]");
  EXPECT_EQ(format_utc(*result.time(0, 8)), "2026-11-21T18:57:00.000001Z");
  EXPECT_EQ(result.real(0, 9), 0.5);
  EXPECT_TRUE(result.is_null(0, 10));
  EXPECT_EQ(result.text(0, 10), "");
  EXPECT_EQ(error_of([&] { result.integer(0, 4); }).kind(), ErrorKind::bug);
  EXPECT_EQ(error_of([&] { result.is_null(1, 0); }).kind(), ErrorKind::bug);
}

TEST_F(ConnectionTest, SendsEveryTypeAndReadsItBackAsText) {
  const auto connection = connect();
  const std::vector<std::string> texts = {"a", "", "c,\"d\" {}\\"};
  const std::vector<std::int64_t> numbers = {1, -2};
  const std::vector<pg::Param> params = {pg::int4(-5),
                                         pg::int8(1LL << 40),
                                         pg::boolean(true),
                                         pg::text("grüße"),
                                         pg::json("{\"a\": 1}"),
                                         pg::jsonb("{\"a\": 1}"),
                                         pg::text_array(texts),
                                         pg::int8_array(numbers),
                                         pg::null_of(pg::oid::kText),
                                         pg::text_array({}),
                                         pg::timestamptz(UtcTime(std::chrono::microseconds(1'500'000))),
                                         pg::bytea(std::string_view("\0\xff", 2))};
  const pg::Result result = connection->execute(
      "SELECT $1::int4::text, $2::int8::text, $3::bool::text, $4::text, $5::json::text, $6::jsonb::text, "
      "$7::text[]::text, "
      "$8::int8[]::text, $9::text, $10::text[]::text, ($11::timestamptz AT TIME ZONE 'UTC')::text, encode($12::bytea, "
      "'hex')",
      params);
  const std::vector<std::string> wanted = {"-5",
                                           "1099511627776",
                                           "true",
                                           "grüße",
                                           "{\"a\": 1}",
                                           "{\"a\": 1}",
                                           "{a,\"\",\"c,\\\"d\\\" {}\\\\\"}",
                                           "{1,-2}",
                                           "",
                                           "{}",
                                           "1970-01-01 00:00:01.5",
                                           "00ff"};
  for (std::size_t column = 0; column < wanted.size(); ++column)
    EXPECT_EQ(result.text(0, column), wanted[column]) << column;
}

TEST_F(ConnectionTest, NumericsKeepTheirDigits) {
  const auto connection = connect();
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"0", "0"},
      {"-0", "0"},
      {"0.1000", "0.1000"},
      {"12345678901234567890.123456789", "12345678901234567890.123456789"},
      {"-42.5", "-42.5"},
      {"1e3", "1000"},
      {"1.5E+3", "1500"},
      {"1e-5", "0.00001"},
      {"10000", "10000"},
      {"99990000", "99990000"},
      {"0.00010001", "0.00010001"},
      {"-1.50e1", "-15.0"},
      {"123.4567e-3", "0.1234567"},
      {"1e30", "1000000000000000000000000000000"},
      {"38.6270", "38.6270"},
      {"-90.1994", "-90.1994"}};
  for (const auto& [token, wanted] : cases) {
    const std::vector<pg::Param> params = {pg::numeric(token)};
    const pg::Result result = connection->execute("SELECT $1::numeric::text, $1::numeric", params);
    EXPECT_EQ(result.text(0, 0), wanted) << token;
    EXPECT_EQ(pg::numeric_text(result.bytes(0, 1)), wanted) << token;
  }
}

TEST_F(ConnectionTest, ErrorsCarryKindAndStateAndNoValues) {
  const auto connection = connect();
  const Error syntax = error_of([&] { connection->execute("SELEC 1"); });
  EXPECT_EQ(syntax.kind(), ErrorKind::refused_schema);
  EXPECT_EQ(syntax.sqlstate(), "42601");
  connection->execute("CREATE TABLE public.t (a int PRIMARY KEY, note text)");
  connection->execute("INSERT INTO public.t VALUES (1, 'private')");
  const Error twice = error_of([&] { connection->execute("INSERT INTO public.t VALUES (1, 'private')"); });
  EXPECT_EQ(twice.kind(), ErrorKind::refused_row);
  EXPECT_EQ(twice.sqlstate(), "23505");
  EXPECT_EQ(std::string(twice.what()).find("(a)=(1)"), std::string::npos) << twice.what();
  EXPECT_TRUE(connection->alive());
  EXPECT_EQ(connection->execute("SELECT 1").integer(0, 0), 1);
}

TEST_F(ConnectionTest, CannotConnectSaysWhyWithoutThePassword) {
  pg::ConnectOptions bad = options();
  bad.uri = cluster_.uri("nothing_here");
  const Error missing = error_of([&] { pg::Connection(bad, clock_, {}); });
  EXPECT_EQ(missing.kind(), ErrorKind::config) << missing.what();
  EXPECT_EQ(missing.sqlstate(), "3D000");
  bad.uri = "postgresql://me:hunter2@%zz/x";
  const Error uri = error_of([&] { pg::Connection(bad, clock_, {}); });
  EXPECT_EQ(uri.kind(), ErrorKind::config);
  EXPECT_EQ(uri.full_text().find("hunter2"), std::string::npos);
  bad.uri = "host=" + cluster_.directory() + " port=1 password=hunter2 dbname=x user=me";
  const Error away = error_of([&] { pg::Connection(bad, clock_, {}); });
  EXPECT_EQ(away.kind(), ErrorKind::unavailable) << away.what();
  EXPECT_EQ(away.full_text().find("hunter2"), std::string::npos);
}

TEST_F(ConnectionTest, TransactionSetsItsOwnSettingsAndLeavesNone) {
  const auto connection = connect();
  {
    pg::Transaction transaction(*connection);
    const pg::Result inside = transaction.execute(
        "SELECT pg_catalog.current_setting('TimeZone'), pg_catalog.current_setting('statement_timeout'), "
        "pg_catalog.current_setting('lock_timeout'), pg_catalog.current_setting('search_path')");
    EXPECT_EQ(inside.text(0, 0), "UTC");
    EXPECT_EQ(inside.text(0, 1), "5min");
    EXPECT_EQ(inside.text(0, 2), "30s");
    EXPECT_EQ(inside.text(0, 3), "\"\"");
    transaction.commit();
  }
  EXPECT_EQ(connection->execute("SELECT current_setting('TimeZone')").text(0, 0), "Asia/Kathmandu");
}

TEST_F(ConnectionTest, OrderIsChecked) {
  const auto connection = connect();
  run_sql("CREATE TABLE t (a bigint)");
  pg::Transaction transaction(*connection);
  EXPECT_EQ(error_of([&] { pg::Transaction second(*connection); }).kind(), ErrorKind::bug);
  pg::CopyWriter copy(transaction, "COPY public.t (a) FROM STDIN (FORMAT binary)");
  EXPECT_EQ(error_of([&] { transaction.execute("SELECT 1"); }).kind(), ErrorKind::bug);
  EXPECT_EQ(error_of([&] { transaction.commit(); }).kind(), ErrorKind::bug);
  EXPECT_EQ(copy.finish(), 0);
  EXPECT_EQ(error_of([&] { copy.finish(); }).kind(), ErrorKind::bug);
  transaction.commit();
  EXPECT_EQ(error_of([&] { transaction.execute("SELECT 1"); }).kind(), ErrorKind::bug);
}

TEST_F(ConnectionTest, CopyStoresRowsInSlicesAndAbandonsThem) {
  const auto connection = connect();
  run_sql("CREATE TABLE t (a bigint, b text)");
  pg::TupleBuffer rows;
  const std::string large(1000, 'x');
  for (int i = 0; i < 2000; ++i) {
    rows.begin_tuple(2);
    rows.int8(i);
    rows.bytes(large);
  }
  {
    pg::Transaction transaction(*connection);
    pg::CopyWriter copy(transaction, "COPY public.t (a, b) FROM STDIN (FORMAT binary)");
    copy.put(rows.view());
    EXPECT_EQ(copy.finish(), 2000);
    transaction.commit();
  }
  {
    pg::Transaction transaction(*connection);
    pg::CopyWriter copy(transaction, "COPY public.t (a, b) FROM STDIN (FORMAT binary)");
    copy.put(rows.view());
  }
  EXPECT_TRUE(connection->alive());
  EXPECT_EQ(query("SELECT count(*) FROM t"), "2000");
}

TEST_F(ConnectionTest, CopyOfABadValueIsARefusedRow) {
  const auto connection = connect();
  run_sql("CREATE TABLE t (a json)");
  pg::TupleBuffer rows;
  rows.begin_tuple(1);
  rows.bytes("{not json");
  const Error error = error_of([&] {
    pg::Transaction transaction(*connection);
    pg::CopyWriter copy(transaction, "COPY public.t (a) FROM STDIN (FORMAT binary)");
    copy.put(rows.view());
    copy.finish();
  });
  EXPECT_EQ(error.kind(), ErrorKind::refused_row);
  EXPECT_EQ(error.sqlstate(), "22P02");
  EXPECT_TRUE(connection->alive());
  EXPECT_EQ(connection->execute("SELECT 1").integer(0, 0), 1);
}

TEST_F(ConnectionTest, PipelineGivesOneResultEachAndThrowsTheFirstFailure) {
  const auto connection = connect();
  {
    pg::Transaction transaction(*connection);
    const std::vector<pg::Statement> three = {
        {"SELECT 1::int8", {}}, {"SELECT $1::text", {pg::text("two")}}, {"SELECT true", {}}};
    const std::vector<pg::Result> results = transaction.execute_all(three);
    ASSERT_EQ(results.size(), 3U);
    EXPECT_EQ(results[0].integer(0, 0), 1);
    EXPECT_EQ(results[1].text(0, 0), "two");
    EXPECT_TRUE(results[2].boolean(0, 0));
    const std::vector<pg::Statement> bad = {{"SELECT 1", {}}, {"SELECT 1/0", {}}, {"SELECT 2", {}}};
    EXPECT_EQ(error_of([&] { transaction.execute_all(bad); }).sqlstate(), "22012");
  }
  EXPECT_TRUE(connection->alive());
  EXPECT_EQ(connection->execute("SELECT 1").integer(0, 0), 1);
}

TEST_F(ConnectionTest, StopEndsAStatementWithinASecondAndKeepsTheConnection) {
  std::stop_source stop;
  const auto connection = connect("postgres", stop.get_token());
  std::jthread stopper([&] {
    await(kSleeping, "1");
    stop.request_stop();
  });
  const SteadyTime before = clock_.now();
  EXPECT_EQ(error_of([&] {
              pg::Transaction transaction(*connection);
              transaction.execute("SELECT pg_catalog.pg_sleep(30)");
            }).kind(),
            ErrorKind::cancelled);
  EXPECT_LT(clock_.now() - before, std::chrono::seconds(5));
  stopper.join();
  EXPECT_TRUE(await(kSleeping, "0"));
  EXPECT_TRUE(connection->alive());
  EXPECT_EQ(error_of([&] { connection->execute("SELECT 1"); }).kind(), ErrorKind::cancelled);
  connection->use_stop({});
  EXPECT_EQ(connection->execute("SELECT 1").integer(0, 0), 1);
}

TEST_F(ConnectionTest, StopEndsAPipeline) {
  std::stop_source stop;
  const auto connection = connect("postgres", stop.get_token());
  std::jthread stopper([&] {
    await("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_catalog.pg_sleep%' AND state = 'active'",
          "1");
    stop.request_stop();
  });
  const std::vector<pg::Statement> slow = {{"SELECT 1", {}}, {"SELECT pg_catalog.pg_sleep(30)", {}}, {"SELECT 2", {}}};
  EXPECT_EQ(error_of([&] {
              pg::Transaction transaction(*connection);
              transaction.execute_all(slow);
            }).kind(),
            ErrorKind::cancelled);
  stopper.join();
  connection->use_stop({});
  EXPECT_TRUE(connection->alive());
  EXPECT_EQ(connection->execute("SELECT 1").integer(0, 0), 1);
}

TEST_F(ConnectionTest, StopEndsACopyThatWaitsForALock) {
  run_sql("CREATE TABLE t (a bigint PRIMARY KEY)");
  const auto other = connect();
  pg::Transaction holder(*other);
  holder.execute("INSERT INTO public.t VALUES (1)");
  std::stop_source stop;
  const auto connection = connect("postgres", stop.get_token());
  std::jthread stopper([&] {
    await("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'", "1");
    stop.request_stop();
  });
  pg::TupleBuffer rows;
  rows.begin_tuple(1);
  rows.int8(1);
  EXPECT_EQ(error_of([&] {
              pg::Transaction transaction(*connection);
              pg::CopyWriter copy(transaction, "COPY public.t (a) FROM STDIN (FORMAT binary)");
              copy.put(rows.view());
              copy.finish();
            }).kind(),
            ErrorKind::cancelled);
  stopper.join();
  connection->use_stop({});
  EXPECT_EQ(connection->execute("SELECT 1").integer(0, 0), 1);
}

TEST_F(ConnectionTest, ATerminatedBackendIsUnavailable) {
  const auto connection = connect();
  terminate(backend(*connection));
  EXPECT_EQ(error_of([&] { connection->execute("SELECT 1"); }).kind(), ErrorKind::unavailable);
  EXPECT_FALSE(connection->alive());
  EXPECT_EQ(error_of([&] { connection->execute("SELECT 1"); }).kind(), ErrorKind::unavailable);
}

TEST_F(ConnectionTest, ABackendTerminatedDuringCopyIsUnavailable) {
  run_sql("CREATE TABLE t (a bigint, b text)");
  const auto connection = connect();
  const int pid = backend(*connection);
  const Error error = error_of([&] {
    pg::Transaction transaction(*connection);
    pg::CopyWriter copy(transaction, "COPY public.t (a, b) FROM STDIN (FORMAT binary)");
    terminate(pid);
    pg::TupleBuffer rows;
    const std::string large(1'000'000, 'x');
    for (int i = 0; i < 50; ++i) {
      rows.clear();
      rows.begin_tuple(2);
      rows.int8(i);
      rows.bytes(large);
      copy.put(rows.view());
    }
    copy.finish();
  });
  EXPECT_EQ(error.kind(), ErrorKind::unavailable) << error.what();
  EXPECT_FALSE(connection->alive());
}

TEST_F(ConnectionTest, ACancelledCopyIsUnavailableAndKeepsTheConnection) {
  run_sql("CREATE TABLE t (a bigint, b text)");
  const auto connection = connect();
  const int pid = backend(*connection);
  const Error error = error_of([&] {
    pg::Transaction transaction(*connection);
    pg::CopyWriter copy(transaction, "COPY public.t (a, b) FROM STDIN (FORMAT binary)");
    query("SELECT pg_cancel_backend(" + std::to_string(pid) + ")");
    pg::TupleBuffer rows;
    rows.begin_tuple(2);
    rows.int8(1);
    rows.null();
    copy.put(rows.view());
    copy.finish();
  });
  EXPECT_EQ(error.kind(), ErrorKind::unavailable) << error.what();
  EXPECT_EQ(error.sqlstate(), "57014");
  EXPECT_EQ(connection->execute("SELECT 1").integer(0, 0), 1);
}

TEST_F(ConnectionTest, ACommitWhoseAnswerIsLostIsInDoubt) {
  run_sql(
      "CREATE TABLE t (a int); CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM "
      "pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); RETURN NULL; END'; CREATE CONSTRAINT TRIGGER die "
      "AFTER INSERT ON t "
      "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()");
  const auto connection = connect();
  const Error error = error_of([&] {
    pg::Transaction transaction(*connection);
    transaction.execute("INSERT INTO public.t VALUES (1)");
    transaction.commit();
  });
  EXPECT_EQ(error.kind(), ErrorKind::in_doubt) << error.what();
  EXPECT_FALSE(connection->alive());
}

TEST_F(ConnectionTest, AReadOnlyServerIsUnavailable) {
  run_sql("CREATE TABLE t (a int); ALTER DATABASE " + database_ + " SET default_transaction_read_only = on");
  const auto connection = connect();
  const Error error = error_of([&] {
    pg::Transaction transaction(*connection);
    transaction.execute("INSERT INTO public.t VALUES (1)");
  });
  EXPECT_EQ(error.kind(), ErrorKind::unavailable);
  EXPECT_EQ(error.sqlstate(), "25006");
  EXPECT_FALSE(connection->alive());
}

TEST_F(ConnectionTest, TheServersStatementTimeoutHolds) {
  pg::ConnectOptions quick = options();
  quick.statement_timeout = std::chrono::milliseconds(50);
  pg::Connection connection(quick, clock_, {});
  const Error error = error_of([&] {
    pg::Transaction transaction(connection);
    transaction.execute("SELECT pg_catalog.pg_sleep(20)");
  });
  EXPECT_EQ(error.kind(), ErrorKind::unavailable);
  EXPECT_EQ(error.sqlstate(), "57014");
  EXPECT_TRUE(connection.alive());
}

TEST(ClusterTest, ARestartedServerTakesNewConnections) {
  TempCluster cluster({.tcp = true, .settings = {}});
  SystemClock clock;
  pg::ConnectOptions options;
  options.uri = cluster.tcp_uri("postgres");
  pg::Connection connection(options, clock, {});
  EXPECT_EQ(connection.execute("SELECT 1").integer(0, 0), 1);
  cluster.kill();
  EXPECT_EQ(error_of([&] { connection.execute("SELECT 1"); }).kind(), ErrorKind::unavailable);
  EXPECT_EQ(error_of([&] { pg::Connection(options, clock, {}); }).kind(), ErrorKind::unavailable);
  cluster.start();
  pg::Connection again(options, clock, {});
  EXPECT_EQ(again.execute("SELECT 1").integer(0, 0), 1);
}

}  // namespace
}  // namespace surveysync::test
