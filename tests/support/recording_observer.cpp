#include "support/recording_observer.h"

namespace surveysync::test {

void RecordingObserver::on_event(const Event& event) noexcept {
  const std::lock_guard lock(mutex_);
  events_.push_back(event);
}

std::vector<Event> RecordingObserver::events() const {
  const std::lock_guard lock(mutex_);
  return events_;
}

void RecordingObserver::clear() {
  const std::lock_guard lock(mutex_);
  events_.clear();
}

}  // namespace surveysync::test
