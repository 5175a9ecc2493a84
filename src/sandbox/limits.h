#pragma once
// The account's request budget and the vendor's cache of identical GETs, with the counts that a test wants to see.
// Times are given by the caller (seconds of the sandbox's own clock, as nanoseconds). Thread-safe.

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/time.h"

namespace surveysync::sandbox {

struct LimitSpec {
  int requests = 240;
  Duration window{};
  Duration penalty{};  ///< how long everything is refused once the limit was passed
  Duration cache{};    ///< 0: off
  bool refuse_repeats = false;
};

class Limits {
 public:
  explicit Limits(const LimitSpec& spec) : spec_(spec) {}

  struct Verdict {
    bool admitted = false;
    int remaining = 0;
  };
  /// Counts one request of the account at `now`.
  Verdict admit(Duration now);

  /// An answer of the last `cache` to the same URL.
  std::shared_ptr<const std::string> cached(const std::string& url, Duration now);
  /// True when the same URL was answered within the cache's time, and repeats are to be refused.
  bool refuses(const std::string& url, Duration now);
  /// Remembers a complete 200.
  void remember(const std::string& url, std::shared_ptr<const std::string> body, Duration now);

  struct Counts {
    std::int64_t max_in_window = 0;  ///< the most requests in any window
    std::int64_t repeats = 0;        ///< requests for a URL that had a complete 200 within the cache's time
  };
  /// Notes any request, admitted or not, for counts().
  void note(const std::string& url, Duration now);
  Counts counts() const;

 private:
  struct Answer {
    Duration at;
    std::shared_ptr<const std::string> body;
  };
  void forget_old(Duration now);
  void drop_body(Answer& answer);
  Duration repeat_window() const { return spec_.cache > Duration::zero() ? spec_.cache : std::chrono::seconds(60); }

  LimitSpec spec_;
  mutable std::mutex mutex_;
  std::deque<Duration> admitted_, noted_;
  Duration blocked_until_{};
  std::unordered_map<std::string, Answer> answers_;
  std::deque<std::pair<Duration, std::string>> order_;
  std::size_t cached_bytes_ = 0;
  Counts counts_;
};

}  // namespace surveysync::sandbox
