#include <gtest/gtest.h>

#include "sync/complete_pass.h"
#include "sync/sweep.h"

namespace surveysync::sync {
namespace {

model::Page page_of(std::initializer_list<std::int64_t> ids) {
  model::Page page;
  for (const std::int64_t id : ids) {
    model::Record record;
    record.key = {std::int64_t{7}, id};
    page.records.push_back(std::move(record));
  }
  return page;
}

TEST(PassState, SurvivesARestart) {
  PassState state;
  state.started = UtcTime(std::chrono::microseconds(1'234'567));
  state.signpost = UtcTime(std::chrono::microseconds(-5));
  state.total_before = 42;
  state.pages = 3;
  state.sweeping = true;
  state.newest = "2026-03-19 15:58:55";
  state.newest_at = UtcTime(std::chrono::microseconds(99));
  state.segments.resize(2);
  state.segments[0].position = "20/0/17/12/0/1/0";
  state.segments[0].tally.add(page_of({17, 18, 19}));
  state.segments[0].last_total = 41;
  state.segments[0].downs = 1;
  state.segments[1].position = kSegmentDone;
  const auto read = PassState::parse(state.text());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->text(), state.text());
  EXPECT_EQ(read->started, state.started);
  EXPECT_EQ(read->newest, state.newest);
  EXPECT_EQ(read->newest_at, state.newest_at);
  EXPECT_EQ(read->fetched(), 3);
  EXPECT_EQ(read->downs(), 1);
  EXPECT_FALSE(read->all_read());
}

TEST(PassState, OtherTextsBeginAnew) {
  for (const std::string_view text : {"", "1;2;3", "w;win:1:2", "2;0;0;1;1;0;;", "2;a;0;1;1;0;;|0,0,,;1;0;done"})
    EXPECT_FALSE(PassState::parse(text)) << text;
}

TEST(Brake, StopsAboveRowsOrAboveShareAndLeast) {
  const Brake brake{5, 100, 10};
  EXPECT_FALSE(above_brake(brake, 10, 10)) << "ten may always go";
  EXPECT_FALSE(above_brake(brake, 100, 100'000));
  EXPECT_TRUE(above_brake(brake, 101, 100'000));
  EXPECT_TRUE(above_brake(brake, 11, 200));
  EXPECT_FALSE(above_brake(brake, 11, 220));
}

TEST(PassTally, LeavesToTheLowerHalfWhatIsItsOwn) {
  PassTally tally;
  tally.add(page_of({10, 11, 12, 13}), 11);
  EXPECT_EQ(tally.fetched(), 2);
}

}  // namespace
}  // namespace surveysync::sync
