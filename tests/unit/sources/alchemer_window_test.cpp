// Windows over changes: positions, questions, proofs, and a simulation of vendors whose responses change meanwhile.
#include "sources/alchemer/window.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "sources/alchemer/wall.h"

namespace surveysync::sources::alchemer {
namespace {

constexpr std::string_view kStart = "2026-03-02 10:00:00";

std::string at(std::int64_t second) {
  return moved(kStart, std::chrono::seconds(second));
}

TEST(Wall, StampsAreOfOneFormOnly) {
  EXPECT_TRUE(is_wall("2026-03-19 15:58:55"));
  for (const char* text :
       {"", "0000-00-00 00:00:00", "2026-03-19T15:58:55", "2026-03-19 15:58", "2026-03-19 15:58:55 EST",
        "2026-02-30 15:58:55", "2026-03-19 15:58:55Z", " 2026-03-19 15:58:5"}) {
    EXPECT_FALSE(is_wall(text)) << text;
  }
  EXPECT_EQ(moved("2026-02-28 23:59:59", std::chrono::seconds(1)), "2026-03-01 00:00:00");
  EXPECT_EQ(moved("2026-01-01 00:30:00", -std::chrono::hours(2)), "2025-12-31 22:30:00");
  EXPECT_EQ(moved("1970-01-01 00:30:00", -std::chrono::hours(2)), "1970-01-01 00:00:00");
}

TEST(Wall, DoubtsWhereClocksChange) {
  const Zone new_york("America/New_York");
  const auto utc = [](std::string_view text) { return *to_utc(*parse_stamp(text), Zone("UTC")); };
  EXPECT_EQ(doubt_around(utc("2026-07-01 00:00:00"), new_york), Duration::zero());
  EXPECT_EQ(doubt_around(utc("2026-11-01 06:00:00"), new_york), std::chrono::hours(1));
  EXPECT_EQ(doubt_around(utc("2026-11-01 04:30:00"), new_york), std::chrono::hours(1));
  EXPECT_EQ(doubt_around(utc("2026-11-01 07:30:00"), new_york), std::chrono::hours(1));
  EXPECT_EQ(doubt_around(utc("2026-11-01 08:30:00"), new_york), Duration::zero());
  EXPECT_EQ(doubt_around(utc("2026-11-01 06:00:00"), Zone("UTC")), Duration::zero());
  EXPECT_EQ(doubt_around(utc("2026-11-01 06:00:00"), Zone()), kZoneDoubt);
  EXPECT_EQ(wall_at(utc("2026-11-01 05:30:00"), new_york), "2026-11-01 01:30:00");
  EXPECT_TRUE(is_repeated("2026-11-01 01:30:00", new_york));
  EXPECT_FALSE(is_repeated("2026-11-01 01:30:00", Zone("UTC")));
  EXPECT_TRUE(is_repeated("2026-11-01 01:30:00", Zone()));
  EXPECT_FALSE(is_repeated("2026-07-01 01:30:00", Zone()));
}

TEST(WindowPosition, SurvivesItsText) {
  const WindowPosition position{true, at(0), at(99), at(50), {3, 25, 60, 41, 50}};
  const auto parsed = WindowPosition::parse(position.text());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->text(), position.text());
  EXPECT_TRUE(parsed->newest_first);
  EXPECT_EQ(parsed->tie.last_id, 41);
  EXPECT_EQ(WindowPosition::parse(WindowPosition{false, at(0), "", "", {}}.text())->until, "");
}

TEST(WindowPosition, RefusesWhatItDidNotWrite) {
  const std::string good = WindowPosition{false, at(0), "", at(5), {1, 25, 60, 41, 50}}.text();
  ASSERT_TRUE(WindowPosition::parse(good));
  for (std::string bad :
       {std::string(), std::string("window:"), good + "/", good.substr(7), good.substr(0, good.size() - 2),
        std::string("window:x") + good.substr(8), std::string("window:a/soon///0/0/0/0/0"),
        std::string("window:a/2026-03-02 10:00:00///1/25/0/0/0")}) {
    EXPECT_FALSE(WindowPosition::parse(bad)) << bad;
  }
}

std::string asked(const WindowPosition& position) {
  std::string out;
  for (const auto& [name, value] : window_query(position))
    out += name.starts_with("filter[field]") ? "" : (out.empty() ? "" : " ") + value;
  return out;
}

TEST(WindowQuery, AsksInclusiveFromTheEdge) {
  EXPECT_EQ(asked({false, at(0), "", "", {}}), ">= " + at(0) + " date_updated");
  EXPECT_EQ(asked({false, at(0), at(9), at(5), {}}), ">= " + at(5) + " < " + at(9) + " date_updated");
  EXPECT_EQ(asked({true, at(0), at(9), "", {}}), ">= " + at(0) + " < " + at(9) + " -date_updated");
  EXPECT_EQ(asked({true, at(0), at(9), at(5), {}}), ">= " + at(0) + " <= " + at(5) + " -date_updated");
  EXPECT_EQ(asked({true, at(0), at(9), at(5), {1, 25, 0, 0, 0}}), ">= " + at(5) + " <= " + at(5));
}

WindowStep step(const WindowPosition& position, const std::vector<std::pair<std::int64_t, std::string>>& records,
                std::optional<std::int64_t> total = std::nullopt, std::int64_t asked_rows = 3) {
  std::vector<Dated> dated;
  for (const auto& [id, stamp] : records)
    dated.push_back({id, stamp});
  return after_window_page(position, {asked_rows, static_cast<std::int64_t>(records.size()), total, 50, dated},
                           Zone("America/New_York"));
}

TEST(WindowPage, EveryLieIsSeen) {
  const WindowPosition up{false, at(10), at(20), "", {}}, down{true, at(10), at(20), at(15), {}};
  EXPECT_NE(step(up, {{1, at(9)}}).unreliable, "");
  EXPECT_NE(step(up, {{1, at(20)}}).unreliable, "");
  EXPECT_NE(step(up, {{1, at(12)}, {2, at(11)}}).unreliable, "");
  EXPECT_NE(step(up, {{1, at(12)}, {2, ""}}).unreliable, "");
  EXPECT_EQ(step(up, {{1, at(12)}, {0, ""}}).unreliable, "") << "a broken record is no lie";
  EXPECT_NE(step(up, {{0, ""}, {0, ""}, {0, ""}}).unreliable, "") << "but nothing else is no page";
  EXPECT_NE(step(down, {{1, at(16)}}).unreliable, "");
  EXPECT_NE(step(down, {{1, at(9)}}).unreliable, "");
  EXPECT_NE(step(down, {{1, at(12)}, {2, at(13)}}).unreliable, "");
  EXPECT_EQ(step(down, {{1, at(15)}, {2, at(10)}}).unreliable, "");
  EXPECT_FALSE(step(up, {{1, at(9)}, {2, at(11)}, {3, at(12)}}, 9).next) << "what cannot be believed leads nowhere";
}

TEST(WindowPage, MovesItsEdgeInclusive) {
  const WindowPosition up{false, at(10), "", "", {}};
  EXPECT_EQ(step(up, {{1, at(10)}, {2, at(11)}, {3, at(12)}}, 9).next->edge, at(12));
  EXPECT_FALSE(step(up, {{1, at(10)}, {2, at(11)}, {3, at(12)}}, 3).next) << "all that it counts";
  EXPECT_TRUE(step(up, {{1, at(10)}, {2, at(11)}, {3, at(12)}}).next);
  EXPECT_FALSE(step(up, {{1, at(10)}, {2, at(11)}}).next) << "not a full page";
  EXPECT_FALSE(step(up, {}, 9).next);
  EXPECT_NE(step(up, {{1, "2026-11-01 01:10:00"}}, 9).unreliable, "") << "an edge in the repeated hour";
}

TEST(WindowPage, APageThatMayBeCutShortIsNotTheLast) {
  const WindowPosition up{false, at(10), "", "", {}};
  std::vector<Dated> dated(60, Dated{1, "2026-03-02 10:00:10"});
  dated.back().stamp = "2026-03-02 10:00:11";
  EXPECT_TRUE(after_window_page(up, {250, 60, {}, 50, dated}, Zone()).next);
  EXPECT_FALSE(after_window_page(up, {250, 60, {}, 100, dated}, Zone()).next);
}

TEST(WindowPage, ATieIsReadByIdOrNotAtAll) {
  const WindowPosition up{false, at(10), "", at(10), {}};
  const std::string t = at(10);
  const auto tie = step(up, {{1, t}, {2, t}, {3, t}}, 5).next;
  ASSERT_TRUE(tie);
  EXPECT_EQ(tie->tie.page, 1);
  EXPECT_NE(step(up, {{1, t}, {2, t}, {3, t}}).unreliable, "") << "without totals there is no way through";
  const auto second = step(*tie, {{1, t}, {2, t}, {3, t}}, 5).next;
  ASSERT_TRUE(second);
  EXPECT_EQ(second->tie.page, 2);
  EXPECT_EQ(step(*second, {{4, t}, {5, t}}, 5).next->edge, at(11));
  EXPECT_NE(step(*second, {{3, t}, {5, t}}, 5).unreliable, "");
  EXPECT_NE(step(*second, {{5, t}, {4, t}}, 5).unreliable, "");
  EXPECT_NE(step(*second, {{4, t}, {5, t}}, 6).unreliable, "");
  EXPECT_NE(step(*second, {{4, t}, {5, at(11)}}, 5).unreliable, "");
  EXPECT_NE(step(*second, {}, 5).unreliable, "");
  const WindowPosition ends{false, at(10), at(11), t, {2, 3, 5, 3, 3}};
  EXPECT_FALSE(step(ends, {{4, t}, {5, t}}, 5).next);
  const WindowPosition down{true, at(9), at(11), t, {2, 3, 5, 3, 3}};
  EXPECT_EQ(step(down, {{4, t}, {5, t}}, 5).next->edge, at(9));
}

/// Responses with the second of their last change, as a vendor lists them.
class Vendor {
 public:
  explicit Vendor(unsigned seed) : random_(seed) {
    const std::int64_t count = below(120), spread = 1 + below(80);
    for (std::int64_t id = 1; id <= count; ++id)
      updated_[id] = below(spread);
    // Many at once, as an edit in bulk does.
    const std::int64_t many = below(60), when = below(spread);
    for (std::int64_t id = count + 1; id <= count + many; ++id)
      updated_[id] = when;
    now_ = spread + 5;
    counted_ = below(4) != 0;
    cap_ = below(3) == 0 ? 5 + below(20) : 500;
  }
  std::int64_t below(std::int64_t limit) { return std::uniform_int_distribution<std::int64_t>(0, limit - 1)(random_); }

  /// An edit, an arrival, a deletion.
  void change() {
    const std::int64_t what = below(6);
    if (what > 2) return;
    ++now_;
    const std::int64_t id = what == 0 ? static_cast<std::int64_t>(updated_.size()) + 1000 + now_ : below(180) + 1;
    if (what == 2) {
      updated_.erase(id);
    } else if (what == 0 || updated_.contains(id)) {
      updated_[id] = now_;
    }
  }

  WindowStep read(const WindowPosition& position, std::int64_t size, std::map<std::int64_t, std::int64_t>& met) {
    std::vector<std::pair<std::int64_t, std::int64_t>> rows;  // second, id
    for (const auto& [id, second] : updated_)
      if (passes(position, at(second))) rows.emplace_back(second, id);
    const auto total = static_cast<std::int64_t>(rows.size());
    if (position.tie.page > 0) {
      std::ranges::sort(rows, {}, [](const auto& row) { return row.second; });
    } else {
      std::shuffle(rows.begin(), rows.end(), random_);  // no order within a second
      std::ranges::stable_sort(rows, [&](const auto& a, const auto& b) {
        return position.newest_first ? a.first > b.first : a.first < b.first;
      });
    }
    const std::int64_t want = position.tie.page > 0 ? position.tie.size : size, page = std::min(want, cap_);
    const std::int64_t first = position.tie.page > 0 ? (position.tie.page - 1) * page : 0;
    std::vector<std::string> stamps;
    std::vector<Dated> dated;
    stamps.reserve(rows.size());
    for (std::int64_t row = first; row < std::min(total, first + page); ++row) {
      const auto& [second, id] = rows[static_cast<std::size_t>(row)];
      stamps.push_back(at(second));
      dated.push_back({id, stamps.back()});
      met[id] = second;
    }
    return after_window_page(position,
                             {want, static_cast<std::int64_t>(dated.size()),
                              counted_ ? std::optional(total) : std::nullopt, std::min<std::int64_t>(cap_, 5), dated},
                             Zone("UTC"));
  }
  const std::map<std::int64_t, std::int64_t>& updated() const { return updated_; }
  bool counted() const { return counted_; }

 private:
  static bool passes(const WindowPosition& position, const std::string& stamp) {
    if (position.tie.page > 0) return stamp == position.edge;
    const bool late = (position.newest_first && !position.edge.empty() && stamp > position.edge) ||
                      (!position.until.empty() && stamp >= position.until);
    return !late && stamp >= (position.newest_first || position.edge.empty() ? position.from : position.edge);
  }
  std::mt19937 random_;
  std::map<std::int64_t, std::int64_t> updated_;
  std::int64_t now_ = 0, cap_ = 500;
  bool counted_ = true;
};

/// Reads a window while the vendor changes; false when a page was unreliable.
bool read_window(Vendor& vendor, WindowPosition first, std::map<std::int64_t, std::int64_t>& met, bool busy) {
  std::optional<WindowPosition> position = std::move(first);
  for (int pages = 0; position; ++pages) {
    EXPECT_LT(pages, 1000) << "the window does not end";
    if (pages == 1000) return false;
    if (busy) vendor.change();
    const auto parsed = WindowPosition::parse(position->text());
    const WindowStep step = vendor.read(*parsed, 3 + vendor.below(9), met);
    if (!step.unreliable.empty()) return false;
    EXPECT_FALSE(step.next && step.next->text() == position->text());
    position = step.next;
  }
  return true;
}

TEST(Window, MeetsEveryChangeOrSaysThatItCannot) {
  int refused = 0, refused_quiet = 0, windows = 0;
  for (unsigned seed = 1; seed <= 1000; ++seed) {
    Vendor vendor(seed);
    const bool busy = seed % 2 == 0, down = seed % 5 == 0;
    const std::int64_t from = vendor.below(40), until = seed % 3 == 0 ? from + vendor.below(40) : 100'000;
    const auto before = vendor.updated();
    std::map<std::int64_t, std::int64_t> met;
    ++windows;
    if (!read_window(vendor, {down, at(from), seed % 3 == 0 || down ? at(until) : "", "", {}}, met, busy)) {
      ++refused;
      refused_quiet += !busy && vendor.counted() ? 1 : 0;
      continue;
    }
    for (const auto& [id, second] : vendor.updated()) {
      // Newest first is for what lies in the past: what changes meanwhile moves out of it.
      const bool still = before.contains(id) && before.at(id) == second;
      const bool due =
          second >= from && second < until && (still || (!down && until == 100'000 && before.contains(id)));
      if (!due) continue;
      ASSERT_TRUE(met.contains(id)) << "seed " << seed << " lost " << id;
      if (still) {
        ASSERT_EQ(met.at(id), second) << "seed " << seed;
      }
    }
  }
  EXPECT_EQ(refused_quiet, 0) << "nothing changed, and totals count";
  EXPECT_LT(refused, windows / 3);
}

}  // namespace
}  // namespace surveysync::sources::alchemer
