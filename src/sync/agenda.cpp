#include "sync/agenda.h"

#include <algorithm>
#include <string_view>

namespace surveysync::sync {
namespace {

using std::chrono::microseconds;
using std::chrono::minutes;

constexpr minutes kFirstWait{1}, kLongestWait{60};
/// Clocks of hosts may differ by this much; a run that lies further ahead was written by a clock that was wrong.
constexpr minutes kClockSlack{5};
/// A daemon that wakes within this time of the schedule is in time.
constexpr minutes kInTime{1};

/// A number in [0,1) that every process draws alike for the same source and time: FNV-1a, then splitmix64's mixing.
double spread(std::string_view source, UtcTime time) {
  std::uint64_t hash = 0xCBF29CE484222325;
  const auto take = [&hash](std::uint64_t byte) { hash = (hash ^ byte) * 0x100000001B3; };
  for (const char c : source)
    take(static_cast<unsigned char>(c));
  for (int shift = 0; shift < 64; shift += 8)
    take(static_cast<std::uint64_t>(time.time_since_epoch().count()) >> shift & 0xFF);
  hash = (hash ^ hash >> 30) * 0xBF58476D1CE4E5B9;
  hash = (hash ^ hash >> 27) * 0x94D049BB133111EB;
  return static_cast<double>((hash ^ hash >> 31) >> 11) * 0x1p-53;
}

microseconds part_of(microseconds whole, double share) {
  return microseconds(static_cast<std::int64_t>(static_cast<double>(whole.count()) * share));
}

/// The first time of the schedule after `after`, its jitter added: less than what is left until the time after it.
std::optional<UtcTime> scheduled_after(UtcTime after, const Schedule& schedule, const std::string& source) {
  const Cron cron = Cron::parse(schedule.cron);
  const std::optional<UtcTime> time = cron.next(after, schedule.zone);
  const auto jitter = std::chrono::floor<microseconds>(schedule.jitter);
  if (!time || jitter <= microseconds::zero()) return time;
  const std::optional<UtcTime> following = cron.next(*time, schedule.zone);
  return *time + part_of(following ? std::min(jitter, *following - *time) : jitter, spread(source, *time));
}

/// Went well, or is going on.
bool satisfies(const PastRun& run) {
  return run.outcome == "succeeded" || (run.outcome.empty() && !run.finished_at);
}

/// 1, 2, 4 ... 60 minutes, and up to half as much again.
microseconds wait_after(std::ptrdiff_t failures, double share) {
  const std::ptrdiff_t doublings = std::min<std::ptrdiff_t>(failures - 1, 6);  // the sixth is beyond the cap
  const microseconds wait = std::min<microseconds>(kFirstWait * (1 << doublings), kLongestWait);
  return wait + part_of(wait / 2, share);
}

std::string reason_of(const PastRun& run) {
  return "again after a " + (run.outcome.empty() ? "failed" : run.outcome) + " run";
}

/// The newest run did not do its work: the back-off, and the schedule where it comes earlier.
Due again(const AgendaQuestion& question) {
  const PastRun& newest = question.runs.front();
  const UtcTime ended = std::max(newest.finished_at.value_or(newest.started_at), newest.started_at);
  // The clock was set back: when the run ended is not known, and the next one is told apart from it by its own time.
  if (ended > question.now + kClockSlack) return {question.now, reason_of(newest)};
  const auto first_good = std::find_if(question.runs.begin(), question.runs.end(), satisfies);
  // What was stopped did not fail: it makes nobody wait longer.
  const auto failures =
      std::count_if(question.runs.begin(), first_good, [](const PastRun& run) { return run.outcome != "cancelled"; });
  const microseconds wait = wait_after(std::max<std::ptrdiff_t>(failures, 1), spread(question.source, ended));
  Due due{ended + wait, reason_of(newest)};
  if (!question.schedule) return due;
  // Times that came while the run was at work are made up for by its repetition.
  const std::optional<UtcTime> scheduled = scheduled_after(ended, *question.schedule, question.source);
  if (scheduled && *scheduled < due.at) due = {*scheduled, "scheduled"};
  return due;
}

}  // namespace

std::optional<Due> next_run(const AgendaQuestion& question) {
  if (!question.runs.empty() && !satisfies(question.runs.front())) return again(question);
  if (!question.schedule) return std::nullopt;
  if (question.runs.empty()) return Due{question.now, "first"};
  const UtcTime started = question.runs.front().started_at;
  if (started > question.now + kClockSlack) return Due{question.now, "the clock was set back"};
  const std::optional<UtcTime> at = scheduled_after(started, *question.schedule, question.source);
  if (!at) return std::nullopt;
  return Due{*at, *at + kInTime < question.now ? "missed" : "scheduled"};
}

}  // namespace surveysync::sync
