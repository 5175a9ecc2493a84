#include "sync/agenda.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/error.h"

namespace surveysync::sync {

static void PrintTo(const Due& found, std::ostream* out) {
  *out << format_utc(found.at) << " (" << found.reason << ")";
}

namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

/// Midnight of Sunday, 2026-11-22; the schedule of the tests is 02:15 UTC each day.
const UtcTime kDay{std::chrono::sys_days(std::chrono::year(2026) / 11 / 22)};
const UtcTime kTime = kDay + hours(2) + minutes(15);
constexpr hours kOneDay{24};

PastRun run(UtcTime started, const std::string& outcome, seconds elapsed = minutes(5)) {
  return {started, started + elapsed, "incremental", outcome};
}
PastRun open_run(UtcTime started) {
  return {started, std::nullopt, "incremental", ""};
}

AgendaQuestion question(UtcTime now, std::vector<PastRun> runs, Duration jitter = {}) {
  return {"us", Schedule{"15 2 * * *", "UTC", jitter}, std::move(runs), now};
}
Due due(UtcTime at, const std::string& reason) {
  return {at, reason};
}
TEST(AgendaTest, ASourceThatNeverRanIsDueAtOnce) {
  EXPECT_EQ(next_run(question(kDay, {})), due(kDay, "first"));
}

TEST(AgendaTest, WaitsForTheScheduledTime) {
  EXPECT_EQ(next_run(question(kTime - hours(1), {run(kTime - kOneDay, "succeeded")})), due(kTime, "scheduled"));
  EXPECT_EQ(next_run(question(kTime + seconds(1), {run(kTime - kOneDay, "succeeded")})), due(kTime, "scheduled"));
}

TEST(AgendaTest, AMissedTimeIsRunOnceAsSoonAsPossible) {
  EXPECT_EQ(next_run(question(kTime + hours(3), {run(kTime - kOneDay, "succeeded")})), due(kTime, "missed"));
}

TEST(AgendaTest, ManyMissedTimesAreRunOnce) {
  const UtcTime now = kTime + hours(3);
  const std::optional<Due> found = next_run(question(now, {run(kTime - 10 * kOneDay, "succeeded")}));
  ASSERT_TRUE(found);
  EXPECT_LE(found->at, now);
  EXPECT_EQ(found->reason, "missed");
  // That run done, the next is tomorrow's.
  EXPECT_EQ(next_run(question(now + minutes(5), {run(now, "succeeded")})), due(kTime + kOneDay, "scheduled"));
}

TEST(AgendaTest, ARunByAnybodySatisfiesTheTimesBeforeIt) {
  const UtcTime tomorrow = kTime + kOneDay;
  EXPECT_EQ(next_run(question(kTime + minutes(30), {run(kTime, "succeeded")})), due(tomorrow, "scheduled"));
  EXPECT_EQ(next_run(question(kTime + minutes(30), {run(kTime + seconds(3), "succeeded")})),
            due(tomorrow, "scheduled"));
  // One that began before the time does not, even when it ended after it.
  EXPECT_EQ(next_run(question(kTime + minutes(30), {run(kTime - seconds(1), "succeeded")})), due(kTime, "missed"));
}

TEST(AgendaTest, ARunUnderWaySatisfiesToo) {
  EXPECT_EQ(next_run(question(kTime + minutes(1), {open_run(kTime), run(kTime - kOneDay, "failed")})),
            due(kTime + kOneDay, "scheduled"));
  EXPECT_EQ(next_run({"us", std::nullopt, {open_run(kTime)}, kTime + minutes(1)}), std::nullopt);
}

/// `failures` runs that failed, the newest ending at `ended`, and a good one before them.
std::vector<PastRun> failed(int failures, UtcTime ended, const std::string& outcome = "failed") {
  std::vector<PastRun> runs;
  for (int i = 0; i < failures; ++i)
    runs.push_back(run(ended - minutes(5) - i * hours(2), outcome));
  runs.push_back(run(ended - kOneDay, "succeeded"));
  return runs;
}

TEST(AgendaTest, FailuresInARowWaitLongerAndLonger) {
  const UtcTime ended = kTime + hours(2);
  const int minutes_of[] = {1, 2, 4, 8, 16, 32, 60, 60, 60, 60};
  for (int failures = 1; failures <= 10; ++failures) {
    const std::optional<Due> found = next_run(question(ended, failed(failures, ended)));
    const seconds wait = minutes(minutes_of[failures - 1]);
    ASSERT_TRUE(found);
    EXPECT_GE(found->at, ended + wait) << failures;
    EXPECT_LE(found->at, ended + wait + wait / 2) << failures;
    EXPECT_EQ(found->reason, "again after a failed run");
  }
}

TEST(AgendaTest, TheWaitsOfManySourcesAreSpreadUpToHalfAsMuchAgain) {
  const UtcTime ended = kTime + hours(2);
  std::vector<UtcTime> times;
  for (int i = 0; i < 200; ++i) {
    AgendaQuestion asked = question(ended, failed(7, ended));
    asked.source = "source" + std::to_string(i);
    times.push_back(next_run(asked)->at);
  }
  const auto [first, last] = std::minmax_element(times.begin(), times.end());
  EXPECT_GE(*first, ended + hours(1));
  EXPECT_LT(*first, ended + minutes(62));
  EXPECT_GT(*last, ended + minutes(88));
  EXPECT_LT(*last, ended + minutes(90));
}

TEST(AgendaTest, WhateverDidNotSucceedIsRunAgain) {
  const UtcTime ended = kTime + hours(2);
  for (const std::string outcome : {"failed", "partial", "cancelled"}) {
    const std::optional<Due> found = next_run(question(ended, failed(1, ended, outcome)));
    ASSERT_TRUE(found);
    EXPECT_GE(found->at, ended + minutes(1));
    EXPECT_LE(found->at, ended + seconds(90));
    EXPECT_EQ(found->reason, "again after a " + outcome + " run");
  }
}

TEST(AgendaTest, AnAbandonedRunCountsFromWhenItWasClosed) {
  // Killed an hour into its work, closed as failed by the next process.
  const UtcTime closed = kTime + hours(1);
  const std::optional<Due> found =
      next_run(question(closed, {run(kTime, "failed", hours(1)), run(kTime - kOneDay, "succeeded")}));
  ASSERT_TRUE(found);
  EXPECT_GE(found->at, closed + minutes(1));
  EXPECT_LE(found->at, closed + seconds(90));
  // Closed in time or not: without an end, its start counts.
  const std::optional<Due> endless = next_run(question(closed, {{kTime, std::nullopt, "incremental", "failed"}}));
  ASSERT_TRUE(endless);
  EXPECT_LT(endless->at, closed);
}

TEST(AgendaTest, AMixOfFailuresIsOneRowOfFailures) {
  const UtcTime ended = kTime + hours(8);
  std::vector<PastRun> runs = failed(3, ended);
  runs[1].outcome = "partial";
  EXPECT_GE(next_run(question(ended, runs))->at, ended + minutes(4));
  runs[2].outcome = "cancelled";
  EXPECT_GE(next_run(question(ended, runs))->at, ended + minutes(2));
  EXPECT_LE(next_run(question(ended, runs))->at, ended + minutes(3)) << "what was stopped did not fail";
  // A good run between ends the row; what lies behind it does not count.
  runs[1].outcome = "succeeded";
  EXPECT_LE(next_run(question(ended, runs))->at, ended + seconds(90));
}

TEST(AgendaTest, ABackOffIsNeverLaterThanTheSchedule) {
  const UtcTime ended = kTime - seconds(30);
  EXPECT_EQ(next_run(question(ended, failed(5, ended))), due(kTime, "scheduled"));
  for (int failures = 1; failures <= 10; ++failures) {
    for (const minutes before : {minutes(1), minutes(20), minutes(59), minutes(100)}) {
      EXPECT_LE(next_run(question(kTime - before, failed(failures, kTime - before)))->at, kTime);
    }
  }
}

TEST(AgendaTest, TimesThatCameDuringAFailedRunAreMadeUpForByItsRepetition) {
  // It began before 02:15 and failed after it: it is not run again at once, as if it had been missed.
  const UtcTime ended = kTime + minutes(10);
  const std::optional<Due> found = next_run(question(ended, {run(kTime - minutes(1), "failed", minutes(11))}));
  ASSERT_TRUE(found);
  EXPECT_GE(found->at, ended + minutes(1));
}

TEST(AgendaTest, ABackOffThatIsLongOverIsDue) {
  const UtcTime ended = kTime - 3 * kOneDay;
  EXPECT_LT(next_run(question(kTime, failed(4, ended)))->at, kTime);
}

TEST(AgendaTest, WithoutAScheduleOnlyWhatFailedIsRunAgain) {
  EXPECT_EQ(next_run({"us", std::nullopt, {}, kTime}), std::nullopt);
  EXPECT_EQ(next_run({"us", std::nullopt, {run(kTime - kOneDay, "succeeded")}, kTime}), std::nullopt);
  const std::optional<Due> found = next_run({"us", std::nullopt, failed(1, kTime), kTime});
  ASSERT_TRUE(found);
  EXPECT_GE(found->at, kTime + minutes(1));
}

TEST(AgendaTest, JitterIsTheSameForTheSameSourceAndTime) {
  const std::vector<PastRun> runs = {run(kTime - kOneDay, "succeeded")};
  const std::optional<Due> found = next_run(question(kDay, runs, minutes(10)));
  ASSERT_TRUE(found);
  EXPECT_GE(found->at, kTime);
  EXPECT_LT(found->at, kTime + minutes(10));
  // Whenever it is asked, and whatever ran before that time.
  EXPECT_EQ(next_run(question(kDay + hours(1), runs, minutes(10))), found);
  EXPECT_EQ(next_run(question(kDay + hours(2), {run(kDay, "succeeded")}, minutes(10))), found);
  // Another day has another.
  const std::optional<Due> tomorrow = next_run(question(kTime + hours(1), {run(kTime, "succeeded")}, minutes(10)));
  EXPECT_NE(tomorrow->at - kOneDay, found->at);
}

TEST(AgendaTest, JitterIsSpreadOverSources) {
  std::vector<int> tenths(10);
  for (int i = 0; i < 1000; ++i) {
    AgendaQuestion asked = question(kDay, {run(kTime - kOneDay, "succeeded")}, minutes(10));
    asked.source = "source" + std::to_string(i);
    const auto late = next_run(asked)->at - kTime;
    ASSERT_GE(late, minutes(0));
    ASSERT_LT(late, minutes(10));
    ++tenths[static_cast<std::size_t>(late / minutes(1))];
  }
  EXPECT_GT(*std::min_element(tenths.begin(), tenths.end()), 60);
  EXPECT_LT(*std::max_element(tenths.begin(), tenths.end()), 140);
}

TEST(AgendaTest, JitterNeverReachesTheNextTime) {
  for (int i = 0; i < 300; ++i) {
    AgendaQuestion asked = question(kDay, {run(kDay - minutes(1), "succeeded")}, hours(20));
    asked.source = "source" + std::to_string(i);
    asked.schedule->cron = "*/15 * * * *";
    EXPECT_GE(next_run(asked)->at, kDay);
    EXPECT_LT(next_run(asked)->at, kDay + minutes(15));
  }
}

TEST(AgendaTest, ARunBetweenTheTimeAndItsJitterSatisfiesIt) {
  const std::optional<Due> found =
      next_run(question(kTime + seconds(2), {run(kTime + seconds(1), "succeeded")}, minutes(10)));
  ASSERT_TRUE(found);
  EXPECT_GE(found->at, kTime + kOneDay);
}

TEST(AgendaTest, WhatTheLastRunSatisfiedIsNotLostWhenTheClockIsSetBackALittle) {
  const UtcTime started = kTime + seconds(2);
  EXPECT_EQ(next_run(question(started - minutes(4), {run(started, "succeeded")})), due(kTime + kOneDay, "scheduled"));
  const std::optional<Due> again = next_run(question(started, failed(1, started + minutes(4))));
  EXPECT_GE(again->at, started + minutes(5));
}

TEST(AgendaTest, ARunOfAWrongClockDoesNotStopTheSchedule) {
  const UtcTime wrong = kTime + 1000 * kOneDay;
  EXPECT_EQ(next_run(question(kDay, {run(wrong, "succeeded")})), due(kDay, "the clock was set back"));
  EXPECT_EQ(next_run(question(kDay, {open_run(wrong)})), due(kDay, "the clock was set back"));
  EXPECT_EQ(next_run(question(kDay, failed(3, wrong))), due(kDay, "again after a failed run"));
  // The run that followed is the newest, with a time of its own: all is as ever.
  EXPECT_EQ(next_run(question(kDay + minutes(9), {run(kDay, "succeeded"), run(wrong, "succeeded")})),
            due(kTime, "scheduled"));
}

TEST(AgendaTest, TheWallClockOfTheZoneDecides) {
  AgendaQuestion asked = question(kDay, {run(kDay, "succeeded")});
  asked.schedule->zone = "America/New_York";
  EXPECT_EQ(next_run(asked), due(kDay + hours(7) + minutes(15), "scheduled"));
}

TEST(AgendaTest, AScheduleThatNeverComesIsNothing) {
  AgendaQuestion asked = question(kDay, {run(kDay, "succeeded")}, minutes(1));
  asked.schedule->cron = "0 0 30 2 *";
  EXPECT_EQ(next_run(asked), std::nullopt);
}

TEST(AgendaTest, AWrongScheduleIsAConfigurationError) {
  AgendaQuestion asked = question(kDay, {run(kDay, "succeeded")});
  asked.schedule->cron = "often";
  EXPECT_THROW((void)next_run(asked), Error);
}

}  // namespace
}  // namespace surveysync::sync
