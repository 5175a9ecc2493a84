#include "store/named_records.h"

#include <fmt/format.h>

#include "model/named.h"
#include "store/fenced.h"
#include "store/key_params.h"
#include "store/sql_text.h"
#include "store/table_sql.h"

namespace surveysync::store {
namespace {

/// "n.a = x.b AND ..." over the first `count` columns.
std::string same(const std::vector<std::string>& left, char left_row, const std::vector<model::Column>& right,
                 char right_row, std::size_t count) {
  return list(
      count,
      [&](std::size_t i) {
        return fmt::format("{}.{} = {}.{}", left_row, quoted(left[i]), right_row, quoted(right[i].name));
      },
      " AND ");
}

/// When row `t` is tried again: the wait grows as its time in vain does. Rows change when they are tried.
constexpr std::string_view kNextTry = "(t.changed_at + least(t.changed_at - t.first_seen_at, interval '7 days'))";

/// Whether row `t` has the flag. Flags are our own words.
std::string flagged(std::string_view flag) {
  return fmt::format("coalesce('{}' = ANY (t.flags), false)", flag);
}

std::string is_waiting() {
  return fmt::format("({} AND NOT {})", flagged(model::kUnfetchedFlag), flagged(model::kLeftOutFlag));
}

/// Whether the stored row `t` is as good as none.
std::string asked_again(AskAgain again) {
  if (again == AskAgain::all) return flagged(model::kUnfetchedFlag);
  return fmt::format("({} AND {} <= pg_catalog.now())", is_waiting(), kNextTry);
}

/// FROM and WHERE of rows n that name a record which is not stored, of source $1. The value is one of our own words,
/// and written out: an index over such rows alone is used only then.
std::string unmet(const model::StreamSpec& stream, AskAgain again) {
  const model::Naming& naming = *stream.naming;
  const model::Table& table = stream.tables.at(0);
  const std::string parent_key = list(
      naming.parent_keys, [&](std::size_t i) { return fmt::format("p.{0} = n.{0}", quoted(naming.key[i])); }, " AND ");
  return fmt::format(
      "FROM {0}.{1} AS n JOIN {0}.{2} AS p ON p.source = n.source AND {3} WHERE n.source = $1 AND n.{4} = '{8}' AND "
      "n.{5} IS NOT NULL AND n.{5} <> '' AND p.deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM {6} AS t WHERE "
      "t.source = n.source AND {7} AND t.deleted_at IS NULL AND NOT {9})",
      quoted(naming.schema), quoted(naming.table), quoted(naming.parent), parent_key, quoted(naming.column),
      quoted(naming.key.back()), qualified(table), same(naming.key, 'n', table.key, 't', table.key.size()),
      naming.value, asked_again(again));
}

}  // namespace

std::map<std::string, std::int64_t> NamedRecords::missing(const std::string& source, const model::StreamSpec& stream,
                                                          AskAgain again) {
  const std::string partition = "n." + quoted(stream.naming->key.front());
  const std::vector<pg::Param> params = {pg::text(source)};
  const pg::Result rows = connection_.execute(
      fmt::format("SELECT {0}::text, count(*) {1} GROUP BY {0}", partition, unmet(stream, again)), params);
  std::map<std::string, std::int64_t> counts;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    counts.emplace(rows.text(row, 0), rows.integer(row, 1));
  return counts;
}

std::vector<model::Key> NamedRecords::missing_keys(const std::string& source, const model::StreamSpec& stream,
                                                   const std::string& partition, const model::Key& after,
                                                   std::size_t limit, AskAgain again) {
  const model::Table& table = stream.tables.at(0);
  const std::vector<std::string>& names = stream.naming->key;
  const std::size_t own = names.size() - 1;
  const auto own_columns = [&](std::size_t i) { return "n." + quoted(names[i + 1]); };
  std::vector<pg::Param> params = {pg::text(source), pg::text(partition), pg::int8(static_cast<std::int64_t>(limit))};
  std::string beyond;
  if (!after.empty()) {
    beyond = fmt::format(" AND ({}) > ({})", list(own, own_columns), list(own, [&](std::size_t i) {
                           return fmt::format("${}::{}", params.size() + 1 + i, sql_type(table.key[i + 1].type));
                         }));
    for (std::size_t i = 0; i < own; ++i)
      params.push_back(key_param(after.at(i + 1)));
  }
  const pg::Result rows =
      connection_.execute(fmt::format("SELECT DISTINCT {} {} AND n.{} = $2::text::{}{} ORDER BY {} LIMIT $3",
                                      list(own, own_columns), unmet(stream, again), quoted(names.front()),
                                      sql_type(table.key.front().type), beyond, list(own, own_columns)),
                          params);
  std::vector<model::Key> keys;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    model::Key& key = keys.emplace_back();
    key.push_back(key_part(partition, table.key.front()));
    for (std::size_t i = 0; i < own; ++i)
      key.push_back(key_part(rows, row, i, table.key[i + 1]));
  }
  return keys;
}

std::map<std::string, Unfetched> NamedRecords::unfetched(const std::string& source, const model::StreamSpec& stream,
                                                         UtcTime since) {
  const model::Table& table = stream.tables.at(0);
  const std::vector<pg::Param> params = {pg::text(source), pg::timestamptz(since)};
  const pg::Result rows = connection_.execute(
      fmt::format("SELECT t.{0}::text, count(*) FILTER (WHERE {2}), count(*) FILTER (WHERE NOT {2}), count(*) FILTER "
                  "(WHERE {2} AND t.changed_at >= $2), min({3}) FILTER (WHERE {2}) FROM {1} AS t WHERE t.source = $1 "
                  "AND t.deleted_at IS NULL AND {4} GROUP BY t.{0}",
                  quoted(table.key.front().name), qualified(table), is_waiting(), kNextTry,
                  flagged(model::kUnfetchedFlag)),
      params);
  std::map<std::string, Unfetched> found;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    found[rows.text(row, 0)] = {rows.integer(row, 1), rows.integer(row, 2), rows.integer(row, 3), rows.time(row, 4)};
  return found;
}

std::int64_t NamedRecords::mark_orphans(const Fence& fence, std::int64_t run_id, const model::StreamSpec& stream) {
  const model::Naming& naming = *stream.naming;
  const model::Table& table = stream.tables.at(0);
  return write_fenced(connection_, fence,
                      fmt::format("UPDATE {} AS t SET deleted_at = pg_catalog.now(), changed_at = pg_catalog.now(), "
                                  "run_id = $2 FROM {}.{} AS p WHERE t.source = $1 AND p.source = t.source AND {} AND "
                                  "t.deleted_at IS NULL AND p.deleted_at IS NOT NULL",
                                  qualified(table), quoted(naming.schema), quoted(naming.parent),
                                  same(naming.key, 'p', table.key, 't', naming.parent_keys)),
                      {pg::text(fence.source), pg::int8(run_id)})
      .affected();
}

}  // namespace surveysync::store
