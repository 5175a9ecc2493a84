#pragma once
// The simulated vendor's own time. Thread-safe.

#include <atomic>
#include <optional>

#include "base/time.h"
#include "sandbox/zone.h"

namespace surveysync::sandbox {

/// The sandbox's own time: runs like the real one, from wherever it was set, and can be pushed forward.
class VendorClock {
 public:
  /// `start`: what it shows first; the real time when empty. `skew` is added.
  VendorClock(Clock& real, std::optional<Seconds> start, Duration skew);
  Seconds now() const;
  /// Grows steadily; for limits and caches.
  Duration elapsed() const;
  void advance(Duration by);
  Clock& real() const { return *real_; }

 private:
  Clock* real_;
  SteadyTime begin_;
  Seconds start_;
  std::atomic<std::int64_t> pushed_{0};
};

}  // namespace surveysync::sandbox
