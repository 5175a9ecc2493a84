#include "sync/page_sizer.h"

#include <gtest/gtest.h>

namespace surveysync::sync {
namespace {

using std::chrono::seconds;

TEST(PageSizer, HalvesDownToTheSmallest) {
  PageSizer sizer({250, 100, 500}, 0);
  EXPECT_EQ(sizer.size(), 250);
  EXPECT_TRUE(sizer.shrink());
  EXPECT_EQ(sizer.size(), 125);
  EXPECT_TRUE(sizer.shrink());
  EXPECT_EQ(sizer.size(), 100);
  EXPECT_FALSE(sizer.may_shrink());
  EXPECT_FALSE(sizer.shrink());
}

TEST(PageSizer, BeginsWithWhatWasLearned) {
  EXPECT_EQ(PageSizer({250, 10, 500}, 40).size(), 40);
  EXPECT_EQ(PageSizer({250, 10, 500}, 9000).size(), 500);
}

TEST(PageSizer, GrowsBackSlowlyAndNeverAboveItsStart) {
  PageSizer sizer({200, 10, 500}, 100);
  for (int i = 0; i < 3; ++i)
    sizer.note_success(seconds(1));
  EXPECT_EQ(sizer.size(), 100);
  sizer.note_success(seconds(1));
  EXPECT_EQ(sizer.size(), 125);
  for (int i = 0; i < 100; ++i)
    sizer.note_success(seconds(1));
  EXPECT_EQ(sizer.size(), 200);
}

TEST(PageSizer, ShrinksALittleWhenTheVendorIsSlow) {
  PageSizer sizer({200, 10, 500}, 0);
  sizer.note_success(seconds(25));
  EXPECT_EQ(sizer.size(), 150);
  for (int i = 0; i < 20; ++i)
    sizer.note_success(seconds(10));
  EXPECT_EQ(sizer.size(), 150);
}

}  // namespace
}  // namespace surveysync::sync
