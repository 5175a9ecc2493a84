#include "sources/alchemer/pages.h"

#include <gtest/gtest.h>

#include <set>

namespace surveysync::sources::alchemer {
namespace {

TEST(PagePosition, SurvivesItsText) {
  const PagePosition position{1234, 7, "88"};
  const auto parsed = PagePosition::parse(position.text());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->remaining, 1234);
  EXPECT_EQ(parsed->floor, 7);
  EXPECT_EQ(parsed->previous_first, "88");
}

TEST(PagePosition, RefusesWhatItDidNotWrite) {
  for (const char* text : {"", "1", "1/2", "-1/0/", "x/0/", "1/y/", "12"})
    EXPECT_FALSE(PagePosition::parse(text)) << text;
}

TEST(Pages, GoFromTheLastToTheFirst) {
  PagePosition position{979, 0, ""};
  PageNumber page = last_unread_page(position, 250);
  EXPECT_EQ(page.page, 4);
  EXPECT_EQ(expected_rows(page, 979), 229);
  position = *after_page(position, page, 979, "751");
  EXPECT_EQ(position.remaining, 750);
  for (int left = 3; left > 0; --left) {
    page = last_unread_page(position, 250);
    EXPECT_EQ(page.page, left);
    const auto next = after_page(position, page, 979, "");
    EXPECT_EQ(next.has_value(), left > 1);
    if (next) position = *next;
  }
}

TEST(Pages, EndAtTheFloor) {
  const PagePosition position{1030, 975, ""};
  const PageNumber page = last_unread_page(position, 25);
  EXPECT_EQ(page.first_row(), 1025);
  auto next = after_page(position, page, 1030, "");
  ASSERT_TRUE(next);
  next = after_page(*next, last_unread_page(*next, 25), 1030, "");
  ASSERT_TRUE(next);
  EXPECT_EQ(next->remaining, 1000);
  EXPECT_FALSE(after_page(*next, last_unread_page(*next, 25), 1030, ""));
}

/// A vendor that deletes a row before every page must not hide any other row from a backward pass, whatever the page
/// sizes.
TEST(Pages, DeletionsWhileReadingHideNothing) {
  for (int size = 1; size <= 40; ++size) {
    std::vector<int> vendor(200);
    for (int i = 0; i < 200; ++i)
      vendor[static_cast<std::size_t>(i)] = i + 1;
    std::set<int> seen, deleted;
    std::optional<PagePosition> position = PagePosition{200, 0, ""};
    unsigned draw = static_cast<unsigned>(size);
    while (position) {
      draw = draw * 1103515245U + 12345U;
      if (!vendor.empty()) {
        const std::size_t victim = draw % vendor.size();
        deleted.insert(vendor[victim]);
        vendor.erase(vendor.begin() + static_cast<std::ptrdiff_t>(victim));
      }
      const PageNumber page = last_unread_page(*position, size);
      const auto total = static_cast<std::int64_t>(vendor.size());
      for (std::int64_t row = page.first_row(); row < std::min(total, page.first_row() + page.size); ++row) {
        seen.insert(vendor[static_cast<std::size_t>(row)]);
      }
      position = after_page(*position, page, total, "");
    }
    for (const int id : vendor)
      EXPECT_TRUE(seen.contains(id)) << "page size " << size << " lost response " << id;
  }
}

}  // namespace
}  // namespace surveysync::sources::alchemer
