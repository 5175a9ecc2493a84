// A list that is read from its first row to its last while rows come and go.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "base/error.h"
#include "sources/alchemer/list_cursor.h"

namespace surveysync::sources::alchemer {
namespace {

/// A vendor's list of ids.
struct Rows {
  std::vector<std::int64_t> ids;
  std::int64_t cap = 500;
  bool counted = true;

  explicit Rows(std::int64_t count) {
    for (std::int64_t id = 1; id <= count; ++id)
      ids.push_back(id);
  }
  std::vector<std::int64_t> page(PageNumber number) const {
    number.size = std::min(number.size, cap);
    const auto size = static_cast<std::int64_t>(ids.size());
    const std::int64_t first = std::min(number.first_row(), size), last = std::min(first + number.size, size);
    return {ids.begin() + first, ids.begin() + last};
  }
};

/// Reads all of it; `meanwhile` is called after each page.
template <class Meanwhile>
std::set<std::int64_t> read(Rows& rows, int size, Meanwhile meanwhile) {
  std::set<std::int64_t> met;
  ListCursor cursor;
  for (int pages = 1;; ++pages) {
    EXPECT_LT(pages, 400);
    if (pages == 400) return met;
    const PageNumber number = cursor.next_page(size);
    EXPECT_LE(number.size, size);
    const auto ids = rows.page(number);
    met.insert(ids.begin(), ids.end());
    ListSeen seen{number, ids, static_cast<std::int64_t>(ids.size()), std::nullopt, false};
    if (rows.counted) seen.total = static_cast<std::int64_t>(rows.ids.size());
    const std::string before = cursor.text();
    if (!cursor.move(seen, "/list")) return met;
    EXPECT_EQ(ListCursor::parse(cursor.text())->text(), cursor.text());
    meanwhile(rows, pages);
  }
}

TEST(ListCursor, MeetsEveryRowOfAStillList) {
  for (const bool counted : {true, false}) {
    for (const std::int64_t cap : {500, 73, 50}) {
      for (const std::int64_t count : {0, 1, 2, 49, 50, 51, 99, 100, 101, 333, 1000}) {
        for (const int size : {60, 100, 250}) {
          Rows rows(count);
          rows.counted = counted;
          rows.cap = cap;
          EXPECT_EQ(read(rows, size, [](Rows&, int) {}).size(), static_cast<std::size_t>(count))
              << counted << " " << cap << " " << count << " " << size;
        }
      }
    }
  }
}

TEST(ListCursor, MeetsTheRowsThatStayWhenOthersGo) {
  for (const bool counted : {true, false}) {
    Rows rows(600);
    rows.counted = counted;
    const auto met = read(rows, 100, [](Rows& now, int page) {
      if (page < 4) now.ids.erase(now.ids.begin(), now.ids.begin() + 7);  // those behind move up
    });
    for (const std::int64_t id : rows.ids)
      EXPECT_TRUE(met.contains(id)) << id;
  }
}

TEST(ListCursor, TheSamePageAgainIsAnError) {
  Rows rows(300);
  ListCursor cursor;
  const auto ids = rows.page({1, 100});
  ASSERT_TRUE(cursor.move({{1, 100}, ids, 100, 300, false}, "/list"));
  EXPECT_THROW(cursor.move({cursor.next_page(100), ids, 100, 300, false}, "/list"), Error);
}

TEST(ListCursor, EndsWhateverComes) {
  ListCursor cursor;
  const std::vector<std::int64_t> none;
  EXPECT_FALSE(cursor.move({{1, 100}, none, 0, 1'000'000, false}, "/list")) << "counted and empty";
  for (const char* const wrong : {"", "1/2/3/4", "1/2/3/4/5/6", "-1/0/0/0/0", "0/0/0/0/21", "a/0/0/0/0"})
    EXPECT_FALSE(ListCursor::parse(wrong).has_value()) << wrong;
}

}  // namespace
}  // namespace surveysync::sources::alchemer
