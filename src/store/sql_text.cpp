#include "store/sql_text.h"

#include <fmt/format.h>

#include "store/table_sql.h"

namespace surveysync::store {
namespace {

/// A text as a constant of SQL, whatever standard_conforming_strings is: a person wrote it into the configuration.
std::string literal(const std::string& text) {
  std::string escaped = "E'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') escaped += c;
    escaped += c;
  }
  return escaped + "'";
}

}  // namespace

using model::Column;
using model::ColumnType;

std::string quoted(const std::string& name) {
  return "\"" + name + "\"";
}

std::string qualified(const model::Table& table) {
  return quoted(table.schema) + "." + quoted(table.name);
}

std::string element_type(ColumnType type) {
  return type == ColumnType::text_array || type == ColumnType::int64_array ? "text" : sql_type(type);
}

KeyMatch match_keys(const std::vector<Column>& key, std::size_t fixed, std::size_t first) {
  KeyMatch match;
  std::size_t parameter = first;
  for (std::size_t index = 0; index < fixed; ++index) {
    match.where += fmt::format(" AND t.{} = ${}", quoted(key[index].name), parameter++);
  }
  const std::size_t rest = key.size() - fixed;
  if (rest == 1) {
    match.where +=
        fmt::format(" AND t.{} = ANY (${}::{}[])", quoted(key[fixed].name), parameter, sql_type(key[fixed].type));
    return match;
  }
  match.from =
      "unnest(" +
      list(rest,
           [&](std::size_t i) { return fmt::format("${}::{}[]", parameter + i, sql_type(key[fixed + i].type)); }) +
      ") AS k (" + list(rest, [](std::size_t i) { return fmt::format("c{}", i); }) + ")";
  for (std::size_t i = 0; i < rest; ++i)
    match.where += fmt::format(" AND t.{} = k.c{}", quoted(key[fixed + i].name), i);
  return match;
}

std::string in_partition(const model::Table& table, bool partitioned, std::size_t parameter) {
  if (!partitioned) return {};
  return fmt::format(" AND t.{} = ${}::text::{}", quoted(table.key[0].name), parameter, sql_type(table.key[0].type));
}

std::string followed_rows(const model::Table& table) {
  if (!table.followed_rows) return {};
  const model::FollowedRows& rows = *table.followed_rows;
  const std::string column = "t." + quoted(rows.column);
  const auto array = [](const std::vector<std::string>& values) {
    return "ARRAY[" + list(values.size(), [&](std::size_t i) { return literal(values[i]); }) + "]::text[]";
  };
  std::string text;
  if (!rows.only.empty()) text += " AND " + column + " = ANY (" + array(rows.only) + ")";
  if (!rows.never.empty()) text += " AND (" + column + " IS NULL OR " + column + " <> ALL (" + array(rows.never) + "))";
  return text;
}

}  // namespace surveysync::store
