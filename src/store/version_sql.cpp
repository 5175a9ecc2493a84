#include "store/version_sql.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "store/sql_text.h"
#include "store/table_sql.h"

namespace surveysync::store {
namespace {

constexpr const char* kInto =
    "INSERT INTO surveysync.definition_history (source, survey_id, object, object_id, recorded_at, payload, run_id, "
    "context, payload_hash, payload_raw, flags, valid_from) SELECT t.source, ";

}  // namespace

VersionSql::VersionSql(const model::StreamSpec& stream, const model::Table& table) : stream_(stream), table_(table) {
  if (table.key.empty() || table.key[0].type != model::ColumnType::int64) {
    throw Error(ErrorKind::bug, "a history of " + table.qualified() + ", whose partitions are no numbers");
  }
}

/// The key behind the partition's, joined by /; empty for the partition itself.
std::string VersionSql::object_id() const {
  if (table_.key.size() == 1) return "''";
  return list(
      table_.key.size() - 1, [&](std::size_t i) { return "t." + quoted(table_.key[i + 1].name) + "::text"; },
      " || '/' || ");
}

std::string VersionSql::newest() const {
  return fmt::format(
      "LATERAL (SELECT n.recorded_at, n.valid_from, n.payload_hash, n.context FROM surveysync.definition_history AS n "
      "WHERE n.source = $1 AND n.survey_id = $2::text::bigint AND n.object = '{}' AND n.object_id = {} "
      "ORDER BY n.recorded_at DESC LIMIT 1) AS h",
      table_.name, object_id());
}

/// The rows that are named and have the bytes that were sent, with the contexts: "t JOIN k".
std::string VersionSql::given() const {
  const std::size_t rest = table_.key.size() - 1;
  std::size_t parameter = 3;
  std::string arrays, names, same;
  for (std::size_t i = 0; i < rest; ++i) {
    const model::Column& column = table_.key[i + 1];
    arrays += fmt::format("${}::{}[], ", parameter++, sql_type(column.type));
    names += fmt::format("c{}, ", i);
    same += fmt::format(" AND t.{} = k.c{}", quoted(column.name), i);
  }
  return fmt::format(
      "{} AS t JOIN unnest({}${}::bytea[], ${}::text[]) AS k ({}hash, context) ON t.payload_hash = k.hash{}",
      qualified(table_), arrays, parameter, parameter + 1, names, same);
}

std::string VersionSql::modified() const {
  const model::Table& first = stream_.tables.at(0);
  auto column = std::ranges::find(first.columns, std::string("modified_at"), &model::Column::name);
  if (first.version) column = first.columns.begin() + static_cast<std::ptrdiff_t>(*first.version);
  if (column == first.columns.end()) return "(SELECT NULL::timestamptz AS at) AS m";
  return fmt::format("(SELECT max(p.{}) AS at FROM {} AS p WHERE p.source = $1 AND p.{} = $2::text::bigint) AS m",
                     quoted(column->name), qualified(first), quoted(first.key[0].name));
}

/// Respondents saw it since the survey was modified, if that was after we saw the version before.
std::string VersionSql::valid_from(const std::string& now) const {
  return fmt::format(
      "CASE WHEN h.recorded_at IS NULL THEN '-infinity'::timestamptz "
      "WHEN m.at > h.recorded_at AND m.at > h.valid_from AND m.at <= {0} THEN m.at ELSE {0} END",
      now);
}

std::string VersionSql::update_contexts() const {
  return fmt::format(
      "UPDATE surveysync.definition_history AS d SET context = x.context FROM (SELECT {} AS object_id, h.recorded_at, "
      "k.context FROM {} CROSS JOIN {} WHERE t.source = $1 AND t.{} = $2::text::bigint "
      "AND h.payload_hash = t.payload_hash AND h.context <> k.context) AS x WHERE d.source = $1 "
      "AND d.survey_id = $2::text::bigint AND d.object = '{}' AND d.object_id = x.object_id "
      "AND d.recorded_at = x.recorded_at",
      object_id(), given(), newest(), quoted(table_.key[0].name), table_.name);
}

std::string VersionSql::add_versions() const {
  const std::size_t after = table_.key.size() + 4;
  const std::string now = fmt::format("${}::timestamptz", after), run = fmt::format("${}::bigint", after + 1);
  return kInto + fmt::format(
                     "t.{0}, '{1}', {2}, {3}, t.payload, {4}, k.context, t.payload_hash, t.payload_raw, t.flags, {5} "
                     "FROM {6} LEFT JOIN {7} ON true "
                     "CROSS JOIN {8} WHERE t.source = $1 AND t.{0} = $2::text::bigint AND t.deleted_at IS NULL "
                     "AND h.payload_hash IS DISTINCT FROM t.payload_hash",
                     quoted(table_.key[0].name), table_.name, object_id(), now, run, valid_from(now), given(), newest(),
                     modified());
}

std::string VersionSql::add_ends() const {
  const std::string now = "$3::timestamptz";
  return kInto + fmt::format(
                     "t.{0}, '{1}', {2}, {3}, NULL, $4::bigint, '', NULL, NULL, NULL, {4} FROM {5} AS t CROSS JOIN {6} "
                     "CROSS JOIN {7} "
                     "WHERE t.source = $1 AND t.{0} = $2::text::bigint AND t.deleted_at IS NOT NULL "
                     "AND h.payload_hash IS NOT NULL",
                     quoted(table_.key[0].name), table_.name, object_id(), now, valid_from(now), qualified(table_),
                     newest(), modified());
}

}  // namespace surveysync::store
