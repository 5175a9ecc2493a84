#include "sync/tally.h"

#include <gtest/gtest.h>

namespace surveysync::sync {
namespace {

model::Page page_of(const std::vector<std::int64_t>& ids, const std::vector<std::string>& unkeyed = {}) {
  model::Page page;
  for (const std::int64_t id : ids) {
    model::Record record;
    record.key = {std::int64_t{7}, id};
    page.records.push_back(std::move(record));
  }
  for (const std::string& key : unkeyed)
    page.quarantined.push_back({key, "no id", "{}"});
  return page;
}

TEST(PassTally, CountsBackwardPagesOnce) {
  PassTally tally;
  tally.add(page_of({8, 9, 12}));
  tally.add(page_of({4, 5, 8}));  // a deletion moved 8 to a page that was still unread
  tally.add(page_of({1, 2, 4}));
  EXPECT_EQ(tally.fetched(), 7);
}

TEST(PassTally, CountsWhatWasAppended) {
  PassTally tally;
  tally.add(page_of({3, 4}));
  tally.add(page_of({1, 2}));
  tally.add(page_of({4, 5, 6}));
  EXPECT_EQ(tally.fetched(), 6);
}

TEST(PassTally, CountsUnkeyedRecordsOnceEach) {
  PassTally tally;
  tally.add(page_of({2}, {"raw:a", "raw:b"}));
  tally.add(page_of({1}, {"raw:b"}));
  EXPECT_EQ(tally.fetched(), 4);
}

TEST(PassTally, RemembersKeysWhereTheOrderIsAnother) {
  PassTally tally;
  tally.add(page_of({9, 3, 12}));
  tally.add(page_of({5, 9, 1}));
  EXPECT_EQ(tally.fetched(), 5);
  EXPECT_TRUE(tally.text().empty()) << "not to be resumed";
}

TEST(PassTally, AFirstPageOfOneRowDecidesNothing) {
  PassTally tally;
  tally.add(page_of({40}));
  tally.add(page_of({70, 60, 50}));
  tally.add(page_of({90, 45, 42}));
  EXPECT_EQ(tally.fetched(), 7);
}

TEST(PassTally, IsLostWhenTheOrderChangesAfterKeysWereForgotten) {
  PassTally tally;
  std::vector<std::int64_t> many;
  for (std::int64_t id = 5000; id < 7000; ++id)
    many.push_back(id);
  tally.add(page_of(many));
  EXPECT_FALSE(tally.lost());
  tally.add(page_of({3, 1, 2}));
  EXPECT_TRUE(tally.lost());
  PassTally again = PassTally::remembering();
  again.add(page_of(many));
  again.add(page_of({3, 1, 2, 5000}));
  EXPECT_EQ(again.fetched(), 2003);
  EXPECT_FALSE(again.lost());
}

TEST(PassTally, ResumesFromItsText) {
  PassTally tally;
  tally.add(page_of({10, 11}, {"raw:x"}));
  auto resumed = PassTally::parse(tally.text());
  ASSERT_TRUE(resumed);
  resumed->add(page_of({8, 9, 10}));
  EXPECT_EQ(resumed->fetched(), 5);
}

TEST(PassTally, EmptyPassHasAText) {
  const auto resumed = PassTally::parse(PassTally().text());
  ASSERT_TRUE(resumed);
  EXPECT_EQ(resumed->fetched(), 0);
}

TEST(PassTally, RefusesOtherTexts) {
  for (const char* text :
       {"", "1", "1,2,3", "a,0,n1,n2", "1,0,,", "0,0,n1,n2", "1,0,n1,", "1,-1,n1,n2", "1,0,n1,n2,n3"}) {
    EXPECT_FALSE(PassTally::parse(text)) << text;
  }
}

}  // namespace
}  // namespace surveysync::sync
