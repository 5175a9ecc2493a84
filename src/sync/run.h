#pragma once
// The story of one run: list what the account holds, learn what must be known, plan the partitions, carry every
// partition from its first page to its certificate with a few workers, close the ledger. Kinds differ only in the plan.
// Called on the source's lane thread, which renews the lease while the workers work. Never throws for a failed
// partition: that is an outcome. Throws Error for what ends the run before it began (locked, unavailable, config).

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/event.h"
#include "sources/source.h"
#include "store/session.h"

namespace surveysync::sync {

/// How page sizes adapt. Units: records a page.
struct PageSizes {
  int start = 250, min = 10, max = 500;
};

/// What to run and within which limits; from the configuration.
struct Job {
  std::string source, kind = "incremental";
  sources::Following following;
  std::set<std::string> only;  ///< partitions named on the command line; empty: all that are followed
  PageSizes page_sizes;
  int workers = 4;
  Duration lease_ttl = std::chrono::seconds(30);
  Duration retry_budget = std::chrono::minutes(10);  ///< for one page, over all its sizes
  Duration recheck = std::chrono::hours(7 * 24);     ///< age at which capabilities are learned again
  int quarantine_percent = 1, quarantine_least = 20;
};

enum class Outcome : std::uint8_t { succeeded, partial, failed, cancelled };
/// "succeeded", ...
std::string_view name_of(Outcome outcome);

struct PartitionFailure {
  std::string stream, partition, message;
  ErrorKind kind;
};

/// How a run ended.
struct RunReport {
  std::string source;
  std::int64_t run_id = 0;
  Outcome outcome = Outcome::failed;
  Counts counts;
  std::int64_t partitions = 0;  ///< walked
  std::int64_t certified = 0, unbalanced = 0;
  std::vector<PartitionFailure> failures;
  std::optional<Error> error;  ///< what ended the whole run, if something did
  Duration elapsed{};
};

/// Runs `job` against `source` to its end or stop.
RunReport run(const Job& job, sources::Source& source, const store::OpenSession& open_session, Observer& observer,
              Clock& clock, const std::stop_token& stop);

}  // namespace surveysync::sync
