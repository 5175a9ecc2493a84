// What sources/source.h promises about changes: looks, windows, counts, single records, and vendors that lie about
// them. Providers without changes to ask for pass by saying so.

#include <fmt/format.h>

#include <algorithm>

#include "suite.h"

namespace surveysync::test {
namespace {

using sources::Presence;

class ChangesConformance : public SourceConformance {
 protected:
  /// Starts a vendor and learns of it; false when it knows no changes.
  bool ready(const VendorUnderTest::Options& options = {}) {
    start(options);
    if (!learn().newest_first) return false;
    partition_ = source().partitions({}, {}).front();
    return true;
  }
  void change(const std::string& what) {
    vendor_->control("/change", fmt::format(R"({{"survey":{},{}}})", partition_.name, what));
  }
  void fault(const std::string& rule) { vendor_->control("/fault", rule); }
  /// Providers whose changes can be asked for number their records; what the sandbox is told names them so.
  static std::set<std::int64_t> ids(const std::vector<Page>& pages) {
    std::set<std::int64_t> met;
    for (const Page& page : pages)
      for (const model::Record& record : page.records)
        met.insert(std::get<std::int64_t>(record.key.back()));
    return met;
  }
  /// Whether the vendor knows changes at all when nothing is wrong with it.
  bool knows_changes() {
    start();
    return learn().newest_first;
  }
  std::set<std::int64_t> all() { return ids(pages(partition_, "", 60)); }
  std::string newest() {
    std::string newest;
    for (const Page& page : pages(partition_, "", 60))
      newest = std::max(newest, page.newest);
    return source().bookmark(newest, source().vendor_now() + std::chrono::hours(48), "");
  }
  std::string from_the_beginning() { return source().window_position("", Duration::zero()); }

  Partition partition_;
};

TEST_P(ChangesConformance, EveryAbilityIsLearned) {
  if (!ready()) return;
  const sources::Abilities able = source().abilities(certified_stream());
  EXPECT_TRUE(able.windows && able.windows_counted) << able.reason;
  EXPECT_EQ(source().date_doubt(source().vendor_now() - std::chrono::hours(24 * 30)), Duration::zero());
  std::set<std::string> names;
  for (const model::Capability& one : source().learn(source().partitions({}, {}), {}, {}))
    names.insert(one.name);
  for (const std::string& name : source().learnable())
    EXPECT_TRUE(names.contains(name)) << name;
}

TEST_P(ChangesConformance, ALookShowsTheNewestChange) {
  if (!ready()) return;
  const Page before = fetch(certified_stream(), partition_, sources::newest_position(3));
  EXPECT_EQ(before.total, fetch(certified_stream(), partition_, "").total);
  EXPECT_FALSE(before.next);
  EXPECT_EQ(before.unreliable, "");
  change(R"("op":"edit","response":2)");
  const Page after = fetch(certified_stream(), partition_, sources::newest_position(3));
  EXPECT_GT(after.newest, before.newest);
  ASSERT_TRUE(after.newest_at);
  EXPECT_LT(std::chrono::abs(*after.newest_at - source().vendor_now()), std::chrono::seconds(30));
  EXPECT_EQ(std::get<std::int64_t>(after.records.front().key.back()), 2);
}

TEST_P(ChangesConformance, AWindowMeetsEveryChangeSinceItsBookmark) {
  for (const std::string zone : {"UTC", "America/New_York", "Europe/London"}) {
    VendorUnderTest::Options options;
    options.updated_zone = zone;
    if (!ready(options)) return;
    const std::set<std::int64_t> known = all();
    const std::string bookmark = newest();
    change(R"("op":"insert","count":20)");
    for (const int id : {1, 2, 9})
      change(fmt::format(R"("op":"edit","response":{})", id));
    const std::vector<Page> window = pages(partition_, source().window_position(bookmark, Duration::zero()));
    EXPECT_EQ(unreliable_, "") << zone;
    std::set<std::int64_t> due = all();
    std::erase_if(due, [&](std::int64_t id) { return known.contains(id); });
    due.insert({1, 2, 9});
    const std::set<std::int64_t> met = ids(window);
    EXPECT_TRUE(std::ranges::includes(met, due)) << zone;
    EXPECT_LE(met.size(), due.size() + 5) << "and little else";
    EXPECT_GT(met.size(), due.size()) << "its edge is inclusive: the change at the bookmark is met again";
  }
}

TEST_P(ChangesConformance, WindowsReadEverythingInEverySize) {
  if (!ready()) return;
  const std::set<std::int64_t> known = all();
  for (const int size : {2, 7, 13, 60, 500}) {
    EXPECT_EQ(ids(pages(partition_, from_the_beginning(), size)), known) << size;
    EXPECT_EQ(unreliable_, "") << size;
    const auto down = source().window_position(UtcTime{}, std::nullopt, true);
    EXPECT_EQ(ids(pages(partition_, down, size)), known) << size;
    EXPECT_EQ(unreliable_, "") << size;
  }
}

TEST_P(ChangesConformance, LowerEdgesAreInclusiveUpperOnesExclusive) {
  if (!ready()) return;
  const Page look = fetch(certified_stream(), partition_, sources::newest_position(25));
  std::vector<UtcTime> times;
  for (const Page& page : pages(partition_, from_the_beginning(), 2))
    if (page.newest_at) times.push_back(*page.newest_at);
  const UtcTime middle = times[times.size() / 2];
  for (const bool newest_first : {false, true}) {
    const auto older = ids(pages(partition_, source().window_position(UtcTime{}, middle, newest_first)));
    const auto newer = ids(pages(partition_, source().window_position(middle, std::nullopt, newest_first)));
    EXPECT_EQ(older.size() + newer.size(), all().size());
    for (const std::int64_t id : newer)
      EXPECT_FALSE(older.contains(id)) << id;
    const auto second =
        ids(pages(partition_, source().window_position(middle, middle + std::chrono::seconds(1), newest_first)));
    EXPECT_GE(second.size(), 1U) << "the edge itself";
  }
  EXPECT_FALSE(look.records.empty());
}

TEST_P(ChangesConformance, ATieLargerThanAPageIsRead) {
  for (const bool shuffled : {false, true}) {
    if (!ready()) return;
    const std::string bookmark = newest();
    change(R"("op":"tie","of":"edit","count":40)");
    if (shuffled) fault("shuffle-ties");
    const std::set<std::int64_t> met = ids(pages(partition_, source().window_position(bookmark, Duration::zero())));
    EXPECT_EQ(unreliable_, "");
    EXPECT_GE(met.size(), 40U);
    EXPECT_EQ(ids(pages(partition_, from_the_beginning())), all());
    EXPECT_EQ(ids(pages(partition_, source().window_position(UtcTime{}, std::nullopt, true))), all());
    EXPECT_EQ(unreliable_, "");
  }
}

TEST_P(ChangesConformance, WindowsResumeFromEveryPosition) {
  if (!ready()) return;
  change(R"("op":"tie","of":"edit","count":20)");
  std::string position = from_the_beginning();
  std::set<std::int64_t> met;
  const std::set<std::int64_t> known = all();
  while (true) {
    std::set<std::int64_t> rest = ids(pages(partition_, position));
    rest.insert(met.begin(), met.end());
    EXPECT_EQ(rest, known) << position;
    const Page page = fetch(certified_stream(), partition_, position);
    for (const model::Record& record : page.records)
      met.insert(std::get<std::int64_t>(record.key.back()));
    if (!page.next) break;
    EXPECT_NE(*page.next, position);
    position = *page.next;
  }
}

TEST_P(ChangesConformance, CountsAreAsOfAMoment) {
  if (!ready()) return;
  const auto count = [&](UtcTime as_of) {
    const auto position = source().count_position(as_of);
    return position ? fetch(certified_stream(), partition_, *position).total : std::nullopt;
  };
  EXPECT_EQ(count(source().vendor_now()), fetch(certified_stream(), partition_, "").total);
  const auto old = count(source().vendor_now() - std::chrono::hours(24 * 3650));
  EXPECT_EQ(old, 0);
}

TEST_P(ChangesConformance, AVendorThatLiesIsFoundOutWhenItIsLearned) {
  if (!knows_changes()) return;
  for (const std::string lie : {"ignore-filter", "refuse-filter", "shift-filter:hours=5", "ignore-order",
                                "no-date-updated", "total-ignores-filter"}) {
    VendorUnderTest::Options lying;
    lying.faults = {of_lists(lie)};
    start(lying);
    const sources::Abilities able = learn();
    EXPECT_FALSE(able.windows_counted) << lie;
    EXPECT_EQ(able.windows, lie == "total-ignores-filter") << lie;
    EXPECT_FALSE(able.reason.empty()) << lie;
    const Partition partition = main_partition();
    EXPECT_EQ(static_cast<std::int64_t>(ids(pages(partition, "")).size()),
              fetch(certified_stream(), partition, "").total)
        << lie << ": a complete pass reads everything all the same";
    if (able.windows) {
      EXPECT_EQ(ids(pages(partition, from_the_beginning())), ids(pages(partition, ""))) << lie;
      EXPECT_EQ(unreliable_, "");
    }
  }
}

TEST_P(ChangesConformance, AVendorThatBeginsToLieIsFoundOutByItsPages) {
  for (const std::string lie : {"ignore-filter", "shift-filter:hours=-5", "ignore-order", "no-date-updated"}) {
    if (!ready()) return;
    const std::set<std::int64_t> known = all();
    const std::string bookmark = newest();
    change(R"("op":"insert","count":9)");
    fault(of_lists(lie));
    const auto met = ids(pages(partition_, source().window_position(bookmark, Duration::zero())));
    EXPECT_TRUE(!unreliable_.empty() || met.size() >= 9) << lie << " " << met.size();
    if (lie == "ignore-filter" || lie == "no-date-updated") {
      EXPECT_NE(unreliable_, "") << lie;
    }
    if (lie == "ignore-order" || lie == "no-date-updated") {
      EXPECT_NE(fetch(certified_stream(), partition_, sources::newest_position(25)).unreliable, "") << lie;
    }
  }
}

TEST_P(ChangesConformance, ATieIsNotReadFromOnePageAgainAndAgain) {
  if (!ready()) return;
  const std::string bookmark = newest();
  change(R"("op":"tie","of":"edit","count":40)");
  fault(of_lists("same-page"));
  pages(partition_, source().window_position(bookmark, Duration::zero()));
  EXPECT_NE(unreliable_, "");
}

TEST_P(ChangesConformance, PagesThatAreCappedLoseNothing) {
  VendorUnderTest::Options capped;
  capped.responses = 160;
  capped.faults = {of_lists("cap-page:rows=50,echo=asked")};
  if (!ready(capped)) return;
  const std::set<std::int64_t> read = ids(pages(partition_, "", 250));
  EXPECT_EQ(static_cast<std::int64_t>(read.size()), fetch(certified_stream(), partition_, "").total);
  EXPECT_EQ(ids(pages(partition_, from_the_beginning(), 250)), read);
}

TEST_P(ChangesConformance, OneRecordIsThereGoneOrRefused) {
  if (!ready()) return;
  const std::set<std::int64_t> known = all();
  const auto key = [&](std::int64_t id) { return model::Key{std::stoll(partition_.name), id}; };
  const Page page = fetch(certified_stream(), partition_, *fetch(certified_stream(), partition_, "").next, 60);
  const model::Record& listed = page.records.front();
  const sources::Found there = source().find(certified_stream(), partition_, listed.key, {}, {});
  ASSERT_EQ(there.presence, Presence::present);
  EXPECT_EQ(there.page.records.at(0).hash, listed.hash) << "keyed and hashed as a list's record";
  int certain = 0;
  for (int i = 0; i < 8; ++i)
    change(R"("op":"delete","count":1)");
  const std::set<std::int64_t> left = all();
  for (const std::int64_t id : known) {
    const sources::Found found = source().find(certified_stream(), partition_, key(id), {}, {});
    EXPECT_EQ(found.presence, left.contains(id) ? Presence::present : Presence::gone) << id << found.evidence;
    certain += found.certain ? 1 : 0;
  }
  EXPECT_LT(left.size(), known.size());
  EXPECT_EQ(source().find_partition(partition_.name, {}, {}).presence, Presence::present);
  EXPECT_EQ(source().find_partition("1", {}, {}).presence, Presence::gone);
  fault("forbidden:survey=" + partition_.name);
  EXPECT_EQ(source().find(certified_stream(), partition_, key(*left.begin()), {}, {}).presence, Presence::refused);
}

TEST_P(ChangesConformance, OneRecordInTheFlatForm) {
  if (!knows_changes()) return;
  VendorUnderTest::Options flat;
  flat.faults = {"flat"};
  start(flat);
  const Partition partition = main_partition();
  const Page page = fetch(certified_stream(), partition, *fetch(certified_stream(), partition, "").next, 60);
  const sources::Found found = source().find(certified_stream(), partition, page.records.front().key, {}, {});
  ASSERT_EQ(found.presence, Presence::present) << found.evidence;
  EXPECT_EQ(found.page.records.at(0).hash, page.records.front().hash);
  const Page again = source().reread(certified_stream(), partition, std::string(page.records.front().payload));
  EXPECT_EQ(again.records.at(0).hash, page.records.front().hash);
}

INSTANTIATE_TEST_SUITE_P(Providers, ChangesConformance, testing::ValuesIn(app::providers()), name_of_provider);

}  // namespace
}  // namespace surveysync::test
