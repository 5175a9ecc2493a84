// The roles that `migrate --print-roles` makes: enough for their work, and not more; before a migration and after it.
// tests/system/test_roles.py runs the program as each of them.
#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "fixture.h"
#include "store/history.h"

namespace surveysync::test {
namespace {

class RolesTest : public EmptyDatabaseTest {
 protected:
  RolesTest() { run_sql(store::print_roles()); }
  ~RolesTest() override {
    run_sql("DROP ROLE IF EXISTS an_owner, a_writer, a_reader");
    // One by one: PostgreSQL stumbles over default privileges of several roles at once.
    for (const std::string role : {"surveysync_reader", "surveysync_writer", "surveysync_owner"})
      run_sql("DROP OWNED BY " + role + " CASCADE");
    run_sql("DROP ROLE surveysync_reader, surveysync_writer, surveysync_owner");
  }
  void add_login(const std::string& name, const std::string& role) {
    run_sql(fmt::format("CREATE ROLE {0} LOGIN IN ROLE {1}; ALTER ROLE {0} SET role = '{1}'", name, role));
  }
  std::string refusal(pg::Connection& connection, const std::string& sql) {
    return error_of([&] { connection.execute(sql); }).sqlstate();
  }
};

TEST_F(RolesTest, MadeBeforeTheFirstMigrationTheyFollowIt) {
  add_login("an_owner", "surveysync_owner");
  add_login("a_writer", "surveysync_writer");
  add_login("a_reader", "surveysync_reader");
  store::migrate(*connect("an_owner"));
  const auto writer = connect("a_writer"), reader = connect("a_reader");
  EXPECT_TRUE(store::History(*writer).missing_privileges().empty());
  store::History(*writer).rehearse_write();
  store::require_version(*writer);
  EXPECT_EQ(reader->execute("SELECT 1 FROM alchemer.answer_wording").rows(), 0U);
  for (const std::string& schema : store::schemas()) {
    const std::string table = query("SELECT min(tablename) FROM pg_tables WHERE schemaname = '" + schema + "'");
    ASSERT_NE(table, "") << schema;
    const std::string name = schema + "." + table;
    for (const std::string& sql :
         {"DROP TABLE " + name, "TRUNCATE " + name, "ALTER TABLE " + name + " ADD COLUMN x int",
          "CREATE INDEX ON " + name + " ((1))", "DROP SCHEMA " + schema + " CASCADE"}) {
      EXPECT_EQ(refusal(*writer, sql), "42501") << sql;
      EXPECT_EQ(refusal(*reader, sql), "42501") << sql;
    }
    EXPECT_EQ(reader->execute("SELECT 1 FROM " + name + " LIMIT 1").columns(), 1U);
    EXPECT_EQ(refusal(*reader, "DELETE FROM " + name), "42501") << name;
    EXPECT_EQ(refusal(*reader, "CREATE TABLE " + schema + ".own (a int)"), "42501");
    EXPECT_EQ(schema.ends_with("_wide") ? "42501" : refusal(*writer, "CREATE TABLE " + schema + ".own (a int)"),
              "42501");
  }
  EXPECT_EQ(refusal(*writer, "UPDATE surveysync.schema_migration SET sha256 = ''"), "42501");
  EXPECT_EQ(refusal(*writer, "CREATE SCHEMA own"), "42501");
  EXPECT_EQ(refusal(*writer, "COPY surveysync.run FROM PROGRAM 'true'"), "42501");
}

TEST_F(RolesTest, WhatASuperuserMadeBeforeIsHandedOver) {
  store::migrate(*connect());
  run_sql(
      "CREATE TABLE alchemer_wide.us_1 (response_id bigint); CREATE VIEW alchemer_wide.us_1_labels AS TABLE "
      "alchemer_wide.us_1");
  add_login("a_writer", "surveysync_writer");
  add_login("an_owner", "surveysync_owner");
  const auto writer = connect("a_writer");
  const auto lacks = store::History(*writer).missing_privileges();
  EXPECT_TRUE(std::ranges::any_of(lacks, [](const auto& lack) {
    return lack.grant == "ALTER TABLE alchemer_wide.us_1 OWNER TO surveysync_writer";
  }));
  run_sql(store::print_roles());
  EXPECT_TRUE(store::History(*writer).missing_privileges().empty());
  writer->execute("DROP VIEW alchemer_wide.us_1_labels");
  writer->execute("DROP TABLE alchemer_wide.us_1");
  EXPECT_TRUE(store::migrate(*connect("an_owner")).empty());
  EXPECT_EQ(query("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles o ON "
                  "o.oid = c.relowner WHERE n.nspname IN ('alchemer', 'surveysync') AND o.rolsuper"),
            "0");
  run_sql("DROP OWNED BY a_writer, an_owner");
}

TEST_F(RolesTest, SeveralMigrateAtOnce) {
  add_login("an_owner", "surveysync_owner");
  std::vector<std::jthread> processes;
  for (int process = 0; process < 4; ++process) {
    processes.emplace_back([this] {
      try {
        store::migrate(*connect("an_owner"));
      } catch (const Error& error) {
        ADD_FAILURE() << error.full_text();
      }
    });
  }
}

TEST_F(RolesTest, WideTablesAreTheWritersAndTheReadersToRead) {
  add_login("an_owner", "surveysync_owner");
  add_login("a_writer", "surveysync_writer");
  add_login("a_reader", "surveysync_reader");
  store::migrate(*connect("an_owner"));
  const auto writer = connect("a_writer"), reader = connect("a_reader");
  writer->execute("CREATE TABLE alchemer_wide.us_1 (response_id bigint)");
  writer->execute("INSERT INTO alchemer_wide.us_1 VALUES (7)");
  EXPECT_EQ(reader->execute("SELECT response_id FROM alchemer_wide.us_1").integer(0, 0), 7);
  // Another login of the same role may replace it.
  EXPECT_EQ(query("SELECT tableowner FROM pg_tables WHERE tablename = 'us_1'"), "surveysync_writer");
  writer->execute("DROP TABLE alchemer_wide.us_1");
}

TEST_F(RolesTest, MadeAfterwardsTheyCoverWhatIsThere) {
  // All is the superuser's, and the writer's login does not change its role.
  store::migrate(*connect());
  run_sql("CREATE ROLE a_writer LOGIN IN ROLE surveysync_writer; CREATE ROLE a_reader LOGIN IN ROLE surveysync_reader");
  run_sql(store::print_roles());
  run_sql(store::print_roles());
  const auto writer = connect("a_writer"), reader = connect("a_reader");
  EXPECT_TRUE(store::History(*writer).missing_privileges().empty());
  writer->execute("CREATE TABLE alchemer_wide.us_1 (response_id bigint)");
  EXPECT_EQ(reader->execute("SELECT 1 FROM alchemer_wide.us_1").rows(), 0U);
  run_sql(
      "REVOKE CREATE ON SCHEMA alchemer_wide FROM surveysync_writer; REVOKE INSERT ON surveysync.sighting FROM "
      "surveysync_writer");
  const auto missing = store::History(*writer).missing_privileges();
  ASSERT_EQ(missing.size(), 2U);
  EXPECT_EQ(missing[0].grant, "GRANT CREATE ON SCHEMA alchemer_wide TO a_writer");
  EXPECT_EQ(missing[1].object, "surveysync.sighting");
  run_sql("DROP OWNED BY a_writer");
}

}  // namespace
}  // namespace surveysync::test
