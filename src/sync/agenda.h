#pragma once
// When a source runs next: a pure function of its schedule, of what ran before and of the clock, so that a restart and
// a second daemon come to the same answer. Rules: a time that was missed is run once, as soon as possible; a run by
// anybody at or after the scheduled time satisfies it; after failure a growing back-off comes before the schedule; the
// jitter of a time is the same in every process. Pure, any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace surveysync::sync {

/// Five fields (minute hour day-of-month month day-of-week; lists, ranges, steps, names) or @hourly, @daily, @midnight,
/// @weekly, @monthly, @yearly, @annually, as in crontab(5): when both day fields are restricted (do not begin with *),
/// either may match, otherwise both must.
class Cron {
 public:
  /// Throws Error(config) saying which field is wrong.
  static Cron parse(const std::string& text);
  /// The first time after `after` by the wall clock of `zone` (an IANA name). A time that the clock skips runs at the
  /// first moment after the gap; one that comes twice runs the first time only, unless the hour field is
  /// a *. Empty when there is none within ten years.
  /// Throws Error(config) for an unknown zone.
  std::optional<UtcTime> next(UtcTime after, const std::string& zone) const;

 private:
  std::uint64_t minutes_ = 0;
  std::uint32_t hours_ = 0, days_ = 0, months_ = 0, weekdays_ = 0;
  bool any_hour_ = false, any_day_ = false, any_weekday_ = false;
};

struct Schedule {
  std::string cron, zone = "UTC";
  Duration jitter{};  ///< each time is delayed by between zero and this, spread by source and time
};

/// A run that was tried before, by any process.
struct PastRun {
  UtcTime started_at{};
  std::optional<UtcTime> finished_at;
  std::string kind, outcome;  ///< as in surveysync.run; outcome empty while it runs
};

struct Due {
  UtcTime at{};
  std::string reason;  ///< "scheduled", "missed", "first", "again after a failed run", ...
  bool operator==(const Due&) const = default;
};

/// What decides.
struct AgendaQuestion {
  std::string source;
  std::optional<Schedule> schedule;  ///< none: only what failed is run again
  std::vector<PastRun> runs;  ///< incremental runs, newest first; as many as there were failures in a row, plus one
  UtcTime now{};
};
/// Nothing: only when asked, or the schedule never comes. A source with a schedule that never ran is due at once. After
/// a run that failed, or was partial, or was cancelled, or did not balance: after 1 min, 2 min, 4 min ... at most an
/// hour, each with full jitter upward (up to half as much again), but at the next scheduled time if that is earlier. A
/// run that is under way satisfies like one that went well. A newest run that lies more than five minutes ahead was
/// written by a wrong clock: due at once. `at` may lie in the past: then it is due. Throws Error(config).
std::optional<Due> next_run(const AgendaQuestion& question);

}  // namespace surveysync::sync
