// What `status --watch` prints: a screen that fits, and lines that only change when something did.
#include "app/status_text.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "app/human.h"

namespace surveysync::app {
namespace {

using std::chrono::hours;

const UtcTime kNow(std::chrono::seconds(1'795'287'420));

StatusSource good_source() {
  StatusSource source;
  source.source = "us";
  source.clocks.last_certified = kNow - hours(1);
  source.clocks.balanced = true;
  source.last_run.emplace();
  source.last_run->run_id = 7;
  source.last_run->outcome = "succeeded";
  source.last_run->started_at = kNow - hours(1);
  source.last_run->finished_at = kNow - hours(1);
  source.next_run = sync::Due{kNow + hours(3), "scheduled"};
  return source;
}

TEST(StatusTextTest, OneLineASource) {
  StatusSource source = good_source();
  EXPECT_EQ(status_line(source),
            "us: run 7 succeeded, certified 2026-11-21 17:57:00, balanced, next run 2026-11-21 21:57:00 (scheduled)");
  source.refused.emplace();
  source.refused->fingerprint = "a1b2c3d4";
  source.refused->verdict = "rotated";
  source.incidents.resize(2);
  source.clocks.balanced = false;
  EXPECT_EQ(status_line(source),
            "us: run 7 succeeded, certified 2026-11-21 17:57:00, NOT BALANCED, key a1b2c3d4 REFUSED (rotated), 2 "
            "incidents open");
  StatusSource other;
  other.source = "eu";
  EXPECT_EQ(status_line(other), "eu: has never run");
  source = good_source();
  source.last_run->outcome = "failed";
  source.last_run->error = "the vendor\x1b[2J answered 503\nand more";
  EXPECT_EQ(status_line(source).find('\x1b'), std::string::npos);
  EXPECT_EQ(status_line(source).find('\n'), std::string::npos);
}

TEST(StatusTextTest, EverythingOfASource) {
  const std::string text = status_text({good_source()}, kNow);
  EXPECT_NE(text.find("last certified  2026-11-21 17:57:00 UTC (1 h ago)"), std::string::npos) << text;
  EXPECT_EQ(status_text({}, kNow), "no sources are configured\n");
}

TEST(StatusTextTest, AScreenThatFits) {
  EXPECT_EQ(fitting("one\ntwo\n", 80, 5), "one\ntwo\n");
  EXPECT_EQ(fitting("one\ntwo\nthree\nfour\n", 80, 3),
            "one\ntwo\n… 2 more lines: `surveysync status` prints them all\n");
  const std::string cut = fitting(fmt::format("{:x>200}\n", ""), 40, 5);
  EXPECT_LE(columns_of(cut.substr(0, cut.find('\n'))), 40U);
  EXPECT_EQ(fitting("", 80, 5), "");
}

}  // namespace
}  // namespace surveysync::app
