// Erasure: persons in records of others. Their parts go; what people wrote is named, since nobody can tell whose it is.
#include <fmt/format.h>

#include <algorithm>

#include "pg/binary.h"
#include "store/erasure.h"
#include "store/erasure_pattern.h"
#include "store/erasure_redact.h"
#include "store/key_params.h"
#include "store/sql_text.h"

namespace surveysync::store {
namespace {

// Records that are named; whoever has more to look at runs it again.
constexpr std::int64_t kMostNamed = 1000;

std::string trimmed_lower(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  std::string out(text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1));
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c; });
  return out;
}

std::set<std::string> addresses_of(const ErasureWish& wish) {
  std::set<std::string> addresses;
  for (const PersonName& person : wish.persons) {
    if (person.kind == kEmailKind) addresses.insert(trimmed_lower(person.text));
  }
  return addresses;
}

/// "t.survey_id, t.response_id".
std::string columns_of(const model::Table& table) {
  return list(
      table.key.size(), [&](std::size_t i) { return "t." + quoted(table.key[i].name); }, ", ");
}

/// The row with its new payload; columns that repeat the part as JSON are emptied.
pg::Statement redaction(const std::string& source, const model::Table& table, const model::Key& key,
                        const std::string& payload, const std::string& pattern) {
  pg::Statement update{
      "UPDATE " + qualified(table) + " AS t SET payload = $2, payload_raw = NULL, changed_at = pg_catalog.now()",
      {pg::text(source), pg::json(payload)}};
  for (const model::Column& column : table.columns) {
    if (column.type != model::ColumnType::json && column.type != model::ColumnType::jsonb) continue;
    update.sql += fmt::format(", {0} = CASE WHEN t.{0}::text ~* ${1} THEN NULL ELSE t.{0} END", quoted(column.name), 3);
  }
  const bool uses_pattern = update.sql.find("$3") != std::string::npos;
  if (uses_pattern) update.params.push_back(pg::text(pattern));
  update.sql += " WHERE t.source = $1";
  for (std::size_t i = 0; i < table.key.size(); ++i) {
    update.params.push_back(key_param(key.at(i)));
    update.sql += fmt::format(" AND t.{} = ${}", quoted(table.key[i].name), update.params.size());
  }
  return update;
}

}  // namespace

/// Appends what takes persons out of the records of others.
void Erasure::redact_parts(const ErasureWish& wish, const std::vector<PlainTable>& known,
                           std::vector<pg::Statement>& statements) {
  const std::set<std::string> addresses = addresses_of(wish);
  const std::string pattern = pattern_of_persons(wish);
  if (addresses.empty() || pattern.empty()) return;
  const auto is_erased = [&](const std::string& address) { return addresses.contains(trimmed_lower(address)); };
  for (const model::StreamSpec& stream : streams_) {
    for (const model::Table& table : stream.tables) {
      const auto plain =
          std::ranges::find_if(known, [&](const PlainTable& one) { return one.place() == table.qualified(); });
      if (table.child || plain == known.end()) continue;
      const std::vector<pg::Param> params = {pg::text(pattern), pg::text(source_)};
      const pg::Result rows =
          connection_.execute(fmt::format("SELECT {}, t.payload::text FROM {} AS t WHERE t.source = $2 AND {}",
                                          columns_of(table), plain->qualified(), shows_pattern(*plain)),
                              params);
      for (std::size_t row = 0; row < rows.rows(); ++row) {
        const std::string payload = rows.text(row, table.key.size());
        const auto without = without_persons(payload, is_erased);
        if (!without) continue;
        model::Key key;
        for (std::size_t i = 0; i < table.key.size(); ++i)
          key.push_back(key_part(rows, row, i, table.key[i]));
        statements.push_back(redaction(source_, table, key, *without, pattern));
      }
    }
  }
}

std::vector<Mention> Erasure::mentions(const ErasureWish& wish) {
  std::vector<Mention> found;
  std::set<std::string> responses;
  const std::string pattern = pattern_of_persons(wish);
  const auto stream = std::ranges::find(streams_, true, &model::StreamSpec::certified);
  if (pattern.empty()) return found;
  const std::vector<pg::Param> params = {pg::text(pattern), pg::text(source_)};
  for (const PlainTable& table : tables()) {
    if (table.schema == "surveysync" || !table.has("source")) continue;
    const std::string rows_of =
        fmt::format("FROM {} AS t WHERE t.source = $2 AND {}", table.qualified(), shows_pattern(table));
    const bool belongs = stream != streams_.end() &&
                         std::ranges::all_of(stream->tables.at(0).key,
                                             [&](const model::Column& column) { return table.has(column.name); });
    if (!belongs) {
      const std::int64_t rows = connection_.execute("SELECT count(*) " + rows_of, params).integer(0, 0);
      if (rows > 0) found.push_back({table.place(), "", rows});
      continue;
    }
    const std::string columns = columns_of(stream->tables.at(0));
    const pg::Result rows = connection_.execute(
        fmt::format("SELECT DISTINCT {0} {1} ORDER BY {0} LIMIT {2}", columns, rows_of, kMostNamed), params);
    for (std::size_t row = 0; row < rows.rows(); ++row) {
      model::Key key;
      for (std::size_t i = 0; i < stream->tables.at(0).key.size(); ++i)
        key.push_back(key_part(rows, row, i, stream->tables.at(0).key[i]));
      if (responses.insert(model::key_text(key)).second) found.push_back({table.place(), model::key_text(key)});
    }
  }
  return found;
}

}  // namespace surveysync::store
