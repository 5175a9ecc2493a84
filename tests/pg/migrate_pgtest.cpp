// store/migrate: an empty database, several processes, edited and newer databases, roles.
#include "store/migrate.h"

#include <thread>

#include "fixture.h"
#include "store/history.h"

namespace surveysync::test {
namespace {

using Lines = std::vector<std::string>;

class MigrateTest : public EmptyDatabaseTest {};

Lines names() {
  Lines all;
  for (const store::Migration& migration : store::embedded_migrations())
    all.emplace_back(migration.name);
  return all;
}

TEST_F(MigrateTest, AnEmptyDatabaseIsBroughtUpToDateOnce) {
  const auto connection = connect();
  EXPECT_EQ(store::migration_status(*connection).pending, names());
  const Error early = error_of([&] { store::require_version(*connection); });
  EXPECT_EQ(early.kind(), ErrorKind::config);
  EXPECT_NE(early.hint().find("surveysync migrate"), std::string::npos);
  EXPECT_EQ(store::migrate(*connection), names());
  EXPECT_EQ(store::migration_status(*connection).applied, names());
  store::require_version(*connection);
  EXPECT_TRUE(store::migrate(*connection).empty());
  EXPECT_EQ(query("SELECT attcompression FROM pg_attribute WHERE attrelid = 'alchemer.response'::regclass AND attname "
                  "= 'payload'"),
            "l");
  EXPECT_EQ(query("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN "
                  "('alchemer', "
                  "'surveysync') AND relkind = 'r' AND obj_description(c.oid) IS NULL"),
            "0")
      << "tables without a comment";
}

TEST_F(MigrateTest, WhatIsStoredAlreadyBeginsTheHistory) {
  run_sql("CREATE SCHEMA surveysync");
  for (const store::Migration& migration : store::embedded_migrations().first(2))
    run_sql(std::string(migration.sql));
  for (const auto& [table, keys] :
       {std::pair("survey", ""), std::pair("page", ", page_id"), std::pair("question", ", question_id"),
        std::pair("option", ", question_id, option_id")}) {
    const std::string values = std::string(keys) == "" ? "" : std::string(table) == "option" ? ", 10, 3" : ", 10";
    run_sql(std::string("INSERT INTO alchemer.") + table + " (source, survey_id" + keys +
            ", payload, payload_hash, first_seen_at, changed_at, run_id) SELECT 'us', 77" + values +
            ", '{}', 'x', '2026-01-01 00:00Z', '2026-01-02 00:00Z', 5");
  }
  run_sql(std::string(store::embedded_migrations()[2].sql));
  EXPECT_EQ(
      rows("SELECT object, object_id, survey_id, recorded_at AT TIME ZONE 'UTC', valid_from, payload, run_id, "
           "payload_hash = 'x' FROM surveysync.definition_history ORDER BY object"),
      (Lines{"option|10/3|77|2026-01-02 00:00:00|-infinity|{}|5|t", "page|10|77|2026-01-02 00:00:00|-infinity|{}|5|t",
             "question|10|77|2026-01-02 00:00:00|-infinity|{}|5|t",
             "survey||77|2026-01-02 00:00:00|-infinity|{}|5|t"}));
}

TEST_F(MigrateTest, FourProcessesAtOnceAllSucceed) {
  std::vector<std::jthread> workers;
  std::atomic<int> applied = 0;
  for (int i = 0; i < 4; ++i) {
    workers.emplace_back([&] {
      try {
        const auto connection = connect();
        applied += static_cast<int>(store::migrate(*connection).size());
        store::require_version(*connection);
      } catch (const Error& error) {
        ADD_FAILURE() << error.what();
      }
    });
  }
  workers.clear();
  EXPECT_EQ(applied, static_cast<int>(names().size()));
}

TEST_F(MigrateTest, AnOlderAnEditedAndANewerDatabaseAreRefused) {
  const auto connection = connect();
  store::migrate(*connection);
  run_sql("DELETE FROM surveysync.schema_migration WHERE name = '" + names().back() + "'");
  const Error older = error_of([&] { store::require_version(*connection); });
  EXPECT_EQ(older.kind(), ErrorKind::config);
  EXPECT_NE(older.hint().find("surveysync migrate"), std::string::npos);
  // Its tables are there already: the migration fails as a whole and says which.
  const Error twice = error_of([&] { store::migrate(*connection); });
  EXPECT_NE(std::string(twice.what()).find(names().back()), std::string::npos);
  run_sql("INSERT INTO surveysync.schema_migration SELECT '" + names().back() + "', repeat('0', 64), now()");
  EXPECT_NE(error_of([&] { store::require_version(*connection); }).message().find("another text"), std::string::npos);
  EXPECT_EQ(error_of([&] { store::migrate(*connection); }).kind(), ErrorKind::config);
}

TEST_F(MigrateTest, ANewerDatabaseIsRefused) {
  const auto connection = connect();
  store::migrate(*connection);
  run_sql("INSERT INTO surveysync.schema_migration VALUES ('9999_future', 'x', now())");
  for (const auto& act : {std::function<void()>([&] { store::require_version(*connection); }),
                          std::function<void()>([&] { store::migrate(*connection); })}) {
    const Error error = error_of(act);
    EXPECT_EQ(error.kind(), ErrorKind::config);
    EXPECT_NE(error.message().find("9999_future"), std::string::npos);
  }
}

TEST_F(MigrateTest, WithoutTheRightToCreateItSaysSo) {
  run_sql("DROP ROLE IF EXISTS nobody_here; CREATE ROLE nobody_here LOGIN");
  const auto connection = connect("nobody_here");
  const Error error = error_of([&] { store::migrate(*connection); });
  EXPECT_EQ(error.kind(), ErrorKind::refused_schema);
  EXPECT_EQ(error.sqlstate(), "42501");
  run_sql("DROP ROLE nobody_here");
}

}  // namespace
}  // namespace surveysync::test
