#include "store/scratch_database.h"

#include <fmt/format.h>

#include "pg/binary.h"
#include "store/migrate.h"

namespace surveysync::store {
namespace {

constexpr std::string_view kNoPrivilege = "42501";  // PostgreSQL's insufficient_privilege

/// Names are ours; quoted all the same.
std::string quoted(const std::string& name) {
  std::string text = "\"";
  for (const char c : name) {
    if (c == '"') text += '"';
    text += c;
  }
  return text + "\"";
}

std::vector<std::string> data_tables(pg::Connection& connection) {
  const std::vector<pg::Param> params = {pg::text_array(schemas())};
  const pg::Result rows = connection.execute(
      "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_catalog.pg_class c "
      "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      "WHERE n.nspname = ANY ($1) AND n.nspname <> 'surveysync' AND c.relkind IN ('r', 'p') AND NOT c.relispartition "
      "ORDER BY 1",
      params);
  std::vector<std::string> names;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    names.push_back(rows.text(row, 0));
  return names;
}

std::vector<std::string> first_column(const pg::Result& rows) {
  std::vector<std::string> texts;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    texts.push_back(rows.text(row, 0));
  return texts;
}

}  // namespace

void create_scratch_database(pg::Connection& server, const std::string& name) {
  try {
    server.execute(fmt::format("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'", quoted(name)));
  } catch (Error& failure) {
    failure.with_context("creating the scratch database " + name);
    if (failure.sqlstate() != kNoPrivilege) throw;
    throw Error(failure.kind(), failure.what(), "ALTER ROLE ... CREATEDB for the role that was named, or name none");
  }
}

std::vector<std::string> scratch_databases(pg::Connection& server, const std::string& prefix) {
  const std::vector<pg::Param> params = {pg::text(prefix)};
  return first_column(server.execute(
      "SELECT datname::text FROM pg_catalog.pg_database WHERE pg_catalog.starts_with(datname::text, $1) ORDER BY 1",
      params));
}

void drop_scratch_database(pg::Connection& server, const std::string& name) {
  server.execute(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name)));
}

void close_scratch_database(pg::Connection& server, const std::string& name) {
  server.execute(fmt::format("ALTER DATABASE {} ALLOW_CONNECTIONS false", quoted(name)));
  const std::vector<pg::Param> params = {pg::text(name)};
  server.execute("SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE datname = $1",
                 params);
}

void open_scratch_database(pg::Connection& server, const std::string& name) {
  server.execute(fmt::format("ALTER DATABASE {} ALLOW_CONNECTIONS true", quoted(name)));
}

std::vector<TableDigest> table_digests(pg::Connection& connection) {
  std::vector<TableDigest> all;
  for (const std::string& table : data_tables(connection)) {
    const pg::Result row = connection.execute(fmt::format(
        "SELECT pg_catalog.count(*), coalesce(pg_catalog.md5(pg_catalog.string_agg(d, '' ORDER BY d COLLATE "
        "\"C\")), '') FROM (SELECT pg_catalog.md5((pg_catalog.to_jsonb(t) - 'run_id' - 'first_seen_at' - "
        "'changed_at')::text) AS d FROM {} AS t) AS q",
        table));
    if (row.integer(0, 0) > 0) all.push_back({table, row.text(0, 1), row.integer(0, 0)});
  }
  return all;
}

std::set<std::string> live_responses(pg::Connection& connection, const std::string& source) {
  const std::vector<pg::Param> params = {pg::text(source)};
  const std::vector<std::string> ids =
      first_column(connection.execute("SELECT survey_id::text || '/' || response_id::text FROM alchemer.response WHERE "
                                      "source = $1 AND deleted_at IS NULL",
                                      params));
  return {ids.begin(), ids.end()};
}

std::int64_t live_answers(pg::Connection& connection, const std::string& source) {
  const std::vector<pg::Param> params = {pg::text(source)};
  return connection
      .execute(
          "SELECT pg_catalog.count(*) FROM alchemer.answer AS a JOIN alchemer.response AS r USING (source, "
          "survey_id, response_id) WHERE a.source = $1 AND r.deleted_at IS NULL",
          params)
      .integer(0, 0);
}

OperationTally operation_tally(pg::Connection& connection) {
  const pg::Result row = connection.execute(
      "SELECT (SELECT pg_catalog.count(*) FROM alchemer.response), (SELECT pg_catalog.count(*) FROM alchemer.answer), "
      "(SELECT pg_catalog.count(*) FROM surveysync.run WHERE outcome = 'succeeded'), "
      "(SELECT pg_catalog.count(*) FROM surveysync.run WHERE finished_at IS NULL), "
      "(SELECT pg_catalog.count(*) FROM surveysync.certificate WHERE NOT balanced AND run_id = (SELECT "
      "pg_catalog.max(run_id) FROM surveysync.certificate)), "
      "(SELECT pg_catalog.count(*) FROM surveysync.incident WHERE rule = 'credentials_refused'), "
      "(SELECT pg_catalog.count(*) FROM surveysync.incident WHERE rule = 'credentials_refused' AND resolved_at IS "
      "NULL), "
      "(SELECT coalesce(pg_catalog.string_agg(DISTINCT verdict, ', '), '') FROM surveysync.incident WHERE rule = "
      "'credentials_refused'), "
      "(SELECT pg_catalog.count(*) FROM surveysync.quarantine), "
      "(SELECT pg_catalog.count(*) FROM surveysync.contract_change)");
  OperationTally tally;
  tally.responses = row.integer(0, 0);
  tally.answers = row.integer(0, 1);
  tally.runs_good = row.integer(0, 2);
  tally.runs_open = row.integer(0, 3);
  tally.unbalanced = row.integer(0, 4);
  tally.incidents_opened = row.integer(0, 5);
  tally.incidents_open = row.integer(0, 6);
  tally.verdicts = row.text(0, 7);
  tally.quarantined = row.integer(0, 8);
  tally.contract_changes = row.integer(0, 9);
  return tally;
}

std::vector<std::string> contract_changes(pg::Connection& connection) {
  return first_column(
      connection.execute("SELECT stream || ': ' || what FROM surveysync.contract_change ORDER BY stream, what"));
}

}  // namespace surveysync::store
