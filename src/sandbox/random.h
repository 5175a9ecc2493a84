#pragma once
// Repeatable draws for the simulated account: the same parts give the same sequence on every machine and in every run.
// Not random in any other sense and not for secrets of a real account. Values, any thread.

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace surveysync::sandbox {

/// SplitMix64 over a mixed key (seed, survey, response, question ...).
class Draw {
 public:
  explicit Draw(std::initializer_list<std::uint64_t> parts) {
    for (const std::uint64_t part : parts)
      state_ = mix(state_ ^ (part + 0x9e3779b97f4a7c15ULL + (state_ << 6)));
  }
  std::uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15ULL); }
  /// Uniform in [0, limit); limit above zero.
  std::int64_t below(std::int64_t limit) {
    return static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(limit));
  }
  std::size_t index(std::size_t size) { return static_cast<std::size_t>(next() % size); }
  /// True in `permille` of 1000 draws.
  bool chance(int permille) { return below(1000) < permille; }
  /// `digits` lower-case hexadecimal digits.
  std::string hex(int digits) {
    std::string out;
    while (static_cast<int>(out.size()) < digits)
      out.push_back("0123456789abcdef"[next() & 15U]);
    return out;
  }
  /// One element of an array or vector.
  template <typename Items>
  const auto& pick(const Items& items) {
    return items[index(std::size(items))];
  }

 private:
  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  std::uint64_t state_ = 0x5ca1ab1e5ca1ab1eULL;
};

}  // namespace surveysync::sandbox
