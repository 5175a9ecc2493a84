#pragma once
// A wait that somebody else can end. A ring that comes while nobody waits is kept for the next wait. Thread-safe; one
// thread waits.

#include <mutex>
#include <stop_token>

#include "base/time.h"

namespace surveysync::app {

class Doorbell {
 public:
  explicit Doorbell(Clock& clock) : clock_(clock) {}

  void ring() {
    const std::lock_guard lock(mutex_);
    bell_.request_stop();
  }
  /// Until `time` is over, a ring, or stop. False on stop.
  bool wait(Duration time, const std::stop_token& stop) {
    std::stop_token rung;
    {
      const std::lock_guard lock(mutex_);
      rung = bell_.get_token();
    }
    const std::stop_callback forward(stop, [this] { ring(); });
    clock_.wait_for(time, rung);
    const std::lock_guard lock(mutex_);
    if (bell_.stop_requested()) bell_ = std::stop_source();
    return !stop.stop_requested();
  }

 private:
  Clock& clock_;
  std::mutex mutex_;
  std::stop_source bell_;
};

}  // namespace surveysync::app
