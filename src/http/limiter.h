#pragma once
// How many calls the account still has, and until when it must rest. GCRA (generic cell rate algorithm, ITU-T I.371)
// with burst 1 over the account's share: simulated in shared/reliability.md 4.2 to cause no 429 on fixed and sliding
// windows. Slows down on throttling (a quarter less at once, one percent back per quiet window) and can only ever be
// slower than configured. Thread-safe.

#include <memory>
#include <mutex>
#include <stop_token>

#include "base/budget.h"
#include "base/time.h"

namespace surveysync::http {

struct LimiterOptions {
  int requests = 120;                          ///< our share in one window
  Duration window = std::chrono::seconds(60);  ///< the vendor's rate window
  bool operator==(const LimiterOptions&) const = default;
};

class Limiter {
 public:
  /// `budget`: what other processes of the account ask too; null: this process is alone.
  Limiter(LimiterOptions options, Clock& clock, std::shared_ptr<Budget> budget = nullptr);
  /// Blocks until a call may be made. Throws Error(cancelled) on stop, and Error(throttled) at once when that would be
  /// after `latest`. What the budget throws passes through.
  void acquire(const std::stop_token& stop, SteadyTime latest = SteadyTime::max());
  /// No call before now + `time`, for any worker; where there is a budget, other processes rest for at most two windows
  /// of it. A longer rest that is already set stays.
  void rest(Duration time);
  /// The server said that we are too fast: lowers the rate by a quarter (not below a tenth of the configured one).
  void slow_down();
  /// Time until which all calls rest; in the past when none do.
  SteadyTime resting_until() const;
  /// Requests per window that are allowed right now.
  double rate() const;

 private:
  SteadyTime own_slot(SteadyTime latest);
  SteadyTime shared_slot(const std::stop_token& stop, SteadyTime latest);
  double factor_locked(SteadyTime now) const;
  Duration interval_locked(SteadyTime now) const;
  Duration lateness_locked(SteadyTime now) const;
  const LimiterOptions options_;
  Clock& clock_;
  const std::shared_ptr<Budget> budget_;
  mutable std::mutex mutex_;
  SteadyTime next_{};  // theoretical arrival time of the next call
  SteadyTime rest_until_{};
  SteadyTime last_change_{};  // when the factor was last lowered; it grows back from there
  double factor_ = 1.0;
};

}  // namespace surveysync::http
