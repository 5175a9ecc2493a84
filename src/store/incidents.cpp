#include "store/incidents.h"

#include "pg/binary.h"
#include "store/contended.h"

namespace surveysync::store {
namespace {

constexpr const char* kOpenOnes =
    "SELECT incident_id, key, rule, source, severity, coalesce(verdict, ''), coalesce(evidence, ''), "
    "coalesce(next_step, ''), opened_at, notified_at, resolved_at FROM surveysync.incident WHERE resolved_at IS NULL "
    "ORDER BY incident_id";

constexpr const char* kResolve =
    "UPDATE surveysync.incident SET resolved_at = pg_catalog.clock_timestamp() WHERE key = $1 AND resolved_at IS NULL "
    "RETURNING incident_id, key, rule, source, severity, coalesce(verdict, ''), coalesce(evidence, ''), "
    "coalesce(next_step, ''), opened_at, notified_at, resolved_at";

Incident incident_at(const pg::Result& rows, std::size_t row) {
  Incident incident;
  incident.incident_id = rows.integer(row, 0);
  incident.key = rows.text(row, 1);
  incident.rule = rows.text(row, 2);
  incident.source = rows.text(row, 3);
  incident.severity = rows.text(row, 4);
  incident.verdict = rows.text(row, 5);
  incident.evidence = rows.text(row, 6);
  incident.next_step = rows.text(row, 7);
  incident.opened_at = rows.time(row, 8).value_or(UtcTime());
  incident.notified_at = rows.time(row, 9);
  incident.resolved_at = rows.time(row, 10);
  return incident;
}

pg::Param storable(const std::string& text) {
  return pg::text(pg::storable(text));
}

}  // namespace

Incidents::Opened Incidents::open(const Incident& incident) {
  const std::vector<pg::Param> all = {
      storable(incident.key),     storable(incident.rule),     storable(incident.source),   storable(incident.severity),
      storable(incident.verdict), storable(incident.evidence), storable(incident.next_step)};
  const std::vector<pg::Param> news = {storable(incident.key), storable(incident.verdict), storable(incident.evidence),
                                       storable(incident.next_step)};
  // Between the two statements the open one may be resolved: then there is room for ours.
  constexpr int kAttempts = 10;
  for (int attempt = 1; attempt <= kAttempts; ++attempt) {
    const pg::Result made = contended([&] {
      return connection_.execute(
          "INSERT INTO surveysync.incident (key, rule, source, severity, verdict, evidence, next_step, opened_at) "
          "VALUES ($1, $2, $3, $4, nullif($5, ''), nullif($6, ''), nullif($7, ''), pg_catalog.clock_timestamp()) "
          "ON CONFLICT (key) WHERE resolved_at IS NULL DO NOTHING RETURNING incident_id",
          all);
    });
    if (made.rows() > 0) return {made.integer(0, 0), true};
    const pg::Result known = contended([&] {
      return connection_.execute(
          "UPDATE surveysync.incident SET verdict = nullif($2, ''), evidence = nullif($3, ''), "
          "next_step = nullif($4, '') WHERE key = $1 AND resolved_at IS NULL RETURNING incident_id, notified_at IS NOT "
          "NULL",
          news);
    });
    if (known.rows() > 0) return {known.integer(0, 0), false, known.boolean(0, 1)};
  }
  throw Error(ErrorKind::conflict, "incident " + incident.key + " is opened and resolved by others all the time");
}

std::optional<Incident> Incidents::resolve(const std::string& key) {
  const std::vector<pg::Param> params = {storable(key)};
  const pg::Result rows = contended([&] { return connection_.execute(kResolve, params); });
  if (rows.rows() == 0) return std::nullopt;
  return incident_at(rows, 0);
}

std::vector<Incident> Incidents::open_ones() {
  const pg::Result rows = connection_.execute(kOpenOnes);
  std::vector<Incident> incidents;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    incidents.push_back(incident_at(rows, row));
  return incidents;
}

void Incidents::note_notified(std::int64_t incident_id) {
  const std::vector<pg::Param> params = {pg::int8(incident_id)};
  contended([&] {
    return connection_.execute(
        "UPDATE surveysync.incident SET notified_at = pg_catalog.clock_timestamp() WHERE incident_id = $1", params);
  });
}

void Incidents::check() {
  connection_.execute("SELECT 1 FROM surveysync.incident LIMIT 1");
}

void Incidents::raise(const std::string& key) {
  const std::vector<pg::Param> params = {storable(key)};
  contended([&] {
    return connection_.execute(
        "UPDATE surveysync.incident SET severity = 'critical' WHERE key = $1 AND resolved_at IS NULL", params);
  });
}

std::vector<Incident> Incidents::claim_untold() {
  return claimed(
      "UPDATE surveysync.incident SET notified_at = pg_catalog.clock_timestamp() WHERE resolved_at IS NULL AND "
      "notified_at IS NULL AND opened_at + interval '1 minute' <= pg_catalog.clock_timestamp() RETURNING ",
      {});
}

std::vector<Incident> Incidents::claim_repeats(Duration critical, Duration warning) {
  const auto micro = [](Duration time) { return std::chrono::duration_cast<std::chrono::microseconds>(time).count(); };
  return claimed(
      "UPDATE surveysync.incident SET notified_at = pg_catalog.clock_timestamp() WHERE resolved_at IS NULL AND "
      "notified_at + CASE severity WHEN 'critical' THEN $1::bigint ELSE $2::bigint END * interval '1 microsecond' <= "
      "pg_catalog.clock_timestamp() RETURNING ",
      {pg::int8(micro(critical)), pg::int8(micro(warning))});
}

std::vector<Incident> Incidents::claimed(const char* update, const std::vector<pg::Param>& params) {
  const std::string statement =
      std::string(update) +
      "incident_id, key, rule, source, severity, coalesce(verdict, ''), coalesce(evidence, ''), coalesce(next_step, "
      "''), opened_at, notified_at, resolved_at";
  const pg::Result rows = contended([&] { return connection_.execute(statement, params); });
  std::vector<Incident> incidents;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    incidents.push_back(incident_at(rows, row));
  return incidents;
}

}  // namespace surveysync::store
