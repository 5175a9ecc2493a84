#include "http/pace.h"

#include <algorithm>

namespace surveysync::http {
namespace {

constexpr Duration kLongestOwnRest = std::chrono::minutes(5);  // where the vendor gives no advice

}  // namespace

Pace::Pace(Limiter& limiter, Duration window, Duration cooldown, Clock& clock)
    : limiter_(limiter), window_(window), cooldown_(cooldown), clock_(clock), born_(clock.now()) {}

void Pace::slow_down() {
  {
    // Workers that are warned together are warned of the same thing.
    const std::lock_guard lock(mutex_);
    const SteadyTime now = clock_.now();
    if (slowed_at_ && now - *slowed_at_ < window_) return;
    slowed_at_ = now;
  }
  limiter_.slow_down();
}

void Pace::heed(const Advice& advice) {
  if (advice.running_low) slow_down();
  if (advice.exhausted) limiter_.rest(*advice.exhausted);
}

Duration Pace::throttled(SteadyTime sent_at, std::optional<Duration> advised) {
  Duration rest = advised.value_or(window_);
  {
    const std::lock_guard lock(mutex_);
    const bool same_incident = throttled_at_ && sent_at <= *throttled_at_;
    if (!same_incident) ++throttled_in_a_row_;
    throttled_at_ = clock_.now();
    if (!advised && throttled_in_a_row_ > 1) {
      const Duration longest = std::max(
          window_, std::min(kLongestOwnRest, Duration(window_ * (1LL << std::min(throttled_in_a_row_ - 1, 8)))));
      rest += Backoff(longest - window_, longest - window_).wait(1, random_unit());
    }
  }
  slow_down();
  limiter_.rest(std::min(rest, kLongestAdvice));
  return rest;
}

void Pace::trouble(bool timed_out) {
  {
    const std::lock_guard lock(mutex_);
    trouble_at_ = clock_.now();
  }
  if (timed_out) limiter_.rest(cooldown_);
}

void Pace::fine() {
  const std::lock_guard lock(mutex_);
  throttled_in_a_row_ = 0;
}

Pace::Echo Pace::echo(SteadyTime sent_at) const {
  const std::lock_guard lock(mutex_);
  if (trouble_at_ && sent_at <= *trouble_at_ + cooldown_) return Echo::certain;
  if (trouble_at_ && sent_at <= *trouble_at_ + 2 * cooldown_) return Echo::possible;
  return sent_at <= born_ + cooldown_ ? Echo::possible : Echo::none;
}

Duration Pace::cool_down() {
  limiter_.rest(cooldown_);
  return cooldown_;
}

}  // namespace surveysync::http
