#pragma once
// Workers of a run that have nothing to do: whoever walks a very large partition takes them for parts of it, so that a
// run never has more workers than configured. Thread-safe.

#include <atomic>

namespace surveysync::sync {

class Hands {
 public:
  explicit Hands(int free = 0) : free_(free) {}
  /// A worker has nothing left to do.
  void give() { ++free_; }
  /// Takes one, if there is one; it is given back by give().
  bool try_take() {
    for (int free = free_.load(); free > 0;) {
      if (free_.compare_exchange_weak(free, free - 1)) return true;
    }
    return false;
  }

 private:
  std::atomic<int> free_;
};

}  // namespace surveysync::sync
