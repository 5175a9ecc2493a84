#pragma once
// The time that signatures carry: the host's, corrected by what the vendor's answers showed, once it refused one. A
// signature is refused when the two clocks are minutes apart, and a person hears of it while the calls go on.
// Thread-safe, never throws.

#include <mutex>
#include <optional>

#include "base/time.h"

namespace surveysync::http {

/// Clocks that are less apart are said to agree.
inline constexpr Duration kClocksAgree = std::chrono::seconds(60);

class SigningClock {
 public:
  /// A moment to sign with, and how far from the host's time it was put.
  struct Moment {
    UtcTime time{};
    Duration correction{};
  };
  struct Lesson {
    bool repeat = false;              ///< the signature's time was wrong, the next one's will not be
    std::optional<Duration> wrong{};  ///< the host is behind the vendor by so much (negative: ahead), newly learned
  };

  /// `clock` outlives it.
  explicit SigningClock(const Clock& clock) : clock_(clock) {}

  Moment now() const;
  /// A call signed at `moment` was refused by a vendor whose clock showed `vendor_time` then. `about_time`: it said
  /// that the time is why.
  Lesson refused(const Moment& moment, std::optional<UtcTime> vendor_time, bool about_time);

 private:
  const Clock& clock_;
  mutable std::mutex mutex_;
  Duration correction_{};
};

}  // namespace surveysync::http
