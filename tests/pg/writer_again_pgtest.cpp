// store/writer: records that are decoded again, rows that stay marked, and records that are kept out.
#include "writer_fixture.h"

namespace surveysync::test {
namespace {

using Lines = std::vector<std::string>;

class WriterAgainTest : public WriterTest {
 protected:
  /// The page as the archive gives it.
  static model::Page again(model::Page page) {
    page.keep_marks = page.decode_again = true;
    return page;
  }
  Counts apply_without(const model::Page& page, const std::set<model::Hash>& dropped) {
    const store::Exclusions excluded(dropped);
    store::WriteTarget keeping_out = target();
    keeping_out.excluded = &excluded;
    keeping_out.sight = true;
    return writer_.apply(page, decode, checkpoint(), keeping_out);
  }
};

TEST_F(WriterAgainTest, EqualRowsAndAnswersAreLeftAlone) {
  apply(numbered(1, 300));
  const Lines before = rows("SELECT ctid, changed_at FROM alchemer.response ORDER BY response_id");
  const Lines answers = rows("SELECT ctid, xmin, xmax FROM alchemer.answer ORDER BY response_id, question_id");
  const std::int64_t next = store::Ledger(*connection_).open_run(fence_, "replay");
  EXPECT_EQ(writer_.apply(again(numbered(1, 300)), decode, checkpoint(), target(next)), (Counts{.unchanged = 300}));
  model::Page fresh = numbered(1, 300);
  fresh.decode_again = true;
  EXPECT_EQ(apply(fresh), (Counts{.unchanged = 300}));
  EXPECT_EQ(rows("SELECT ctid, changed_at FROM alchemer.response ORDER BY response_id"), before);
  EXPECT_EQ(rows("SELECT ctid, xmin, xmax FROM alchemer.answer ORDER BY response_id, question_id"), answers);
}

TEST_F(WriterAgainTest, WhatDiffersIsMadeAnew) {
  apply(numbered(1, 6));
  const Lines wanted = responses();
  run_sql("UPDATE alchemer.response SET status = 'wrong' WHERE response_id = 1");
  run_sql("UPDATE alchemer.answer SET answer = 'wrong' WHERE response_id = 2 AND question_id = 11");
  run_sql("DELETE FROM alchemer.answer WHERE response_id = 3");
  run_sql(
      "INSERT INTO alchemer.answer (source, survey_id, response_id, question_id, item, is_other, run_id) "
      "VALUES ('us', 77, 4, 99, '', false, 1)");
  run_sql("UPDATE alchemer.response SET flags = '{date}' WHERE response_id = 5");
  run_sql("DELETE FROM alchemer.response WHERE response_id = 6");
  const std::int64_t next = store::Ledger(*connection_).open_run(fence_, "replay");
  EXPECT_EQ(writer_.apply(again(numbered(1, 6)), decode, checkpoint(), target(next)),
            (Counts{.inserted = 1, .updated = 5}));
  EXPECT_EQ(responses(), wanted);
  EXPECT_EQ(query("SELECT count(*) FROM alchemer.response WHERE run_id = " + std::to_string(next) +
                  " AND flags IS NULL AND changed_at >= first_seen_at"),
            "6");
  EXPECT_EQ(query("SELECT count(DISTINCT run_id) FROM alchemer.answer"), "1");
}

TEST_F(WriterAgainTest, RowsThatAreMarkedStaySo) {
  apply(numbered(1, 3));
  run_sql("UPDATE alchemer.response SET deleted_at = '2026-01-02 00:00Z' WHERE response_id < 3");
  run_sql("UPDATE alchemer.response SET status = 'wrong' WHERE response_id = 2");
  EXPECT_EQ(apply(again(numbered(1, 3))), (Counts{.updated = 1, .unchanged = 2}));
  EXPECT_EQ(rows("SELECT response_id, status, deleted_at AT TIME ZONE 'UTC' FROM alchemer.response ORDER BY 1"),
            (Lines{"1|Complete|2026-01-02 00:00:00", "2|Complete|2026-01-02 00:00:00", "3|Complete|-"}));
  model::Page page = numbered(1, 1);
  page.keep_marks = true;
  EXPECT_EQ(apply(page), (Counts{.unchanged = 1})) << "equal bytes are not decoded without need";
  page.complete = true;
  EXPECT_EQ(apply(page), (Counts{.unchanged = 1})) << "what is not in an archive's page is not gone";
  EXPECT_EQ(apply(numbered(1, 2)), (Counts{.updated = 2})) << "the vendor has them";
}

TEST_F(WriterAgainTest, WhatTheVendorSentLastStaysInQuarantine) {
  apply(numbered(1, 2));
  apply(page_of({R"({"id":1,"malformed":1})"}));
  EXPECT_EQ(apply(again(numbered(1, 2))), (Counts{.unchanged = 2}));
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.quarantine"), "1");
  EXPECT_EQ(apply(again(page_of({R"({"id":1,"malformed":2})", R"({"id":2,"malformed":2})"}))),
            (Counts{.quarantined = 2}));
  EXPECT_EQ(rows("SELECT record_key, convert_from(raw, 'UTF8') FROM surveysync.quarantine ORDER BY 1"),
            (Lines{R"(77/1|{"id":1,"malformed":1})", R"(77/2|{"id":2,"malformed":2})"}));
}

TEST_F(WriterAgainTest, ExcludedRecordsAreNeitherStoredNorQuarantined) {
  const std::set<model::Hash> excluded = {
      store::exclusion_digest("response", "77", "77/1"), store::exclusion_digest("response", "77", "77/2"),
      store::exclusion_digest("response", "77", "raw:abc"), store::exclusion_digest("response", "78", "77/3")};
  model::Page page = page_of({record_text(1, 1, "x"), R"({"id":2,"malformed":1})", record_text(3, 1, "x")});
  page.quarantined.push_back({"raw:abc", "no id", "{}"});
  page.quarantined.push_back({"raw:def", "no id", "{}"});
  EXPECT_EQ(apply_without(page, excluded), (Counts{.inserted = 1, .quarantined = 1}));
  EXPECT_EQ(rows("SELECT response_id FROM alchemer.response"), (Lines{"3"}));
  EXPECT_EQ(rows("SELECT record_key FROM surveysync.quarantine"), (Lines{"raw:def"}));
  EXPECT_EQ(query("SELECT record_keys FROM surveysync.sighting"), "{1,2,3}") << "the vendor has them";
  EXPECT_EQ(apply_without(page_of({record_text(1, 2, "y")}), excluded), Counts());
}

TEST_F(WriterAgainTest, AnExcludedRecordOfACompletePageIsNotHeldToBeGone) {
  apply(numbered(1, 2));
  model::Page page = numbered(1, 1);
  page.complete = true;
  EXPECT_EQ(apply_without(page, {store::exclusion_digest("response", "77", "77/1")}), (Counts{.tombstoned = 1}));
  EXPECT_EQ(rows("SELECT response_id FROM alchemer.response WHERE deleted_at IS NULL"), (Lines{"1"}));
}

TEST_F(WriterAgainTest, ExclusionsAreThoseOfThePartition) {
  run_sql(
      "INSERT INTO surveysync.erasure VALUES ('us', 'response', '77', decode(repeat('0a', 16), 'hex'), 'drop', now()), "
      "('us', 'response', '77', 'short', 'erasure', now()), "
      "('us', 'response', '78', decode(repeat('0b', 16), 'hex'), 'drop', now())");
  store::Ledger ledger(*connection_);
  model::Hash wanted;
  wanted.fill(10);
  EXPECT_TRUE(ledger.exclusions("us", "response", "77").contains(wanted));
  EXPECT_TRUE(ledger.exclusions("us", "response", "79").empty());
  EXPECT_NE(store::exclusion_digest("a", "bc", "d"), store::exclusion_digest("ab", "c", "d"));
  EXPECT_EQ(ledger.holdings("us", stream_, "77", ledger.now()).excluded, 2);
}

TEST_F(WriterAgainTest, RowsWithoutADateAreCounted) {
  apply(numbered(1, 3));
  run_sql("UPDATE alchemer.response SET date_updated = NULL WHERE response_id > 1");
  run_sql("UPDATE alchemer.response SET deleted_at = now() WHERE response_id > 2");
  store::Ledger ledger(*connection_);
  const auto holdings = ledger.holdings("us", stream_, "77", UtcTime());
  EXPECT_EQ(holdings.stored_live, 2);
  EXPECT_EQ(holdings.undated, 1);
  EXPECT_EQ(holdings.in_flight, 1);
}

}  // namespace
}  // namespace surveysync::test
