#include "store/key_book.h"

#include <fmt/format.h>

#include <algorithm>

#include "pg/binary.h"
#include "store/contended.h"

namespace surveysync::store {
namespace {

// Fingerprints are hex digits: the comma is free. Microseconds, as the driver reads no intervals.
constexpr const char* kColumns =
    "SELECT c.source, c.slot, c.fingerprint, array_to_string(c.lines, ','), array_to_string(c.good_lines, ','), "
    "coalesce(c.verdict, ''), coalesce(c.evidence, ''), coalesce(c.next_step, ''), c.first_used_at, c.last_good_at, "
    "c.refused_at, c.next_probe_at, c.probes, c.refusals, c.uses, c.used_at, "
    "(extract(epoch FROM greatest(c.next_probe_at, pg_catalog.clock_timestamp()) - pg_catalog.clock_timestamp()) "
    "* 1000000)::bigint, "
    "(extract(epoch FROM greatest(pg_catalog.clock_timestamp(), c.used_at) - c.used_at) * 1000000)::bigint "
    "FROM surveysync.credential AS c";

// All rows that a change may touch, in an order that all processes keep, so that they do not lock each other out.
constexpr const char* kLock =
    "SELECT c.source FROM surveysync.credential AS c WHERE c.fingerprint = $3 OR (c.source = $1 AND c.slot = $2) "
    "ORDER BY c.source, c.slot FOR UPDATE";

// The slot's row becomes this key's. What was known of another key goes, but not what the slot last worked with.
constexpr const char* kOwn =
    "INSERT INTO surveysync.credential AS c (source, slot, fingerprint, lines, first_used_at) "
    "VALUES ($1, $2, $3, $4, pg_catalog.clock_timestamp()) ON CONFLICT (source, slot) DO UPDATE SET "
    "fingerprint = excluded.fingerprint, lines = excluded.lines, first_used_at = pg_catalog.clock_timestamp(), "
    "last_good_at = NULL, verdict = NULL, evidence = NULL, next_step = NULL, refused_at = NULL, next_probe_at = NULL, "
    "probes = 0, refusals = 0, uses = 0, used_at = NULL "
    "WHERE c.fingerprint <> excluded.fingerprint";

constexpr const char* kUse =
    "UPDATE surveysync.credential SET uses = uses + 1, used_at = pg_catalog.clock_timestamp(), "
    "first_used_at = coalesce(first_used_at, pg_catalog.clock_timestamp()), lines = $4 "
    "WHERE source = $1 AND slot = $2 AND fingerprint = $3";

// An answer to any source is one to all that use the key.
constexpr const char* kAccept =
    "UPDATE surveysync.credential SET last_good_at = pg_catalog.clock_timestamp(), good_lines = $1, lines = $1, "
    "verdict = NULL, evidence = NULL, next_step = NULL, refused_at = NULL, next_probe_at = NULL, probes = 0, "
    "refusals = 0, uses = 0 WHERE fingerprint = $2";

// What all rows of a refused key know together: `asked` counts their refusals, `due` is when the last of them may be
// probed.
constexpr const char* kTogether =
    "(SELECT min(o.refused_at) AS since, max(o.next_probe_at) AS due, coalesce(max(o.probes), 0) AS probes, "
    "coalesce(sum(o.refusals), 0) AS asked, "
    "coalesce((array_agg(o.source ORDER BY (o.source = $1 AND o.slot = $2) DESC, o.source, o.slot))[1], '') AS source, "
    "coalesce((array_agg(o.slot ORDER BY (o.source = $1 AND o.slot = $2) DESC, o.source, o.slot))[1], '') AS slot, "
    "pg_catalog.clock_timestamp() AS now "
    "FROM surveysync.credential AS o WHERE o.fingerprint = $3 AND o.verdict IS NOT NULL) AS t";

std::string refuse_sql() {
  return fmt::format(
      "UPDATE surveysync.credential AS c SET verdict = $4, evidence = $5, next_step = $6, uses = 0, "
      "refused_at = coalesce(c.refused_at, t.since, t.now), probes = greatest(c.probes, t.probes), "
      "next_probe_at = coalesce(c.next_probe_at, t.due, t.now + $8 * interval '1 microsecond'), "
      "refusals = c.refusals + $7 + greatest(c.uses - 1, 0) "
      "FROM {} WHERE c.source = $1 AND c.slot = $2",
      kTogether);
}

std::string claim_sql() {
  // The refusal that is counted ahead stands in one row only.
  return fmt::format(
      "UPDATE surveysync.credential AS c SET probes = t.probes + 1, "
      "next_probe_at = t.now + ($4::bigint[])[least(t.probes + 2, cardinality($4))] * interval '1 microsecond', "
      "refusals = c.refusals + CASE WHEN c.source = t.source AND c.slot = t.slot THEN 1 ELSE 0 END "
      "FROM {} WHERE c.fingerprint = $3 AND c.verdict IS NOT NULL AND (t.due IS NULL OR t.due <= t.now) "
      "AND (t.since <= t.now - interval '1 hour' OR t.asked < $5)",
      kTogether);
}

std::string claim_early_sql() {
  return fmt::format(
      "UPDATE surveysync.credential AS c SET refusals = c.refusals + 1 "
      "FROM {} WHERE c.source = t.source AND c.slot = t.slot AND c.verdict IS NOT NULL "
      "AND t.asked < $4 * (1 + floor(extract(epoch FROM t.now - t.since) / 3600))",
      kTogether);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

Duration duration_at(const pg::Result& rows, std::size_t row, std::size_t column) {
  if (rows.is_null(row, column)) return Duration::zero();
  return std::chrono::microseconds(rows.integer(row, column));
}

std::vector<KeyRecord> read(const pg::Result& rows) {
  std::vector<KeyRecord> records;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    KeyRecord key;
    key.source = rows.text(row, 0);
    key.slot = rows.text(row, 1);
    key.fingerprint = rows.text(row, 2);
    key.lines = split(rows.text(row, 3));
    key.good_lines = split(rows.text(row, 4));
    key.verdict = rows.text(row, 5);
    key.evidence = rows.text(row, 6);
    key.next_step = rows.text(row, 7);
    key.first_used_at = rows.time(row, 8);
    key.last_good_at = rows.time(row, 9);
    key.refused_at = rows.time(row, 10);
    key.next_probe_at = rows.time(row, 11);
    key.probes = static_cast<int>(rows.integer(row, 12));
    key.refusals = static_cast<int>(rows.integer(row, 13));
    key.uses = static_cast<int>(rows.integer(row, 14));
    key.used_at = rows.time(row, 15);
    key.until_probe = key.verdict.empty() ? Duration::zero() : duration_at(rows, row, 16);
    key.since_use = duration_at(rows, row, 17);
    records.push_back(std::move(key));
  }
  return records;
}

/// The refusals of all rows that hold a fingerprint as one: since the first, to be probed when the last is due.
void join_refusal(KeyRecord& known, const KeyRecord& row) {
  if (known.verdict.empty()) {
    known.verdict = row.verdict;
    known.evidence = row.evidence;
    known.next_step = row.next_step;
    known.refused_at = row.refused_at;
    known.next_probe_at = row.next_probe_at;
    known.until_probe = row.until_probe;
    known.probes = row.probes;
    known.refusals = row.refusals;
    return;
  }
  if (row.refused_at) known.refused_at = std::min(known.refused_at.value_or(*row.refused_at), *row.refused_at);
  known.next_probe_at = std::max(known.next_probe_at, row.next_probe_at);
  known.until_probe = std::max(known.until_probe, row.until_probe);
  known.probes = std::max(known.probes, row.probes);
  known.refusals += row.refusals;
}

/// `rows`: the slot's own, and all of the same fingerprint.
KeyRecord join(const KeyRecord& key, const std::vector<KeyRecord>& rows) {
  KeyRecord known;
  known.source = key.source;
  known.slot = key.slot;
  known.fingerprint = key.fingerprint;
  known.lines = key.lines;
  for (const KeyRecord& row : rows) {
    if (row.source != key.source || row.slot != key.slot) continue;
    if (row.fingerprint == key.fingerprint) {
      known = row;
    } else {
      known.good_lines = row.good_lines;
    }
  }
  for (const KeyRecord& row : rows) {
    const bool is_own = row.source == key.source && row.slot == key.slot;
    if (is_own || row.fingerprint != key.fingerprint) continue;
    known.last_good_at = std::max(known.last_good_at, row.last_good_at);
    if (!row.verdict.empty()) join_refusal(known, row);
  }
  return known;
}

pg::Statement recall_statement(const KeyRecord& key) {
  return {
      fmt::format("{} WHERE c.fingerprint = $3 OR (c.source = $1 AND c.slot = $2) ORDER BY c.source, c.slot", kColumns),
      {pg::text(key.source), pg::text(key.slot), pg::text(key.fingerprint)}};
}

std::vector<pg::Param> params_of(const KeyRecord& key) {
  return {pg::text(key.source), pg::text(key.slot), pg::text(key.fingerprint)};
}

std::vector<pg::Param> params_with_lines(const KeyRecord& key) {
  std::vector<pg::Param> params = params_of(key);
  params.push_back(pg::text_array(key.lines));
  return params;
}

pg::Param wait_of(Duration wait) {
  return pg::int8(std::chrono::ceil<std::chrono::microseconds>(wait).count());
}

/// The statements in one transaction, repeated when others were in the way; the results.
std::vector<pg::Result> change(pg::Connection& connection, const std::vector<pg::Statement>& statements) {
  return contended([&] {
    pg::Transaction transaction(connection);
    std::vector<pg::Result> results = transaction.execute_all(statements);
    transaction.commit();
    return results;
  });
}

}  // namespace

std::vector<KeyRecord> KeyBook::records(const std::string& source_or_empty) {
  const std::vector<pg::Param> params = {pg::text(source_or_empty)};
  return read(connection_.execute(fmt::format("{} WHERE $1 = '' OR c.source = $1 ORDER BY c.source, c.slot", kColumns),
                                  params));
}

KeyRecord KeyBook::recall(const KeyRecord& key) {
  const pg::Statement statement = recall_statement(key);
  return join(key, read(connection_.execute(statement.sql, statement.params)));
}

KeyRecord KeyBook::begin(const KeyRecord& key) {
  const std::vector<pg::Result> results = change(
      connection_,
      {{kLock, params_of(key)}, {kOwn, params_with_lines(key)}, {kUse, params_with_lines(key)}, recall_statement(key)});
  return join(key, read(results[3]));
}

void KeyBook::forget_use(const KeyRecord& key) {
  connection_.execute(
      "UPDATE surveysync.credential SET uses = greatest(uses - 1, 0) WHERE source = $1 AND slot = $2 AND "
      "fingerprint = $3",
      params_of(key));
}

void KeyBook::accepted(const KeyRecord& key) {
  change(connection_, {{kLock, params_of(key)},
                       {kOwn, params_with_lines(key)},
                       {kAccept, {pg::text_array(key.lines), pg::text(key.fingerprint)}}});
}

void KeyBook::still_good(const std::string& fingerprint) {
  connection_.execute(
      "UPDATE surveysync.credential SET last_good_at = pg_catalog.clock_timestamp() WHERE fingerprint = $1 AND "
      "verdict IS NULL",
      std::vector<pg::Param>{pg::text(fingerprint)});
}

void KeyBook::refused(const KeyRecord& key, int requests, const std::vector<Duration>& waits) {
  std::vector<pg::Param> params = params_of(key);
  params.push_back(pg::text(pg::storable(key.verdict.empty() ? "refused" : key.verdict)));
  params.push_back(pg::text(pg::storable(key.evidence)));
  params.push_back(pg::text(pg::storable(key.next_step)));
  params.push_back(pg::int4(requests));
  params.push_back(wait_of(waits.empty() ? Duration::zero() : waits.front()));
  change(connection_, {{kLock, params_of(key)}, {kOwn, params_with_lines(key)}, {refuse_sql(), std::move(params)}});
}

void KeyBook::count_refusals(const std::string& fingerprint, int requests) {
  // In one row only: those of one key are added up.
  change(connection_,
         {{"UPDATE surveysync.credential AS c SET refusals = c.refusals + $2 FROM (SELECT o.source, o.slot FROM "
           "surveysync.credential AS o WHERE o.fingerprint = $1 AND o.verdict IS NOT NULL ORDER BY o.source, o.slot "
           "LIMIT 1) AS t WHERE c.source = t.source AND c.slot = t.slot",
           {pg::text(fingerprint), pg::int4(requests)}}});
}

bool KeyBook::claim_probe(const KeyRecord& key, const std::vector<Duration>& waits, int most_in_first_hour) {
  std::vector<std::int64_t> steps;
  for (const Duration wait : waits)
    steps.push_back(std::chrono::ceil<std::chrono::microseconds>(wait).count());
  if (steps.empty()) steps.push_back(0);
  std::vector<pg::Param> params = params_of(key);
  params.push_back(pg::int8_array(steps));
  params.push_back(pg::int4(most_in_first_hour));
  return change(connection_, {{kLock, params_of(key)}, {claim_sql(), std::move(params)}})[1].affected() > 0;
}

bool KeyBook::claim_early(const KeyRecord& key, int most_an_hour) {
  std::vector<pg::Param> params = params_of(key);
  params.push_back(pg::int4(most_an_hour));
  return change(connection_, {{kLock, params_of(key)}, {claim_early_sql(), std::move(params)}})[1].affected() > 0;
}

}  // namespace surveysync::store
