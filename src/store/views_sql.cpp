#include "store/views_sql.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "pg/binary.h"
#include "store/sql_text.h"
#include "store/table_sql.h"
#include "store/views_pivot.h"

namespace surveysync::store {
namespace {

using model::WideColumn;
using model::WideType;

bool are_numbers(WideType type) {
  return type == WideType::integer || type == WideType::numeric;
}

/// Labels that a column's values can have: numbers stand in statements and JSON as they are.
std::vector<model::WideLabel> usable_labels(const WideColumn& column) {
  std::vector<model::WideLabel> labels = column.labels;
  if (!are_numbers(column.type)) return labels;
  std::erase_if(labels, [](const model::WideLabel& label) {
    const std::string_view digits = std::string_view(label.value).substr(label.value.starts_with('-') ? 1 : 0);
    const bool zero_first = digits.size() > 1 && digits.front() == '0';
    return digits.empty() || digits.size() > 18 || zero_first ||
           !std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
  });
  return labels;
}

std::string label_value(const WideColumn& column, const std::string& value) {
  if (column.type == WideType::boolean) return "true";
  return are_numbers(column.type) ? value : json::quote(value);
}

/// What of a column stands in the view with texts.
std::string shown(const WideColumn& column) {
  const std::string name = "t." + quoted(column.name);
  const std::vector<model::WideLabel> labels = usable_labels(column);
  if (labels.empty()) return name;
  if (column.type == WideType::boolean)
    return fmt::format("CASE WHEN {} THEN {} END", name, literal(labels.front().text));
  const bool telling = std::ranges::any_of(labels, [](const model::WideLabel& l) { return l.value != l.text; });
  if (!telling) return name;
  std::string text = "CASE " + name;
  for (const model::WideLabel& label : labels) {
    const std::string value = are_numbers(column.type) ? label.value : literal(label.value);
    text += fmt::format(" WHEN {} THEN {}", value, literal(label.text));
  }
  return text + " ELSE " + name + "::text END";
}

}  // namespace

std::string literal(std::string_view text) {
  std::string out = "E'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += c;
    if (c != '\0') out += c;
  }
  return out + "'";
}

std::string_view sql_type(WideType type) {
  switch (type) {
    case WideType::text:
      return "text";
    case WideType::integer:
      return "bigint";
    case WideType::numeric:
      return "numeric";
    case WideType::boolean:
      return "boolean";
    case WideType::date:
      return "date";
  }
  return "text";
}

std::string WideSql::table(const std::string& name) const {
  return quoted(streams_.spec.schema) + "." + quoted(name);
}

std::string WideSql::record_id() const {
  return quoted(streams_.spec.fixed.front().name);
}

namespace {
std::string fixed_type(const model::Table& record, const std::string& name) {
  for (const std::vector<model::Column>* columns : {&record.key, &record.columns}) {
    const auto found = std::ranges::find(*columns, name, &model::Column::name);
    if (found != columns->end()) return sql_type(found->type);
  }
  return "text";
}
}  // namespace

std::vector<std::string> WideSql::names(const WidePart& part) const {
  std::vector<std::string> names;
  for (const model::WideFixed& fixed : streams_.spec.fixed) {
    if (part.first || names.empty()) names.push_back(quoted(fixed.name));
  }
  for (const WideColumn* column : part.columns)
    names.push_back(quoted(column->name));
  return names;
}

std::vector<pg::Statement> WideSql::create(const WidePart& part) const {
  std::string sql = "CREATE TABLE " + table(part.table) + " (";
  for (std::size_t i = 0; i < (part.first ? streams_.spec.fixed.size() : 1); ++i) {
    const std::string& name = streams_.spec.fixed[i].name;
    sql += fmt::format("{} {}{}, ", quoted(name), fixed_type(streams_.record(), name), i == 0 ? " NOT NULL" : "");
  }
  for (const WideColumn* column : part.columns)
    sql += fmt::format("{} {}, ", quoted(column->name), sql_type(column->type));
  return {{sql + "PRIMARY KEY (" + record_id() + "))", {}}};
}

std::vector<pg::Statement> WideSql::describe(const WidePart& part, bool labels) const {
  const std::string name = table(labels ? part.labels : part.table);
  std::vector<pg::Statement> statements = {
      {fmt::format("COMMENT ON {} {} IS {}", labels ? "VIEW" : "TABLE", name,
                   literal(labels ? "The same with the texts that people read."
                                  : "One row for each live response; dictionary says what the columns mean.")),
       {}}};
  for (std::size_t i = 0; i < (part.first ? streams_.spec.fixed.size() : 1); ++i) {
    statements.push_back({fmt::format("COMMENT ON COLUMN {}.{} IS {}", name, quoted(streams_.spec.fixed[i].name),
                                      literal(streams_.spec.fixed[i].title)),
                          {}});
  }
  for (const WideColumn* column : part.columns) {
    statements.push_back(
        {fmt::format("COMMENT ON COLUMN {}.{} IS {}", name, quoted(column->name), literal(column->title)), {}});
  }
  return statements;
}

pg::Statement WideSql::create_labels(const WidePart& part) const {
  std::string sql = "CREATE OR REPLACE VIEW " + table(part.labels) + " AS SELECT ";
  for (std::size_t i = 0; i < (part.first ? streams_.spec.fixed.size() : 1); ++i)
    sql += fmt::format("{}t.{}", i == 0 ? "" : ", ", quoted(streams_.spec.fixed[i].name));
  for (const WideColumn* column : part.columns)
    sql += fmt::format(", {} AS {}", shown(*column), quoted(column->name));
  return {sql + " FROM " + table(part.table) + " AS t", {}};
}

pg::Statement WideSql::drop_table(const std::string& name) const {
  return {"DROP TABLE IF EXISTS " + table(name), {}};
}

pg::Statement WideSql::drop_view(const std::string& view) const {
  return {"DROP VIEW IF EXISTS " + table(view), {}};
}

pg::Statement WideSql::rename(const std::string& name, const std::string& to) const {
  return {"ALTER TABLE " + table(name) + " RENAME TO " + quoted(to), {}};
}

std::string WideSql::insert(const WidePart& part, const std::string& name) const {
  const std::vector<std::string> columns = names(part);
  return "INSERT INTO " + table(name) + " AS t (" + list(columns.size(), [&](std::size_t i) { return columns[i]; }) +
         ") ";
}

pg::Statement WideSql::fill(const WidePart& part, const model::WidePlan& plan, const std::string& name,
                            std::int64_t after, std::int64_t last) const {
  std::vector<pg::Param> params = {pg::text(scope_.source), pg::text(scope_.partition), pg::int8(after),
                                   pg::int8(last)};
  const std::string condition = fmt::format("r.{0} > $3 AND r.{0} <= $4", record_id());
  std::string sql = insert(part, name) + WidePivot(streams_, part, plan).select(condition, params);
  return {sql + " ON CONFLICT (" + record_id() + ") DO NOTHING", std::move(params)};
}

pg::Statement WideSql::replace(const WidePart& part, const model::WidePlan& plan,
                               const std::vector<std::int64_t>& records) const {
  std::vector<pg::Param> params = {pg::text(scope_.source), pg::text(scope_.partition), pg::int8_array(records)};
  std::string sql = insert(part, part.table) +
                    WidePivot(streams_, part, plan).select("r." + record_id() + " = ANY ($3::bigint[])", params) +
                    " ON CONFLICT (" + record_id() + ") DO ";
  const std::vector<std::string> columns = names(part);
  if (columns.size() == 1) return {sql + "NOTHING", std::move(params)};
  const auto all = [&](const char* from) {
    return list(columns.size() - 1, [&](std::size_t i) { return from + columns[i + 1]; });
  };
  sql += "UPDATE SET " +
         list(columns.size() - 1, [&](std::size_t i) { return columns[i + 1] + " = excluded." + columns[i + 1]; });
  return {sql + fmt::format(" WHERE ROW({}) IS DISTINCT FROM ROW({})", all("t."), all("excluded.")), std::move(params)};
}

namespace {
std::string is_live(const WideStreams& streams, const std::string& id) {
  return fmt::format(
      "EXISTS (SELECT 1 FROM {} AS r WHERE r.source = $1 AND r.{} = $2::text::bigint AND r.{} = t.{} AND r.deleted_at "
      "IS NULL)",
      qualified(streams.record()), quoted(streams.record().key[0].name), id, id);
}
}  // namespace

pg::Statement WideSql::remove(const WidePart& part, const std::vector<std::int64_t>& records) const {
  return {fmt::format("DELETE FROM {} AS t WHERE t.{} = ANY ($3::bigint[]) AND NOT {}", table(part.table), record_id(),
                      is_live(streams_, record_id())),
          {pg::text(scope_.source), pg::text(scope_.partition), pg::int8_array(records)}};
}

pg::Statement WideSql::sweep(const WidePart& part) const {
  return {fmt::format("DELETE FROM {} AS t WHERE NOT {}", table(part.table), is_live(streams_, record_id())),
          {pg::text(scope_.source), pg::text(scope_.partition)}};
}

pg::Statement WideSql::next_live(std::int64_t after, std::int64_t limit) const {
  return {fmt::format("SELECT max(s.id) FROM (SELECT r.{0} AS id FROM {1} AS r WHERE r.source = $1 AND r.{2} = "
                      "$2::text::bigint AND r.{0} > $3 AND r.deleted_at IS NULL ORDER BY r.{0} LIMIT $4) AS s",
                      record_id(), qualified(streams_.record()), quoted(streams_.record().key[0].name)),
          {pg::text(scope_.source), pg::text(scope_.partition), pg::int8(after), pg::int8(limit)}};
}

pg::Statement WideSql::changed(std::int64_t run_id, std::int64_t after, std::int64_t limit) const {
  return {fmt::format("SELECT r.{0} FROM {1} AS r WHERE r.source = $1 AND r.{2} = $2::text::bigint AND r.run_id > $3 "
                      "AND r.{0} > $4 ORDER BY r.{0} LIMIT $5",
                      record_id(), qualified(streams_.record()), quoted(streams_.record().key[0].name)),
          {pg::text(scope_.source), pg::text(scope_.partition), pg::int8(run_id), pg::int8(after), pg::int8(limit)}};
}

namespace {

std::string labels_json(const WideColumn& column) {
  std::string text;
  for (const model::WideLabel& label : usable_labels(column)) {
    text += fmt::format("{}{{\"value\":{},\"label\":{}}}", text.empty() ? "[" : ",", label_value(column, label.value),
                        json::quote(label.text));
  }
  return text.empty() ? text : text + "]";
}

/// Lines of the dictionary, column by column.
struct DictionaryLines {
  std::vector<std::string> variables, types, kinds, titles, labels;
  std::vector<std::int64_t> questions, rows, options;

  void add(const model::WideFixed& fixed, const std::string& type) {
    variables.push_back(fixed.name);
    types.push_back(type);
    titles.push_back(fixed.title);
    for (auto* ids : {&questions, &rows, &options})
      ids->push_back(-1);
    for (auto* texts : {&kinds, &labels})
      texts->emplace_back();
  }
  void add(const WideColumn& column) {
    variables.push_back(column.name);
    types.emplace_back(sql_type(column.type));
    titles.push_back(column.title);
    questions.push_back(column.question_id);
    rows.push_back(column.row_id.value_or(-1));
    options.push_back(column.option_id.value_or(-1));
    kinds.push_back(column.question_type);
    labels.push_back(labels_json(column));
  }
};

}  // namespace

std::vector<pg::Statement> WideSql::dictionary(const WideLayout& layout) const {
  const std::string name = table("dictionary");
  std::vector<pg::Statement> statements = {
      {"DELETE FROM " + name + " WHERE source = $1 AND survey_id = $2::text::bigint",
       {pg::text(scope_.source), pg::text(scope_.partition)}}};
  for (const WidePart& part : layout.parts) {
    DictionaryLines lines;
    for (std::size_t i = 0; i < (part.first ? streams_.spec.fixed.size() : 1); ++i) {
      const model::WideFixed& fixed = streams_.spec.fixed[i];
      lines.add(fixed, fixed_type(streams_.record(), fixed.name));
    }
    for (const WideColumn* column : part.columns)
      lines.add(*column);
    statements.push_back(
        {"INSERT INTO " + name +
             " (source, survey_id, table_name, variable, position, type, question_id, row_id, option_id, "
             "question_type, title, labels) SELECT $1, $2::text::bigint, $3, v.variable, v.place, v.type, "
             "nullif(v.question_id, -1), nullif(v.row_id, -1), nullif(v.option_id, -1), nullif(v.kind, ''), v.title, "
             "nullif(v.labels, '')::jsonb FROM unnest($4::text[], $5::text[], $6::bigint[], $7::bigint[], "
             "$8::bigint[], $9::text[], $10::text[], $11::text[]) WITH ORDINALITY AS v (variable, type, question_id, "
             "row_id, option_id, kind, title, labels, place)",
         {pg::text(scope_.source), pg::text(scope_.partition), pg::text(part.table), pg::text_array(lines.variables),
          pg::text_array(lines.types), pg::int8_array(lines.questions), pg::int8_array(lines.rows),
          pg::int8_array(lines.options), pg::text_array(lines.kinds), pg::text_array(lines.titles),
          pg::text_array(lines.labels)}});
  }
  return statements;
}

}  // namespace surveysync::store
