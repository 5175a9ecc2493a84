#pragma once
// The thread that waits for the signals that main blocked. The first one that ends us asks everything to stop; a second
// one ends the process at once, and so does the stop deadline when something does not end in time, since every page is
// one transaction and nothing can be left half done. That thread waits for nothing else: what is said about it (a log
// whose reader stands still takes no line) is said on threads of its own.

#include <atomic>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

#include "base/time.h"

namespace surveysync::app {

struct SignalOptions {
  /// Called with the number of the first signal, after stop was requested, on a thread of its own.
  std::function<void(int)> first;
  /// Called on the thread for SIGHUP; must not block. Empty: SIGHUP ends us like the others.
  std::function<void()> hangup;
  /// From the first signal to the end by force.
  Duration stop_deadline = std::chrono::seconds(5);
  /// Called just before the end by force, on a thread of its own, which is not waited for long.
  std::function<void()> late;
  /// The status of the process that is ended by force, for the signal that asked.
  int (*status)(int signal) = [](int signal) { return 128 + signal; };
};

class SignalWatch {
 public:
  SignalWatch(std::stop_source stop, SignalOptions options);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  /// The first signal; 0 while there was none.
  int received() const { return received_.load(); }
  /// From here on neither `hangup` nor `late` is called; waits for one that is under way. All else stays as it was.
  void forget_listeners();

 private:
  void watch();
  void take(int signal);
  [[noreturn]] void end_by_force(int signal);
  std::stop_source stop_;
  const SignalOptions options_;
  std::atomic<int> received_ = 0;
  std::atomic<bool> leaving_ = false, speaking_ = false;
  std::mutex calling_;                                     // held while a listener is called
  bool forgotten_ = false;                                 // guarded by it
  int signals_ = -1, wake_ = -1, timer_ = -1, said_ = -1;  // descriptors
  std::thread first_, thread_;
};

}  // namespace surveysync::app
