#include "sync/close_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace surveysync::sync {
namespace {

// The lane's connection is idle while the workers work, and may be lost without anybody noticing.
constexpr int kCloseAttempts = 2;

/// For those who read the table: what ended the run, or what it did not bring about.
std::string trouble_of(const RunReport& report) {
  if (report.error) return report.error->full_text();
  if (!report.failures.empty()) {
    const PartitionFailure& first = report.failures.front();
    std::set<std::string> names;
    for (const PartitionFailure& failure : report.failures)
      names.insert(failure.partition.empty() ? failure.stream : failure.partition);
    const auto failed = static_cast<std::int64_t>(names.size());
    return fmt::format("{} of {} not complete; {}: {}", failed, std::max(report.partitions + report.lists, failed),
                       first.partition.empty() ? "the list " + first.stream : first.partition, first.message);
  }
  if (report.unbalanced == 0) return {};
  return fmt::format("{} of {} certificates do not balance", report.unbalanced, report.unbalanced + report.certified);
}

}  // namespace

void close_run(const EndedRun& run, const RunReport& report) {
  const std::string error = report.error ? report.error->full_text() : std::string(), outcome(name_of(report.outcome)),
                    cause(report.error ? policy(report.error->kind()).name : "");
  for (int attempt = 1; attempt <= kCloseAttempts; ++attempt) {
    try {
      if (!run.lane || !run.lane->alive()) run.lane = run.open({});
      run.lane->connection().use_stop({});
      if (run.in_ledger)
        run.lane->ledger().finish_run(run.fence, run.scope.run_id, outcome, report.counts, trouble_of(report),
                                      run.certified);
      run.lane->release_lease(run.fence);
      break;
    } catch (const Error& lost) {
      run.lane.reset();
      if (lost.kind() == ErrorKind::locked) break;  // another process took over and closed the row
      run.observer.on_event(event::StoreUnavailable{run.scope, std::string("run could not be closed: ") + lost.what()});
    }
  }
  run.observer.on_event(event::RunFinished{run.scope, outcome, report.counts, report.elapsed, error, cause});
}

}  // namespace surveysync::sync
