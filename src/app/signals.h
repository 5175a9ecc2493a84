#pragma once
// The thread that waits for the signals that main blocked. The first one that ends us asks everything to stop; a second
// one ends the process at once, and so does the stop deadline when something does not end in time, since every page is
// one transaction and nothing can be left half done.

#include <atomic>
#include <functional>
#include <stop_token>
#include <thread>

#include "base/time.h"

namespace surveysync::app {

struct SignalOptions {
  /// Called on the thread with the number of the first signal, after stop was requested.
  std::function<void(int)> first;
  /// Called on the thread for SIGHUP. Empty: SIGHUP ends us like the others.
  std::function<void()> hangup;
  /// From the first signal to the end by force.
  Duration stop_deadline = std::chrono::seconds(5);
  /// Called just before the end by force.
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

 private:
  void watch();
  void take(int signal);
  std::stop_source stop_;
  const SignalOptions options_;
  std::atomic<int> received_ = 0;
  int signals_ = -1, wake_ = -1, timer_ = -1;  // descriptors
  std::thread thread_;
};

}  // namespace surveysync::app
