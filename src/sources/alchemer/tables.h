#pragma once
// The tables that Alchemer's records become, as product.md section 3 names them: one constexpr list of columns a table.
// Decoders address cells by name through `cell`, at compile time, so that tables and decoders cannot drift apart.
// Constants only; any thread.

#include <cstddef>
#include <string_view>
#include <vector>

#include "model/stream.h"

namespace surveysync::sources::alchemer {

/// One column of a table; keys come first, in key order.
struct ColumnDef {
  std::string_view name;
  model::ColumnType type;
  bool key = false;
};

using Col = model::ColumnType;

inline constexpr ColumnDef kSurveyColumns[] = {
    {"survey_id", Col::int64, true}, {"title", Col::text},
    {"internal_title", Col::text},   {"type", Col::text},
    {"status", Col::text},           {"created_at", Col::timestamp},
    {"modified_at", Col::timestamp}, {"team_ids", Col::int64_array},
    {"languages", Col::text_array},  {"statistics", Col::jsonb},
};
inline constexpr ColumnDef kPageColumns[] = {
    {"survey_id", Col::int64, true}, {"page_id", Col::int64, true}, {"title", Col::text},
    {"titles", Col::jsonb},          {"position", Col::int32},
};
inline constexpr ColumnDef kQuestionColumns[] = {
    {"survey_id", Col::int64, true},
    {"question_id", Col::int64, true},
    {"parent_question_id", Col::int64},
    {"page_id", Col::int64},
    {"position", Col::int32},
    {"base_type", Col::text},
    {"type", Col::text},
    {"title", Col::text},
    {"titles", Col::jsonb},
    {"shortname", Col::text},
    {"varname", Col::jsonb},
    {"properties", Col::jsonb},
};
inline constexpr ColumnDef kOptionColumns[] = {
    {"survey_id", Col::int64, true},
    {"question_id", Col::int64, true},
    {"option_id", Col::int64, true},
    {"position", Col::int32},
    {"title", Col::text},
    {"titles", Col::jsonb},
    {"value", Col::text},
};
inline constexpr ColumnDef kResponseColumns[] = {
    {"survey_id", Col::int64, true},
    {"response_id", Col::int64, true},
    {"status", Col::text},
    {"is_test_data", Col::boolean},
    {"date_submitted", Col::timestamp},
    {"date_started", Col::timestamp},
    {"date_updated", Col::timestamp},
    {"session_id", Col::text},
    {"language", Col::text},
    {"link_id", Col::text},
    {"contact_id", Col::text},
    {"response_time_seconds", Col::int32},
    {"url_variables", Col::jsonb},
    {"data_quality", Col::jsonb},
    {"comments", Col::text},
    {"ip_address", Col::text},
    {"user_agent", Col::text},
    {"referer", Col::text},
    {"country", Col::text},
    {"region", Col::text},
    {"city", Col::text},
    {"postal", Col::text},
    {"latitude", Col::numeric},
    {"longitude", Col::numeric},
};
inline constexpr ColumnDef kAnswerColumns[] = {
    {"survey_id", Col::int64, true},
    {"response_id", Col::int64, true},
    {"question_id", Col::int64, true},
    {"item", Col::text, true},
    {"parent_question_id", Col::int64},
    {"row_id", Col::int64},
    {"option_id", Col::int64},
    {"answer", Col::text},
    {"original_answer", Col::text},
    {"option_title", Col::text},
    {"rank", Col::int32},
    {"shown", Col::boolean},
    {"is_other", Col::boolean},
    {"comment", Col::text},
    {"type", Col::text},
    {"page_id", Col::int64},
};

/// The index of a column among a row's cells. A name that is not there does not compile.
template <std::size_t N>
consteval std::size_t cell(const ColumnDef (&columns)[N], std::string_view name) {
  for (std::size_t i = 0; i < N; ++i) {
    if (columns[i].name == name) return i;
  }
  throw "no such column";  // reached at compile time only
}

/// Indexes of the tables in their streams.
namespace table {
inline constexpr std::size_t kSurvey = 0, kPage = 1, kQuestion = 2, kOption = 3;  // stream "survey"
inline constexpr std::size_t kResponse = 0, kAnswer = 1;                          // stream "response"
}  // namespace table

/// The streams of this provider: "survey" (definitions), "response" (certified), and all other objects (objects.h).
const std::vector<model::StreamSpec>& stream_specs();

}  // namespace surveysync::sources::alchemer
