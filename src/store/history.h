#pragma once
// What the operator asks about: runs, clocks, certificates, quarantine. Read only; plain values for the app to print.

#include <optional>
#include <string>
#include <vector>

#include "base/event.h"
#include "model/stream.h"
#include "pg/connection.h"
#include "store/ledger.h"

namespace surveysync::store {

struct RunRow {
  std::int64_t run_id = 0;
  std::string source, kind, outcome, error;  ///< outcome empty while it runs
  UtcTime started_at{};
  std::optional<UtcTime> finished_at;
  Counts counts;
};
struct RunStreamRow {
  std::string stream, partition, outcome, error;
  std::optional<UtcTime> started_at, finished_at;
  Counts counts;
};
/// The four clocks of one source or survey, and its newest certificate. Probes count as attempts, and those that found
/// the survey balanced as successes; replays and retries do not.
struct ClockRow {
  std::string source, partition, title;  ///< partition empty: the whole source
  std::optional<UtcTime> last_attempt, last_success, last_certified, newest_change;
  std::int64_t stored_live = 0;
  std::optional<bool> balanced;
  bool followed = true;
};
/// The newest certificate of a list of the account: one that belongs to no survey.
struct ListRow {
  std::string source, stream;
  std::int64_t stored_live = 0, total = 0;  ///< here, and at the vendor
  bool balanced = false;
  std::optional<UtcTime> last_certified;  ///< when it last balanced
};
struct QuarantineRow {
  std::int64_t quarantine_id = 0, run_id = 0, size = 0;
  std::string source, stream, partition, record_key, reason, raw;  ///< raw only from quarantine_item
  UtcTime first_seen_at{};
};

class History {
 public:
  explicit History(pg::Connection& connection) : connection_(connection) {}
  std::vector<RunRow> runs(const std::string& source_or_empty, int limit);
  std::optional<RunRow> run(std::int64_t run_id);
  /// The source's newest incremental runs, newest first: what the agenda goes by.
  std::vector<RunRow> recent_runs(const std::string& source, int limit);
  std::vector<RunStreamRow> run_streams(std::int64_t run_id);
  std::vector<Certificate> certificates(std::int64_t run_id);
  /// One row for each source that has run, then its surveys.
  std::vector<ClockRow> clocks();
  std::vector<ListRow> lists();
  std::vector<model::Capability> capabilities(const std::string& source);
  std::vector<QuarantineRow> quarantine(const std::string& source_or_empty, int limit);
  std::optional<QuarantineRow> quarantine_item(std::int64_t id);
  struct Privilege {
    std::string object, missing, grant;
  };  ///< grant: the statement that would give it
  /// What the current role lacks for writing: schemas, tables, sequences, and the ownership of wide tables, which are
  /// made anew when their columns change.
  std::vector<Privilege> missing_privileges();
  /// Writes a row into the ledger and rolls it back. Throws what the database says.
  void rehearse_write();

 private:
  pg::Connection& connection_;
};

}  // namespace surveysync::store
