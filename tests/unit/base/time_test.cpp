#include "base/time.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>

using namespace std::chrono_literals;

namespace surveysync {
namespace {

TEST(SystemClock, WaitEndsAtItsTime) {
  SystemClock clock;
  const SteadyTime until = clock.now() + 5ms;
  EXPECT_TRUE(clock.wait_until(until, {}));
  EXPECT_GE(clock.now(), until);
  EXPECT_TRUE(clock.wait_for(-1s, {})) << "a time in the past is over at once";
}

TEST(SystemClock, WaitEndsAtOnceOnStop) {
  SystemClock clock;
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_FALSE(clock.wait_for(1h, stop.get_token()));
  EXPECT_FALSE(clock.wait_for(1h, stop.get_token())) << "also when stopped on entry";
  EXPECT_FALSE(clock.wait_for(-1s, stop.get_token()));
}

TEST(Deadline, CountsDownToZeroAndNotBelow) {
  SystemClock clock;
  EXPECT_TRUE(Deadline(clock, -1s).passed());
  EXPECT_EQ(Deadline(clock, -1s).left(), Duration::zero());
  const Deadline later(clock, 1h);
  EXPECT_FALSE(later.passed());
  EXPECT_GT(later.left(), 59min);
}

TEST(Backoff, DoublesItsCeilingUpToTheCap) {
  const Backoff backoff(500ms, 60s);
  EXPECT_EQ(backoff.wait(1, 0.5), 250ms);
  EXPECT_EQ(backoff.wait(2, 0.5), 500ms);
  EXPECT_EQ(backoff.wait(4, 0.25), 1s);
  EXPECT_EQ(backoff.wait(8, 0.5), 30s);
  EXPECT_EQ(backoff.wait(1000000, 0.5), 30s);
  EXPECT_EQ(backoff.wait(3, 0.0), 0ns);
  EXPECT_EQ(Backoff(5s, 1s).wait(1, 0.5), 500ms) << "the cap wins over the base";
}

TEST(Random, DrawsDifferAndStayInRange) {
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 100; ++i) {
    const double draw = random_unit();
    EXPECT_GE(draw, 0.0);
    EXPECT_LT(draw, 1.0);
    seen.insert(random_u64());
  }
  EXPECT_EQ(seen.size(), 100U);
}

TEST(ParseDuration, TakesWholeNumbersWithAUnit) {
  EXPECT_EQ(parse_duration("500ms"), 500ms);
  EXPECT_EQ(parse_duration("90s"), 90s);
  EXPECT_EQ(parse_duration("15m"), 15min);
  EXPECT_EQ(parse_duration("2h"), 2h);
  EXPECT_EQ(parse_duration("7d"), 168h);
  EXPECT_EQ(parse_duration("0s"), 0s);
  for (const char* bad :
       {"", "s", "15", "15 m", "-1s", "1.5h", "1h30m", "90S", "99999999999999999999s", "999999999999d"}) {
    EXPECT_FALSE(parse_duration(bad)) << bad;
  }
}

TEST(FormatDuration, IsTheShortestExactForm) {
  EXPECT_EQ(format_duration(500ms), "500ms");
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(900s), "15m");
  EXPECT_EQ(format_duration(7200s), "2h");
  EXPECT_EQ(format_duration(168h), "7d");
  EXPECT_EQ(format_duration(0s), "0s");
  EXPECT_EQ(format_duration(1499us), "1ms");
}

TEST(FormatUtc, IsIsoWithAFractionOnlyWhenThereIsOne) {
  const auto at = [](std::int64_t micros) { return UtcTime(std::chrono::microseconds(micros)); };
  EXPECT_EQ(format_utc(at(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_utc(at(1795287420LL * 1000000)), "2026-11-21T18:57:00Z");
  EXPECT_EQ(format_utc(at(1795287420LL * 1000000 + 120)), "2026-11-21T18:57:00.00012Z");
  EXPECT_EQ(format_utc(at(-1)), "1969-12-31T23:59:59.999999Z");
}

}  // namespace
}  // namespace surveysync
