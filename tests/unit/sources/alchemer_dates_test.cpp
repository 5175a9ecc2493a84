// Suffixes, daylight saving, the repeated hour of November, and how an account's clocks are learned
// (vendor-api.md 1.10, 1.14).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "sources/alchemer/dates.h"

namespace surveysync::sources::alchemer {
namespace {

const Zone kNewYork("America/New_York");

std::string utc(std::string_view text, const Zone& zone = kNewYork, std::string_view not_before = {}) {
  const auto stamp = parse_stamp(text);
  if (!stamp) return "none";
  std::optional<UtcTime> earliest;
  if (!not_before.empty()) earliest = to_utc(*parse_stamp(not_before), Zone("UTC"));
  const auto time = to_utc(*stamp, zone, earliest);
  return time ? format_utc(*time) : "none";
}

TEST(Dates, SuffixesAreOffsets) {
  EXPECT_EQ(utc("2026-01-19 15:58:55 EST"), "2026-01-19T20:58:55Z");
  EXPECT_EQ(utc("2026-07-19 15:58:55 EDT"), "2026-07-19T19:58:55Z");
  EXPECT_EQ(utc("2026-07-19 15:58:55 EST"), "2026-07-19T20:58:55Z");
  EXPECT_EQ(utc("2026-07-19 15:58:55 GMT"), "2026-07-19T15:58:55Z");
  EXPECT_EQ(utc("2026-07-19 15:58:55 UTC"), "2026-07-19T15:58:55Z");
  EXPECT_EQ(utc("2026-07-19 15:58:55 BST"), "2026-07-19T14:58:55Z");
  EXPECT_EQ(utc("2026-07-19 15:58:55 CEST"), "2026-07-19T13:58:55Z");
  EXPECT_EQ(utc("2026-01-19 15:58:55 AEDT"), "2026-01-19T04:58:55Z");
  EXPECT_EQ(utc("2026-07-19 15:58:55 AEST"), "2026-07-19T05:58:55Z");
  EXPECT_EQ(utc("2026-07-19 15:58:55 PDT"), "2026-07-19T22:58:55Z");
}

TEST(Dates, IsoFormsAreRead) {
  EXPECT_EQ(utc("2026-07-19T15:58:55Z"), "2026-07-19T15:58:55Z");
  EXPECT_EQ(utc("2026-07-19T15:58:55.250+02:00"), "2026-07-19T13:58:55.25Z");
  EXPECT_EQ(utc("2026-07-19 15:58:55 -0330"), "2026-07-19T19:28:55Z");
  EXPECT_EQ(utc("2026-07-19 15:58:55-05"), "2026-07-19T20:58:55Z");
  EXPECT_EQ(utc("2026-07-19T15:58Z"), "2026-07-19T15:58:00Z");
  EXPECT_EQ(utc(" 2026-07-19 15:58:55 "), "2026-07-19T19:58:55Z");
}

TEST(Dates, ZonelessTextFollowsItsZone) {
  EXPECT_EQ(utc("2026-01-19 12:00:00"), "2026-01-19T17:00:00Z");
  EXPECT_EQ(utc("2026-07-19 12:00:00"), "2026-07-19T16:00:00Z");
  EXPECT_EQ(utc("2026-07-19 12:00:00", Zone("UTC")), "2026-07-19T12:00:00Z");
  EXPECT_EQ(utc("2026-01-19 12:00:00", Zone("Australia/Sydney")), "2026-01-19T01:00:00Z");
  EXPECT_EQ(utc("2026-07-19 12:00:00", Zone()), "none");
}

TEST(Dates, TheRepeatedHourIsToldApartBySuffix) {
  EXPECT_EQ(utc("2026-11-01 01:30:00 EDT"), "2026-11-01T05:30:00Z");
  EXPECT_EQ(utc("2026-11-01 01:30:00 EST"), "2026-11-01T06:30:00Z");
}

TEST(Dates, TheRepeatedHourWithoutSuffixFollowsItsNeighbour) {
  EXPECT_EQ(utc("2026-11-01 01:30:00"), "2026-11-01T05:30:00Z");
  EXPECT_EQ(utc("2026-11-01 01:30:00", kNewYork, "2026-11-01 05:29:50"), "2026-11-01T05:30:00Z");
  EXPECT_EQ(utc("2026-11-01 01:30:00", kNewYork, "2026-11-01 05:30:20"), "2026-11-01T05:30:00Z");  // a minute of slack
  EXPECT_EQ(utc("2026-11-01 01:30:00", kNewYork, "2026-11-01 05:50:00"), "2026-11-01T06:30:00Z");
  EXPECT_EQ(utc("2026-11-01 01:30:00", kNewYork, "2026-11-01 06:29:00"), "2026-11-01T06:30:00Z");
  EXPECT_EQ(utc("2026-11-01 02:30:00", kNewYork, "2026-11-01 06:29:00"), "2026-11-01T07:30:00Z");
}

TEST(Dates, TheSkippedHourIsReadByTheOldClock) {
  EXPECT_EQ(utc("2026-03-08 02:30:00"), "2026-03-08T07:30:00Z");
}

TEST(Dates, WhatIsNoDateIsNone) {
  for (const char* text : {"", "0000-00-00 00:00:00", "2026-02-30 00:00:00", "2026-13-01 00:00:00", "2026-1-1 00:00:00",
                           "2026-01-01", "2026-01-01 24:00:00", "2026-01-01 00:60:00", "2026-01-01 00:00:61",
                           "2026-01-01 00:00:00 XYZ", "2026-01-01 00:00:00 +99:00", "1969-12-31 23:59:59",
                           "2201-01-01 00:00:00", "yesterday", "2026-01-01 00:00:00. EST", "20260101 000000"}) {
    EXPECT_EQ(utc(text), "none") << text;
  }
  EXPECT_EQ(utc("2200-12-31 23:59:59 UTC"), "2200-12-31T23:59:59Z");
  EXPECT_EQ(utc("1970-01-01 00:00:00 UTC"), "1970-01-01T00:00:00Z");
  EXPECT_EQ(utc("2028-02-29 00:00:00 UTC"), "2028-02-29T00:00:00Z");
}

TEST(Dates, UnknownZonesAreAConfigurationError) {
  try {
    Zone("Mars/Olympus");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config);
  }
}

TEST(Dates, SessionIdsBeginWithASecond) {
  EXPECT_EQ(format_utc(*session_second("1765318530_69389d02abcdef.12345678")), "2025-12-09T22:15:30Z");
  for (const char* text : {"", "abc", "176531853", "17653185301_x", "x765318530_y", "_"}) {
    EXPECT_FALSE(session_second(text).has_value()) << text;
  }
}

TEST(Zones, LearnedOnesReplaceTheRegions) {
  Zones zones = zones_of_region("us");
  EXPECT_EQ(zones.account.name(), "America/New_York");
  EXPECT_FALSE(zones.updated.known());
  EXPECT_EQ(zones_of_region("au").account.name(), "Australia/Sydney");
  zones.take_over(std::vector<model::Capability>{
      {"account_zone", "Europe/London", "", {}}, {"updated_zone", "UTC", "", {}}, {"order_by", "yes", "", {}}});
  EXPECT_EQ(zones.account.name(), "Europe/London");
  EXPECT_TRUE(zones.updated.known());
  zones.take_over(std::vector<model::Capability>{{"account_zone", "unknown", "", {}}});
  EXPECT_EQ(zones.account.name(), "Europe/London");
  zones.take_over(std::vector<model::Capability>{{"account_zone", "Mars/Olympus", "", {}}});
  EXPECT_EQ(zones.account.name(), "Europe/London");
}

std::map<std::string, std::string> learned(const std::vector<std::string>& responses, std::string* evidence = nullptr,
                                           const Zone& known = Zone()) {
  const std::vector<std::string_view> raw(responses.begin(), responses.end());
  std::map<std::string, std::string> out;
  for (const model::Capability& capability : learn_zones(clock_evidence(raw), known)) {
    out[capability.name] = capability.value;
    if (evidence != nullptr) *evidence += capability.name + ": " + capability.evidence + "\n";
  }
  return out;
}

std::string response(std::string_view submitted, std::string_view updated, std::string_view more = "") {
  return fmt::format(R"({{"id":"1","date_submitted":"{}","date_updated":"{}"{}}})", submitted, updated, more);
}

/// `count` responses of that day whose date_updated is so far from their submission.
std::vector<std::string> days(std::string_view day, std::string_view suffix, int hours_on, int count = 3) {
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i)
    out.push_back(
        response(fmt::format("{} 10:0{}:00 {}", day, i, suffix), fmt::format("{} {}:0{}:06", day, 10 + hours_on, i)));
  return out;
}
std::vector<std::string> operator+(std::vector<std::string> left, const std::vector<std::string>& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

TEST(LearnZones, UpdatedInUtc) {
  std::string evidence;
  const auto zones =
      learned(days("2026-07-19", "EDT", 4) + days("2026-01-19", "EST", 5) +
                  std::vector<std::string>{response("2026-01-19 12:00:00 EST", "2026-02-19 17:01:00"), "not json"},
              &evidence);
  EXPECT_EQ(zones.at("account_zone"), "America/New_York");
  EXPECT_EQ(zones.at("updated_zone"), "UTC");
  EXPECT_EQ(evidence,
            "account_zone: suffixes of 7 dates: 3 EDT, 4 EST\n"
            "updated_zone: date_updated follows date_submitted within 2 min in 6 of 7 responses read in UTC\n");
}

TEST(LearnZones, UpdatedInAccountTime) {
  EXPECT_EQ(learned(days("2026-07-19", "EDT", 0) + days("2026-01-19", "EST", 0)).at("updated_zone"),
            "America/New_York");
}

TEST(LearnZones, UpdatedInAnyOtherZone) {
  // An EU account on London's clock, dates without a suffix's help: GMT and BST.
  EXPECT_EQ(learned(days("2026-07-19", "BST", 0) + days("2026-01-19", "GMT", 0)).at("updated_zone"), "Europe/London");
  EXPECT_EQ(learned(days("2026-07-19", "BST", 1) + days("2026-01-19", "GMT", 1)).at("updated_zone"), "Europe/Berlin");
  EXPECT_EQ(learned(days("2026-07-19", "EDT", 3) + days("2026-01-19", "EST", 4)).at("updated_zone"), "Etc/GMT+1");
}

TEST(LearnZones, OneSideOfAClockChangeProvesNothing) {
  std::string evidence;
  EXPECT_EQ(learned(days("2026-01-19", "GMT", 0, 9), &evidence).at("updated_zone"), "unknown");
  EXPECT_NE(evidence.find("UTC, but Europe/London could be it as well"), std::string::npos) << evidence;
  EXPECT_EQ(learned(days("2026-01-19", "EST", 0, 9)).at("updated_zone"), "unknown");
  EXPECT_EQ(learned(days("2026-07-19", "EDT", 0, 9)).at("updated_zone"), "unknown");
  // One or two responses of the other side may have been edited just so.
  EXPECT_EQ(learned(days("2026-01-19", "GMT", 0, 9) + days("2026-07-19", "GMT", 1, 2)).at("updated_zone"), "unknown");
}

TEST(LearnZones, EditsAnExactHourLaterDoNotSway) {
  EXPECT_EQ(learned(days("2026-07-19", "EDT", 4, 9) + days("2026-07-20", "EDT", 5, 2) + days("2026-01-19", "EST", 5, 9))
                .at("updated_zone"),
            "UTC");
  EXPECT_EQ(learned(days("2026-07-19", "EDT", 4, 4) + days("2026-07-20", "EDT", 5, 4) + days("2026-01-19", "EST", 5, 9))
                .at("updated_zone"),
            "unknown");
}

TEST(LearnZones, AKnownZoneStaysWhileNothingSpeaksAgainstIt) {
  EXPECT_EQ(learned(days("2026-01-19", "EST", 5, 9), nullptr, Zone("UTC")).at("updated_zone"), "UTC");
  EXPECT_EQ(learned({}, nullptr, Zone("UTC")).at("updated_zone"), "UTC");
  EXPECT_EQ(learned(days("2026-01-19", "EST", 0, 9), nullptr, Zone("UTC")).at("updated_zone"), "unknown");
}

TEST(LearnZones, OnlyEditedOrContradictingResponsesProveNothing) {
  EXPECT_EQ(learned({response("2026-07-19 12:00:00 EDT", "2026-08-19 12:00:06")}).at("updated_zone"), "unknown");
  EXPECT_EQ(learned({}).at("updated_zone"), "unknown");
  EXPECT_EQ(learned({}).at("account_zone"), "unknown");
  EXPECT_EQ(learned({R"({"id":"1"})", "[]", "7"}).at("updated_zone"), "unknown");
}

TEST(LearnZones, LondonIsToldFromUtcByOneSummerDate) {
  EXPECT_EQ(learned({response("2026-01-19 12:00:00 GMT", "")}).at("account_zone"), "UTC");
  EXPECT_EQ(learned({response("2026-01-19 12:00:00 GMT", ""), response("2026-01-20 12:00:00 GMT", ""),
                     response("2026-07-19 12:00:00 BST", "")})
                .at("account_zone"),
            "Europe/London");
  EXPECT_EQ(learned({response("2026-01-19 12:00:00 AEDT", "")}).at("account_zone"), "Australia/Sydney");
}

TEST(LearnZones, SessionIdsTellWhereDatesHaveNoSuffix) {
  const auto one = [](std::string_view day, int second, std::int64_t session, int updated_hour) {
    return fmt::format(R"({{"id":"1","date_started":"{0} 12:00:0{1}","date_submitted":"{0} 12:10:0{1}",)"
                       R"("session_id":"{2}_69389d02abcdef.12345678","date_updated":"{0} {3}:10:0{1}"}})",
                       day, second, session + second, updated_hour);
  };
  std::vector<std::string> both;
  for (int i = 0; i < 3; ++i) {
    both.push_back(one("2026-07-19", i, 1784476800, 16));
    both.push_back(one("2026-01-19", i, 1768842000, 17));
  }
  const auto zones = learned(both);
  EXPECT_EQ(zones.at("account_zone"), "America/New_York");
  EXPECT_EQ(zones.at("updated_zone"), "UTC");
  EXPECT_EQ(learned({both[0], both[2], both[4]}).at("account_zone"), "unknown");
}

}  // namespace
}  // namespace surveysync::sources::alchemer
