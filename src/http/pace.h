#pragma once
// What the account's failures mean for everybody's pace: throttling rests and slows the account, a vendor time-out
// rests it and explains the 400s that follow. One per client, shared by its workers. Thread-safe, never throws.

#include <mutex>
#include <optional>

#include "http/advice.h"
#include "http/limiter.h"

namespace surveysync::http {

class Pace {
 public:
  /// References outlive the object. `cooldown` is the rest after a vendor time-out.
  Pace(Limiter& limiter, Duration window, Duration cooldown, Clock& clock);

  /// Takes in what the headers of any answer say.
  void heed(const Advice& advice);
  /// A call that was sent at `sent_at` was throttled. Rests and slows the account; returns the rest.
  Duration throttled(SteadyTime sent_at, std::optional<Duration> advised);
  /// A call was refused because an identical one was made lately: slows the account, without a rest.
  void repeat_refused() { slow_down(); }
  /// The vendor failed (5xx) or did not answer in time.
  void trouble(bool timed_out);
  /// An answer was fine.
  void fine();

  /// Why a 400 may be the vendor's and not ours.
  enum class Echo {
    none,
    certain,   ///< it follows a time-out or a 5xx closely: the vendor answers 400 to everything then
    possible,  ///< trouble was a while ago, or the process is young and an earlier one may have caused it
  };
  Echo echo(SteadyTime sent_at) const;
  /// Rests the account for the cooldown, because an echo was heard.
  Duration cool_down();

 private:
  void slow_down();

  Limiter& limiter_;
  const Duration window_, cooldown_;
  Clock& clock_;
  const SteadyTime born_;
  mutable std::mutex mutex_;
  std::optional<SteadyTime> slowed_at_, throttled_at_, trouble_at_;
  int throttled_in_a_row_ = 0;
};

}  // namespace surveysync::http
