#include "sync/offline_run.h"

#include <algorithm>
#include <map>
#include <thread>

#include "sync/close_run.h"
#include "sync/lease_keeper.h"

namespace surveysync::sync {
namespace {

Error unexpected(const std::exception& error) {
  return Error(ErrorKind::bug, std::string("unexpected: ") + error.what(), "please report this with the log");
}

}  // namespace

OfflineRun::OfflineRun(const Job& job, std::string kind, sources::Source& source, const store::OpenSession& open,
                       Observer& observer, Clock& clock, std::stop_token stop)
    : job_(job),
      kind_(std::move(kind)),
      source_(source),
      open_(open),
      observer_(observer),
      clock_(clock),
      asked_to_stop_(std::move(stop)) {}

OfflineRun::~OfflineRun() = default;

RunReport OfflineRun::tell(const std::function<void()>& work) {
  const SteadyTime started = clock_.now();
  const std::int64_t requests_before = source_.requests();
  const std::stop_callback forward(asked_to_stop_, [this] { stop_.request_stop(); });
  lane_ = open_(stop_.get_token());
  fence_ = lane_->acquire_lease(job_.source, job_.lease_ttl);
  for (const std::int64_t id : lane_->ledger().close_abandoned(fence_))
    observer_.on_event(event::RunAbandoned{{job_.source, id, "", ""}});
  run_id_ = lane_->ledger().open_run(fence_, kind_);
  observer_.on_event(event::RunStarted{scope(), kind_});
  work_under_lease(work);
  report_.source = job_.source;
  report_.run_id = run_id_;
  report_.counts.requests = source_.requests() - requests_before;
  report_.elapsed = clock_.now() - started;
  report_.outcome = outcome();
  close();
  return std::move(report_);
}

void OfflineRun::work_under_lease(const std::function<void()>& work) {
  LeaseKeeper keeper(open_, fence_, job_.lease_ttl, clock_, stop_);
  try {
    work();
  } catch (const Error& error) {
    end_with(error);
  } catch (const std::exception& error) {
    end_with(unexpected(error));
  }
  if (auto loss = keeper.loss()) report_.error = std::move(loss);  // all else is its echo
}

void OfflineRun::carry(const std::vector<Task>& tasks, const Act& act) {
  std::int64_t expected = 0;
  for (const Task& task : tasks)
    expected += task.partition.expected_records;
  report_.partitions += static_cast<std::int64_t>(tasks.size());
  observer_.on_event(event::RunPlanned{scope(), static_cast<std::int64_t>(tasks.size()), expected});
  std::size_t at = 0;
  const std::function<const Task*()> next = [&]() -> const Task* {
    const std::lock_guard lock(mutex_);
    return at < tasks.size() && !stop_.stop_requested() ? &tasks[at++] : nullptr;
  };
  const std::size_t count = std::min<std::size_t>(static_cast<std::size_t>(std::max(1, job_.workers)), tasks.size());
  std::vector<std::jthread> workers;
  for (std::size_t i = 0; i < count; ++i)
    workers.emplace_back([&] { worker(next, act); });
}

void OfflineRun::worker(const std::function<const Task*()>& next, const Act& act) {
  try {
    StoreDoor door(open_, scope(), observer_, clock_, stop_.get_token());
    std::map<std::string, model::Decode> decoders;
    while (const Task* task = next()) {
      if (!decoders.contains(task->stream.name)) decoders[task->stream.name] = source_.decoder(task->stream);
      carry_one(*task, door, decoders[task->stream.name], act);
    }
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::cancelled || !stop_.stop_requested()) end_with(error);
    stop_.request_stop();
  } catch (const std::exception& error) {
    end_with(unexpected(error));
    stop_.request_stop();
  }
}

/// One partition's outcome. Rethrows what ends the whole run.
void OfflineRun::carry_one(const Task& task, StoreDoor& door, const model::Decode& decode, const Act& act) {
  Counts counts;
  std::string message;
  Outcome outcome = Outcome::succeeded;
  std::optional<Error> ending;
  try {
    counts = act(task, door, decode);
    if (counts.quarantined > 0) {
      outcome = Outcome::partial;
      message = std::to_string(counts.quarantined) + " records could not be stored";
      add_failure({task.stream.name, task.partition.name, message, ErrorKind::malformed});
    }
  } catch (const Error& error) {
    outcome = error.kind() == ErrorKind::cancelled ? Outcome::cancelled : Outcome::failed;
    message = error.full_text();
    if (policy(error.kind()).ends_run || door.gave_up()) ending = error;
    if (outcome == Outcome::failed) add_failure({task.stream.name, task.partition.name, message, error.kind()});
  }
  add(counts);
  if (outcome != Outcome::cancelled && !door.gave_up()) {
    door.perform([&](store::Session& session) {
      session.ledger().finish_partition(fence_, run_id_, task.stream.name, task.partition.name,
                                        std::string(name_of(outcome)), 0, message);
    });
  }
  observer_.on_event(event::PartitionFinished{scope(task), std::string(name_of(outcome)), counts, message});
  if (ending) throw Error(*ending);
}

void OfflineRun::add(const Counts& counts) {
  const std::lock_guard lock(mutex_);
  report_.counts += counts;
}

void OfflineRun::add_failure(PartitionFailure failure) {
  const std::lock_guard lock(mutex_);
  report_.failures.push_back(std::move(failure));
}

void OfflineRun::add_partitions(std::int64_t count) {
  const std::lock_guard lock(mutex_);
  report_.partitions += count;
}

void OfflineRun::end_with(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (!report_.error) report_.error = error;
}

Outcome OfflineRun::outcome() const {
  if (report_.error) return report_.error->kind() == ErrorKind::cancelled ? Outcome::cancelled : Outcome::failed;
  if (asked_to_stop_.stop_requested()) return Outcome::cancelled;
  if (report_.failures.empty()) return Outcome::succeeded;
  return report_.failures.size() < static_cast<std::size_t>(report_.partitions) ? Outcome::partial : Outcome::failed;
}

void OfflineRun::close() {
  close_run({open_, lane_, fence_, scope(), observer_}, report_);
}

}  // namespace surveysync::sync
