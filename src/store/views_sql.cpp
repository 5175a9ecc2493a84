#include "store/views_sql.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/json.h"
#include "pg/binary.h"
#include "store/sql_text.h"
#include "store/table_sql.h"

namespace surveysync::store {
namespace {

using model::WideColumn;
using model::WideTake;
using model::WideType;

/// The value of a slot as its column's type; NULL where it does not fit.
std::string typed(const WideColumn& column, const std::string& slot, const std::string& group) {
  switch (column.type) {
    case WideType::text:
      return slot;
    case WideType::integer:
      // Counted repetitions make PostgreSQL's expressions slow: the length is asked instead.
      return fmt::format("CASE WHEN length({0}) <= 18 AND {0} ~ '^ *[-+]?[0-9]+ *$' THEN {0}::bigint END", slot);
    case WideType::numeric:
      return fmt::format(
          "CASE WHEN length({0}) <= 80 AND {0} ~ '^ *[-+]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+) *%? *$' THEN btrim({0}, ' "
          "%')::numeric END",
          slot);
    case WideType::boolean:
      return fmt::format("CASE WHEN {} IS NOT NULL THEN true WHEN {} IS NOT NULL THEN false END", slot, group);
    case WideType::date:
      break;
  }
  // 2026-12-31, and 12/31/2026 or 31/12/2026; a day that its month has not is none.
  const std::string text = fmt::format("translate(btrim({}), '.-', '//')", slot);
  const auto date = [&](int year, int month, int day) {
    const auto part = [&](int at) { return fmt::format("split_part({}, '/', {})::int", text, at); };
    return fmt::format(
        "CASE WHEN {2} <= extract(day FROM make_date({0}, {1}, 1) + interval '1 month' - interval '1 day') THEN "
        "make_date({0}, {1}, {2}) END",
        part(year), part(month), part(day));
  };
  constexpr const char *kYear = "[1-9][0-9]{3}", *kMonth = "(0?[1-9]|1[0-2])", *kDay = "(0?[1-9]|[12][0-9]|3[01])";
  const bool day_first = column.day_first;
  return fmt::format("CASE WHEN {0} ~ '^{1}/{2}/{3}$' THEN {4} WHEN {0} ~ '^{5}/{6}/{1}$' THEN {7} END", text, kYear,
                     kMonth, kDay, date(1, 2, 3), day_first ? kDay : kMonth, day_first ? kMonth : kDay,
                     day_first ? date(3, 2, 1) : date(3, 1, 2));
}

/// Which answers go to which slots of a row.
struct Slots {
  std::vector<std::int64_t> questions, takes, options;
  std::vector<std::string> items, slots, codes;
  std::vector<std::int64_t> counted;
  std::vector<std::string> counted_slots;

  void add(const model::WideFeed& feed, const std::string& slot) {
    if (feed.take == WideTake::count) {
      counted.push_back(feed.question_id);
      counted_slots.push_back(slot);
      return;
    }
    questions.push_back(feed.question_id);
    items.push_back(feed.item);
    slots.push_back(slot);
    takes.push_back(static_cast<std::int64_t>(feed.take));
    options.push_back(feed.option_id.value_or(-1));
    codes.push_back(feed.code);
  }
};

/// Only what is needed: it is asked of every answer.
std::string value_of(const std::vector<std::int64_t>& takes) {
  struct Value {
    WideTake take;
    const char* sql;
  };
  static constexpr Value kValues[] = {{WideTake::answer, "a.answer"},
                                      {WideTake::known, "CASE WHEN NOT a.is_other THEN a.answer END"},
                                      {WideTake::other_code, "CASE WHEN a.is_other THEN m.code END"},
                                      {WideTake::other_text, "CASE WHEN a.is_other THEN a.answer END"},
                                      {WideTake::chosen, "'1'"},
                                      {WideTake::rank, "a.rank::text"},
                                      {WideTake::comment, "a.comment"}};
  const auto is_answer = [](std::int64_t take) { return take == static_cast<std::int64_t>(WideTake::answer); };
  if (std::ranges::all_of(takes, is_answer)) return "a.answer";
  std::string sql = "CASE m.take";
  for (const Value& value : kValues) {
    if (std::ranges::find(takes, static_cast<std::int64_t>(value.take)) != takes.end())
      sql += fmt::format(" WHEN {} THEN {}", static_cast<int>(value.take), value.sql);
  }
  return sql + " END";
}

bool are_numbers(WideType type) {
  return type == WideType::integer || type == WideType::numeric;
}

std::string label_value(const WideColumn& column, const std::string& value) {
  return are_numbers(column.type) || column.type == WideType::boolean ? value : json::quote(value);
}

/// What of a column stands in the view with texts.
std::string shown(const WideColumn& column) {
  const std::string name = "t." + quoted(column.name);
  if (column.labels.empty()) return name;
  if (column.type == WideType::boolean)
    return fmt::format("CASE WHEN {} THEN {} END", name, literal(column.labels.front().text));
  const bool telling = std::ranges::any_of(column.labels, [](const model::WideLabel& l) { return l.value != l.text; });
  if (!telling) return name;
  std::string text = "CASE " + name;
  for (const model::WideLabel& label : column.labels) {
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

std::string WideSql::select(const WidePart& part, const model::WidePlan& plan, const std::string& condition,
                            std::vector<pg::Param>& params) const {
  Slots slots;
  std::string record = "r." + record_id(), values = record, definition;
  for (std::size_t i = 1; part.first && i < streams_.spec.fixed.size(); ++i)
    values += ", r." + quoted(streams_.spec.fixed[i].name);
  std::map<int, std::string> groups;
  for (std::size_t i = 0; i < part.columns.size(); ++i) {
    const WideColumn& column = *part.columns[i];
    const std::string slot = fmt::format("c{}", i);
    for (const model::WideFeed& feed : column.feeds)
      slots.add(feed, slot);
    definition += fmt::format("{}{} text", definition.empty() ? "" : ", ", slot);
    std::string& group = groups[column.group];
    if (column.type == WideType::boolean && group.empty()) {
      group = column.group < 0 ? "c." + slot : fmt::format("c.g{}", column.group);
      if (column.group >= 0) definition += fmt::format(", g{} text", column.group);
    }
    values += ", " + typed(column, "c." + slot, column.group < 0 ? "NULL" : group);
  }
  for (const WideColumn& column : plan.columns) {
    // A group may be spread over several tables.
    if (column.group < 0 || groups[column.group].empty()) continue;
    for (const model::WideFeed& feed : column.feeds)
      slots.add(feed, fmt::format("g{}", column.group));
  }
  const std::string own = "SELECT " + values + " FROM " + qualified(streams_.record()) + " AS r",
                    where = " WHERE r.source = $1 AND r." + quoted(streams_.record().key[0].name) +
                            " = $2::text::bigint AND r.deleted_at IS NULL AND " + condition;
  if (part.columns.empty()) return own + where;

  std::size_t next = params.size() + 1;
  params.insert(params.end(),
                {pg::int8_array(slots.questions), pg::text_array(slots.items), pg::text_array(slots.slots),
                 pg::int8_array(slots.takes), pg::int8_array(slots.options), pg::text_array(slots.codes)});
  std::string of_record = condition;
  for (std::size_t at = of_record.find("r."); at != std::string::npos; at = of_record.find("r.", at))
    of_record.replace(at, 2, "a.");
  const std::string id = "a." + record_id();
  const std::string from_answers = fmt::format(" FROM {} AS a JOIN unnest(", qualified(streams_.answer()));
  const std::string of_survey = fmt::format(" WHERE a.source = $1 AND a.{} = $2::text::bigint AND {}",
                                            quoted(streams_.answer().key[0].name), of_record);
  std::string answers = fmt::format(
      "SELECT {0} AS id, m.slot, {1} AS value{2}${3}::bigint[], ${4}::text[], ${5}::text[], ${6}::bigint[], "
      "${7}::bigint[], ${8}::text[]) AS m (question_id, item, slot, take, option_id, code) ON a.question_id = "
      "m.question_id AND a.item = m.item COLLATE \"C\" AND (m.option_id = -1 OR m.option_id = a.option_id){9}",
      id, value_of(slots.takes), from_answers, next, next + 1, next + 2, next + 3, next + 4, next + 5, of_survey);
  if (!slots.counted.empty()) {
    next = params.size() + 1;
    params.insert(params.end(), {pg::int8_array(slots.counted), pg::text_array(slots.counted_slots)});
    answers += fmt::format(
        " UNION ALL SELECT {0}, m.slot, count(*)::text{1}${2}::bigint[], ${3}::text[]) AS m (question_id, slot) ON "
        "a.question_id = m.question_id{4} GROUP BY {0}, m.slot",
        id, from_answers, next, next + 1, of_survey);
  }
  return own +
         fmt::format(
             " LEFT JOIN (SELECT s.id, json_object_agg(s.slot, s.value) AS v FROM ({}) AS s WHERE s.value IS NOT NULL "
             "GROUP BY s.id) AS p ON p.id = {} CROSS JOIN LATERAL json_to_record(coalesce(p.v, '{{}}'::json)) AS c "
             "({})",
             answers, record, definition) +
         where;
}

pg::Statement WideSql::fill(const WidePart& part, const model::WidePlan& plan, const std::string& name,
                            std::int64_t after, std::int64_t last) const {
  std::vector<pg::Param> params = {pg::text(scope_.source), pg::text(scope_.partition), pg::int8(after),
                                   pg::int8(last)};
  const std::string condition = fmt::format("r.{0} > $3 AND r.{0} <= $4", record_id());
  std::string sql = insert(part, name) + select(part, plan, condition, params);
  return {sql + " ON CONFLICT (" + record_id() + ") DO NOTHING", std::move(params)};
}

pg::Statement WideSql::replace(const WidePart& part, const model::WidePlan& plan,
                               const std::vector<std::int64_t>& records) const {
  std::vector<pg::Param> params = {pg::text(scope_.source), pg::text(scope_.partition), pg::int8_array(records)};
  std::string sql = insert(part, part.table) +
                    select(part, plan, "r." + record_id() + " = ANY ($3::bigint[])", params) + " ON CONFLICT (" +
                    record_id() + ") DO ";
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

std::vector<pg::Statement> WideSql::dictionary(const WideLayout& layout) const {
  const std::string name = table("dictionary");
  std::vector<pg::Statement> statements = {
      {"DELETE FROM " + name + " WHERE source = $1 AND survey_id = $2::text::bigint",
       {pg::text(scope_.source), pg::text(scope_.partition)}}};
  for (const WidePart& part : layout.parts) {
    std::vector<std::string> variables, types, kinds, titles, labels;
    std::vector<std::int64_t> questions, rows, options;
    const auto add = [&](const std::string& variable, std::string type, const std::string& title) {
      variables.push_back(variable);
      types.push_back(std::move(type));
      titles.push_back(title);
    };
    for (std::size_t i = 0; i < (part.first ? streams_.spec.fixed.size() : 1); ++i) {
      const model::WideFixed& fixed = streams_.spec.fixed[i];
      add(fixed.name, fixed_type(streams_.record(), fixed.name), fixed.title);
      for (auto* ids : {&questions, &rows, &options})
        ids->push_back(-1);
      for (auto* texts : {&kinds, &labels})
        texts->emplace_back();
    }
    for (const WideColumn* column : part.columns) {
      add(column->name, std::string(sql_type(column->type)), column->title);
      questions.push_back(column->question_id);
      rows.push_back(column->row_id.value_or(-1));
      options.push_back(column->option_id.value_or(-1));
      kinds.push_back(column->question_type);
      std::string& text = labels.emplace_back();
      for (const model::WideLabel& label : column->labels) {
        text += fmt::format("{}{{\"value\":{},\"label\":{}}}", text.empty() ? "[" : ",",
                            label_value(*column, label.value), json::quote(label.text));
      }
      if (!text.empty()) text += ']';
    }
    statements.push_back(
        {"INSERT INTO " + name +
             " (source, survey_id, table_name, variable, position, type, question_id, row_id, option_id, "
             "question_type, title, labels) SELECT $1, $2::text::bigint, $3, v.variable, v.place, v.type, "
             "nullif(v.question_id, -1), nullif(v.row_id, -1), nullif(v.option_id, -1), nullif(v.kind, ''), v.title, "
             "nullif(v.labels, '')::jsonb FROM unnest($4::text[], $5::text[], $6::bigint[], $7::bigint[], "
             "$8::bigint[], $9::text[], $10::text[], $11::text[]) WITH ORDINALITY AS v (variable, type, question_id, "
             "row_id, option_id, kind, title, labels, place)",
         {pg::text(scope_.source), pg::text(scope_.partition), pg::text(part.table), pg::text_array(variables),
          pg::text_array(types), pg::int8_array(questions), pg::int8_array(rows), pg::int8_array(options),
          pg::text_array(kinds), pg::text_array(titles), pg::text_array(labels)}});
  }
  return statements;
}

}  // namespace surveysync::store
