#include "store/ledger.h"

#include <charconv>

#include "pg/binary.h"
#include "store/fenced.h"
#include "store/table_sql.h"

namespace surveysync::store {
namespace {

/// The partition's name as a number, where it is one.
std::optional<std::int64_t> survey_id(const std::string& partition) {
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(partition.data(), partition.data() + partition.size(), id);
  const bool number = !partition.empty() && error == std::errc() && end == partition.data() + partition.size();
  return number ? std::optional(id) : std::nullopt;
}

/// Not every engine that speaks the protocol has NOTIFY, nor every role the right (reliability.md 5.8).
bool can_notify(pg::Connection& connection) {
  try {
    const pg::Result may =
        connection.execute("SELECT pg_catalog.has_function_privilege('pg_catalog.pg_notify(text, text)', 'EXECUTE')");
    return may.rows() > 0 && may.boolean(0, 0);
  } catch (const Error& error) {
    if (error.sqlstate().empty() || error.kind() == ErrorKind::unavailable) throw;
    return false;
  }
}

}  // namespace

std::vector<std::int64_t> Ledger::close_abandoned(const Fence& fence) {
  pg::Transaction transaction(connection_);
  const std::vector<pg::Param> source = {pg::text(fence.source)};
  const std::vector<pg::Statement> statements = {
      Lease::check_statement(fence),
      {"UPDATE surveysync.run_stream SET outcome = 'failed', finished_at = pg_catalog.now(), "
       "error = 'its process ended, or lost the lease or the database, before the run did' WHERE source = $1 AND "
       "outcome IS NULL AND run_id IN "
       "(SELECT r.run_id FROM surveysync.run r WHERE r.source = $1 AND r.outcome IS NULL)",
       source},
      {"UPDATE surveysync.run SET outcome = 'failed', finished_at = pg_catalog.now(), "
       "error = 'its process ended, or lost the lease or the database, before the run did', requests = s.requests, "
       "inserted = s.inserted, updated = "
       "s.updated, "
       "unchanged = s.unchanged, tombstoned = s.tombstoned, quarantined = s.quarantined "
       "FROM (SELECT r.run_id, coalesce(sum(p.requests), 0)::int8 AS requests, coalesce(sum(p.inserted), 0)::int8 AS "
       "inserted, "
       "coalesce(sum(p.updated), 0)::int8 AS updated, coalesce(sum(p.unchanged), 0)::int8 AS unchanged, "
       "coalesce(sum(p.tombstoned), 0)::int8 AS tombstoned, coalesce(sum(p.quarantined), 0)::int8 AS quarantined "
       "FROM surveysync.run r LEFT JOIN surveysync.run_stream p ON p.run_id = r.run_id "
       "WHERE r.source = $1 AND r.outcome IS NULL GROUP BY r.run_id) AS s "
       "WHERE run.run_id = s.run_id AND run.outcome IS NULL RETURNING run.run_id",
       source}};
  const std::vector<pg::Result> results = transaction.execute_all(statements);
  Lease::judge(results[0], fence);
  transaction.commit();
  std::vector<std::int64_t> ids;
  for (std::size_t row = 0; row < results[2].rows(); ++row)
    ids.push_back(results[2].integer(row, 0));
  return ids;
}

std::int64_t Ledger::open_run(const Fence& fence, const std::string& kind, bool narrowed) {
  return write_fenced(connection_, fence,
                      "INSERT INTO surveysync.run (source, kind, started_at, holder, epoch, narrowed) "
                      "VALUES ($1, $2, pg_catalog.now(), $3, $4, $5) RETURNING run_id",
                      {pg::text(fence.source), pg::text(kind), pg::text(fence.holder), pg::int8(fence.epoch),
                       pg::boolean(narrowed)})
      .integer(0, 0);
}

void Ledger::finish_run(const Fence& fence, std::int64_t run_id, const std::string& outcome, const Counts& counts,
                        const std::string& error, bool certified) {
  std::vector<pg::Statement> statements = {
      {"UPDATE surveysync.run SET outcome = $3, finished_at = pg_catalog.now(), requests = $4, inserted = $5, "
       "updated = $6, unchanged = $7, tombstoned = $8, quarantined = $9, error = nullif($10, ''), certified = $11 "
       "WHERE source = $1 AND run_id = $2",
       {pg::text(fence.source), pg::int8(run_id), pg::text(outcome), pg::int8(counts.requests),
        pg::int8(counts.inserted), pg::int8(counts.updated), pg::int8(counts.unchanged), pg::int8(counts.tombstoned),
        pg::int8(counts.quarantined), pg::text(pg::storable(error)), pg::boolean(certified)}}};
  if (certified && can_notify(connection_)) {
    statements.push_back(
        {"SELECT pg_catalog.pg_notify('surveysync', $1)", {pg::text(fence.source + " " + std::to_string(run_id))}});
  }
  write_fenced(connection_, fence, std::move(statements));
}

void Ledger::finish_partition(const Fence& fence, std::int64_t run_id, const std::string& stream,
                              const std::string& partition, const std::string& outcome, std::int64_t requests,
                              const std::string& error) {
  write_fenced(
      connection_, fence,
      "INSERT INTO surveysync.run_stream AS s (run_id, stream, partition, source, outcome, started_at, finished_at, "
      "requests, "
      "error) VALUES ($1, $2, $3, $4, $5, pg_catalog.now(), pg_catalog.now(), $6, nullif($7, '')) "
      "ON CONFLICT (run_id, stream, partition) DO UPDATE SET outcome = excluded.outcome, "
      "finished_at = excluded.finished_at, requests = excluded.requests, error = excluded.error, "
      "quarantined = least(s.quarantined, (SELECT count(*) FROM surveysync.quarantine AS q WHERE q.source = $4 AND "
      "q.stream = $2 AND q.partition = $3 AND q.run_id = $1))",
      {pg::int8(run_id), pg::text(stream), pg::text(partition), pg::text(fence.source), pg::text(outcome),
       pg::int8(requests), pg::text(pg::storable(error))});
}

std::int64_t Ledger::quarantined_by(std::int64_t run_id, const std::string& source, const std::string& stream,
                                    const std::string& partition) {
  const std::vector<pg::Param> params = {pg::int8(run_id), pg::text(source), pg::text(stream), pg::text(partition)};
  return connection_
      .execute(
          "SELECT count(*) FROM surveysync.quarantine WHERE run_id = $1 AND source = $2 AND stream = $3 AND "
          "partition = $4",
          params)
      .integer(0, 0);
}

std::optional<model::Checkpoint> Ledger::checkpoint(const std::string& source, const std::string& stream,
                                                    const std::string& partition) {
  const std::vector<pg::Param> params = {pg::text(source), pg::text(stream), pg::text(partition)};
  const pg::Result rows = connection_.execute(
      "SELECT bookmark, position, page_size FROM surveysync.checkpoint WHERE source = $1 AND stream = $2 AND partition "
      "= $3",
      params);
  if (rows.rows() == 0) return std::nullopt;
  return model::Checkpoint{stream, partition, rows.text(0, 0), rows.text(0, 1), static_cast<int>(rows.integer(0, 2))};
}

Ledger::Newest Ledger::newest_changes(const std::string& source, const std::string& stream,
                                      const std::string& partition) {
  const std::vector<pg::Param> params = {pg::text(source), pg::text(stream), pg::text(partition)};
  const pg::Result rows = connection_.execute(
      "SELECT max(newest_change) FILTER (WHERE partition = $3), max(newest_change), clock_timestamp() FROM "
      "surveysync.checkpoint WHERE source = $1 AND stream = $2",
      params);
  return {rows.time(0, 0), rows.time(0, 1), rows.time(0, 2).value_or(UtcTime())};
}

std::vector<model::Capability> Ledger::capabilities(const std::string& source) {
  const std::vector<pg::Param> params = {pg::text(source)};
  const pg::Result rows = connection_.execute(
      "SELECT name, value, evidence, learned_at FROM surveysync.capability WHERE source = $1 ORDER BY name", params);
  std::vector<model::Capability> known;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    known.push_back({rows.text(row, 0), rows.text(row, 1), rows.text(row, 2), rows.time(row, 3).value_or(UtcTime())});
  }
  return known;
}

void Ledger::save_capabilities(const Fence& fence, const std::vector<model::Capability>& capabilities) {
  pg::Transaction transaction(connection_);
  std::vector<pg::Statement> statements = {Lease::check_statement(fence)};
  for (const model::Capability& capability : capabilities) {
    statements.push_back(
        {"INSERT INTO surveysync.capability (source, name, value, evidence, learned_at) VALUES ($1, $2, $3, $4, $5) "
         "ON CONFLICT (source, name) DO UPDATE SET value = excluded.value, evidence = excluded.evidence, "
         "learned_at = excluded.learned_at",
         {pg::text(fence.source), pg::text(capability.name), pg::text(pg::storable(capability.value)),
          pg::text(pg::storable(capability.evidence)), pg::timestamptz(capability.learned_at)}});
  }
  Lease::judge(transaction.execute_all(statements)[0], fence);
  transaction.commit();
}

Ledger::Holdings Ledger::holdings(const std::string& source, const model::StreamSpec& stream,
                                  const std::string& partition, UtcTime as_of) {
  const TableSql sql(stream.tables.at(0));
  const std::vector<pg::Param> params = {pg::text(source), pg::text(stream.name), pg::text(partition),
                                         pg::timestamptz(as_of)};
  const pg::Result row = connection_.execute(sql.holdings(!partition.empty()), params);
  return {row.integer(0, 0), row.integer(0, 1), row.integer(0, 2), row.integer(0, 3), row.integer(0, 4)};
}

void Ledger::forget_unseen_quarantine(const Fence& fence, const std::string& stream, const std::string& partition,
                                      UtcTime pass_started) {
  write_fenced(
      connection_, fence,
      "DELETE FROM surveysync.quarantine WHERE source = $1 AND stream = $2 AND partition = $3 AND last_seen_at < $4",
      {pg::text(fence.source), pg::text(stream), pg::text(partition), pg::timestamptz(pass_started)});
}

void Ledger::save_certificate(const Fence& fence, const Certificate& certificate) {
  const auto survey = survey_id(certificate.partition);
  write_fenced(
      connection_, fence,
      "INSERT INTO surveysync.certificate (run_id, source, survey_id, as_of, total_before, total_after, fetched, "
      "stored_live, "
      "tombstoned, quarantined, excluded, in_flight, balanced, certified_at, stream, partition) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, pg_catalog.now(), $14, $15) "
      "ON CONFLICT (run_id, source, stream, partition) DO UPDATE SET as_of = excluded.as_of, total_before = "
      "excluded.total_before, "
      "total_after = excluded.total_after, fetched = excluded.fetched, stored_live = excluded.stored_live, "
      "tombstoned = excluded.tombstoned, quarantined = excluded.quarantined, excluded = excluded.excluded, "
      "in_flight = excluded.in_flight, balanced = excluded.balanced, certified_at = excluded.certified_at",
      {pg::int8(certificate.run_id), pg::text(fence.source), survey ? pg::int8(*survey) : pg::null_of(pg::int8(0).oid),
       pg::timestamptz(certificate.as_of), pg::int8(certificate.total_before), pg::int8(certificate.total_after),
       pg::int8(certificate.fetched), pg::int8(certificate.stored_live), pg::int8(certificate.tombstoned),
       pg::int8(certificate.quarantined), pg::int8(certificate.excluded), pg::int8(certificate.in_flight),
       pg::boolean(certificate.balanced), pg::text(certificate.stream), pg::text(certificate.partition)});
}

UtcTime Ledger::now() {
  return connection_.execute("SELECT pg_catalog.clock_timestamp()").time(0, 0).value_or(UtcTime());
}

}  // namespace surveysync::store
