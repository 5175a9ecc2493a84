#pragma once
// Renews a run's lease at a third of its time, on a thread and a session of its own, from the moment it was taken until
// the end: planning may rest for minutes, workers may be busy. When the lease is lost the run is stopped, since nothing
// it writes would be taken any more. Database outages are waited out: the fence decides in the end.

#include <mutex>
#include <optional>
#include <thread>

#include "base/error.h"
#include "store/session.h"

namespace surveysync::sync {

class LeaseKeeper {
 public:
  /// Starts renewing. `run` is stopped when the lease is lost. References outlive this.
  LeaseKeeper(const store::OpenSession& open, store::Fence fence, Duration ttl, Clock& clock, std::stop_source run);
  /// Ends the renewing; does not release the lease.
  ~LeaseKeeper();
  LeaseKeeper(const LeaseKeeper&) = delete;
  LeaseKeeper& operator=(const LeaseKeeper&) = delete;

  /// Why the run was stopped, if it was the lease. Any thread.
  std::optional<Error> loss() const;

 private:
  void keep(const std::stop_token& stop);
  void renew(const std::stop_token& stop);

  const store::OpenSession& open_;
  const store::Fence fence_;
  const Duration ttl_;
  Clock& clock_;
  std::stop_source run_;
  mutable std::mutex mutex_;
  std::optional<Error> loss_;
  std::unique_ptr<store::Session> session_;  // of the thread
  std::jthread thread_;                      // last: ends before what it uses
};

}  // namespace surveysync::sync
