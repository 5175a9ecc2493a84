#pragma once
// Whether the threads of a lane get on, for the watchdog. A thread shows life by every event that it tells and by the
// turns of its own loops; nobody shows it in its place, least of all a timer. How long it may be silent depends on what
// it is at. Thread-safe.

#include <atomic>
#include <thread>

#include "base/event.h"
#include "base/time.h"

namespace surveysync::app {

/// The signs of life of one thread, and of those that work for it.
class Heartbeat {
 public:
  /// `clock` outlives it. From now on it may be silent for `silence`.
  Heartbeat(const Clock& clock, Duration silence) : clock_(clock), last_(clock.now()), silence_(silence) {}
  /// It got on.
  void beat() { last_ = clock_.now(); }
  /// It got on, and goes over to what may be silent for `silence`.
  void enter(Duration silence) {
    beat();
    silence_ = silence;
  }
  bool alive() const { return clock_.now() - last_.load() < silence_.load(); }

 private:
  const Clock& clock_;
  std::atomic<SteadyTime> last_;
  std::atomic<Duration> silence_;
};

/// Hands events on. Each is a sign of life of the thread that tells it: of the one thread that was named as apart, or
/// of the others, which work together.
class Pulse final : public Observer {
 public:
  /// All outlive it.
  Pulse(Observer& next, Heartbeat& others, Heartbeat& apart) : next_(next), others_(others), apart_(apart) {}
  /// The calling thread is the one apart.
  void stand_apart() { thread_ = std::this_thread::get_id(); }
  void on_event(const Event& event) noexcept override {
    (std::this_thread::get_id() == thread_.load() ? apart_ : others_).beat();
    next_.on_event(event);
  }

 private:
  Observer& next_;
  Heartbeat &others_, &apart_;
  std::atomic<std::thread::id> thread_;
};

}  // namespace surveysync::app
