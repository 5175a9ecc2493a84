#include "sources/alchemer/tables.h"

#include <span>

namespace surveysync::sources::alchemer {

namespace {

model::Table make_table(std::string name, std::span<const ColumnDef> columns) {
  model::Table table{"alchemer", std::move(name), {}, {}};
  for (const ColumnDef& column : columns) {
    (column.key ? table.key : table.columns).push_back({std::string(column.name), column.type});
  }
  return table;
}

/// A table of definitions: its versions are kept.
model::Table definition_table(std::string name, std::span<const ColumnDef> columns) {
  model::Table table = make_table(std::move(name), columns);
  table.history = true;
  return table;
}

model::Table response_table() {
  model::Table table = make_table("response", kResponseColumns);
  table.version = cell(kResponseColumns, "date_updated") - table.key.size();
  return table;
}

model::Table answer_table() {
  model::Table table = make_table("answer", kAnswerColumns);
  table.child = true;
  return table;
}

}  // namespace

const std::vector<model::StreamSpec>& stream_specs() {
  static const std::vector<model::StreamSpec> kSpecs = {
      {"survey",
       {definition_table("survey", kSurveyColumns), definition_table("page", kPageColumns),
        definition_table("question", kQuestionColumns), definition_table("option", kOptionColumns)},
       false,
       2},
      {"response", {response_table(), answer_table()}, true},
  };
  return kSpecs;
}

}  // namespace surveysync::sources::alchemer
