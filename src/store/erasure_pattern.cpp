#include "store/erasure_pattern.h"

#include <fmt/format.h>

#include <algorithm>

#include "pg/binary.h"
#include "store/sql_text.h"

namespace surveysync::store {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\^$.|?*+()[]{}").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string hexadecimal(std::string_view text) {
  std::string out;
  for (const char c : text)
    out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

/// A table of one partition: "us_8611799", "us_8611799_2", "us_8611799_labels".
bool is_of_partition(const std::string& name, const std::string& source, const std::string& partition) {
  const std::string prefix = source + "_" + partition;
  return !partition.empty() && name.starts_with(prefix) && (name.size() == prefix.size() || name[prefix.size()] == '_');
}

void add(std::string& pattern, const std::string& alternative) {
  pattern += (pattern.empty() ? "" : "|") + alternative;
}

}  // namespace

std::optional<pg::Statement> where_is(const ErasedRecord& record, const PlainTable& table, const std::string& source) {
  if (record.table == nullptr) return std::nullopt;
  pg::Statement where;
  std::size_t first = 0;
  if (table.has("source")) {
    where.sql = "source = $1";
    where.params.push_back(pg::text(source));
  } else if (is_of_partition(table.name, source, record.partition)) {
    first = record.table->scope;
  } else {
    return std::nullopt;
  }
  for (std::size_t i = first; i < record.key.size(); ++i) {
    const std::string& column = record.table->key[i].name;
    const auto found = table.columns.find(column);
    if (found == table.columns.end()) return std::nullopt;
    // An index is only of use to a comparison in the column's own type.
    const auto* number = std::get_if<std::int64_t>(&record.key[i]);
    const bool typed = number != nullptr && found->second == "bigint";
    where.params.push_back(typed ? pg::int8(*number) : pg::text(model::key_text({record.key[i]})));
    where.sql += fmt::format("{}{}{} = ${}", where.sql.empty() ? "" : " AND ", quoted(column), typed ? "" : "::text",
                             where.params.size());
  }
  return where;
}

std::string shows_pattern(const PlainTable& table) {
  std::string shown = "t::text ~* $1";
  for (const auto& [column, type] : table.columns) {
    if (type == "json") {
      shown +=
          fmt::format(" OR CASE WHEN position(E'\\\\' IN t.{0}::text) > 0 THEN t.{0}::jsonb::text ~* $1 ELSE false END",
                      quoted(column));
    }
  }
  return "(" + shown + ")";
}

std::string pattern_of_persons(const ErasureWish& wish) {
  std::string pattern;
  for (const PersonName& person : wish.persons) {
    if (person.text.find('@') == std::string::npos) continue;
    add(pattern, escaped(person.text));
    add(pattern, hexadecimal(person.text));
  }
  return pattern;
}

std::string pattern_of(const ErasureWish& wish) {
  std::string pattern = pattern_of_persons(wish);
  for (const ErasedRecord& record : wish.records) {
    // A bare number is anything.
    if (record.record_key.find_first_not_of("0123456789") == std::string::npos) continue;
    add(pattern, "(?<![0-9A-Za-z/])" + escaped(record.record_key) + "(?![0-9A-Za-z/])");
  }
  return pattern;
}

std::string place_of(const std::string& sql) {
  const std::size_t from = sql.find("FROM "), update = sql.find("UPDATE ");
  const std::size_t begin = from != std::string::npos ? from + 5 : update != std::string::npos ? update + 7 : 0;
  std::string place = sql.substr(begin, sql.find(' ', begin) - begin);
  std::erase(place, '"');
  return place;
}

}  // namespace surveysync::store
