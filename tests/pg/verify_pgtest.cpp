// Vendor and database compared from both sides, against a real PostgreSQL and a vendor in memory.

#include "sync/verify.h"

#include "book_fixture.h"

namespace surveysync::test {
namespace {

class VerifyTest : public BookTest {
 protected:
  sync::VerifyReport verify(bool deep) { return sync::verify(job_, deep, vendor_, open_, events_, clock_, {}); }
  /// The verdict on survey 1.
  sync::PartitionVerdict verdict(bool deep) {
    const sync::VerifyReport report = verify(deep);
    EXPECT_FALSE(report.error) << report.error->full_text();
    for (const auto& one : report.partitions)
      if (one.partition == "1") return one;
    ADD_FAILURE() << "survey 1 was not looked at";
    return {};
  }
  void lose(std::int64_t id) {
    run_sql("DELETE FROM alchemer.response WHERE survey_id = 1 AND response_id = " + std::to_string(id));
  }
  void make_up(std::int64_t id) {
    run_sql(
        "INSERT INTO alchemer.response (source, survey_id, response_id, payload, payload_hash, first_seen_at, "
        "changed_at, run_id) VALUES ('us', 1, " +
        std::to_string(id) + ", '{}', decode('00112233445566778899aabbccddeeff', 'hex'), now(), now(), 1)");
  }
};

TEST_F(VerifyTest, EqualIsQuiet) {
  vendor_.fill(1, 37);
  vendor_.fill(2, 0);
  load();
  const auto before = everything();
  const auto shallow = verify(false);
  EXPECT_TRUE(shallow.equal());
  EXPECT_EQ(shallow.partitions.size(), 2U);
  EXPECT_EQ(shallow.requests, 3) << "the list, and one a survey";
  EXPECT_TRUE(verify(true).equal());
  EXPECT_EQ(vendor_.finds, 0);
  EXPECT_TRUE(events_.of<event::Note>().empty());
  EXPECT_EQ(everything(), before);
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.run"), "1") << "it writes nothing, not even a run";
}

TEST_F(VerifyTest, AMissingRowIsFound) {
  vendor_.fill(1, 37);
  load();
  lose(13);
  EXPECT_FALSE(verdict(false).equal());
  const auto deep = verdict(true);
  EXPECT_EQ(deep.missing, 1);
  EXPECT_EQ(deep.missing_keys, std::vector<std::string>{"1/13"});
  EXPECT_EQ(deep.extra + deep.different, 0);
}

TEST_F(VerifyTest, ARowThatTheListsHideIsFoundByCount) {
  vendor_.fill(1, 37);
  vendor_.hidden = {13};
  load();
  EXPECT_FALSE(verdict(false).equal());
  EXPECT_FALSE(verdict(true).equal());
}

TEST_F(VerifyTest, AStoredRowThatTheListsHideIsNotExtra) {
  vendor_.fill(1, 37);
  load();
  vendor_.hidden = {13};
  const auto deep = verdict(true);
  EXPECT_EQ(deep.extra, 0);
  EXPECT_EQ(vendor_.finds, 1);
}

TEST_F(VerifyTest, ExtraRowsAreFoundBelowWithinAndAboveThePages) {
  vendor_.fill(1, 30);
  vendor_.surveys[1].responses.erase(1);
  vendor_.surveys[1].responses.erase(17);
  load();
  for (const std::int64_t id : {0, 1, 17, 99})
    make_up(id);
  EXPECT_FALSE(verdict(false).equal());
  const auto deep = verdict(true);
  EXPECT_EQ(deep.extra, 4);
  EXPECT_EQ(deep.missing + deep.different, 0);
  std::vector<std::string> keys = deep.extra_keys;
  std::ranges::sort(keys);
  EXPECT_EQ(keys, (std::vector<std::string>{"1/0", "1/1", "1/17", "1/99"}));
}

TEST_F(VerifyTest, OneMissingAndOneExtraHideEachOtherFromCountsOnly) {
  vendor_.fill(1, 30);
  load();
  lose(7);
  make_up(31);
  EXPECT_TRUE(verdict(false).equal());
  const auto deep = verdict(true);
  EXPECT_EQ(deep.missing_keys, std::vector<std::string>{"1/7"});
  EXPECT_EQ(deep.extra_keys, std::vector<std::string>{"1/31"});
}

TEST_F(VerifyTest, OtherContentIsFound) {
  vendor_.fill(1, 30);
  load();
  run_sql(
      "UPDATE alchemer.response SET payload_hash = decode('00112233445566778899aabbccddeeff', 'hex') WHERE "
      "response_id = 9");
  EXPECT_TRUE(verdict(false).equal());
  const auto deep = verdict(true);
  EXPECT_EQ(deep.different_keys, std::vector<std::string>{"1/9"});
  EXPECT_EQ(deep.missing + deep.extra, 0);
}

TEST_F(VerifyTest, AMarkedRowThatTheVendorHasIsMissing) {
  vendor_.fill(1, 12);
  load();
  run_sql("UPDATE alchemer.response SET deleted_at = now() WHERE response_id = 9");
  EXPECT_EQ(verdict(true).missing_keys, std::vector<std::string>{"1/9"});
}

TEST_F(VerifyTest, ListsInAnotherOrderAreComparedToo) {
  vendor_.fill(1, 35);
  vendor_.descending = true;
  vendor_.newest_first = false;
  load();
  EXPECT_TRUE(verify(true).equal());
  EXPECT_EQ(vendor_.finds, 0);
  lose(7);
  make_up(40);
  make_up(0);
  const auto deep = verdict(true);
  EXPECT_EQ(deep.missing_keys, std::vector<std::string>{"1/7"});
  EXPECT_EQ(deep.extra, 2);
}

TEST_F(VerifyTest, WhatChangedWhileItLookedIsNotTold) {
  vendor_.fill(1, 30);
  load();
  bool once = false;
  vendor_.before_fetch = [&](const std::string& position) {
    if (!position.starts_with("rows:") || std::exchange(once, true)) return;
    // Edited at the vendor, and stored by a sync before we ask again.
    const std::string text = BookSource::response_text(28, 2, "Edited");
    vendor_.surveys[1].responses[28] = text;
    vendor_.surveys[1].responses.erase(25);
  };
  vendor_.before_find = [&](std::int64_t id) {
    if (id == 28) {
      const model::Hash hash = model::hash_of(vendor_.surveys[1].responses[28]);
      std::string hex;
      for (const std::uint8_t byte : hash) {
        char digits[3];
        std::snprintf(digits, sizeof digits, "%02x", byte);
        hex += digits;
      }
      run_sql("UPDATE alchemer.response SET payload_hash = decode('" + hex + "', 'hex') WHERE response_id = 28");
    }
    if (id == 25) run_sql("UPDATE alchemer.response SET deleted_at = now() WHERE response_id = 25");
  };
  const auto deep = verdict(true);
  EXPECT_EQ(deep.missing + deep.extra + deep.different, 0);
  EXPECT_EQ(vendor_.finds, 2);
}

TEST_F(VerifyTest, QuarantinedAndDroppedRecordsAreKnown) {
  vendor_.fill(1, 30);
  vendor_.surveys[1].responses[3] = R"({"id":3,"letter":"x"})";
  vendor_.surveys[1].responses[4] = R"({"id":4,"letter":"x"})";
  load();
  EXPECT_TRUE(verify(true).equal());
  const auto session = open_({});
  const store::Fence fence = session->acquire_lease("us", std::chrono::minutes(5));
  const std::int64_t id = std::stoll(query("SELECT quarantine_id FROM surveysync.quarantine WHERE record_key = '1/4'"));
  EXPECT_EQ(store::Archive(session->connection()).drop(fence, {id}), 1);
  session->release_lease(fence);
  EXPECT_TRUE(verify(true).equal());
  EXPECT_EQ(verdict(false).holdings.excluded, 1);
}

TEST_F(VerifyTest, ARefusedRecordIsAnErrorAndNoDifference) {
  vendor_.fill(1, 30);
  load();
  lose(7);
  vendor_.refused = {7};
  const auto deep = verdict(true);
  EXPECT_EQ(deep.missing, 0);
  EXPECT_NE(deep.error.find("1/7"), std::string::npos);
}

TEST_F(VerifyTest, ListsOfSurveysAreComparedBothWays) {
  vendor_.fill(1, 3);
  vendor_.fill(2, 3);
  load();
  vendor_.surveys.erase(2);
  vendor_.fill(3, 3);
  vendor_.fill(4, 3);
  job_.following.exclude = {"4"};
  const auto report = verify(false);
  EXPECT_EQ(report.unknown_at_vendor, std::vector<std::string>{"2"});
  EXPECT_EQ(report.unknown_here, std::vector<std::string>{"3"});
  EXPECT_FALSE(report.equal());
}

TEST_F(VerifyTest, DefinitionsAreComparedToo) {
  vendor_.fill(1, 3);
  load();
  vendor_.surveys[1].questions[12] = BookSource::question_text(12, "New?");
  vendor_.surveys[1].questions[11] = R"({"id":11,"title":"Why?"})";
  const auto deep = verdict(true);
  EXPECT_EQ(deep.missing_keys, (std::vector<std::string>{"option:1/12/1", "option:1/12/2", "question:1/12"}));
  EXPECT_EQ(deep.different_keys, std::vector<std::string>{"question:1/11"});
  EXPECT_EQ(deep.extra_keys, (std::vector<std::string>{"option:1/11/1", "option:1/11/2"}));
  job_.following.streams = {"response"};
  EXPECT_TRUE(verdict(true).equal());
}

TEST_F(VerifyTest, ManyDifferencesAreAllCountedAndSomeListed) {
  vendor_.fill(1, 400);
  load();
  run_sql("DELETE FROM alchemer.response WHERE response_id > 50");
  const auto deep = verdict(true);
  EXPECT_EQ(deep.missing, 350);
  EXPECT_EQ(deep.missing_keys.size(), sync::kListedDifferences);
  EXPECT_LE(vendor_.finds, 120);
}

TEST_F(VerifyTest, AFailingSurveyDoesNotHideTheOthers) {
  vendor_.fill(1, 3);
  vendor_.fill(2, 3);
  load();
  bool once = false;
  vendor_.before_fetch = [&](const std::string&) {
    if (!std::exchange(once, true)) throw Error(ErrorKind::denied, "permission denied");
  };
  const auto report = verify(false);
  EXPECT_EQ(std::ranges::count_if(report.partitions, [](const auto& p) { return !p.error.empty(); }), 1);
  EXPECT_EQ(std::ranges::count_if(report.partitions, [](const auto& p) { return p.equal(); }), 1);
}

}  // namespace
}  // namespace surveysync::test
