#pragma once
// A file descriptor that closes itself. Owned by one object; any thread.

#include <unistd.h>

#include <utility>

namespace surveysync {

class Descriptor {
 public:
  /// Takes it over; negative: none.
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor() { reset(); }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    reset();
    number_ = std::exchange(other.number_, -1);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return number_; }

 private:
  void reset() {
    if (number_ >= 0) ::close(number_);
  }
  int number_;
};

}  // namespace surveysync
