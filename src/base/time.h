#pragma once
// The only clock, the only wait, the only randomness. Every blocking act takes a Deadline and a stop token from here.
// Clock is a virtual seam: SystemClock in the product, ManualClock in tests (tests/support). All members are
// thread-safe.

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace surveysync {

using Duration = std::chrono::nanoseconds;
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, Duration>;
/// Microseconds since 1970-01-01 00:00 UTC: the resolution of PostgreSQL's timestamptz.
using UtcTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual SteadyTime now() const = 0;
  virtual UtcTime utc_now() const = 0;
  /// Blocks until `until` or stop; false when stopped (also when already stopped on entry).
  virtual bool wait_until(SteadyTime until, const std::stop_token& stop) = 0;
  bool wait_for(Duration time, const std::stop_token& stop) { return wait_until(now() + time, stop); }
};

class SystemClock final : public Clock {
 public:
  SteadyTime now() const override;
  UtcTime utc_now() const override;
  bool wait_until(SteadyTime until, const std::stop_token& stop) override;
};

/// A point in steady time by which something must be over.
class Deadline {
 public:
  Deadline(const Clock& clock, Duration from_now) : clock_(&clock), at_(clock.now() + from_now) {}
  SteadyTime at() const { return at_; }
  bool passed() const { return clock_->now() >= at_; }
  /// Time left, never negative.
  Duration left() const;

 private:
  const Clock* clock_;
  SteadyTime at_;
};

/// Full jitter (a uniform draw between zero and a doubling ceiling): AWS Architecture Blog, "Exponential Backoff And
/// Jitter".
class Backoff {
 public:
  Backoff(Duration base, Duration cap) : base_(base), cap_(cap) {}
  /// The wait before attempt number `attempt` (1 for the first retry), given a uniform draw in [0,1).
  Duration wait(int attempt, double uniform_draw) const;

 private:
  Duration base_, cap_;
};

/// A uniform draw in [0,1). Thread-safe; not for secrets.
double random_unit();
/// A random number for nonces and holder names.
std::uint64_t random_u64();

/// `count` bytes from the operating system, fit for secrets. Throws std::system_error when it has none.
std::string random_bytes(std::size_t count);

/// "90s", "15m", "2h", "7d", "500ms" to a duration; empty when the text is none.
std::optional<Duration> parse_duration(std::string_view text);
/// The shortest exact of the forms above.
std::string format_duration(Duration time);
/// "2026-11-21T18:57:00Z", with a fraction only when there is one.
std::string format_utc(UtcTime time);

}  // namespace surveysync
