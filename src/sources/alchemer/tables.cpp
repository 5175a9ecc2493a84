#include "sources/alchemer/tables.h"

#include <span>

#include "sources/alchemer/objects.h"

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
  table.contact_columns = {{"contact_id", "contact"}};
  return table;
}

model::Table answer_table() {
  model::Table table = make_table("answer", kAnswerColumns);
  table.child = true;
  return table;
}

/// What makes up surveys: definitions, and responses with their answers.
std::vector<model::StreamSpec> main_specs() {
  return {
      {"survey",
       {definition_table("survey", kSurveyColumns), definition_table("page", kPageColumns),
        definition_table("question", kQuestionColumns), definition_table("option", kOptionColumns)},
       false,
       2},
      {"response", {response_table(), answer_table()}, true},
  };
}

}  // namespace

const std::vector<model::StreamSpec>& stream_specs() {
  static const std::vector<model::StreamSpec> kSpecs = [] {
    std::vector<model::StreamSpec> specs = main_specs();
    for (model::StreamSpec& spec : object_specs())
      specs.push_back(std::move(spec));
    return specs;
  }();
  return kSpecs;
}

}  // namespace surveysync::sources::alchemer
