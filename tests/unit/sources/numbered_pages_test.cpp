// Where a complete pass stands: page arithmetic, seams, and a simulation of vendors whose lists change between pages.
#include "sources/numbered_pages.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "base/error.h"

namespace surveysync::sources {
namespace {

PagePosition at(std::int64_t remaining, std::int64_t low = PagePosition::kTop) {
  PagePosition position;
  position.remaining = remaining;
  position.low = low;
  return position;
}

TEST(PagePosition, SurvivesItsText) {
  const PagePosition position{1234, 7, 88, 12, 3, false, 2};
  const auto parsed = PagePosition::parse(position.text());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->text(), position.text());
  EXPECT_EQ(parsed->remaining, 1234);
  EXPECT_EQ(parsed->floor, 7);
  EXPECT_EQ(parsed->low, 88);
  EXPECT_EQ(parsed->until, 12);
  EXPECT_EQ(parsed->climbs, 3);
  EXPECT_FALSE(parsed->ordered);
  EXPECT_EQ(PagePosition::parse(at(5).text())->low, PagePosition::kTop);
  EXPECT_EQ(PagePosition::parse(at(5).lower_half().text())->low, -1);
}

TEST(PagePosition, RefusesWhatItDidNotWrite) {
  for (const char* text : {"", "1", "1/2", "1/2/3/4/5/1", "-1/0/1/1/0/1/0", "x/0/1/1/0/1/0", "1/y/1/1/0/1/0",
                           "1/2/3/4/5/1/0/", "1/2/3/4/5/2/0", "1/2/3/4/99/1/0", "1/2/-3/4/5/1/0", "1/2/3/4/5/1/",
                           "1/2/3/4/5//0", "99999999999999999999/0/1/1/0/1/0"}) {
    EXPECT_FALSE(PagePosition::parse(text)) << text;
  }
}

TEST(NextPage, HoldsTheLastUnreadRowAndOneAbove) {
  for (int size = 1; size <= 60; ++size) {
    for (std::int64_t remaining = 1; remaining <= 400; ++remaining) {
      const PageNumber page = next_page(at(remaining, 1000), size);
      const std::int64_t end = page.page * page.size;
      ASSERT_LE(page.first_row(), remaining - 1) << size << " " << remaining;
      ASSERT_GT(end, remaining) << size << " " << remaining;
      if (size >= 10) {
        ASSERT_LE(page.size, size + (page.page == 1 ? 1 : 0)) << remaining;
      }
      if (size >= 20 && page.page > 1) {
        ASSERT_GE(5 * page.size, 4 * size) << remaining;
      }
      if (remaining < size) {
        ASSERT_EQ(page, (PageNumber{1, remaining + 1}));
      }
    }
  }
}

TEST(NextPage, RepeatsLittleInALongList) {
  std::optional<PagePosition> position = at(100'000);
  std::int64_t rows = 0, pages = 0;
  while (position) {
    const PageNumber page = next_page(*position, 250);
    const std::int64_t first = page.first_row(), end = std::min<std::int64_t>(page.page * page.size, 100'000);
    rows += end - first;
    ++pages;
    position = after_page(*position, {page, 100'000, end - first, first + 1, end, true});
  }
  EXPECT_LT(rows, 106'000);
  EXPECT_LE(pages, 500);
}

TEST(NextPage, WithoutOrderTheOldWay) {
  PagePosition position = at(979, 500);
  position.ordered = false;
  EXPECT_EQ(next_page(position, 250), (PageNumber{4, 250}));
  position.remaining = 750;
  EXPECT_EQ(next_page(position, 250), (PageNumber{3, 250}));
}

TEST(NextPage, ExpectedRowsFollowTheTotal) {
  EXPECT_EQ(expected_rows({4, 250}, 979), 229);
  EXPECT_EQ(expected_rows({4, 250}, 750), 0);
  EXPECT_EQ(expected_rows({1, 250}, 979), 250);
}

TEST(AfterPage, ASeamThatDoesNotHoldLeadsUp) {
  PagePosition position = at(500, 501);
  const auto up = after_page(position, {{2, 251}, 1000, 251, 250, 500, true});
  ASSERT_TRUE(up);
  EXPECT_GT(up->remaining, 500);
  EXPECT_EQ(up->low, 501);
  EXPECT_EQ(up->climbs, 1);
  const auto held = after_page(position, {{2, 251}, 1000, 251, 251, 501, true});
  ASSERT_TRUE(held);
  EXPECT_EQ(held->remaining, 251);
  EXPECT_EQ(held->low, 251);
}

TEST(AfterPage, ThePageThatReachesTheEndHasItsSeam) {
  const auto next = after_page(at(500, 2000), {{3, 200}, 520, 120, 700, 900, true});
  ASSERT_TRUE(next);
  EXPECT_EQ(next->remaining, 400);
  EXPECT_EQ(next->low, 700);
}

TEST(AfterPage, ClimbsHaveAnEnd) {
  std::optional<PagePosition> position = at(500, 9'000'000);
  EXPECT_THROW(
      {
        for (int i = 0; i < 30; ++i)
          position = after_page(*position, {{2, 251}, 100'000'000, 251, 250, 500, true});
      },
      Error);
}

TEST(AfterPage, EndsAtTheFloorAndAtTheOtherHalf) {
  PagePosition tail = at(1030);
  tail.floor = 975;
  const PageNumber page = next_page(tail, 25);
  EXPECT_FALSE(after_page(tail, {{1, 1030}, 1030, 1030, 1, 1030, true}));
  EXPECT_TRUE(after_page(tail, {page, 1030, 25, 1006, 1030, true}));
  PagePosition upper = at(500, 501);
  upper.until = 300;
  EXPECT_TRUE(after_page(upper, {{2, 251}, 1000, 251, 301, 502, true}));
  EXPECT_FALSE(after_page(upper, {{2, 251}, 1000, 251, 300, 502, true}));
}

TEST(AfterPage, TheSamePageAgainIsAnError) {
  // A vendor that ignores `page`: always the records 1 to 7.
  std::optional<PagePosition> position = at(60);
  EXPECT_THROW(
      {
        while (position)
          position = after_page(*position, {next_page(*position, 7), 60, 7, 1, 7, true});
      },
      Error);
}

TEST(AfterPage, WithoutOrderThereAreNoSeams) {
  const auto next = after_page(at(500, 501), {{2, 251}, 1000, 251, 3, 499, false});
  ASSERT_TRUE(next);
  EXPECT_FALSE(next->ordered);
  EXPECT_EQ(next->low, -1);
  EXPECT_EQ(next->remaining, 251);
  EXPECT_FALSE(after_page(*next, {{1, 251}, 1000, 251, 3, 499, true}));
}

TEST(AfterPage, AnEmptyPageBehindTheEndGoesOn) {
  const auto next = after_page(at(500, 501), {{2, 251}, 100, 0, -1, -1, true});
  ASSERT_TRUE(next);
  EXPECT_EQ(next->remaining, 100);
  EXPECT_EQ(next->low, 501);
}

/// A vendor's list that changes between pages.
class Vendor {
 public:
  Vendor(unsigned seed, std::int64_t rows) : random_(seed) {
    for (std::int64_t i = 0; i < rows; ++i)
      add();
    always_.insert(rows_.begin(), rows_.end());
  }
  PageSeen read(const PageNumber& page, std::set<std::int64_t>& met) const {
    PageSeen seen{page, static_cast<std::int64_t>(rows_.size()), 0, -1, -1, true};
    auto row = rows_.begin();
    std::advance(row, std::min<std::int64_t>(page.first_row(), seen.total));
    for (; row != rows_.end() && seen.rows < page.size; ++row, ++seen.rows) {
      if (seen.lowest < 0) seen.lowest = *row;
      seen.highest = *row;
      met.insert(*row);
    }
    return seen;
  }
  std::int64_t total() const { return static_cast<std::int64_t>(rows_.size()); }
  /// Ids that were there all the time.
  const std::set<std::int64_t>& always() const { return always_; }

  void change(int most) {
    for (std::int64_t count = below(most + 1); count > 0; --count) {
      switch (below(4)) {
        case 0:
          add();
          break;
        case 1:
          restore();
          break;
        default:
          remove();
      }
    }
    if (below(40) == 0) mass();
  }

 private:
  std::int64_t below(std::int64_t limit) { return std::uniform_int_distribution<std::int64_t>(0, limit - 1)(random_); }
  void add() {
    next_ += 1 + (below(5) == 0 ? below(4) : 0);
    rows_.insert(next_);
  }
  void remove() {
    if (rows_.empty()) return;
    auto row = rows_.begin();
    std::advance(row, below(total()));
    always_.erase(*row);
    gone_.push_back(*row);
    rows_.erase(row);
  }
  void restore() {
    if (gone_.empty()) return;
    const auto which = gone_.begin() + below(static_cast<std::int64_t>(gone_.size()));
    rows_.insert(*which);
    gone_.erase(which);
  }
  /// Half of the list goes, or half of what went comes back.
  void mass() {
    const bool back = below(2) == 0;
    for (std::int64_t count = (back ? static_cast<std::int64_t>(gone_.size()) : total()) / 2; count > 0; --count)
      back ? restore() : remove();
  }

  std::mt19937 random_;
  std::int64_t next_ = 0;
  std::set<std::int64_t> rows_, always_;
  std::vector<std::int64_t> gone_;
};

/// One pass after another over the same vendor, their pages in turn; every position goes through its text.
struct Pass {
  std::optional<PagePosition> position;
  int pages = 0;

  std::optional<PageSeen> step(Vendor& vendor, int size, std::set<std::int64_t>& met) {
    if (!position) return std::nullopt;
    const auto parsed = PagePosition::parse(position->text());
    const PageSeen seen = vendor.read(next_page(*parsed, size), met);
    const auto next = after_page(*parsed, seen);
    EXPECT_FALSE(next && next->text() == position->text()) << "no progress from " << position->text();
    EXPECT_LT(++pages, 3000);
    position = pages < 3000 ? next : std::nullopt;
    return seen;
  }
};

void expect_all_met(const Vendor& vendor, const std::set<std::int64_t>& met, const std::string& story) {
  for (const std::int64_t id : vendor.always())
    ASSERT_TRUE(met.contains(id)) << story << " lost record " << id;
}

TEST(CompletePass, ReadsEveryRowThatWasThereAllTheTime) {
  int given_up = 0, stories = 0;
  for (unsigned seed = 1; seed <= 1500; ++seed) {
    std::mt19937 random(seed);
    const int size = 1 + static_cast<int>(random() % 40), most = static_cast<int>(random() % (size < 5 ? 2 : 5));
    Vendor vendor(seed, static_cast<std::int64_t>(random() % 400));
    const std::string story = fmt::format("seed {} size {} changes {}", seed, size, most);
    std::set<std::int64_t> met;
    Pass pass{at(vendor.total())};
    ++stories;
    try {
      while (pass.position) {
        vendor.change(most);
        pass.step(vendor, std::max(1, size - static_cast<int>(random() % 3)), met);
      }
      expect_all_met(vendor, met, story);
    } catch (const Error& error) {
      EXPECT_LT(size, 10)
          << story << error.what();  // pages of a few rows with as many changes between them look like a repeated page
      ++given_up;
    }
  }
  EXPECT_LT(given_up, stories / 50);
}

TEST(CompletePass, TwoHalvesReadEveryRowThatWasThereAllTheTime) {
  for (unsigned seed = 1; seed <= 1500; ++seed) {
    std::mt19937 random(seed);
    const int size = 10 + static_cast<int>(random() % 30), most = static_cast<int>(random() % 5);
    Vendor vendor(seed, 100 + static_cast<std::int64_t>(random() % 500));
    const std::string story = fmt::format("seed {} size {} changes {}", seed, size, most);
    std::set<std::int64_t> met;
    Pass upper{at(vendor.total())}, lower{upper.position->lower_half()};
    for (std::size_t before = random() % 3; before > 0 && upper.position; --before) {
      vendor.change(most);
      upper.step(vendor, size, met);
    }
    vendor.change(most);
    const std::int64_t middle = lower.position->remaining;
    const auto first = lower.step(vendor, size, met);
    if (upper.position && first->highest >= 0) {
      upper.position->until = first->highest;
      upper.position->floor = middle;  // known to the caller, and in the way of no row that moved below it
    }
    while (upper.position || lower.position) {
      vendor.change(most);
      (random() % 2 == 0 ? upper : lower).step(vendor, size, met);
    }
    expect_all_met(vendor, met, story);
  }
}

TEST(CompletePass, DeletionsHideNothingInAListWithoutOrder) {
  for (int size = 1; size <= 40; ++size) {
    std::vector<int> vendor(200);
    for (int i = 0; i < 200; ++i)
      vendor[static_cast<std::size_t>(i)] = (i * 77) % 200;
    std::set<int> met;
    std::optional<PagePosition> position = at(200);
    unsigned draw = static_cast<unsigned>(size);
    while (position) {
      draw = draw * 1103515245U + 12345U;
      if (!vendor.empty()) vendor.erase(vendor.begin() + static_cast<std::ptrdiff_t>(draw % vendor.size()));
      const PageNumber page = next_page(*position, size);
      const auto total = static_cast<std::int64_t>(vendor.size());
      PageSeen seen{page, total, 0, -1, -1, false};
      for (std::int64_t row = page.first_row(); row < std::min(total, page.first_row() + page.size); ++row, ++seen.rows)
        met.insert(vendor[static_cast<std::size_t>(row)]);
      position = after_page(*position, seen);
    }
    for (const int id : vendor)
      EXPECT_TRUE(met.contains(id)) << "page size " << size << " lost record " << id;
  }
}

}  // namespace
}  // namespace surveysync::sources
