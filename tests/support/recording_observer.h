#pragma once
// An observer that remembers every event, for tests. Thread-safe.

#include <condition_variable>
#include <mutex>
#include <vector>

#include "base/event.h"

namespace surveysync::test {

class RecordingObserver final : public Observer {
 public:
  void on_event(const Event& event) noexcept override;

  /// All events so far, in order.
  std::vector<Event> events() const;
  /// All events of one kind.
  template <typename Kind>
  std::vector<Kind> all() const {
    const std::lock_guard lock(mutex_);
    std::vector<Kind> found;
    for (const Event& event : events_) {
      if (const Kind* one = std::get_if<Kind>(&event)) found.push_back(*one);
    }
    return found;
  }
  template <typename Kind>
  std::size_t count() const {
    return all<Kind>().size();
  }
  void clear();

 private:
  mutable std::mutex mutex_;
  std::vector<Event> events_;
};

}  // namespace surveysync::test
