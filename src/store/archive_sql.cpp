#include "store/archive_sql.h"

#include <fmt/format.h>

#include "store/sql_text.h"
#include "store/table_sql.h"

namespace surveysync::store {

std::string ArchiveSql::name() const {
  return quoted(table_.schema) + "." + quoted(table_.name);
}

/// " AND t.survey_id = $2::text::bigint", where the table is divided.
std::string ArchiveSql::of_partition(std::size_t& parameter) const {
  if (table_.scope == 0) return {};
  return fmt::format(" AND t.{} = ${}::text::{}", quoted(table_.key[0].name), parameter++,
                     sql_type(table_.key[0].type));
}

/// "t.question_id, t.option_id"
std::string ArchiveSql::own(const std::string& prefix) const {
  std::string text;
  for (std::size_t i = table_.scope; i < table_.key.size(); ++i)
    text += (text.empty() ? "" : ", ") + prefix + quoted(table_.key[i].name);
  return text;
}

/// " AND (t.question_id, t.option_id) > ($3, $4)"
std::string ArchiveSql::compared(const char* sign, std::size_t& parameter) const {
  std::string values;
  for (std::size_t i = table_.scope; i < table_.key.size(); ++i)
    values += fmt::format("{}${}::{}", values.empty() ? "" : ", ", parameter++, sql_type(table_.key[i].type));
  return fmt::format(" AND ({}) {} ({})", own("t."), sign, values);
}

/// " AND t.survey_id = $2 AND t.response_id = $3"
std::string ArchiveSql::all_keys() const {
  std::string text;
  for (std::size_t i = 0; i < table_.key.size(); ++i)
    text += fmt::format(" AND t.{} = ${}", quoted(table_.key[i].name), i + 2);
  return text;
}

std::string ArchiveSql::partitions(bool live) const {
  const std::string mark = live ? " AND t.deleted_at IS NULL" : "";
  if (table_.scope == 0) {
    return "SELECT ''::text WHERE EXISTS (SELECT 1 FROM " + name() + " AS t WHERE t.source = $1" + mark + ")";
  }
  const std::string key = "t." + quoted(table_.key[0].name);
  const std::string first = "SELECT min(" + key + ") AS p FROM " + name() + " AS t WHERE t.source = $1";
  return "WITH RECURSIVE s AS ((" + first + ") UNION ALL SELECT (" + first + " AND " + key +
         " > s.p) FROM s WHERE s.p IS NOT NULL) SELECT s.p::text FROM s WHERE s.p IS NOT NULL AND EXISTS (SELECT 1 "
         "FROM " +
         name() + " AS t WHERE t.source = $1 AND " + key + " = s.p" + mark + ") ORDER BY s.p";
}

std::string ArchiveSql::records(bool after) const {
  std::size_t parameter = 2;
  const std::string partition = of_partition(parameter);
  const std::string above = after ? compared(">", parameter) : "";
  const std::string keys = own("t.");
  return "SELECT " + keys + (keys.empty() ? "" : ", ") +
         "t.payload, t.payload_raw, t.payload_hash, array_to_string(t.flags, E'\\x1f') FROM " + name() +
         " AS t WHERE t.source = $1" + partition + above + (keys.empty() ? "" : " ORDER BY " + keys) +
         fmt::format(" LIMIT ${}", parameter);
}

std::string ArchiveSql::live_records() const {
  const std::size_t fixed = TableSql(table_).fixed();
  const KeyMatch match = match_keys(table_.key, fixed);
  return "SELECT " +
         list(table_.key.size() - fixed, [&](std::size_t i) { return "t." + quoted(table_.key[fixed + i].name); }) +
         ", t.payload, t.payload_raw, t.payload_hash, array_to_string(t.flags, E'\\x1f') FROM " + name() + " AS t" +
         (match.from.empty() ? "" : " JOIN " + match.from + " ON true") +
         " WHERE t.source = $1 AND t.deleted_at IS NULL" + match.where;
}

std::string ArchiveSql::outlines() const {
  std::size_t parameter = 2;
  const std::string keys = own("t.");
  return "SELECT " + keys + (keys.empty() ? "" : ", ") +
         "t.payload_raw, t.payload_hash, array_to_string(t.flags, E'\\x1f'), t.deleted_at, EXISTS (SELECT 1 FROM "
         "surveysync.run AS r WHERE r.run_id = t.run_id AND r.kind = 'replay') FROM " +
         name() + " AS t WHERE t.source = $1" + of_partition(parameter);
}

std::string ArchiveSql::live_keys(bool after, bool last) const {
  std::size_t parameter = 2;
  const std::string partition = of_partition(parameter);
  const std::string above = after ? compared(">", parameter) : "";
  const std::string until = last ? compared("<=", parameter) : "";
  const std::string keys = own("t.");
  return "SELECT " + keys + " FROM " + name() + " AS t WHERE t.source = $1 AND t.deleted_at IS NULL" + partition +
         followed_rows(table_) + above + until + " ORDER BY " + keys + fmt::format(" LIMIT ${}", parameter);
}

std::string ArchiveSql::changed_at() const {
  return "SELECT t.changed_at FROM " + name() + " AS t WHERE t.source = $1" + all_keys();
}

std::string ArchiveSql::mark() const {
  return "UPDATE " + name() + fmt::format(" AS t SET deleted_at = ${} WHERE t.source = $1", table_.key.size() + 2) +
         all_keys() + " AND t.deleted_at IS NULL";
}

std::string ArchiveSql::mark_now() const {
  return "UPDATE " + name() +
         " AS t SET deleted_at = pg_catalog.now(), changed_at = pg_catalog.now() WHERE t.source = $1" + all_keys() +
         " AND t.deleted_at IS NULL";
}

}  // namespace surveysync::store
