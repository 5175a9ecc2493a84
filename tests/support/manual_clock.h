#pragma once
// A clock that only moves when told, so that no test sleeps. Two modes: by hand (waiters block until `advance` reaches
// them) and automatic (a wait moves the time itself and returns at once: single stories run through hours in
// microseconds). Thread-safe.

#include <condition_variable>
#include <mutex>

#include "base/time.h"

namespace surveysync::test {

class ManualClock final : public Clock {
 public:
  enum class Mode { by_hand, automatic };
  /// Starts at steady time one hour and at 2026-01-01 12:00 UTC.
  explicit ManualClock(Mode mode = Mode::automatic) : mode_(mode) {}

  SteadyTime now() const override;
  UtcTime utc_now() const override;
  bool wait_until(SteadyTime until, const std::stop_token& stop) override;

  /// Moves both times on and wakes whoever's time has come.
  void advance(Duration time);
  /// Sets the civil time without touching the steady one (a host whose clock is wrong).
  void set_utc(UtcTime time);
  /// Blocks (in real time, at most `patience`) until `count` threads wait on this clock; false if they do not come.
  bool await_waiters(int count, Duration patience = std::chrono::seconds(10));
  int waiters() const;

 private:
  const Mode mode_;
  mutable std::mutex mutex_;
  std::condition_variable_any moved_;
  SteadyTime now_{std::chrono::hours(1)};
  UtcTime utc_{std::chrono::sys_days(std::chrono::year(2026) / 1 / 1) + std::chrono::hours(12)};
  int waiters_ = 0;
};

}  // namespace surveysync::test
