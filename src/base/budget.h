#pragma once
// The requests that an account may still be sent, shared by all processes that work for it. A virtual seam: asked by
// http/limiter, kept in PostgreSQL by store/shared_budget, scripted in tests. Thread-safe.

#include <optional>
#include <stop_token>

#include "base/time.h"

namespace surveysync {

class Budget {
 public:
  virtual ~Budget() = default;

  /// Takes the account's next free slot, which begins at least `interval` before the next one of any process. How long
  /// to wait until it begins; nothing, and nothing is taken, when that is more than `longest`. Throws
  /// Error(unavailable) when it cannot be asked, cancelled on stop.
  virtual std::optional<Duration> take(Duration interval, Duration longest, const std::stop_token& stop) = 0;

  /// No slot of any process begins before now + `time`. A longer rest that is already set stays. Never throws: a rest
  /// that cannot be shared is kept by the caller alone.
  virtual void rest(Duration time) noexcept = 0;
};

}  // namespace surveysync
