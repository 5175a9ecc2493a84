#include "support/manual_clock.h"

namespace surveysync::test {

SteadyTime ManualClock::now() const {
  const std::lock_guard lock(mutex_);
  return now_;
}

UtcTime ManualClock::utc_now() const {
  const std::lock_guard lock(mutex_);
  return utc_;
}

bool ManualClock::wait_until(SteadyTime until, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (stop.stop_requested()) return false;
  if (mode_ == Mode::automatic) {
    if (until > now_) {
      utc_ += std::chrono::duration_cast<std::chrono::microseconds>(until - now_);
      now_ = until;
    }
    return true;
  }
  ++waiters_;
  moved_.notify_all();
  moved_.wait(lock, stop, [&] { return now_ >= until; });
  --waiters_;
  moved_.notify_all();
  return !stop.stop_requested();
}

void ManualClock::advance(Duration time) {
  const std::lock_guard lock(mutex_);
  now_ += time;
  utc_ += std::chrono::duration_cast<std::chrono::microseconds>(time);
  moved_.notify_all();
}

void ManualClock::set_utc(UtcTime time) {
  const std::lock_guard lock(mutex_);
  utc_ = time;
}

bool ManualClock::await_waiters(int count, Duration patience) {
  std::unique_lock lock(mutex_);
  return moved_.wait_for(lock, patience, [&] { return waiters_ >= count; });
}

int ManualClock::waiters() const {
  const std::lock_guard lock(mutex_);
  return waiters_;
}

}  // namespace surveysync::test
