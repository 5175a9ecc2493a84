#pragma once
// A run that asks the vendor for nothing: takes the source's lease, opens a row in the ledger, lets its work be done by
// a few workers, closes both. What `replay` and `quarantine retry` have in common. Called on one thread; throws Error
// for what ends it before it began (locked, unavailable), all else is in the report.

#include <functional>
#include <memory>
#include <mutex>

#include "sync/run.h"
#include "sync/store_door.h"

namespace surveysync::sync {

class OfflineRun {
 public:
  /// `kind`: for the ledger.
  OfflineRun(const Job& job, std::string kind, sources::Source& source, const store::OpenSession& open,
             Observer& observer, Clock& clock, std::stop_token stop);
  ~OfflineRun();
  OfflineRun(const OfflineRun&) = delete;
  OfflineRun& operator=(const OfflineRun&) = delete;

  /// From lease to lease's end, with `work` between. What `work` throws ends the run and is in the report.
  RunReport tell(const std::function<void()>& work);

  /// For `work`: on the run's own session.
  store::Session& lane() { return *lane_; }
  /// One unit: a stream's partition.
  struct Task {
    const model::StreamSpec& stream;
    model::Partition partition;
  };
  /// Carries the tasks with the job's workers; `act` does one, on a worker's thread, and returns its counts. A task
  /// that throws is a failure of its partition, or ends the run where that is the error's nature.
  using Act = std::function<Counts(const Task&, StoreDoor&, const model::Decode&)>;
  void carry(const std::vector<Task>& tasks, const Act& act);
  /// Adds to the report. Any thread.
  void add(const Counts& counts);
  void add_failure(PartitionFailure failure);
  /// So many partitions were worked otherwise than by carry.
  void add_partitions(std::int64_t count);

  const store::Fence& fence() const { return fence_; }
  std::int64_t run_id() const { return run_id_; }
  std::stop_token stop() const { return stop_.get_token(); }
  Scope scope(const Task& task) const { return {job_.source, run_id_, task.stream.name, task.partition.name}; }
  Scope scope() const { return {job_.source, run_id_, "", ""}; }
  Observer& observer() { return observer_; }

 private:
  void work_under_lease(const std::function<void()>& work);
  void worker(const std::function<const Task*()>& next, const Act& act);
  void carry_one(const Task& task, StoreDoor& door, const model::Decode& decode, const Act& act);
  void end_with(const Error& error);
  Outcome outcome() const;
  void close();

  const Job& job_;
  const std::string kind_;
  sources::Source& source_;
  const store::OpenSession& open_;
  Observer& observer_;
  Clock& clock_;
  const std::stop_token asked_to_stop_;
  std::stop_source stop_;
  std::unique_ptr<store::Session> lane_;
  store::Fence fence_;
  std::int64_t run_id_ = 0;
  std::mutex mutex_;
  RunReport report_;
};

}  // namespace surveysync::sync
