// Headers about time, at the borders of time.
#include "http/advice.h"

#include <gtest/gtest.h>

namespace surveysync::http {
namespace {

const UtcTime kNow{std::chrono::seconds(1'795'000'000)};

Advice advice_of(Headers headers) {
  return read_advice({429, std::move(headers), {}, {}, 0}, kNow);
}

TEST(Advice, DatesFromAnotherAgeAreNone) {
  EXPECT_TRUE(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"));
  EXPECT_TRUE(parse_http_date("Tue, 31 Dec 2199 23:59:59 GMT"));
  for (const char* text : {"Fri, 31 Dec 9999 23:59:59 GMT", "Sat, 01 Jan 0000 00:00:00 GMT",
                           "Wed, 31 Dec 1969 23:59:59 GMT", "Wed, 01 Jan 2200 00:00:00 GMT"}) {
    EXPECT_FALSE(parse_http_date(text)) << text;
    EXPECT_FALSE(advice_of({{"Retry-After", text}}).retry_after) << text;
    EXPECT_FALSE(advice_of({{"Date", text}}).date) << text;
  }
}

TEST(Advice, ResetsFromAnotherAgeAreNone) {
  for (const char* reset : {"999999999999", "999999999999999", "7258118400", "18446744073709551615"}) {
    EXPECT_FALSE(advice_of({{"X-RateLimit-Remaining", "0"}, {"X-RateLimit-Reset", reset}}).exhausted) << reset;
  }
  EXPECT_EQ(advice_of({{"X-RateLimit-Remaining", "0"}, {"X-RateLimit-Reset", "1795000030"}}).exhausted,
            std::chrono::seconds(30));
  EXPECT_EQ(advice_of({{"X-RateLimit-Remaining", "0"}, {"X-RateLimit-Reset", "1795000030000"}}).exhausted,
            std::chrono::seconds(30));
}

TEST(Advice, AWaitUntilAPointInTimeIsTakenFromTheServersClock) {
  const Advice advice =
      advice_of({{"Date", "Sun, 06 Nov 1994 08:49:37 GMT"}, {"Retry-After", "Sun, 06 Nov 1994 08:50:07 GMT"}});
  EXPECT_EQ(advice.retry_after, std::chrono::seconds(30));
}

}  // namespace
}  // namespace surveysync::http
