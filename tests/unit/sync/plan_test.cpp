#include "sync/plan.h"

#include <gtest/gtest.h>

namespace surveysync::sync {
namespace {

using Certified = Task::Certified;
using std::chrono::hours;

constexpr UtcTime kNow{std::chrono::seconds(1'800'000'000)};

class PlanTest : public testing::Test {
 protected:
  PlanTest() {
    job_.source = "us";
    abilities_ = {true, true, true, ""};
  }
  /// A survey certified `probed` ago whose newest change is `changed` ago.
  void add(const std::string& name, hours changed, hours probed, hours swept = hours(24)) {
    model::Partition partition{name, "title", 10, "{\"id\":" + name + "}"};
    store::PartitionState state{"response", name, "title", "bookmark", false, 0, {}};
    state.standing.total = 10;
    state.standing.newest_at = kNow - changed;
    state.standing.hint = hint_of(partition);
    state.standing.settled = state.standing.balanced = true;
    state.standing.probed_at = kNow - probed;
    state.standing.swept_at = kNow - swept;
    store::PartitionState definition = state;
    definition.stream = "survey";
    listed_.push_back(std::move(partition));
    states_.push_back(std::move(state));
    states_.push_back(std::move(definition));
  }
  /// So many dormant surveys that they are probed in turn.
  void add_crowd() {
    for (int i = 0; i < 30; ++i)
      add("crowd" + std::to_string(i), hours(24 * 900), hours(1));
  }
  store::Standing& standing(std::size_t index) { return states_[index * 2].standing; }
  Plan plan(bool everything = false) {
    return make_plan({job_, listed_, states_, "response", "survey", abilities_, kNow, everything});
  }
  /// "probe", "complete", "skip", with "+definition".
  std::string what(const std::string& name, bool everything = false) {
    for (const Task& task : plan(everything).tasks) {
      if (task.partition.name != name) continue;
      const std::string how = task.certified == Certified::skip    ? "skip"
                              : task.certified == Certified::probe ? "probe"
                                                                   : "complete";
      return how + (task.definition ? "+definition" : "");
    }
    return "skip";
  }

  Job job_;
  sources::Abilities abilities_;
  std::vector<model::Partition> listed_;
  std::vector<store::PartitionState> states_;
};

TEST_F(PlanTest, ASurveyNeverReadIsReadCompletely) {
  listed_.push_back({"1", "new", 3, "{}"});
  EXPECT_EQ(what("1"), "complete+definition");
}

TEST_F(PlanTest, ActiveSurveysAreProbedAndDormantOnesAreNot) {
  add("1", hours(10), hours(24));
  add("2", hours(24 * 90), hours(1));
  EXPECT_EQ(what("1"), "probe");
  EXPECT_EQ(what("2"), "probe") << "a few dormant ones cost little";
  add_crowd();
  EXPECT_EQ(what("2"), "skip");
  EXPECT_EQ(plan().skipped, 31);
}

TEST_F(PlanTest, ActivityCountsByTheAccountsOwnClock) {
  add("1", hours(24 * 400), hours(1));
  add("2", hours(24 * 600), hours(1));
  add_crowd();
  EXPECT_EQ(what("1"), "probe") << "the account's newest change is over a year old";
  EXPECT_EQ(what("2"), "skip");
}

TEST_F(PlanTest, ASeventhOfTheDormantIsProbedEachNightAndAllWithinAWeek) {
  add("1", hours(1), hours(24));
  for (int i = 0; i < 70; ++i)
    add(std::to_string(100 + i), hours(24 * 90), hours(24));
  EXPECT_EQ(plan().tasks.size(), 1U + 10U);
  std::set<std::string> probed;
  for (int night = 0; night < 7; ++night) {
    for (const Task& task : plan().tasks) {
      probed.insert(task.partition.name);
      for (store::PartitionState& state : states_)
        if (state.partition == task.partition.name) state.standing.probed_at = kNow;
    }
    for (store::PartitionState& state : states_)
      *state.standing.probed_at -= hours(24);
  }
  EXPECT_EQ(probed.size(), 71U);
}

TEST_F(PlanTest, WhatTheListTellsLeadsToAProbe) {
  add("1", hours(24 * 90), hours(1));
  add("2", hours(1), hours(1));
  listed_[0].context = "{\"id\":1,\"statistics\":{\"Complete\":11}}";
  EXPECT_EQ(what("1"), "probe+definition");
}

TEST_F(PlanTest, WhatIsUncertainIsLookedAtAgain) {
  add("1", hours(24 * 90), hours(1));
  add("2", hours(1), hours(1));
  standing(0).settled = false;
  EXPECT_EQ(what("1"), "probe");
  standing(0).settled = true;
  standing(0).balanced = false;
  EXPECT_EQ(what("1"), "complete");
  standing(0).balanced = true;
  states_[0].open_pass = true;
  EXPECT_EQ(what("1"), "probe");
}

TEST_F(PlanTest, OtherDeletionsThanOursLeadToASweep) {
  add("1", hours(24 * 90), hours(1));
  standing(0).removed = 3;
  standing(0).tombstoned = 2;
  for (const std::int64_t explained : {3, 5}) {
    listed_[0].removed = explained;
    EXPECT_NE(what("1"), "complete");
  }
  listed_[0].removed = 4;
  EXPECT_EQ(what("1"), "complete");
}

TEST_F(PlanTest, IdsAreComparedWithinTheirTimeAndSpread) {
  // All of them first read in one night.
  for (int i = 0; i < 60; ++i)
    add(std::to_string(100 + i), hours(24 * 90), hours(24), hours(0));
  std::map<std::string, int> compared;
  for (int night = 1; night <= 90; ++night) {
    for (store::PartitionState& state : states_)
      *state.standing.swept_at -= hours(24);
    int complete = 0;
    for (const Task& task : plan().tasks) {
      if (task.certified != Certified::complete) continue;
      ++complete;
      ++compared[task.partition.name];
      for (store::PartitionState& state : states_)
        if (state.partition == task.partition.name) state.standing.swept_at = kNow;
    }
    EXPECT_LE(complete, 8) << "night " << night;
    if (night < 15) {
      EXPECT_EQ(complete, 0) << "night " << night;
    }
    if (night == 30) {
      EXPECT_EQ(compared.size(), 60U);
    }
  }
  for (const auto& [name, times] : compared)
    EXPECT_GE(times, 3) << name;
}

TEST_F(PlanTest, AVendorThatDoesNotOrderByChangeIsReadCompletely) {
  add("1", hours(24 * 90), hours(1));
  abilities_ = {false, false, false, "the order is ignored"};
  EXPECT_EQ(what("1"), "complete");
}

TEST_F(PlanTest, RowsToBeMadeAnewSkipNothing) {
  add("1", hours(24 * 90), hours(1));
  add("2", hours(1), hours(1));
  add_crowd();
  EXPECT_EQ(what("1"), "skip");
  EXPECT_EQ(what("1", true), "complete");
}

TEST_F(PlanTest, WhatIsNamedIsAtLeastProbed) {
  add("1", hours(24 * 90), hours(1));
  add("2", hours(1), hours(1));
  job_.only = {"1"};
  EXPECT_EQ(what("1"), "probe");
  EXPECT_EQ(what("2"), "skip");
}

TEST_F(PlanTest, WhatTheListLostIsTold) {
  add("1", hours(1), hours(1));
  add("2", hours(1), hours(1));
  listed_.erase(listed_.begin());
  EXPECT_EQ(plan().vanished, std::vector<std::string>{"1"});
  job_.following.exclude = {"1"};
  EXPECT_TRUE(plan().vanished.empty());
}

}  // namespace
}  // namespace surveysync::sync
