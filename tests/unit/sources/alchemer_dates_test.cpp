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
  zones.take_over(std::vector<model::Capability>{{"account_zone", "Mars/Olympus", "", {}}});
  EXPECT_EQ(zones.account.name(), "Europe/London");
}

std::map<std::string, std::string> learned(const std::vector<std::string>& responses, std::string* evidence = nullptr) {
  const std::vector<std::string_view> raw(responses.begin(), responses.end());
  std::map<std::string, std::string> out;
  for (const model::Capability& capability : learn_zones(raw)) {
    out[capability.name] = capability.value;
    if (evidence != nullptr) *evidence += capability.name + ": " + capability.evidence + "\n";
  }
  return out;
}

std::string response(std::string_view submitted, std::string_view updated, std::string_view more = "") {
  return fmt::format(R"({{"id":"1","date_submitted":"{}","date_updated":"{}"{}}})", submitted, updated, more);
}

TEST(LearnZones, UpdatedInUtc) {
  std::string evidence;
  const auto zones = learned({response("2026-07-19 12:00:00 EDT", "2026-07-19 16:00:06"),
                              response("2026-01-19 12:00:00 EST", "2026-01-19 17:01:00"),
                              response("2026-01-19 12:00:00 EST", "2026-02-19 17:01:00"), "not json"},
                             &evidence);
  EXPECT_EQ(zones.at("account_zone"), "America/New_York");
  EXPECT_EQ(zones.at("updated_zone"), "UTC");
  EXPECT_EQ(evidence,
            "account_zone: suffixes of 3 dates: 1 EDT, 2 EST\n"
            "updated_zone: date_updated follows date_submitted within 2 min in 2 of 3 responses read in UTC, 0 in "
            "America/New_York\n");
}

TEST(LearnZones, UpdatedInAccountTime) {
  const auto zones = learned({response("2026-07-19 12:00:00 EDT", "2026-07-19 12:00:06"),
                              response("2026-11-01 01:30:00 EST", "2026-11-01 01:30:06")});
  EXPECT_EQ(zones.at("updated_zone"), "America/New_York");
}

TEST(LearnZones, OnlyEditedOrContradictingResponsesProveNothing) {
  EXPECT_EQ(learned({response("2026-07-19 12:00:00 EDT", "2026-08-19 12:00:06")}).count("updated_zone"), 0U);
  EXPECT_EQ(learned({response("2026-07-19 12:00:00 EDT", "2026-07-19 12:00:06"),
                     response("2026-07-19 12:00:00 EDT", "2026-07-19 16:00:06")})
                .count("updated_zone"),
            0U);
  EXPECT_TRUE(learned({}).empty());
  EXPECT_TRUE(learned({R"({"id":"1"})", "[]", "7"}).empty());
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
  const std::string summer =
      R"({"id":"1","date_submitted":"2026-07-19 12:10:00","date_started":"2026-07-19 12:00:00",)"
      R"("session_id":"1784476800_69389d02abcdef.12345678","date_updated":"2026-07-19 16:10:03"})";
  const auto zones = learned({summer});
  EXPECT_EQ(zones.at("account_zone"), "America/New_York");
  EXPECT_EQ(zones.at("updated_zone"), "UTC");
}

}  // namespace
}  // namespace surveysync::sources::alchemer
