// The table of responses and its indexes, against lists that are sorted and filtered by hand.
#include "sandbox/table.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "sandbox/random.h"

namespace surveysync::sandbox {
namespace {

TEST(SandboxRanked, IsASortedSetThatKnowsRanks) {
  Ranked<std::uint32_t> ranked;
  std::set<std::uint32_t> model;
  Draw draw({7});
  for (int i = 0; i < 20000; ++i) {
    const auto key = static_cast<std::uint32_t>(draw.below(5000));
    if (draw.chance(600)) {
      ranked.insert(key);
      model.insert(key);
    } else {
      ranked.erase(key);
      model.erase(key);
    }
  }
  ASSERT_EQ(ranked.size(), model.size());
  const std::vector<std::uint32_t> all(model.begin(), model.end());
  EXPECT_EQ(ranked.slice(0, all.size()), all);
  for (std::uint32_t key = 0; key < 5001; key += 7)
    EXPECT_EQ(ranked.below(key), static_cast<std::size_t>(std::distance(model.begin(), model.lower_bound(key))));
  EXPECT_EQ(ranked.slice(100, 50), std::vector<std::uint32_t>(all.begin() + 100, all.begin() + 150));
  EXPECT_TRUE(ranked.slice(all.size(), 5).empty());
  Ranked<std::uint32_t> loaded;
  loaded.assign(all);
  EXPECT_EQ(loaded.slice(0, all.size() + 9), all);
  for (const std::uint32_t key : all)
    loaded.erase(key);
  EXPECT_EQ(loaded.size(), 0U);
  EXPECT_EQ(loaded.below(9), 0U);
}

class Tables : public testing::Test {
 protected:
  Row drawn_row(std::int64_t id) {
    Row row;
    row.id = id;
    row.started = 1735689600 + draw_.below(40000);
    row.submitted = row.started + draw_.below(3000);
    row.updated = row.submitted + draw_.below(300);
    row.status = static_cast<Status>(draw_.below(3));
    row.test = draw_.chance(100);
    row.deleted = draw_.chance(100);
    return row;
  }
  void put(const Row& row) {
    table_.put(row);
    model_[row.id] = row;
  }
  // The answer by brute force.
  RowsFound expected(const RowsAsked& asked) const {
    std::vector<Row> rows;
    for (const auto& [id, row] : model_) {
      if (!row.deleted && asked.submitted.holds(eastern_.wall(row.submitted)) &&
          asked.updated.holds(utc_.wall(row.updated)))
        rows.push_back(row);
    }
    const auto key = [&](const Row& row) {
      const Seconds time = asked.order == RowOrder::submitted ? eastern_.wall(row.submitted) : utc_.wall(row.updated);
      return std::pair(asked.order == RowOrder::id ? 0 : time, row.id);
    };
    std::sort(rows.begin(), rows.end(),
              [&](const Row& a, const Row& b) { return asked.descending ? key(b) < key(a) : key(a) < key(b); });
    RowsFound out{rows.size(), {}};
    for (std::size_t i = asked.first; i < rows.size() && out.rows.size() < asked.count; ++i)
      out.rows.push_back(rows[i]);
    return out;
  }

  Zone eastern_{"America/New_York"}, utc_{"UTC"};
  ResponseTable table_{eastern_, utc_};
  std::map<std::int64_t, Row> model_;
  Draw draw_{{3}};
};

TEST_F(Tables, PagesAreThoseOfASortedList) {
  for (std::int64_t id = 1; id <= 3000; id += 1 + draw_.below(3)) {
    const Row row = drawn_row(id);
    table_.load(row);
    model_[id] = row;
  }
  table_.finish_loading();
  for (int i = 0; i < 4000; ++i)
    put(drawn_row(1 + draw_.below(4000)));
  Statistics counts;
  for (const auto& [id, row] : model_)
    ++(row.deleted ? counts.deleted : row.status == Status::complete ? counts.complete : counts.partial);
  EXPECT_EQ(table_.counts().deleted, counts.deleted);
  EXPECT_EQ(table_.counts().complete, counts.complete);
  EXPECT_EQ(table_.size(), model_.size());
  for (int i = 0; i < 300; ++i) {
    RowsAsked asked;
    asked.order = static_cast<RowOrder>(draw_.below(3));
    asked.descending = asked.order != RowOrder::id && draw_.chance(500);
    const Seconds from = 1735689600 + draw_.below(45000) - 20000;
    if (draw_.chance(400)) asked.updated.narrow(from, from + draw_.below(40000));
    if (draw_.chance(400)) asked.submitted.narrow(from - 18000, from + draw_.below(60000));
    asked.first = draw_.index(2500);
    asked.count = 1 + draw_.index(200);
    const RowsFound found = table_.page(asked), wanted = expected(asked);
    ASSERT_EQ(found.total, wanted.total) << i << " order " << static_cast<int>(asked.order) << " submitted "
                                         << asked.submitted.first << "-" << asked.submitted.last << " updated "
                                         << asked.updated.first << "-" << asked.updated.last;
    ASSERT_TRUE(found.rows == wanted.rows) << i;
  }
}

TEST_F(Tables, FarAwayTimesAreRangesToo) {
  put(drawn_row(1));
  RowsAsked asked;
  asked.updated.narrow(253402300799, WallRange::kLatest);
  EXPECT_EQ(table_.page(asked).total, 0U);
  asked.order = RowOrder::updated;
  EXPECT_EQ(table_.page(asked).total, 0U);
  RowsAsked past;
  past.order = RowOrder::updated;
  past.updated.narrow(-100, -5);
  EXPECT_EQ(table_.page(past).total, 0U);
}

TEST_F(Tables, ShufflesOnlyTies) {
  for (std::int64_t id = 1; id <= 400; ++id) {
    Row row = drawn_row(id);
    row.deleted = false;
    row.updated = 1735689600 + id / 50;
    put(row);
  }
  for (const bool descending : {false, true}) {
    RowsAsked asked;
    asked.order = RowOrder::updated;
    asked.descending = descending;
    const std::vector<Row> plain = table_.page(asked).rows;
    asked.shuffle_ties = 5;
    const std::vector<Row> shuffled = table_.page(asked).rows;
    EXPECT_NE(plain, shuffled);
    for (std::size_t i = 0; i < plain.size(); ++i)
      EXPECT_EQ(plain[i].updated, shuffled[i].updated);
    // With one seed the pages still add up, wherever their edges lie.
    std::vector<Row> pages;
    asked.count = 37;
    for (asked.first = 0; asked.first < 400; asked.first += 37) {
      const std::vector<Row> page = table_.page(asked).rows;
      pages.insert(pages.end(), page.begin(), page.end());
    }
    EXPECT_EQ(pages, shuffled);
    asked.shuffle_ties = 6;
    asked.first = 0;
    EXPECT_NE(table_.page(asked).rows, std::vector<Row>(shuffled.begin(), shuffled.begin() + 37));
  }
}

}  // namespace
}  // namespace surveysync::sandbox
