#pragma once
// The story of one run: list what the account holds, learn what must be known, plan the partitions, carry every
// partition from its first page to its certificate with a few workers, close the ledger. Kinds differ only in the plan.
// Called on the source's lane thread, which renews the lease while the workers work. Never throws for a failed
// partition: that is an outcome. Throws Error for what ends the run before it began (locked, unavailable, config).

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/event.h"
#include "sources/source.h"
#include "store/ledger.h"
#include "store/session.h"

namespace surveysync::sync {

/// How page sizes adapt. Units: records a page.
struct PageSizes {
  int start = 250, min = 10, max = 500;
};

/// More than `rows` missing records, or more than `percent` of the stored ones and more than `least`, look like a lost
/// permission and not like deletions.
struct Brake {
  int percent = 5, rows = 100, least = 10;
};

enum class RunKind : std::uint8_t { incremental, resync, backfill };
/// "incremental", ...
std::string_view name_of(RunKind kind);

/// What to run and within which limits; from the configuration.
struct Job {
  std::string source;
  RunKind kind = RunKind::incremental;
  std::int64_t request_id = 0;  ///< surveysync.request: what this run executes; 0: nobody asked
  bool dry_run = false;         ///< everything is fetched and merged, and rolled back; nothing is left in the ledger
  bool confirmed = false;       ///< `--yes`: above the brake a random sample of 100 decides
  std::optional<UtcTime> from, until;  ///< resync, backfill: changes in [from, until)
  std::set<std::string> responses;     ///< resync: only these record ids of the partitions in `only`
  sources::Following following;
  std::set<std::string> only;  ///< partitions named on the command line; empty: all that are followed
  PageSizes page_sizes;
  int workers = 4;
  Duration lease_ttl = std::chrono::seconds(30);
  Duration retry_budget = std::chrono::minutes(10);  ///< for one page, over all its sizes
  Duration recheck = std::chrono::hours(7 * 24);     ///< age at which capabilities are learned again
  Duration settle_lag = std::chrono::minutes(15), lookback = std::chrono::hours(2);
  Duration probe_all = std::chrono::hours(7 * 24), sweep_all = std::chrono::hours(30 * 24);
  Brake brake;
  int quarantine_percent = 1, quarantine_least = 20;
  bool wide = true;         ///< wide tables follow what the run changes
  std::string privacy_key;  ///< fingerprint of the key by which values are hashed; empty: none are
};

/// Whether the job is about named parts of the source or a window of time only, and so proves nothing of the rest.
bool is_narrowed(const Job& job);

enum class Outcome : std::uint8_t { succeeded, partial, failed, cancelled };
/// "succeeded", ...
std::string_view name_of(Outcome outcome);

struct PartitionFailure {
  std::string stream, partition, message;
  ErrorKind kind;
};

struct PartitionChange {
  std::string stream, partition, title;
  Counts counts;
  std::optional<store::Certificate> certificate;
};

/// How a run ended.
struct RunReport {
  std::string source;
  std::int64_t run_id = 0;
  Outcome outcome = Outcome::failed;
  Counts counts;
  std::int64_t partitions = 0;  ///< walked
  std::int64_t lists = 0;       ///< read whole or by name, beside those
  std::int64_t skipped = 0;     ///< not due for a probe: they keep their last certificate
  std::int64_t certified = 0, unbalanced = 0;
  std::int64_t queued_as = 0;            ///< not run: left as this request to the process that works the source
  std::int64_t braked = 0;               ///< stopped by the deletion brake
  std::vector<PartitionChange> changes;  ///< what each partition's walk stored or marked (dry runs print it)
  std::vector<PartitionFailure> failures;
  std::optional<Error> error;  ///< what ended the whole run, if something did
  Duration elapsed{};
};

/// Runs `job` against `source` to its end or stop.
RunReport run(const Job& job, sources::Source& source, const store::OpenSession& open_session, Observer& observer,
              Clock& clock, const std::stop_token& stop);

}  // namespace surveysync::sync
