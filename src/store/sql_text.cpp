#include "store/sql_text.h"

#include <fmt/format.h>

#include "store/table_sql.h"

namespace surveysync::store {

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

}  // namespace surveysync::store
