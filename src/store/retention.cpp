#include "store/retention.h"

#include <fmt/format.h>

#include <chrono>
#include <vector>

#include "pg/binary.h"

namespace surveysync::store {
namespace {

// The oldest first. Runs begin in the order of their numbers, so the first young one ends it.
constexpr const char* kOldest =
    "SELECT run_id, started_at < pg_catalog.now() - $3 * interval '1 second' FROM surveysync.run "
    "WHERE source = $1 AND run_id > $2 ORDER BY run_id LIMIT $4";

// Replays and retries ask no vendor: they are neither attempt nor success of a partition (History::clocks).
constexpr const char* kStreams =
    "DELETE FROM surveysync.run_stream AS s WHERE s.source = $1 AND s.run_id = ANY ($2::bigint[]) AND ("
    "EXISTS (SELECT 1 FROM surveysync.run AS r WHERE r.run_id = s.run_id AND r.kind IN ('replay', 'retry')) OR "
    "(EXISTS (SELECT 1 FROM surveysync.run_stream AS n JOIN surveysync.run AS r ON r.run_id = n.run_id "
    "WHERE n.source = s.source AND n.stream = s.stream AND n.partition = s.partition AND n.run_id > s.run_id "
    "AND r.kind NOT IN ('replay', 'retry')) AND (coalesce(s.outcome, '') <> 'succeeded' OR "
    "EXISTS (SELECT 1 FROM surveysync.run_stream AS n JOIN surveysync.run AS r ON r.run_id = n.run_id "
    "WHERE n.source = s.source AND n.stream = s.stream AND n.partition = s.partition AND n.run_id > s.run_id "
    "AND n.outcome = 'succeeded' AND r.kind NOT IN ('replay', 'retry')))))";

constexpr const char* kCertificates =
    "DELETE FROM surveysync.certificate AS c WHERE c.source = $1 AND c.run_id = ANY ($2::bigint[]) AND "
    "EXISTS (SELECT 1 FROM surveysync.certificate AS n WHERE n.source = c.source AND n.stream = c.stream AND "
    "n.partition = c.partition AND n.certified_at > c.certified_at) AND (NOT c.balanced OR "
    "EXISTS (SELECT 1 FROM surveysync.certificate AS n WHERE n.source = c.source AND n.stream = c.stream AND "
    "n.partition = c.partition AND n.certified_at > c.certified_at AND n.balanced))";

constexpr const char* kRuns =
    "DELETE FROM surveysync.run AS r WHERE r.source = $1 AND r.run_id = ANY ($2::bigint[]) AND "
    "NOT EXISTS (SELECT 1 FROM surveysync.run_stream AS s WHERE s.run_id = r.run_id) AND "
    "NOT EXISTS (SELECT 1 FROM surveysync.certificate AS c WHERE c.run_id = r.run_id) AND "
    "EXISTS (SELECT 1 FROM surveysync.run AS n WHERE n.source = r.source AND n.run_id > r.run_id AND n.kind = r.kind "
    "AND n.outcome = 'succeeded' AND (r.narrowed OR NOT n.narrowed)) AND (NOT r.certified OR EXISTS (SELECT 1 FROM "
    "surveysync.run AS n WHERE n.source = r.source AND n.run_id > r.run_id AND n.certified AND (r.narrowed OR NOT "
    "n.narrowed)))";

constexpr const char* kRequests =
    "DELETE FROM surveysync.request WHERE source = $1 AND request_id IN (SELECT request_id FROM surveysync.request "
    "WHERE source = $1 AND finished_at < pg_catalog.now() - $2 * interval '1 second' ORDER BY request_id LIMIT $3)";

constexpr const char* kBytes =
    "UPDATE surveysync.quarantine SET raw = ''::bytea, reason = reason || '; its bytes were kept until "
    "retention.quarantine' "
    "WHERE source = $1 AND quarantine_id IN (SELECT quarantine_id FROM surveysync.quarantine WHERE source = $1 AND "
    "raw <> ''::bytea AND last_seen_at < pg_catalog.now() - $2 * interval '1 second' ORDER BY quarantine_id LIMIT $3)";

pg::Param seconds(Duration duration) {
  return pg::int8(std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}

void add(std::string& text, std::int64_t count, std::string_view what) {
  if (count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, what);
}

}  // namespace

std::string words_of(const Forgotten& forgotten) {
  std::string text;
  add(text, forgotten.runs, "runs");
  add(text, forgotten.streams, "rows of run_stream");
  add(text, forgotten.certificates, "certificates");
  add(text, forgotten.requests, "requests");
  add(text, forgotten.quarantined_bytes, "quarantined records' bytes");
  return text;
}

Forgotten Retention::carry_out(const std::string& source, const RetentionLimits& limits, int slices) {
  Forgotten forgotten;
  std::int64_t after = 0;
  for (int slice = 0; slice < slices && after >= 0 && !connection_.stop().stop_requested(); ++slice)
    after = forget_runs_after(source, after, limits, forgotten);
  const auto repeat = [&](const char* sql, Duration limit) {
    const std::vector<pg::Param> params = {pg::text(source), seconds(limit), pg::int8(kRetentionSlice)};
    std::int64_t all = 0, taken = kRetentionSlice;
    for (int slice = 0; slice < slices && taken == kRetentionSlice && !connection_.stop().stop_requested(); ++slice)
      all += taken = connection_.execute(sql, params).affected();
    return all;
  };
  forgotten.requests = repeat(kRequests, limits.runs);
  forgotten.quarantined_bytes = repeat(kBytes, limits.quarantine);
  return forgotten;
}

/// One slice; where the next one begins, negative when there is none.
std::int64_t Retention::forget_runs_after(const std::string& source, std::int64_t after, const RetentionLimits& limits,
                                          Forgotten& forgotten) {
  pg::Transaction transaction(connection_);
  const std::vector<pg::Param> from = {pg::text(source), pg::int8(after), seconds(limits.runs),
                                       pg::int8(kRetentionSlice)};
  const pg::Result oldest = transaction.execute(kOldest, from);
  std::vector<std::int64_t> old;
  for (std::size_t row = 0; row < oldest.rows() && oldest.boolean(row, 1); ++row)
    old.push_back(oldest.integer(row, 0));
  if (old.empty()) return -1;
  const std::vector<pg::Param> params = {pg::text(source), pg::int8_array(old)};
  const std::vector<pg::Statement> statements = {{kStreams, params}, {kCertificates, params}, {kRuns, params}};
  const std::vector<pg::Result> gone = transaction.execute_all(statements);
  transaction.commit();
  forgotten.streams += gone[0].affected();
  forgotten.certificates += gone[1].affected();
  forgotten.runs += gone[2].affected();
  return std::ssize(old) == kRetentionSlice ? old.back() : -1;
}

}  // namespace surveysync::store
