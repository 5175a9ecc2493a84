#include "store/history.h"

#include "pg/binary.h"
#include "store/migrate.h"

namespace surveysync::store {
namespace {

constexpr const char* kRunColumns =
    "SELECT run_id, source, kind, coalesce(outcome, ''), coalesce(error, ''), started_at, finished_at, requests, "
    "inserted, "
    "updated, unchanged, tombstoned, quarantined FROM surveysync.run";

/// The whole source counts by its runs, a survey by its streams. A probe is a look at the vendor, and one that found
/// the survey balanced is a success. A survey's last success is that of its slowest stream, but a stream that is all
/// right holds none back: definitions are read only when they changed. Replays and retries ask no vendor.
constexpr const char* kClocks =
    "WITH walk AS (SELECT s.source, s.stream, s.partition, max(s.started_at) AS attempt, "
    "max(s.finished_at) FILTER (WHERE s.outcome = 'succeeded') AS success FROM surveysync.run_stream s "
    "JOIN surveysync.run r ON r.run_id = s.run_id WHERE r.kind NOT IN ('replay', 'retry', 'views') "
    "GROUP BY s.source, s.stream, s.partition), "
    "stand AS (SELECT k.source, k.partition, k.title, k.newest_change, k.balanced, "
    "greatest(w.attempt, k.probed_at) AS attempt, "
    "greatest(w.success, CASE WHEN k.balanced THEN k.probed_at END) AS success FROM surveysync.checkpoint k "
    "LEFT JOIN walk w ON w.source = k.source AND w.stream = k.stream AND w.partition = k.partition "
    "WHERE k.partition <> ''), "
    "cert AS (SELECT g.source, g.stream, g.partition, z.stored_live, z.balanced, g.certified FROM ("
    "SELECT x.source, x.stream, x.partition, max(x.certified_at) AS newest, "
    "max(x.certified_at) FILTER (WHERE x.balanced) AS certified FROM surveysync.certificate x "
    "GROUP BY x.source, x.stream, x.partition) AS g JOIN surveysync.certificate z ON z.source = g.source "
    "AND z.stream = g.stream AND z.partition = g.partition AND z.certified_at = g.newest) "
    "SELECT c.source, c.partition, c.title, c.attempt, c.success, c.certified, c.newest_change, "
    "coalesce(c.stored_live, 0), c.balanced FROM ("
    "SELECT r.source, '' AS partition, '' AS title, max(r.started_at) AS attempt, "
    "max(r.finished_at) FILTER (WHERE r.outcome = 'succeeded') AS success, "
    "(SELECT max(t.certified) FROM cert t WHERE t.source = r.source) AS certified, "
    "NULL::timestamptz AS newest_change, "
    "(SELECT sum(t.stored_live)::bigint FROM cert t WHERE t.source = r.source) AS stored_live, "
    "(SELECT bool_and(t.balanced) FROM cert t WHERE t.source = r.source) AS balanced "
    "FROM surveysync.run r WHERE r.kind NOT IN ('replay', 'retry', 'views') GROUP BY r.source "
    "UNION ALL "
    "SELECT p.source, p.partition, p.title, p.attempt, p.success, t.certified, p.newest_change, t.stored_live, "
    "t.balanced FROM (SELECT q.source, q.partition, max(q.title) AS title, max(q.attempt) AS attempt, "
    "CASE WHEN bool_or(NOT q.balanced AND q.success IS NULL) THEN NULL "
    "WHEN bool_or(NOT q.balanced) THEN min(q.success) FILTER (WHERE NOT q.balanced) ELSE max(q.success) END AS "
    "success, "
    "max(q.newest_change) AS newest_change FROM stand q GROUP BY q.source, q.partition) AS p "
    "LEFT JOIN cert t ON t.source = p.source AND t.partition = p.partition) AS c "
    "ORDER BY c.source, c.partition = '' DESC, length(c.partition), c.partition";

/// Six counters from column `at` on.
Counts counts_at(const pg::Result& rows, std::size_t row, std::size_t at) {
  return {rows.integer(row, at),     rows.integer(row, at + 1), rows.integer(row, at + 2),
          rows.integer(row, at + 3), rows.integer(row, at + 4), rows.integer(row, at + 5)};
}

RunRow run_at(const pg::Result& rows, std::size_t row) {
  RunRow run;
  run.run_id = rows.integer(row, 0);
  run.source = rows.text(row, 1);
  run.kind = rows.text(row, 2);
  run.outcome = rows.text(row, 3);
  run.error = rows.text(row, 4);
  run.started_at = rows.time(row, 5).value_or(UtcTime());
  run.finished_at = rows.time(row, 6);
  run.counts = counts_at(rows, row, 7);
  return run;
}

QuarantineRow quarantine_at(const pg::Result& rows, std::size_t row) {
  QuarantineRow item;
  item.quarantine_id = rows.integer(row, 0);
  item.source = rows.text(row, 1);
  item.stream = rows.text(row, 2);
  item.partition = rows.text(row, 3);
  item.record_key = rows.text(row, 4);
  item.reason = rows.text(row, 5);
  item.size = rows.integer(row, 6);
  item.run_id = rows.integer(row, 7);
  item.first_seen_at = rows.time(row, 8).value_or(UtcTime());
  item.raw = std::string(rows.bytes(row, 9));
  return item;
}

}  // namespace

std::vector<RunRow> History::runs(const std::string& source_or_empty, int limit) {
  const std::vector<pg::Param> params = {pg::text(source_or_empty), pg::int8(limit)};
  const pg::Result rows = connection_.execute(
      std::string(kRunColumns) + " WHERE $1 = '' OR source = $1 ORDER BY run_id DESC LIMIT $2", params);
  std::vector<RunRow> runs;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    runs.push_back(run_at(rows, row));
  return runs;
}

std::optional<RunRow> History::run(std::int64_t run_id) {
  const std::vector<pg::Param> params = {pg::int8(run_id)};
  const pg::Result rows = connection_.execute(std::string(kRunColumns) + " WHERE run_id = $1", params);
  if (rows.rows() == 0) return std::nullopt;
  return run_at(rows, 0);
}

std::vector<RunRow> History::recent_runs(const std::string& source, int limit) {
  const std::vector<pg::Param> params = {pg::text(source), pg::int8(limit)};
  const pg::Result rows = connection_.execute(
      std::string(kRunColumns) +
          " WHERE source = $1 AND kind = 'incremental' AND NOT narrowed ORDER BY run_id DESC LIMIT $2",
      params);
  std::vector<RunRow> runs;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    runs.push_back(run_at(rows, row));
  return runs;
}

std::vector<RunStreamRow> History::run_streams(std::int64_t run_id) {
  const std::vector<pg::Param> params = {pg::int8(run_id)};
  const pg::Result rows = connection_.execute(
      "SELECT stream, partition, coalesce(outcome, ''), coalesce(error, ''), started_at, finished_at, requests, "
      "inserted, "
      "updated, unchanged, tombstoned, quarantined FROM surveysync.run_stream WHERE run_id = $1 ORDER BY stream, "
      "partition",
      params);
  std::vector<RunStreamRow> streams;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    streams.push_back({rows.text(row, 0), rows.text(row, 1), rows.text(row, 2), rows.text(row, 3), rows.time(row, 4),
                       rows.time(row, 5), counts_at(rows, row, 6)});
  }
  return streams;
}

std::vector<Certificate> History::certificates(std::int64_t run_id) {
  const std::vector<pg::Param> params = {pg::int8(run_id)};
  const pg::Result rows = connection_.execute(
      "SELECT source, partition, as_of, total_before, total_after, fetched, stored_live, tombstoned, "
      "quarantined, excluded, "
      "in_flight, balanced, stream FROM surveysync.certificate WHERE run_id = $1 ORDER BY source, stream, "
      "survey_id, partition",
      params);
  std::vector<Certificate> found;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    found.push_back({run_id, rows.text(row, 0), rows.text(row, 1), rows.time(row, 2).value_or(UtcTime()),
                     rows.integer(row, 3), rows.integer(row, 4), rows.integer(row, 5), rows.integer(row, 6),
                     rows.integer(row, 7), rows.integer(row, 8), rows.integer(row, 9), rows.integer(row, 10),
                     rows.boolean(row, 11), rows.text(row, 12)});
  }
  return found;
}

std::vector<ClockRow> History::clocks() {
  const pg::Result rows = connection_.execute(kClocks);
  std::vector<ClockRow> clocks;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    ClockRow clock;
    clock.source = rows.text(row, 0);
    clock.partition = rows.text(row, 1);
    clock.title = rows.text(row, 2);
    clock.last_attempt = rows.time(row, 3);
    clock.last_success = rows.time(row, 4);
    clock.last_certified = rows.time(row, 5);
    clock.newest_change = rows.time(row, 6);
    clock.stored_live = rows.integer(row, 7);
    if (!rows.is_null(row, 8)) clock.balanced = rows.boolean(row, 8);
    clocks.push_back(std::move(clock));
  }
  return clocks;
}

std::vector<ListRow> History::lists() {
  const pg::Result rows = connection_.execute(
      "SELECT z.source, z.stream, z.stored_live, z.total_after, z.balanced, g.certified FROM (SELECT x.source, "
      "x.stream, max(x.certified_at) AS newest, max(x.certified_at) FILTER (WHERE x.balanced) AS certified "
      "FROM surveysync.certificate x WHERE x.partition = '' GROUP BY x.source, x.stream) AS g "
      "JOIN surveysync.certificate z ON z.source = g.source AND z.stream = g.stream AND z.partition = '' "
      "AND z.certified_at = g.newest ORDER BY z.source, z.stream");
  std::vector<ListRow> lists;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    lists.push_back({rows.text(row, 0), rows.text(row, 1), rows.integer(row, 2), rows.integer(row, 3),
                     rows.boolean(row, 4), rows.time(row, 5)});
  }
  return lists;
}

std::vector<model::Capability> History::capabilities(const std::string& source) {
  return Ledger(connection_).capabilities(source);
}

std::vector<QuarantineRow> History::quarantine(const std::string& source_or_empty, int limit) {
  const std::vector<pg::Param> params = {pg::text(source_or_empty), pg::int8(limit)};
  const pg::Result rows = connection_.execute(
      "SELECT quarantine_id, source, stream, partition, record_key, reason, length(raw)::bigint, run_id, "
      "first_seen_at, ''::bytea "
      "FROM surveysync.quarantine WHERE $1 = '' OR source = $1 ORDER BY quarantine_id DESC LIMIT $2",
      params);
  std::vector<QuarantineRow> items;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    items.push_back(quarantine_at(rows, row));
  return items;
}

std::optional<QuarantineRow> History::quarantine_item(std::int64_t id) {
  const std::vector<pg::Param> params = {pg::int8(id)};
  const pg::Result rows = connection_.execute(
      "SELECT quarantine_id, source, stream, partition, record_key, reason, length(raw)::bigint, run_id, "
      "first_seen_at, raw "
      "FROM surveysync.quarantine WHERE quarantine_id = $1",
      params);
  if (rows.rows() == 0) return std::nullopt;
  return quarantine_at(rows, 0);
}

std::vector<History::Privilege> History::missing_privileges() {
  const std::vector<pg::Param> params = {pg::text_array(schemas())};
  const pg::Result rows = connection_.execute(
      "SELECT object, missing, CASE WHEN missing = 'OWNERSHIP' THEN 'ALTER TABLE ' || object || ' OWNER TO ' ELSE "
      "'GRANT ' || "
      "missing || ' ON ' || kind || ' ' || object || ' TO ' END || quote_ident(current_user) FROM ("
      "SELECT quote_ident(n.nspname) AS object, 'USAGE' AS missing, 'SCHEMA' AS kind, 1 AS place FROM "
      "pg_catalog.pg_namespace n "
      "WHERE n.nspname = ANY ($1) AND NOT has_schema_privilege(n.oid, 'USAGE') "
      "UNION ALL "
      "SELECT quote_ident(n.nspname), 'CREATE', 'SCHEMA', 1 FROM pg_catalog.pg_namespace n "
      "WHERE n.nspname = ANY ($1) AND n.nspname ~ '_wide$' AND NOT has_schema_privilege(n.oid, 'CREATE') "
      "UNION ALL "
      "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), p.name, 'TABLE', 2 FROM pg_catalog.pg_class c "
      "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      "CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) AS p (name) "
      "WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p') AND c.relname <> 'schema_migration' "
      "AND NOT has_table_privilege(c.oid, p.name) "
      "UNION ALL "
      "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), 'SELECT', 'TABLE', 2 FROM pg_catalog.pg_class c "
      "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'surveysync' AND c.relname = "
      "'schema_migration' "
      "AND NOT has_table_privilege(c.oid, 'SELECT') "
      "UNION ALL "
      "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), 'USAGE', 'SEQUENCE', 3 FROM pg_catalog.pg_class "
      "c "
      "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY ($1) "
      "AND CASE WHEN c.relkind = 'S' THEN NOT has_sequence_privilege(c.oid, 'USAGE') ELSE false END "
      "UNION ALL "
      "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), 'OWNERSHIP', '', 4 FROM pg_catalog.pg_class c "
      "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY ($1) AND n.nspname ~ '_wide$' "
      "AND c.relkind IN ('r', 'v') AND c.relname <> 'dictionary' AND NOT pg_has_role(c.relowner, 'USAGE')"
      ") AS m ORDER BY place, object, missing",
      params);
  std::vector<Privilege> missing;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    missing.push_back({rows.text(row, 0), rows.text(row, 1), rows.text(row, 2)});
  return missing;
}

void History::rehearse_write() {
  pg::Transaction transaction(connection_);
  transaction.execute(
      "INSERT INTO surveysync.checkpoint (source, stream, partition, updated_at) VALUES ('surveysync check', '', '', "
      "pg_catalog.now())");
}

}  // namespace surveysync::store
