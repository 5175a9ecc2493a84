// When too few responses came: compared with the source's own days, and never a false alarm by weekends or jitter.

#include "app/few_responses.h"

#include <gtest/gtest.h>

namespace surveysync::test {
namespace {

using app::judge_intake;
using store::Intake;

constexpr UtcTime kEnd{std::chrono::hours(24 * 20'000)};

/// One run a night for `days` days, each `records(days ago)`; `jitter` alternates.
template <class Records>
std::vector<Intake> nights(int days, const Records& records, std::chrono::minutes jitter = {}) {
  std::vector<Intake> runs;
  for (int ago = days; ago >= 0; --ago) {
    const auto shift = ago % 2 == 0 ? jitter : -jitter;
    runs.push_back({kEnd - std::chrono::hours(24 * ago) + (ago == 0 ? std::chrono::minutes(0) : shift), records(ago)});
  }
  return runs;
}

TEST(FewResponses, AQuarterOfTheWorstDayIsUnusual) {
  const auto found = judge_intake(nights(40, [](int ago) { return ago == 0 ? 9 : 40 + ago % 7 * 10; }));
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->unusual);
  EXPECT_EQ(found->today, 9);
  EXPECT_EQ(found->worst, 40);
  EXPECT_EQ(found->usual, 70);
}

TEST(FewResponses, AWeakDayIsNot) {
  const auto found = judge_intake(nights(40, [](int ago) { return ago == 0 ? 11 : 40 + ago % 7 * 10; }));
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->unusual);
}

TEST(FewResponses, WeekendsAreInTheHistory) {
  const auto found = judge_intake(nights(40, [](int ago) { return ago % 7 == 0 ? 0 : 500; }));
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->unusual);
  EXPECT_EQ(found->worst, 0);
}

TEST(FewResponses, SmallSourcesAreNeverUnusual) {
  const auto found = judge_intake(nights(40, [](int ago) { return ago == 0 ? 0 : 19; }));
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->unusual);
}

TEST(FewResponses, YoungSourcesAreNotJudged) {
  EXPECT_FALSE(judge_intake(nights(28, [](int ago) { return ago == 0 ? 0 : 500; })));
  EXPECT_TRUE(judge_intake(nights(29, [](int ago) { return ago == 0 ? 0 : 500; })));
  EXPECT_FALSE(judge_intake({}));
}

TEST(FewResponses, JitterOfTheScheduleMovesNothing) {
  const auto found = judge_intake(nights(
      40, [](int) { return 100; }, std::chrono::minutes(30)));
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->unusual);
  EXPECT_GE(found->worst, 90);
}

TEST(FewResponses, HourlyRunsAreSummedToDays) {
  std::vector<Intake> runs;
  for (int hour = 24 * 35; hour >= 0; --hour)
    runs.push_back({kEnd - std::chrono::hours(hour), hour < 24 ? 0 : 10});
  const auto found = judge_intake(runs);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->unusual);
  EXPECT_EQ(found->worst, 240);
  EXPECT_EQ(found->today, 0);
}

TEST(FewResponses, ALoadOfOldRecordsHidesNoDay) {
  const auto found = judge_intake(nights(40, [](int ago) { return ago == 0 ? 3 : ago == 10 ? 1'000'000 : 50; }));
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->unusual);
  EXPECT_EQ(found->usual, 50);
}

}  // namespace
}  // namespace surveysync::test
