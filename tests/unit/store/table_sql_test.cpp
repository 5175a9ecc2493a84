#include "store/table_sql.h"

#include <gtest/gtest.h>

namespace surveysync::store {
namespace {

using enum model::ColumnType;

const model::Table kResponse = [] {
  model::Table table{"alchemer",
                     "response",
                     {{"survey_id", int64}, {"response_id", int64}},
                     {{"status", text}, {"date_updated", timestamp}}};
  table.version = 1;
  return table;
}();
const model::Table kAnswer{"alchemer",
                           "answer",
                           {{"survey_id", int64}, {"response_id", int64}, {"question_id", int64}},
                           {{"answer", text}},
                           true};
const model::Table kOption{"alchemer",
                           "option",
                           {{"survey_id", int64}, {"question_id", int64}, {"option_id", int64}},
                           {{"languages", text_array}}};

TEST(TableSqlTest, CopyListsItsColumns) {
  EXPECT_EQ(TableSql(kResponse).copy(),
            "COPY \"alchemer\".\"response\" (source, \"survey_id\", \"response_id\", \"status\", \"date_updated\", "
            "payload, payload_raw, "
            "payload_hash, flags, first_seen_at, changed_at, run_id) FROM STDIN (FORMAT binary)");
  EXPECT_EQ(TableSql(kAnswer).copy(),
            "COPY \"alchemer\".\"answer\" (source, \"survey_id\", \"response_id\", \"question_id\", \"answer\", "
            "run_id) FROM STDIN (FORMAT binary)");
}

TEST(TableSqlTest, LookupFixesThePartitionAndListsTheRest) {
  EXPECT_EQ(TableSql(kResponse).lookup(),
            "SELECT t.\"response_id\", t.payload_hash, t.deleted_at IS NOT NULL FROM \"alchemer\".\"response\" AS t "
            "WHERE t.source = $1 AND t.\"survey_id\" = $2 AND t.\"response_id\" = ANY ($3::bigint[])");
  EXPECT_EQ(TableSql(kOption).lookup(),
            "SELECT t.\"question_id\", t.\"option_id\", t.payload_hash, t.deleted_at IS NOT NULL FROM "
            "\"alchemer\".\"option\" AS t "
            "JOIN unnest($3::bigint[], $4::bigint[]) AS k (c0, c1) ON true "
            "WHERE t.source = $1 AND t.\"survey_id\" = $2 AND t.\"question_id\" = k.c0 AND t.\"option_id\" = k.c1");
}

TEST(TableSqlTest, UpsertGuardsAgainstOlderVersions) {
  const std::string sql = TableSql(kResponse).upsert(Replace::not_newer);
  EXPECT_NE(
      sql.find("ON CONFLICT (source, \"survey_id\", \"response_id\") DO UPDATE SET \"status\" = excluded.\"status\""),
      std::string::npos);
  EXPECT_NE(sql.find("excluded.\"date_updated\" >= t.\"date_updated\""), std::string::npos);
  EXPECT_EQ(TableSql(kResponse).upsert(Replace::changed).find(">="), std::string::npos)
      << "what was read afresh is the newest";
  EXPECT_EQ(sql.find("\"survey_id\" = excluded"), std::string::npos) << "keys are not updated";
  EXPECT_EQ(TableSql(kOption).upsert(Replace::not_newer).find(">="), std::string::npos);
  EXPECT_NE(TableSql(kOption).upsert(Replace::changed).find("u.c3::text[]"), std::string::npos)
      << "arrays come as text";
}

TEST(TableSqlTest, UpsertComparesColumnsWhereTheHashDoesNotTellAll) {
  const std::string sql = TableSql(kResponse).upsert(Replace::different);
  EXPECT_NE(sql.find("IS DISTINCT FROM (excluded.flags, excluded.\"status\""), std::string::npos) << sql;
}

TEST(TableSqlTest, UpsertRevivesMarkedRowsUnlessTheyAreToBeKept) {
  const std::string revive = TableSql(kResponse).upsert(Replace::changed),
                    keep = TableSql(kResponse).upsert(Replace::changed, Marked::keep);
  EXPECT_NE(revive.find("deleted_at = NULL"), std::string::npos);
  EXPECT_NE(revive.find("WHERE t.deleted_at IS NOT NULL OR (("), std::string::npos);
  EXPECT_EQ(keep.find("deleted_at = NULL"), std::string::npos);
  EXPECT_EQ(keep.find("t.deleted_at"), std::string::npos);
}

TEST(TableSqlTest, ChildrenGoByTheKeyOfTheirParent) {
  EXPECT_EQ(TableSql(kAnswer).delete_children(kResponse),
            "DELETE FROM \"alchemer\".\"answer\" AS t WHERE t.source = $1 AND t.\"survey_id\" = $2 AND "
            "t.\"response_id\" = ANY ($3::bigint[])");
}

}  // namespace
}  // namespace surveysync::store
