// store/distribute: which tables are spread by survey. Citus is no Debian package; a function of the same name demands
// what Citus documents of a table (every unique index holds the column, one type of column, never twice) and notes it.
#include <algorithm>

#include "fixture.h"

namespace surveysync::test {
namespace {

using Lines = std::vector<std::string>;

constexpr const char* kStandIn = R"(
SET allow_system_table_mods = on;
CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass PRIMARY KEY, type oid);
CREATE FUNCTION pg_catalog.create_distributed_table(table_name regclass, distribution_column text,
    distribution_type text DEFAULT 'hash', colocate_with text DEFAULT 'default') RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  place pg_catalog.pg_attribute;
BEGIN
  SELECT * INTO STRICT place FROM pg_catalog.pg_attribute WHERE attrelid = table_name AND attname = distribution_column;
  IF EXISTS (SELECT 1 FROM pg_catalog.pg_index WHERE indrelid = table_name AND indisunique
             AND NOT place.attnum = ANY (indkey::int2[])) THEN
    RAISE EXCEPTION 'cannot create constraint on "%"', table_name;
  END IF;
  IF EXISTS (SELECT 1 FROM pg_catalog.pg_dist_partition WHERE type <> place.atttypid) THEN
    RAISE EXCEPTION 'cannot colocate tables: distribution column types differ';
  END IF;
  INSERT INTO pg_catalog.pg_dist_partition VALUES (table_name, place.atttypid);
END $$;
)";

class DistributeTest : public EmptyDatabaseTest {};

TEST_F(DistributeTest, WithoutCitusNothingIsDoneAndTheNextStepIsSaid) {
  const auto connection = connect();
  store::migrate(*connection);
  const Error error = error_of([&] { store::distribute_tables(*connection); });
  EXPECT_EQ(error.kind(), ErrorKind::config);
  EXPECT_NE(error.hint().find("CREATE EXTENSION citus"), std::string::npos) << error.hint();
}

TEST_F(DistributeTest, EveryTableWithASurveyInItsKeyIsDistributedOnce) {
  const auto connection = connect();
  store::migrate(*connection);
  run_sql(kStandIn);
  const Lines planned = store::undistributed_tables(*connection);
  EXPECT_EQ(store::distribute_tables(*connection), planned);
  for (const char* large : {"alchemer.response", "alchemer.answer", "alchemer.question", "alchemer.survey"})
    EXPECT_EQ(std::ranges::count(planned, large), 1) << large;
  // Small or without a survey: these stay on the coordinator.
  for (const char* small : {"alchemer.team", "alchemer.contact", "alchemer_wide.dictionary"})
    EXPECT_EQ(std::ranges::count(planned, small), 0) << small;
  EXPECT_EQ(query("SELECT count(*) FROM pg_dist_partition"), std::to_string(planned.size()));
  EXPECT_TRUE(store::distribute_tables(*connection).empty());
}

TEST_F(DistributeTest, WhatWasLeftByAFailureIsDistributedByTheNextCall) {
  const auto connection = connect();
  store::migrate(*connection);
  run_sql(kStandIn);
  run_sql("CREATE UNIQUE INDEX in_the_way ON alchemer.quota (source, quota_id)");
  const Error error = error_of([&] { store::distribute_tables(*connection); });
  EXPECT_NE(std::string(error.what()).find("quota"), std::string::npos) << error.what();
  run_sql("DROP INDEX alchemer.in_the_way");
  const Lines rest = store::distribute_tables(*connection);
  EXPECT_EQ(rest.front(), "alchemer.quota");
  EXPECT_TRUE(store::undistributed_tables(*connection).empty());
}

}  // namespace
}  // namespace surveysync::test
