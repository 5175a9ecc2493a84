#pragma once
// Tasks still to be walked, and what became of the others. Shared by the workers of one run; thread-safe. A stream that
// the vendor refuses wherever it is asked for is given up for this run.

#include <deque>
#include <map>
#include <mutex>
#include <optional>

#include "sync/plan.h"
#include "sync/run.h"

namespace surveysync::sync {

class WorkList {
 public:
  std::optional<Task> next() {
    const std::lock_guard lock(mutex_);
    while (!waiting_.empty()) {
      Task task = std::move(waiting_.front());
      waiting_.pop_front();
      if (!task.list || !given_up(task.list->name)) return task;
    }
    return std::nullopt;
  }
  /// More tasks, behind the others.
  void add_tasks(std::vector<Task> tasks) {
    const std::lock_guard lock(mutex_);
    for (Task& task : tasks)
      waiting_.push_back(std::move(task));
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
  /// Whether something that was carried so far was new, changed or gone.
  bool changed() const {
    const std::lock_guard lock(mutex_);
    const Counts& all = report_.counts;
    return all.inserted + all.updated + all.tombstoned > 0;
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

  /// How often a stream that is read whole or by name was read and refused in this run, and the vendor's last words.
  struct Offer {
    int read = 0, refused = 0;
    std::string words;
  };
  void list_read(const std::string& stream) {
    const std::lock_guard lock(mutex_);
    ++offers_[stream].read;
  }
  void list_refused(const std::string& stream, const std::string& words) {
    const std::lock_guard lock(mutex_);
    ++offers_[stream].refused;
    offers_[stream].words = words;
  }
  std::map<std::string, Offer> offers() const {
    const std::lock_guard lock(mutex_);
    return offers_;
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
  // So many surveys that refuse a stream speak for all of them.
  static constexpr int kRefusalsGiveUp = 3;
  bool given_up(const std::string& stream) const {
    const auto offer = offers_.find(stream);
    return offer != offers_.end() && offer->second.read == 0 && offer->second.refused >= kRefusalsGiveUp;
  }

  mutable std::mutex mutex_;
  std::map<std::string, Offer> offers_;
  std::deque<Task> waiting_;
  RunReport report_;
  int unreachable_in_a_row_ = 0;
};

}  // namespace surveysync::sync
