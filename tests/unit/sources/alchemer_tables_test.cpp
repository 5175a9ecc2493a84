#include <gtest/gtest.h>

#include "sources/alchemer/objects.h"
#include "sources/alchemer/tables.h"

namespace surveysync::sources::alchemer {
namespace {

std::string names(const std::vector<model::Column>& columns) {
  std::string out;
  for (const model::Column& column : columns)
    out += (out.empty() ? "" : " ") + column.name;
  return out;
}

/// product.md section 3: the names are a contract.
TEST(Tables, AreThoseOfTheContract) {
  const auto& specs = stream_specs();
  ASSERT_EQ(specs.size(), 2U + object_specs().size());
  EXPECT_EQ(specs[0].name, "survey");
  EXPECT_FALSE(specs[0].certified);
  EXPECT_EQ(specs[1].name, "response");
  EXPECT_TRUE(specs[1].certified);
  std::string all;
  for (const model::StreamSpec& spec : std::span(specs).first(2)) {
    for (const model::Table& table : spec.tables) {
      all += table.qualified() + (table.child ? " child" : "") + ": " + names(table.key) + " | " +
             names(table.columns) + "\n";
      EXPECT_EQ(table.scope, 1U);
    }
  }
  EXPECT_EQ(
      all,
      "alchemer.survey: survey_id | title internal_title type status created_at modified_at team_ids languages "
      "statistics\n"
      "alchemer.page: survey_id page_id | title titles position\n"
      "alchemer.question: survey_id question_id | parent_question_id page_id position base_type type title titles "
      "shortname varname properties\n"
      "alchemer.option: survey_id question_id option_id | position title titles value\n"
      "alchemer.response: survey_id response_id | status is_test_data date_submitted date_started date_updated "
      "session_id "
      "language link_id contact_id response_time_seconds url_variables data_quality comments ip_address user_agent "
      "referer "
      "country region city postal latitude longitude\n"
      "alchemer.answer child: survey_id response_id question_id item | parent_question_id row_id option_id answer "
      "original_answer option_title rank shown is_other comment type page_id\n");
}

TEST(Tables, ResponsesAreVersionedByDateUpdated) {
  const model::Table& response = stream_specs()[1].tables[table::kResponse];
  ASSERT_TRUE(response.version.has_value());
  EXPECT_EQ(response.columns[*response.version].name, "date_updated");
  EXPECT_FALSE(stream_specs()[1].tables[table::kAnswer].version.has_value());
}

TEST(Tables, CellsAreAddressedKeysFirst) {
  static_assert(cell(kResponseColumns, "survey_id") == 0);
  static_assert(cell(kAnswerColumns, "item") == 3);
  static_assert(cell(kAnswerColumns, "page_id") + 1 == std::size(kAnswerColumns));
  for (const auto& columns : {std::span<const ColumnDef>(kSurveyColumns), std::span<const ColumnDef>(kAnswerColumns)}) {
    bool keys_over = false;
    for (const ColumnDef& column : columns) {
      EXPECT_FALSE(column.key && keys_over) << column.name;
      keys_over |= !column.key;
    }
  }
}

}  // namespace
}  // namespace surveysync::sources::alchemer
