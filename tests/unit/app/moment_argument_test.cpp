#include "app/moment_argument.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace surveysync::app {
namespace {

std::string read(std::string_view text) {
  const auto moment = parse_moment(text);
  return moment ? format_utc(*moment) : "none";
}

TEST(MomentArgumentTest, ReadsDatesAndTimesInUtc) {
  EXPECT_EQ(read("2026-11-01"), "2026-11-01T00:00:00Z");
  EXPECT_EQ(read("2026-11-01T12:00"), "2026-11-01T12:00:00Z");
  EXPECT_EQ(read("2026-11-01 12:00:30"), "2026-11-01T12:00:30Z");
  EXPECT_EQ(read("2026-11-01T12:00:30.25Z"), "2026-11-01T12:00:30.25Z");
  EXPECT_EQ(read("2026-11-01T12:00:30.123456789z"), "2026-11-01T12:00:30.123456Z");
  EXPECT_EQ(read("2026-11-01T00:30+01:00"), "2026-10-31T23:30:00Z");
  EXPECT_EQ(read("2026-11-01T20:00:00-05:00"), "2026-11-02T01:00:00Z");
  EXPECT_EQ(read("2024-02-29"), "2024-02-29T00:00:00Z");
}

TEST(MomentArgumentTest, RefusesWhatIsNoTime) {
  for (const char* const text : {"",
                                 "2026",
                                 "2026-11",
                                 "2026-11-31",
                                 "2026-02-29",
                                 "2026-13-01",
                                 "01.11.2026",
                                 "2026-11-01T",
                                 "2026-11-01T25:00",
                                 "2026-11-01T12",
                                 "2026-11-01T12:60",
                                 "2026-11-01T12:00:60",
                                 "2026-11-01T12:00:00.",
                                 "2026-11-01T12:00+1",
                                 "2026-11-01T12:00+24:00",
                                 "2026-11-01Z",
                                 "2026-11-01 ",
                                 " 2026-11-01",
                                 "2026-11-01T12:00 EST",
                                 "yesterday",
                                 "-026-11-01"})
    EXPECT_EQ(read(text), "none") << text;
}

TEST(MomentArgumentTest, NamesTheFlag) {
  EXPECT_FALSE(moment_argument("--from", ""));
  try {
    moment_argument("--from", "soon");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config);
    EXPECT_STREQ(error.what(), "--from \"soon\" is no time");
  }
  EXPECT_THROW(require_order(parse_moment("2026-11-02"), parse_moment("2026-11-02")), Error);
  EXPECT_NO_THROW(require_order(parse_moment("2026-11-02"), std::nullopt));
  EXPECT_NO_THROW(require_order(parse_moment("2026-11-01"), parse_moment("2026-11-02")));
}

}  // namespace
}  // namespace surveysync::app
