#pragma once
// What fuzz targets say when a promise is broken: the promise, its place, and an abort that libFuzzer turns into a
// saved input. Also the two shapes of input that our readers ask for. One thread; nothing is thrown.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"

namespace surveysync::fuzz {

/// Prints and aborts.
[[noreturn]] inline void broken(const char* promise, const char* file, int line, const std::string& more = {}) {
  std::fprintf(stderr, "\nBROKEN PROMISE at %s:%d: %s%s%s\n", file, line, promise, more.empty() ? "" : "\n  ",
               more.c_str());
  std::abort();
}

// A macro, because the text of the promise and its line are the message.
#define SURVEYSYNC_PROMISE(promise, ...)                                                                 \
  do {                                                                                                   \
    if (!(promise)) ::surveysync::fuzz::broken(#promise, __FILE__, __LINE__ __VA_OPT__(, ) __VA_ARGS__); \
  } while (false)

/// Runs `act`; false when it threw Error(malformed). Any other kind breaks the promise, any other exception ends the
/// program.
template <class Act>
bool accepts(Act&& act) {
  try {
    act();
    return true;
  } catch (const Error& error) {
    SURVEYSYNC_PROMISE(error.kind() == ErrorKind::malformed, error.what());
    return false;
  }
}

/// A copy of `text` with exactly json::kPadding bytes behind it, so that the address sanitizer sees what reads further.
class Padded {
 public:
  explicit Padded(std::string_view text) : bytes_(new char[text.size() + json::kPadding]()), size_(text.size()) {
    text.copy(bytes_.get(), text.size());
  }
  std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_;
};

inline std::string_view view_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace surveysync::fuzz
