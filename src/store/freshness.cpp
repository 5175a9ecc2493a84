#include "store/freshness.h"

#include "pg/binary.h"

namespace surveysync::store {

Freshness freshness(pg::Connection& connection, const std::string& source) {
  const std::vector<pg::Param> params = {pg::text(source)};
  const pg::Result clocks = connection.execute(
      "SELECT max(finished_at) FILTER (WHERE certified AND NOT narrowed), min(started_at), max(started_at), "
      "pg_catalog.clock_timestamp() FROM surveysync.run WHERE source = $1 AND kind NOT IN ('replay', 'retry', 'views')",
      params);
  Freshness fresh;
  fresh.last_certified = clocks.time(0, 0);
  fresh.first_attempt = clocks.time(0, 1);
  fresh.last_attempt = clocks.time(0, 2);
  fresh.now = clocks.time(0, 3).value_or(UtcTime());
  const pg::Result newest = connection.execute(
      "SELECT coalesce(outcome, ''), coalesce(error, '') FROM surveysync.run WHERE source = $1 AND kind NOT IN "
      "('replay', 'retry', 'views') ORDER BY run_id DESC LIMIT 1",
      params);
  if (newest.rows() > 0) {
    fresh.last_outcome = newest.text(0, 0);
    fresh.last_error = newest.text(0, 1);
  }
  return fresh;
}

bool all_balanced(pg::Connection& connection, const std::string& source) {
  const std::vector<pg::Param> params = {pg::text(source)};
  return connection
             .execute(
                 "SELECT 1 FROM surveysync.certificate c WHERE c.source = $1 AND NOT c.balanced AND NOT EXISTS (SELECT "
                 "1 "
                 "FROM surveysync.certificate n WHERE n.source = c.source AND n.stream = c.stream AND n.partition = "
                 "c.partition AND n.run_id > c.run_id) LIMIT 1",
                 params)
             .rows() == 0;
}

std::vector<Intake> intakes(pg::Connection& connection, const std::string& source, UtcTime since) {
  const std::vector<pg::Param> params = {pg::text(source), pg::timestamptz(since)};
  const pg::Result rows = connection.execute(
      "SELECT r.finished_at, coalesce(sum(s.inserted), 0)::bigint FROM surveysync.run r LEFT JOIN "
      "surveysync.run_stream "
      "s ON s.run_id = r.run_id AND s.stream IN (SELECT DISTINCT c.stream FROM surveysync.certificate c WHERE c.source "
      "= $1) WHERE r.source = $1 AND r.started_at >= $2 AND r.finished_at IS NOT NULL AND r.kind NOT IN ('replay', "
      "'retry', 'views') GROUP BY r.run_id, r.finished_at ORDER BY r.finished_at",
      params);
  std::vector<Intake> all;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    all.push_back({rows.time(row, 0).value_or(UtcTime()), rows.integer(row, 1)});
  return all;
}

}  // namespace surveysync::store
