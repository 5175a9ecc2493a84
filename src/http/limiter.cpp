#include "http/limiter.h"

#include <algorithm>

#include "base/error.h"

namespace surveysync::http {
namespace {

constexpr double kSlower = 0.75;    // what one throttling leaves of the rate
constexpr double kSlowest = 0.1;    // of the configured rate
constexpr double kRecovery = 0.01;  // of the configured rate, back for each quiet window
constexpr Duration kLeastLateness = std::chrono::milliseconds(250);
constexpr Duration kLongestWait = std::chrono::hours(24);  // what a budget is ever asked for

[[noreturn]] void refuse(Duration wait) {
  throw Error(ErrorKind::throttled, "the account rests for longer than the call may take: " +
                                        format_duration(std::chrono::ceil<std::chrono::seconds>(wait)));
}

}  // namespace

Limiter::Limiter(LimiterOptions options, Clock& clock, std::shared_ptr<Budget> budget)
    : options_(options), clock_(clock), budget_(std::move(budget)) {
  if (options_.requests < 1 || options_.window <= Duration::zero()) {
    throw Error(ErrorKind::config, "a request limit needs at least one request and a window longer than zero");
  }
}

double Limiter::factor_locked(SteadyTime now) const {
  if (factor_ >= 1.0) return 1.0;
  const auto quiet_windows = static_cast<double>((now - last_change_) / options_.window);
  return std::min(1.0, factor_ + kRecovery * quiet_windows);
}

Duration Limiter::interval_locked(SteadyTime now) const {
  const double calls = options_.requests * factor_locked(now);
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::nano>(options_.window) / calls);
}

void Limiter::acquire(const std::stop_token& stop, SteadyTime latest) {
  for (;;) {
    const SteadyTime slot = budget_ ? shared_slot(stop, latest) : own_slot(latest);
    if (!clock_.wait_until(slot, stop)) {
      throw Error(ErrorKind::cancelled, "stopped while waiting for the request limit");
    }
    // A rest that was ordered while we waited holds for us too; the slot we had is given up, so that nobody bursts
    // after it. So is one that we wake up for late (a stopped process, a paused machine): others had the time since.
    const std::lock_guard lock(mutex_);
    const SteadyTime now = clock_.now();
    if (rest_until_ <= now && now - slot <= lateness_locked(now)) return;
  }
}

/// How late a slot may be used: not so late that it falls among others' slots, but a busy machine is not late.
Duration Limiter::lateness_locked(SteadyTime now) const {
  return std::max<Duration>(interval_locked(now), kLeastLateness);
}

/// The next slot of this process alone.
SteadyTime Limiter::own_slot(SteadyTime latest) {
  const std::lock_guard lock(mutex_);
  const SteadyTime now = clock_.now();
  const SteadyTime slot = std::max({next_, now, rest_until_});
  if (slot > latest) refuse(slot - now);
  next_ = slot + interval_locked(now);
  return slot;
}

/// The next slot of all processes. Our own rest is waited for first: it may be one that could not be shared.
SteadyTime Limiter::shared_slot(const std::stop_token& stop, SteadyTime latest) {
  SteadyTime rested;
  Duration interval;
  {
    const std::lock_guard lock(mutex_);
    const SteadyTime now = clock_.now();
    rested = std::max(rest_until_, now);
    if (rested > latest) refuse(rested - now);
    interval = interval_locked(now);
  }
  if (!clock_.wait_until(rested, stop)) {
    throw Error(ErrorKind::cancelled, "stopped while the account rests");
  }
  const Duration longest = std::clamp<Duration>(latest - clock_.now(), Duration::zero(), kLongestWait);
  const std::optional<Duration> wait = budget_->take(interval, longest, stop);
  if (!wait) refuse(longest);
  return clock_.now() + *wait;
}

void Limiter::rest(Duration time) {
  {
    const std::lock_guard lock(mutex_);
    rest_until_ = std::max(rest_until_, clock_.now() + time);
  }
  // The others begin again after two windows, and hear themselves what the vendor thinks by then: a long rest that
  // outlives whoever ordered it would fail runs that the vendor has nothing against.
  if (budget_) budget_->rest(std::min(time, 2 * options_.window));
}

void Limiter::slow_down() {
  const std::lock_guard lock(mutex_);
  const SteadyTime now = clock_.now();
  factor_ = std::max(kSlowest, factor_locked(now) * kSlower);
  last_change_ = now;
}

SteadyTime Limiter::resting_until() const {
  const std::lock_guard lock(mutex_);
  return rest_until_;
}

double Limiter::rate() const {
  const std::lock_guard lock(mutex_);
  return options_.requests * factor_locked(clock_.now());
}

}  // namespace surveysync::http
