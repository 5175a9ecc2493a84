#include <gtest/gtest.h>

#include <ostream>

#include "base/error.h"
#include "sync/agenda.h"

namespace surveysync::sync {
namespace {

/// "2026-03-08 07:00", in UTC.
UtcTime utc(const std::string& text) {
  const auto digits = [&](std::size_t at, std::size_t count) { return std::stoi(text.substr(at, count)); };
  const std::chrono::year_month_day day{std::chrono::year(digits(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(digits(5, 2))),
                                        std::chrono::day(static_cast<unsigned>(digits(8, 2)))};
  return UtcTime(std::chrono::sys_days(day)) + std::chrono::hours(digits(11, 2)) + std::chrono::minutes(digits(14, 2));
}

std::string text(std::optional<UtcTime> time) {
  return time ? format_utc(*time) : "never";
}

/// The next `count` times after `after`, without the year's first five characters and the seconds where they are zero.
std::vector<std::string> times(const std::string& cron, const std::string& zone, const std::string& after, int count) {
  std::vector<std::string> found;
  const Cron parsed = Cron::parse(cron);
  std::optional<UtcTime> time = utc(after);
  for (int i = 0; i < count && time; ++i) {
    time = parsed.next(*time, zone);
    found.push_back(time ? text(time).substr(0, 16) : "never");
  }
  return found;
}

struct Form {
  std::string cron, after, expected;
};
std::ostream& operator<<(std::ostream& out, const Form& form) {
  return out << form.cron << " after " << form.after;
}
class CronForm : public testing::TestWithParam<Form> {};

TEST_P(CronForm, ComesAt) {
  const auto& [cron, after, expected] = GetParam();
  EXPECT_EQ(times(cron, "UTC", after, 1), std::vector{expected}) << cron << " after " << after;
}

// 2026-11-22 is a Sunday.
INSTANTIATE_TEST_SUITE_P(Forms, CronForm,
                         testing::Values(Form{"* * * * *", "2026-11-22 10:00", "2026-11-22T10:01"},
                                         Form{"15 2 * * *", "2026-11-22 02:14", "2026-11-22T02:15"},
                                         Form{"15 2 * * *", "2026-11-22 02:15", "2026-11-23T02:15"},  // strictly after
                                         Form{"00 02 * * *", "2026-11-22 02:15", "2026-11-23T02:00"},
                                         Form{"5,35 * * * *", "2026-11-22 10:05", "2026-11-22T10:35"},
                                         Form{"35,5 * * * *", "2026-11-22 10:35", "2026-11-22T11:05"},
                                         Form{"10-12 * * * *", "2026-11-22 10:11", "2026-11-22T10:12"},
                                         Form{"10-12 * * * *", "2026-11-22 10:12", "2026-11-22T11:10"},
                                         Form{"*/15 * * * *", "2026-11-22 10:46", "2026-11-22T11:00"},
                                         Form{"*/45 * * * *", "2026-11-22 10:45", "2026-11-22T11:00"},
                                         Form{"3-59/20 * * * *", "2026-11-22 10:03", "2026-11-22T10:23"},
                                         Form{"*/999 * * * *", "2026-11-22 10:03", "2026-11-22T11:00"},
                                         Form{"0-10/5,30 9-17/4 * * *", "2026-11-22 09:10", "2026-11-22T09:30"},
                                         Form{"0 0 * jan *", "2026-11-22 10:00", "2027-01-01T00:00"},
                                         Form{"0 0 * 6,DEC *", "2026-11-22 10:00", "2026-12-01T00:00"},
                                         Form{"0 0 * feb-apr *", "2026-11-22 10:00", "2027-02-01T00:00"},
                                         Form{"0 0 * * mon", "2026-11-22 10:00", "2026-11-23T00:00"},
                                         Form{"0 0 * * Mon-Fri", "2026-11-27 10:00", "2026-11-30T00:00"},
                                         Form{"0 0 * * 0", "2026-11-22 10:00", "2026-11-29T00:00"},
                                         Form{"0 0 * * 7", "2026-11-22 10:00", "2026-11-29T00:00"},
                                         Form{"0 0 * * 5-7", "2026-11-22 10:00", "2026-11-27T00:00"},
                                         Form{"0 0 * * sat-sun", "2026-11-22 10:00", "2026-11-28T00:00"},
                                         Form{"0 0 * * 1-7/3", "2026-11-22 10:00",
                                              "2026-11-23T00:00"},  // Monday, Thursday, Sunday
                                         Form{"\t0  0 \t31 * * ", "2026-11-22 10:00", "2026-12-31T00:00"},
                                         Form{"@hourly", "2026-11-22 10:00", "2026-11-22T11:00"},
                                         Form{"@daily", "2026-11-22 10:00", "2026-11-23T00:00"},
                                         Form{"@midnight", "2026-11-22 10:00", "2026-11-23T00:00"},
                                         Form{"@weekly", "2026-11-22 10:00", "2026-11-29T00:00"},
                                         Form{"@monthly", "2026-11-22 10:00", "2026-12-01T00:00"},
                                         Form{"@yearly", "2026-11-22 10:00", "2027-01-01T00:00"},
                                         Form{"@annually", "2026-11-22 10:00", "2027-01-01T00:00"},
                                         // Leap days, also over a century that has none.
                                         Form{"0 0 29 2 *", "2026-11-22 10:00", "2028-02-29T00:00"},
                                         Form{"0 0 29 2 *", "2096-03-01 00:00", "2104-02-29T00:00"},
                                         Form{"59 23 28 feb *", "2028-01-01 00:00", "2028-02-28T23:59"},
                                         // Never, and found out in bounded time.
                                         Form{"0 0 30 2 *", "2026-11-22 10:00", "never"},
                                         Form{"0 0 31 4,6,9,11 *", "2026-11-22 10:00", "never"}));

TEST(CronTest, BothDayFieldsRestrictedMeanEither) {
  EXPECT_EQ(times("0 0 13 * fri", "UTC", "2026-11-05 00:00", 4),
            (std::vector<std::string>{"2026-11-06T00:00", "2026-11-13T00:00", "2026-11-20T00:00", "2026-11-27T00:00"}));
  EXPECT_EQ(times("0 0 1,15 * 0", "UTC", "2026-11-22 00:00", 4),
            (std::vector<std::string>{"2026-11-29T00:00", "2026-12-01T00:00", "2026-12-06T00:00", "2026-12-13T00:00"}));
}

TEST(CronTest, OneDayFieldWithAStarMeansBoth) {
  EXPECT_EQ(times("0 0 */2 * fri", "UTC", "2026-11-05 00:00", 2),
            (std::vector<std::string>{"2026-11-13T00:00", "2026-11-27T00:00"}));
  EXPECT_EQ(times("0 0 13 * *", "UTC", "2026-11-05 00:00", 1), std::vector<std::string>{"2026-11-13T00:00"});
}

TEST(CronTest, TakesAnInstantBetweenMinutes) {
  const UtcTime odd = utc("2026-11-22 02:14") + std::chrono::microseconds(59'999'999);
  EXPECT_EQ(text(Cron::parse("15 2 * * *").next(odd, "UTC")), "2026-11-22T02:15:00Z");
  EXPECT_EQ(text(Cron::parse("15 2 * * *").next(odd + std::chrono::microseconds(2), "UTC")), "2026-11-23T02:15:00Z");
}

struct Change {
  std::string cron, zone, after;
  std::vector<std::string> expected;
};
std::ostream& operator<<(std::ostream& out, const Change& change) {
  return out << change.cron << " in " << change.zone << " after " << change.after;
}
class CronZone : public testing::TestWithParam<Change> {};

TEST_P(CronZone, FollowsTheWallClock) {
  const auto& [cron, zone, after, expected] = GetParam();
  EXPECT_EQ(times(cron, zone, after, static_cast<int>(expected.size())), expected);
}

INSTANTIATE_TEST_SUITE_P(
    Zones, CronZone,
    testing::Values(
        // New York skips 02:00 to 03:00 on 2026-03-08: 02:15 runs at 03:00 EDT.
        Change{"15 2 * * *",
               "America/New_York",
               "2026-03-07 00:00",
               {"2026-03-07T07:15", "2026-03-08T07:00", "2026-03-09T06:15"}},
        // Two skipped times and one just behind the gap are the same moment.
        Change{"15,45 2 * * *", "America/New_York", "2026-03-08 00:00", {"2026-03-08T07:00", "2026-03-09T06:15"}},
        Change{"0 2,3 * * *", "America/New_York", "2026-03-08 00:00", {"2026-03-08T07:00", "2026-03-09T06:00"}},
        Change{"30 * * * *",
               "America/New_York",
               "2026-03-08 06:00",
               {"2026-03-08T06:30", "2026-03-08T07:00", "2026-03-08T07:30"}},
        // 01:00 to 02:00 comes twice on 2026-11-01: the first time counts.
        Change{"30 1 * * *",
               "America/New_York",
               "2026-10-31 10:00",
               {"2026-11-01T05:30", "2026-11-02T06:30", "2026-11-03T06:30"}},
        Change{"30 1 * * *", "America/New_York", "2026-11-01 06:00", {"2026-11-02T06:30"}},
        Change{"*/30 0-2 * * *",
               "America/New_York",
               "2026-11-01 04:20",
               {"2026-11-01T04:30", "2026-11-01T05:00", "2026-11-01T05:30", "2026-11-01T07:00"}},
        // What runs in every hour runs in both of them.
        Change{"*/30 * * * *",
               "America/New_York",
               "2026-11-01 04:40",
               {"2026-11-01T05:00", "2026-11-01T05:30", "2026-11-01T06:00", "2026-11-01T06:30", "2026-11-01T07:00"}},
        Change{"40 * * * *",
               "Australia/Lord_Howe",
               "2026-04-04 14:00",
               {"2026-04-04T14:40", "2026-04-04T15:10", "2026-04-04T16:10"}},
        // Lord Howe moves by half an hour: 02:00 to 02:30 is skipped on 2026-10-04, 01:30 to 02:00 doubled on 04-05.
        Change{"15 2 * * *",
               "Australia/Lord_Howe",
               "2026-10-02 12:00",
               {"2026-10-02T15:45", "2026-10-03T15:30", "2026-10-04T15:15"}},
        Change{"30 2 * * *", "Australia/Lord_Howe", "2026-10-03 12:00", {"2026-10-03T15:30"}},
        Change{"45 1 * * *",
               "Australia/Lord_Howe",
               "2026-04-03 12:00",
               {"2026-04-03T14:45", "2026-04-04T14:45", "2026-04-05T15:15"}},
        // Dublin's summer is its standard time: the database counts it the other way round.
        Change{"30 1 * * *",
               "Europe/Dublin",
               "2026-03-28 00:00",
               {"2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"}},
        Change{"30 1 * * *",
               "Europe/Dublin",
               "2026-10-24 00:00",
               {"2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"}},
        // Offsets of three quarters of an hour.
        Change{"0 0 * * *", "Asia/Kathmandu", "2026-11-22 00:00", {"2026-11-22T18:15", "2026-11-23T18:15"}},
        // A day that a zone never had: 30 December 2011 in Samoa.
        Change{"0 12 * * *", "Pacific/Apia", "2011-12-29 12:00", {"2011-12-29T22:00", "2011-12-30T10:00"}},
        // The date is the zone's, not ours.
        Change{"0 5 1 * *", "Pacific/Kiritimati", "2026-11-22 00:00", {"2026-11-30T15:00"}}));

TEST(CronTest, AnUnknownZoneIsAConfigurationError) {
  try {
    (void)Cron::parse("@daily").next(utc("2026-11-22 10:00"), "Mars/Olympus");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config);
    EXPECT_NE(error.message().find("Mars/Olympus"), std::string::npos);
  }
}

struct Mistake {
  std::string cron, says;
};
std::ostream& operator<<(std::ostream& out, const Mistake& mistake) {
  return out << mistake.cron;
}
class CronMistake : public testing::TestWithParam<Mistake> {};

TEST_P(CronMistake, SaysWhichFieldIsWrong) {
  try {
    (void)Cron::parse(GetParam().cron);
    FAIL() << GetParam().cron;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config);
    EXPECT_NE(error.message().find(GetParam().says), std::string::npos) << error.message();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Mistakes, CronMistake,
    testing::Values(Mistake{"", "five fields"}, Mistake{"* * * *", "five fields"},
                    Mistake{"* * * * * *", "five fields"}, Mistake{"@reboot", "five fields"},
                    Mistake{"@Daily", "five fields"}, Mistake{"60 * * * *", "\"60\" is no minute (0 to 59)"},
                    Mistake{"-1 * * * *", "no minute"}, Mistake{"+1 * * * *", "no minute"},
                    Mistake{"1.5 * * * *", "no minute"}, Mistake{"99999999999 * * * *", "no minute"},
                    Mistake{"1,,2 * * * *", "\"\" is no minute"}, Mistake{"1, * * * *", "no minute"},
                    Mistake{"5-1 * * * *", "no minute"}, Mistake{"1-2-3 * * * *", "no minute"},
                    Mistake{"*/0 * * * *", "no minute"}, Mistake{"*/ * * * *", "no minute"},
                    Mistake{"*/5/5 * * * *", "no minute"}, Mistake{"5/15 * * * *", "no minute"},
                    Mistake{"** * * * *", "no minute"}, Mistake{"jan * * * *", "no minute"},
                    Mistake{"0 24 * * *", "no hour (0 to 23)"}, Mistake{"0 0 0 * *", "no day of month (1 to 31)"},
                    Mistake{"0 0 32 * *", "no day of month"}, Mistake{"0 0 L * *", "no day of month"},
                    Mistake{"0 0 * 0 *", "no month (1 to 12)"}, Mistake{"0 0 * 13 *", "no month"},
                    Mistake{"0 0 * mon *", "no month"}, Mistake{"0 0 * january *", "no month"},
                    Mistake{"0 0 * * 8", "no day of week (0 to 7)"}, Mistake{"0 0 * * sun-sa", "no day of week"},
                    Mistake{"0 0 * * fri-mon", "no day of week"}, Mistake{"0 0 * * 5#2", "no day of week"}));

}  // namespace
}  // namespace surveysync::sync
