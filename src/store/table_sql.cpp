#include "store/table_sql.h"

#include <fmt/format.h>

#include "store/sql_text.h"

namespace surveysync::store {
namespace {

using model::Column;
using model::ColumnType;

/// The condition that the stored row `t` differs from the one that is to replace it.
std::string changed_row(const model::Table& table, Replace replace) {
  const std::string hash = "t.payload_hash IS DISTINCT FROM excluded.payload_hash";
  if (replace != Replace::different) return hash;
  const auto columns = [&](const std::string& prefix) {
    std::string text = prefix + "flags";
    for (const Column& column : table.columns)
      text += ", " + prefix + quoted(column.name) + (column.type == ColumnType::json ? "::text" : "");
    return text;
  };
  return hash + " OR (" + columns("t.") + ") IS DISTINCT FROM (" + columns("excluded.") + ")";
}

}  // namespace

std::string sql_type(ColumnType type) {
  switch (type) {
    case ColumnType::boolean:
      return "boolean";
    case ColumnType::int32:
      return "integer";
    case ColumnType::int64:
      return "bigint";
    case ColumnType::numeric:
      return "numeric";
    case ColumnType::text:
      return "text";
    case ColumnType::timestamp:
      return "timestamptz";
    case ColumnType::json:
      return "json";
    case ColumnType::jsonb:
      return "jsonb";
    case ColumnType::text_array:
      return "text[]";
    case ColumnType::int64_array:
      return "bigint[]";
  }
  return "text";
}

std::string TableSql::copy() const {
  std::string columns = "source";
  for (const Column& column : table_.key)
    columns += ", " + quoted(column.name);
  for (const Column& column : table_.columns)
    columns += ", " + quoted(column.name);
  if (table_.child) {
    columns += ", run_id";
  } else {
    for (const char* name : kStandardColumns)
      columns += std::string(", ") + name;
  }
  return "COPY " + qualified(table_) + " (" + columns + ") FROM STDIN (FORMAT binary)";
}

std::string TableSql::lookup() const {
  const KeyMatch match = match_keys(table_.key, fixed());
  const std::size_t rest = table_.key.size() - fixed();
  return "SELECT " + list(rest, [&](std::size_t i) { return "t." + quoted(table_.key[fixed() + i].name); }) +
         ", t.payload_hash, t.deleted_at IS NOT NULL FROM " + qualified(table_) + " AS t" +
         (match.from.empty() ? "" : " JOIN " + match.from + " ON true") + " WHERE t.source = $1" + match.where;
}

std::string TableSql::upsert(Replace replace, Marked marked) const {
  std::vector<Column> typed = table_.key;
  typed.insert(typed.end(), table_.columns.begin(), table_.columns.end());
  std::string into = "source", select = "$1", arrays, names, set;
  std::size_t parameter = 4;
  const auto add = [&](const std::string& column, const std::string& type, const std::string& element) {
    const std::size_t index = parameter - 4;
    into += ", " + column;
    select += fmt::format(", u.c{}", index) + (type == element ? "" : "::" + type);
    arrays += fmt::format("{}${}::{}[]", index == 0 ? "" : ", ", parameter++, element);
    names += fmt::format("{}c{}", index == 0 ? "" : ", ", index);
    if (index >= table_.key.size()) set += column + " = excluded." + column + ", ";
  };
  for (const Column& column : typed)
    add(quoted(column.name), sql_type(column.type), element_type(column.type));
  add("payload", "json", "json");
  add("payload_raw", "bytea", "bytea");
  add("payload_hash", "bytea", "bytea");
  add("flags", "text[]", "text");
  const std::string keys = list(table_.key.size(), [&](std::size_t i) { return quoted(table_.key[i].name); });
  std::string newer;
  if (replace == Replace::not_newer && table_.version) {
    const std::string version = quoted(table_.columns[*table_.version].name);
    newer = fmt::format(" AND (t.{0} IS NULL OR excluded.{0} IS NULL OR excluded.{0} >= t.{0})", version);
  }
  const bool revive = marked == Marked::revive;
  const std::string condition = std::string(" WHERE ") + (revive ? "t.deleted_at IS NOT NULL OR " : "") + "((" +
                                changed_row(table_, replace) + ")" + newer + ")";
  // A row that was marked deleted comes back whatever its version: the vendor has it.
  return "INSERT INTO " + qualified(table_) + " AS t (" + into +
         ", first_seen_at, changed_at, deleted_at, run_id) SELECT " + select +
         ", $2::timestamptz, $2::timestamptz, NULL::timestamptz, $3::bigint FROM unnest(" + arrays + ") AS u (" +
         names + ") ON CONFLICT (source, " + keys + ") DO UPDATE SET " + set + "changed_at = excluded.changed_at, " +
         (revive ? "deleted_at = NULL, " : "") + "run_id = excluded.run_id" + condition + " RETURNING " +
         list(table_.key.size(), [&](std::size_t i) { return "t." + quoted(table_.key[i].name); }) +
         ", t.first_seen_at = $2";
}

std::string TableSql::delete_children(const model::Table& parent) const {
  const KeyMatch match = match_keys(parent.key, TableSql(parent).fixed());
  return "DELETE FROM " + qualified(table_) + " AS t" + (match.from.empty() ? "" : " USING " + match.from) +
         " WHERE t.source = $1" + match.where;
}

std::string TableSql::children(const model::Table& parent) const {
  const KeyMatch match = match_keys(parent.key, TableSql(parent).fixed());
  std::string columns = "t.source", order;
  for (const Column& column : table_.key) {
    columns += ", t." + quoted(column.name);
    // By bytes, as the writer sorts them.
    const bool text = column.type == ColumnType::text;
    order += (order.empty() ? "t." : ", t.") + quoted(column.name) + (text ? " COLLATE \"C\"" : "");
  }
  for (const Column& column : table_.columns)
    columns += ", t." + quoted(column.name);
  return "SELECT " + columns + " FROM " + qualified(table_) + " AS t" +
         (match.from.empty() ? "" : " JOIN " + match.from + " ON true") + " WHERE t.source = $1" + match.where +
         " ORDER BY " + order;
}

std::string TableSql::touch() const {
  const KeyMatch match = match_keys(table_.key, fixed(), 4);
  return "UPDATE " + qualified(table_) + " AS t SET changed_at = $2, run_id = $3" +
         (match.from.empty() ? "" : " FROM " + match.from) + " WHERE t.source = $1" + match.where;
}

std::string TableSql::mark_missing(bool partitioned) const {
  const std::size_t fixed = partitioned ? 1 : 0, rest = table_.key.size() - fixed;
  std::size_t parameter = 4;
  std::string where;
  if (partitioned)
    where =
        fmt::format(" AND t.{} = ${}::text::{}", quoted(table_.key[0].name), parameter++, sql_type(table_.key[0].type));
  if (rest > 0) {
    where +=
        " AND NOT EXISTS (SELECT 1 FROM unnest(" +
        list(rest,
             [&](std::size_t i) {
               return fmt::format("${}::{}[]", parameter + i, sql_type(table_.key[fixed + i].type));
             }) +
        ") AS k (" + list(rest, [](std::size_t i) { return fmt::format("c{}", i); }) + ") WHERE " +
        list(
            rest, [&](std::size_t i) { return fmt::format("k.c{} = t.{}", i, quoted(table_.key[fixed + i].name)); },
            " AND ") +
        ")";
  }
  return "UPDATE " + qualified(table_) +
         " AS t SET deleted_at = $2, changed_at = $2, run_id = $3 "
         "WHERE t.source = $1 AND t.deleted_at IS NULL" +
         where + followed_rows(table_);
}

std::string TableSql::holdings(bool partitioned) const {
  const std::vector<Column>& key = table_.key;
  const std::string in_partition =
      partitioned ? fmt::format(" AND t.{} = $3::text::{}", quoted(key[0].name), sql_type(key[0].type)) : "";
  std::string by_version = "0::bigint AS in_flight, 0::bigint AS undated";
  if (table_.version) {
    by_version =
        fmt::format("count(*) FILTER (WHERE t.{0} > $4) AS in_flight, count(*) FILTER (WHERE t.{0} IS NULL) AS undated",
                    quoted(table_.columns[*table_.version].name));
  }
  // A record's key as text is its parts joined by /; "raw:…" and the like name no row. CASE keeps the casts from other
  // texts.
  std::string pattern = "^", same;
  for (std::size_t i = 0; i < key.size(); ++i) {
    const bool number = key[i].type == ColumnType::int64;
    pattern += std::string(i == 0 ? "" : "/") + (number ? "-?[0-9]{1,18}" : "[^/]+");
    same += fmt::format(" AND t.{} = split_part(q.record_key, '/', {}){}", quoted(key[i].name), i + 1,
                        number ? "::bigint" : "");
  }
  return "SELECT h.live, (SELECT count(*) FROM surveysync.quarantine AS q WHERE q.source = $1 AND q.stream = $2 AND "
         "q.partition = $3 "
         "AND NOT CASE WHEN q.record_key ~ '" +
         pattern + "$' THEN EXISTS (SELECT 1 FROM " + qualified(table_) + " AS t WHERE t.source = $1" + same +
         " AND t.deleted_at IS NULL) ELSE false END), "
         "(SELECT count(*) FROM surveysync.erasure AS e WHERE e.source = $1 AND e.stream = $2 AND e.partition = $3 AND "
         "e.present), "
         "h.in_flight, h.undated "
         "FROM (SELECT count(*) AS live, " +
         by_version + " FROM " + qualified(table_) + " AS t WHERE t.source = $1 AND t.deleted_at IS NULL" +
         in_partition + followed_rows(table_) + ") AS h";
}

}  // namespace surveysync::store
