#pragma once
// Tasks still to be walked, and what became of the others. Shared by the workers of one run; thread-safe.

#include <deque>
#include <mutex>
#include <optional>

#include "sync/plan.h"
#include "sync/run.h"

namespace surveysync::sync {

class WorkList {
 public:
  explicit WorkList(std::deque<Task> tasks) : waiting_(std::move(tasks)) {}

  std::optional<Task> next() {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) return std::nullopt;
    Task task = std::move(waiting_.front());
    waiting_.pop_front();
    return task;
  }

  /// Adds what a walk stored. True when so many of the run's records could not be stored that the API must have
  /// changed.
  bool add(PartitionChange change, const Job& job) {
    const std::lock_guard lock(mutex_);
    report_.counts += change.counts;
    report_.changes.push_back(std::move(change));
    const Counts& all = report_.counts;
    const std::int64_t met = all.inserted + all.updated + all.unchanged + all.quarantined;
    return all.quarantined > job.quarantine_least && all.quarantined * 100 > met * job.quarantine_percent;
  }
  void certified(bool balanced) {
    const std::lock_guard lock(mutex_);
    ++(balanced ? report_.certified : report_.unbalanced);
  }
  void braked() {
    const std::lock_guard lock(mutex_);
    ++report_.braked;
  }
  /// Takes a failure; how many partitions in a row, of all workers, failed because the vendor could not be reached.
  int failed(PartitionFailure failure) {
    const std::lock_guard lock(mutex_);
    unreachable_in_a_row_ = failure.kind == ErrorKind::unavailable ? unreachable_in_a_row_ + 1 : 0;
    report_.failures.push_back(std::move(failure));
    return unreachable_in_a_row_;
  }
  void reached() {
    const std::lock_guard lock(mutex_);
    unreachable_in_a_row_ = 0;
  }
  /// The first error that ends the whole run; later ones are its echo.
  void end_with(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (!report_.error) report_.error = error;
  }
  RunReport take() {
    const std::lock_guard lock(mutex_);
    return std::move(report_);
  }

 private:
  mutable std::mutex mutex_;
  std::deque<Task> waiting_;
  RunReport report_;
  int unreachable_in_a_row_ = 0;
};

}  // namespace surveysync::sync
