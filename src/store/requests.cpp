#include "store/requests.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "pg/binary.h"
#include "store/contended.h"
#include "store/fenced.h"

namespace surveysync::store {
namespace {

constexpr std::array kKinds = {"incremental", "resync", "backfill"};
/// What a verb exits with that was asked for something that cannot be (product.md section 1).
constexpr std::int32_t kUsage = 2;
constexpr char kSeparator = '\x1f';

/// A list's elements, joined by the unit separator. People write numbers for texts, and one value for a list of one.
std::string list_sql(const char* name) {
  return fmt::format(
      "coalesce((SELECT string_agg(e.item, pg_catalog.chr(31)) FROM jsonb_array_elements_text(CASE "
      "jsonb_typeof(r.arguments -> '{0}') WHEN 'array' THEN r.arguments -> '{0}' WHEN 'string' THEN "
      "jsonb_build_array(r.arguments -> '{0}') WHEN 'number' THEN jsonb_build_array(r.arguments -> '{0}') ELSE "
      "'[]'::jsonb END) AS e (item)), '')",
      name);
}

/// What nobody can execute as it stands; empty when all can be read. Rows come from people's hands too, and an argument
/// that is misspelt must not widen what is asked for.
constexpr const char* kFault =
    "CASE WHEN r.kind NOT IN ('incremental', 'resync', 'backfill') THEN 'unknown kind \"' || r.kind || "
    "'\": incremental, resync or backfill' "
    "WHEN jsonb_typeof(r.arguments) <> 'object' THEN 'the arguments are no JSON object' "
    "ELSE coalesce((SELECT CASE "
    "WHEN p.name NOT IN ('survey', 'response', 'from', 'until', 'confirmed') THEN 'unknown argument \"' || p.name || "
    "'\": survey, response, from, until or confirmed' "
    "WHEN p.name IN ('survey', 'response') THEN p.name || ' is no list of ids' "
    "WHEN p.name = 'confirmed' THEN 'confirmed is neither true nor false' "
    "ELSE p.name || ' is no time such as \"2026-01-01T00:00:00Z\"' END "
    "FROM jsonb_each(CASE jsonb_typeof(r.arguments) WHEN 'object' THEN r.arguments ELSE '{}'::jsonb END) "
    "AS p (name, value) WHERE jsonb_typeof(p.value) <> 'null' AND NOT CASE "
    "WHEN p.name IN ('survey', 'response') THEN jsonb_typeof(p.value) IN ('string', 'number') OR "
    "(jsonb_typeof(p.value) = 'array' AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements(CASE jsonb_typeof(p.value) "
    "WHEN 'array' THEN p.value ELSE '[]'::jsonb END) AS e (item) WHERE jsonb_typeof(e.item) NOT IN "
    "('string', 'number'))) "
    "WHEN p.name IN ('from', 'until') THEN jsonb_typeof(p.value) = 'string' AND p.value #>> '{}' ~ "
    "'^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]"
    "([.][0-9]{1,6})?)?)?(Z|[+-][01][0-9](:?[0-5][0-9])?)?$' "
    "WHEN p.name = 'confirmed' THEN jsonb_typeof(p.value) = 'boolean' ELSE false END ORDER BY p.name LIMIT 1), '') END";

/// What request_at reads, of a row r. Times of arguments stay text: a day that does not exist is found on reading it.
std::string columns() {
  return fmt::format(
      "r.request_id, r.source, r.kind, r.requested_by, {}, {}, coalesce(r.arguments ->> 'from', ''), "
      "coalesce(r.arguments ->> 'until', ''), coalesce(r.arguments -> 'confirmed' = 'true'::jsonb, false), "
      "r.requested_at, r.started_at, r.finished_at, coalesce(r.run_id, 0), coalesce(r.outcome, ''), "
      "coalesce(r.error, ''), r.exit_code, {}",
      list_sql("survey"), list_sql("response"), kFault);
}

std::set<std::string> split(const std::string& text) {
  std::set<std::string> parts;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(kSeparator, begin), text.size());
    parts.insert(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

struct Found {
  RunRequest request;
  std::string from, until, fault;
};

Found request_at(const pg::Result& rows, std::size_t row) {
  Found found;
  RunRequest& request = found.request;
  request.request_id = rows.integer(row, 0);
  request.source = rows.text(row, 1);
  request.kind = rows.text(row, 2);
  request.requested_by = rows.text(row, 3);
  request.arguments.surveys = split(rows.text(row, 4));
  request.arguments.responses = split(rows.text(row, 5));
  found.from = rows.text(row, 6);
  found.until = rows.text(row, 7);
  request.arguments.confirmed = rows.boolean(row, 8);
  request.requested_at = rows.time(row, 9).value_or(UtcTime());
  request.started_at = rows.time(row, 10);
  request.finished_at = rows.time(row, 11);
  request.run_id = rows.integer(row, 12);
  request.outcome = rows.text(row, 13);
  request.error = rows.text(row, 14);
  if (!rows.is_null(row, 15)) request.exit_code = static_cast<int>(rows.integer(row, 15));
  found.fault = rows.text(row, 16);
  return found;
}

/// Reads the times of arguments that are sound otherwise.
void read_times(pg::Connection& connection, Found& found) {
  if (!found.fault.empty() || (found.from.empty() && found.until.empty())) return;
  try {
    // A transaction, for its time zone: that of a time which names none.
    pg::Transaction transaction(connection);
    const std::vector<pg::Param> params = {pg::text(found.from), pg::text(found.until)};
    const pg::Result times =
        transaction.execute("SELECT nullif($1, '')::timestamptz, nullif($2, '')::timestamptz", params);
    found.request.arguments.from = times.time(0, 0);
    found.request.arguments.until = times.time(0, 1);
    transaction.commit();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::refused_row) throw;
    found.fault = "from or until is no time: there is no such day";
  }
}

/// Marks the oldest of the rows that match `where` as begun by the fence's holder. FOR UPDATE waits for one who takes
/// it back, and then goes to the next.
std::optional<Found> begin(pg::Connection& connection, const Fence& fence, const char* where,
                           std::vector<pg::Param> params) {
  const std::string sql = fmt::format(
      "UPDATE surveysync.request AS r SET started_at = pg_catalog.clock_timestamp(), holder = $2, run_id = NULL "
      "WHERE r.request_id = (SELECT q.request_id FROM surveysync.request q WHERE q.source = $1 AND "
      "q.finished_at IS NULL{} ORDER BY q.request_id LIMIT 1 FOR UPDATE) RETURNING {}",
      where, columns());
  params.insert(params.begin(), {pg::text(fence.source), pg::text(fence.holder)});
  const pg::Result rows = contended([&] { return write_fenced(connection, fence, sql, params); });
  if (rows.rows() == 0) return std::nullopt;
  Found found = request_at(rows, 0);
  read_times(connection, found);
  return found;
}

}  // namespace

std::int64_t Requests::add(const std::string& source, const std::string& kind, const RequestArguments& arguments,
                           const std::string& requested_by) {
  if (std::ranges::find(kKinds, kind) == kKinds.end()) {
    throw Error(ErrorKind::bug, "a request of the unknown kind " + kind);
  }
  const auto time = [](const std::optional<UtcTime>& at) {
    return at ? pg::text(format_utc(*at)) : pg::null_of(pg::oid::kText);
  };
  const std::vector<std::string> surveys(arguments.surveys.begin(), arguments.surveys.end()),
      responses(arguments.responses.begin(), arguments.responses.end());
  const std::vector<pg::Param> params = {pg::text(source),
                                         pg::text(kind),
                                         pg::text_array(surveys),
                                         pg::text_array(responses),
                                         time(arguments.from),
                                         time(arguments.until),
                                         pg::boolean(arguments.confirmed),
                                         pg::text(pg::storable(requested_by))};
  return connection_
      .execute(
          "INSERT INTO surveysync.request (source, kind, arguments, requested_by, requested_at) VALUES ($1, $2, "
          "jsonb_strip_nulls(jsonb_build_object("
          "'survey', CASE WHEN cardinality($3) > 0 THEN to_jsonb($3) END, "
          "'response', CASE WHEN cardinality($4) > 0 THEN to_jsonb($4) END, "
          "'from', $5::text, 'until', $6::text, 'confirmed', CASE WHEN $7 THEN true END)), "
          "$8, pg_catalog.clock_timestamp()) RETURNING request_id",
          params)
      .integer(0, 0);
}

std::optional<RunRequest> Requests::find(std::int64_t request_id) {
  const std::vector<pg::Param> params = {pg::int8(request_id)};
  const pg::Result rows = connection_.execute(
      fmt::format("SELECT {} FROM surveysync.request AS r WHERE r.request_id = $1", columns()), params);
  if (rows.rows() == 0) return std::nullopt;
  Found found = request_at(rows, 0);
  read_times(connection_, found);
  return std::move(found.request);
}

std::optional<RunRequest> Requests::take(const Fence& fence) {
  for (;;) {
    std::optional<Found> found = begin(connection_, fence, "", {});
    if (!found) return std::nullopt;
    if (found->fault.empty()) return std::move(found->request);
    finish(fence, found->request.request_id, 0, "failed", kUsage, found->fault);
  }
}

std::optional<RunRequest> Requests::take(const Fence& fence, std::int64_t request_id) {
  std::optional<Found> found = begin(connection_, fence, " AND q.request_id = $3", {pg::int8(request_id)});
  if (!found) return std::nullopt;
  if (found->fault.empty()) return std::move(found->request);
  finish(fence, request_id, 0, "failed", kUsage, found->fault);
  return std::nullopt;
}

void Requests::note_run(const Fence& fence, std::int64_t request_id, std::int64_t run_id) {
  const std::vector<pg::Param> params = {pg::text(fence.source), pg::int8(request_id), pg::int8(run_id)};
  contended([&] {
    return write_fenced(connection_, fence,
                        "UPDATE surveysync.request SET run_id = $3 WHERE source = $1 AND request_id = $2 AND "
                        "finished_at IS NULL",
                        params);
  });
}

void Requests::finish(const Fence& fence, std::int64_t request_id, std::int64_t run_id, const std::string& outcome,
                      int exit_code, const std::string& error) {
  const std::vector<pg::Param> params = {pg::text(fence.source), pg::int8(request_id), pg::int8(run_id),
                                         pg::text(outcome),      pg::int4(exit_code),  pg::text(pg::storable(error))};
  contended([&] {
    return write_fenced(connection_, fence,
                        "UPDATE surveysync.request SET finished_at = pg_catalog.clock_timestamp(), "
                        "run_id = coalesce(nullif($3, 0), run_id), outcome = $4, exit_code = $5, "
                        "error = nullif($6, '') WHERE source = $1 AND request_id = $2 AND finished_at IS NULL",
                        params);
  });
}

void Requests::finish_own(std::int64_t request_id, std::int64_t run_id, const std::string& outcome, int exit_code,
                          const std::string& error) {
  const std::vector<pg::Param> params = {
      pg::text(process_identity()), pg::int8(request_id),         pg::int8(run_id), pg::text(outcome),
      pg::int4(exit_code),          pg::text(pg::storable(error))};
  contended([&] {
    return connection_.execute(
        "UPDATE surveysync.request SET finished_at = pg_catalog.clock_timestamp(), "
        "run_id = coalesce(nullif($3, 0), run_id), outcome = $4, exit_code = $5, "
        "error = nullif($6, '') WHERE (holder = $1 OR holder IS NULL) AND request_id = $2 AND finished_at IS NULL",
        params);
  });
}

std::optional<RunRequest> Requests::next(const std::string& source) {
  const std::vector<pg::Param> params = {pg::text(source)};
  const pg::Result rows = connection_.execute(
      "SELECT request_id FROM surveysync.request WHERE source = $1 AND finished_at IS NULL ORDER BY request_id LIMIT 1",
      params);
  return rows.rows() == 0 ? std::nullopt : find(rows.integer(0, 0));
}

bool Requests::withdraw(std::int64_t request_id) {
  const std::vector<pg::Param> params = {pg::int8(request_id)};
  return contended([&] {
           return connection_.execute(
               "UPDATE surveysync.request SET finished_at = pg_catalog.clock_timestamp(), outcome = 'cancelled', "
               "error = 'taken back before anybody began it' WHERE request_id = $1 AND started_at IS NULL AND "
               "finished_at IS NULL",
               params);
         }).affected() > 0;
}

std::vector<std::string> Requests::waiting() {
  const pg::Result rows = connection_.execute(
      "SELECT DISTINCT r.source FROM surveysync.request r WHERE r.finished_at IS NULL ORDER BY r.source");
  std::vector<std::string> sources;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    sources.push_back(rows.text(row, 0));
  return sources;
}

std::optional<std::string> Requests::holder(const std::string& source) {
  const std::vector<pg::Param> params = {pg::text(source)};
  const pg::Result rows = connection_.execute(
      "SELECT holder FROM surveysync.lease WHERE source = $1 AND holder <> '' AND "
      "expires_at > pg_catalog.clock_timestamp()",
      params);
  if (rows.rows() == 0) return std::nullopt;
  return rows.text(0, 0);
}

}  // namespace surveysync::store
