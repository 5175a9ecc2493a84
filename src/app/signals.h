#pragma once
// The thread that waits for the signals that main blocked. The first one asks everything to stop; a second one ends the
// process at once, since every page is one transaction and nothing can be left half done.

#include <atomic>
#include <functional>
#include <stop_token>
#include <thread>

namespace surveysync::app {

class SignalWatch {
 public:
  /// Starts the thread. `first` is called on it with the number of the first signal, after stop was requested.
  SignalWatch(std::stop_source stop, std::function<void(int)> first);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  /// The first signal; 0 while there was none.
  int received() const { return received_.load(); }

 private:
  void watch();
  std::stop_source stop_;
  std::function<void(int)> first_;
  std::atomic<int> received_ = 0;
  int signals_ = -1, wake_ = -1;  // descriptors
  std::thread thread_;
};

}  // namespace surveysync::app
