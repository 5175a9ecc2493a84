// store/ledger and store/writer: what a pass has met, what it has not, and marking that deleted.
#include "writer_fixture.h"

namespace surveysync::test {
namespace {

using Lines = std::vector<std::string>;
using Keys = std::vector<model::Key>;

class DeletionsTest : public WriterTest {
 protected:
  DeletionsTest() : ledger_(*connection_) {}
  Counts see(const model::Page& page) {
    store::WriteTarget seeing = target();
    seeing.sight = true;
    return writer_.apply(page, decode, checkpoint("p"), seeing);
  }
  store::Ledger::UnseenQuestion question(UtcTime since) const { return {stream_, "77", since, {}, {}}; }
  static UtcTime version(int seconds) { return UtcTime(std::chrono::seconds(1'767'225'600 + seconds)); }
  static Keys keys_of(std::initializer_list<std::int64_t> ids) {
    Keys keys;
    for (const std::int64_t id : ids)
      keys.push_back({kSurvey, id});
    return keys;
  }
  Keys unseen(UtcTime since) { return ledger_.unseen("us", question(since), 100, false); }
  Lines marked() { return rows("SELECT response_id FROM alchemer.response WHERE deleted_at IS NOT NULL ORDER BY 1"); }

  store::Ledger ledger_;
};

TEST_F(DeletionsTest, SightingsAreWrittenOnlyWhenAsked) {
  apply(numbered(1, 3));
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.sighting"), "0");
  model::Page page = page_of({record_text(1, 1, "x"), R"({"id":2,"malformed":1})", record_text(3, 1, "x")});
  page.quarantined.push_back({"77/4", "not understood", "{}"});
  page.quarantined.push_back({"raw:0123", "no id", "{}"});
  page.quarantined.push_back({"78/5", "of another survey", "{}"});
  see(page);
  see({});
  EXPECT_EQ(rows("SELECT source, stream, partition, record_keys FROM surveysync.sighting"),
            (Lines{"us|response|77|{1,2,3,4}"}));
  ledger_.forget_sightings(fence_, "response", "78");
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.sighting"), "1");
  ledger_.forget_sightings(fence_, "response", "77");
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.sighting"), "0");
}

TEST_F(DeletionsTest, UnseenIsWhatIsStoredLiveAndWasNotMet) {
  apply(numbered(1, 10));
  run_sql("UPDATE alchemer.response SET deleted_at = now() WHERE response_id = 10");
  run_sql(
      "INSERT INTO alchemer.response (source, survey_id, response_id, payload, payload_hash, first_seen_at, "
      "changed_at, run_id) SELECT source, 78, response_id, payload, payload_hash, first_seen_at, changed_at, run_id "
      "FROM alchemer.response");
  const UtcTime since = ledger_.now();
  see(numbered(1, 3));
  see(numbered(3, 6));
  see(numbered(11, 12));
  EXPECT_EQ(ledger_.count_unseen("us", question(since)), 3);
  EXPECT_EQ(unseen(since), keys_of({7, 8, 9}));
  EXPECT_EQ(ledger_.unseen("us", question(since), 2, false), keys_of({7, 8}));
  Keys sample = ledger_.unseen("us", question(since), 100, true);
  std::ranges::sort(sample);
  EXPECT_EQ(sample, keys_of({7, 8, 9}));
  EXPECT_EQ(ledger_.unseen("us", question(since), 2, true).size(), 2U);
  EXPECT_EQ(ledger_.count_unseen("other", question(since)), 0);
}

TEST_F(DeletionsTest, RowsThatWereStoredChangedOrRestoredSinceAreExempt) {
  apply(numbered(1, 4));
  run_sql("UPDATE alchemer.response SET deleted_at = now() WHERE response_id = 4");
  const UtcTime since = ledger_.now();
  apply(page_of({record_text(1, 2, "edited"), record_text(4, 1, "Complete", {"a4", "b"}), record_text(5, 1, "new")}));
  EXPECT_EQ(unseen(since), keys_of({2, 3}));
  EXPECT_EQ(unseen(ledger_.now()), keys_of({1, 2, 3, 4, 5}));
  EXPECT_EQ(ledger_.mark_unseen_deleted(fence_, run_, question(since)), 2);
  EXPECT_EQ(marked(), (Lines{"2", "3"}));
}

TEST_F(DeletionsTest, AWindowAsksForVersionsWithinIt) {
  apply(page_of({record_text(1, 10, "x"), record_text(2, 20, "x"), record_text(3, 30, "x"), record_text(4, 40, "x")}));
  run_sql("UPDATE alchemer.response SET date_updated = NULL WHERE response_id = 4");
  const UtcTime since = ledger_.now();
  store::Ledger::UnseenQuestion asked = question(since);
  asked.from = version(20);
  EXPECT_EQ(ledger_.unseen("us", asked, 9, false), keys_of({2, 3}));
  asked.until = version(30);
  EXPECT_EQ(ledger_.unseen("us", asked, 9, false), keys_of({2}));
  asked.from.reset();
  EXPECT_EQ(ledger_.count_unseen("us", asked), 2);
  EXPECT_EQ(ledger_.mark_unseen_deleted(fence_, run_, asked), 2);
  EXPECT_EQ(marked(), (Lines{"1", "2"}));
  stream_.tables[0].version.reset();
  EXPECT_EQ(error_of([&] { ledger_.count_unseen("us", asked); }).kind(), ErrorKind::bug);
}

TEST_F(DeletionsTest, MarkingSetsThreeColumnsAndOneCounter) {
  apply(numbered(1, 3));
  const std::int64_t next = ledger_.open_run(fence_, "incremental");
  EXPECT_EQ(ledger_.mark_deleted(fence_, next, stream_, "77", keys_of({2, 3, 99})), 2);
  EXPECT_EQ(ledger_.mark_deleted(fence_, next, stream_, "77", keys_of({3})), 0) << "marked already";
  EXPECT_EQ(ledger_.mark_deleted(fence_, next, stream_, "77", {}), 0);
  EXPECT_EQ(rows("SELECT response_id, deleted_at = changed_at, deleted_at > first_seen_at, run_id FROM "
                 "alchemer.response WHERE deleted_at IS NOT NULL ORDER BY 1"),
            (Lines{"2|t|t|" + std::to_string(next), "3|t|t|" + std::to_string(next)}));
  EXPECT_EQ(query("SELECT count(*) FROM alchemer.answer"), "6");
  EXPECT_EQ(rows("SELECT partition, inserted, updated, unchanged, tombstoned, quarantined, requests FROM "
                 "surveysync.run_stream WHERE run_id = " +
                 std::to_string(next)),
            (Lines{"77|0|0|0|2|0|0"}));
  EXPECT_EQ(query("SELECT tombstoned FROM surveysync.checkpoint"), "0");
  const auto holdings = ledger_.holdings("us", stream_, "77", ledger_.now());
  EXPECT_EQ(holdings.stored_live, 1);
  EXPECT_EQ(apply(numbered(2, 2)), (Counts{.updated = 1})) << "it comes back to life";
  EXPECT_EQ(marked(), (Lines{"3"}));
}

TEST_F(DeletionsTest, AWholePartitionGoesAtOnce) {
  apply(numbered(1, 3));
  run_sql(
      "INSERT INTO alchemer.response (source, survey_id, response_id, payload, payload_hash, first_seen_at, "
      "changed_at, run_id) SELECT source, 78, response_id, payload, payload_hash, first_seen_at, changed_at, run_id "
      "FROM alchemer.response");
  EXPECT_EQ(ledger_.mark_partition_deleted(fence_, run_, stream_, "77"), 3);
  EXPECT_EQ(ledger_.mark_partition_deleted(fence_, run_, stream_, "77"), 0);
  EXPECT_EQ(query("SELECT count(*) FROM alchemer.response WHERE deleted_at IS NULL AND survey_id = 78"), "3");
  EXPECT_EQ(query("SELECT tombstoned FROM surveysync.run_stream"), "3");
}

TEST_F(DeletionsTest, ATableOfTextKeysWithoutPartitions) {
  run_sql(
      "CREATE TABLE alchemer.invite (source text COLLATE \"C\", invite_id text COLLATE \"C\", name text, payload json, "
      "payload_raw bytea, payload_hash bytea, flags text[], first_seen_at timestamptz, changed_at timestamptz, "
      "deleted_at timestamptz, run_id bigint, PRIMARY KEY (source, invite_id))");
  run_sql(
      "INSERT INTO alchemer.invite SELECT 'us', 'in/' || i, 'n', '{}', NULL, '', NULL, now(), now(), NULL, 1 FROM "
      "generate_series(1, 5) AS i");
  run_sql(
      "INSERT INTO surveysync.sighting (source, stream, partition, record_keys) VALUES ('us', 'invite', '', "
      "'{in/1,in/2}')");
  model::StreamSpec stream{"invite", {{"alchemer", "invite", {{"invite_id", model::ColumnType::text}}, {}}}, true};
  stream.tables[0].scope = 0;
  const store::Ledger::UnseenQuestion asked{stream, "", ledger_.now(), {}, {}};
  EXPECT_EQ(ledger_.count_unseen("us", asked), 3);
  EXPECT_EQ(ledger_.unseen("us", asked, 2, false), (Keys{{"in/3"}, {"in/4"}}));
  EXPECT_EQ(ledger_.mark_deleted(fence_, run_, stream, "", {{"in/4"}}), 1);
  EXPECT_EQ(ledger_.mark_unseen_deleted(fence_, run_, asked), 2);
  EXPECT_EQ(ledger_.mark_partition_deleted(fence_, run_, stream, ""), 2);
  EXPECT_EQ(query("SELECT tombstoned FROM surveysync.run_stream"), "5");
}

TEST_F(DeletionsTest, AKeyOfTwoColumnsIsSeenByBoth) {
  run_sql(
      "CREATE TABLE alchemer.pair (source text COLLATE \"C\", list_id bigint, name text COLLATE \"C\", payload json, "
      "payload_raw bytea, payload_hash bytea, flags text[], first_seen_at timestamptz, changed_at timestamptz, "
      "deleted_at timestamptz, run_id bigint, PRIMARY KEY (source, list_id, name))");
  run_sql(
      "INSERT INTO alchemer.pair SELECT 'us', i, 'n' || j, '{}', NULL, '', NULL, now(), now(), NULL, 1 FROM "
      "generate_series(1, 2) AS i, generate_series(1, 2) AS j");
  run_sql(
      "INSERT INTO surveysync.sighting (source, stream, partition, record_keys) VALUES ('us', 'pair', '', "
      "'{1/n1,2/n2}')");
  model::StreamSpec stream{
      "pair",
      {{"alchemer", "pair", {{"list_id", model::ColumnType::int64}, {"name", model::ColumnType::text}}, {}}},
      true};
  stream.tables[0].scope = 0;
  const store::Ledger::UnseenQuestion asked{stream, "", ledger_.now(), {}, {}};
  EXPECT_EQ(ledger_.count_unseen("us", asked), 2);
  EXPECT_EQ(ledger_.mark_unseen_deleted(fence_, run_, asked), 2);
  EXPECT_EQ(
      query("SELECT string_agg(list_id || name, ' ' ORDER BY list_id) FROM alchemer.pair WHERE deleted_at IS NULL"),
      "1n1 2n2");
}

/// As many rows as a large survey has, and a planner that knows nothing about them.
TEST_F(DeletionsTest, ManyRowsTakeSecondsWithoutStatistics) {
  constexpr int kRows = 200'000;
  run_sql("ALTER TABLE alchemer.response SET (autovacuum_enabled = off)");
  run_sql("ALTER TABLE surveysync.sighting SET (autovacuum_enabled = off)");
  run_sql(
      "INSERT INTO alchemer.response (source, survey_id, response_id, payload, payload_hash, first_seen_at, "
      "changed_at, run_id) SELECT 'us', 77, i, '{\"id\":1}', '', now(), now(), 1 FROM generate_series(1, " +
      std::to_string(kRows) + ") AS i");
  run_sql(
      "INSERT INTO surveysync.sighting (source, stream, partition, record_keys) SELECT 'us', 'response', '77', "
      "array_agg(i::text) FROM generate_series(1, " +
      std::to_string(kRows) + ") AS i WHERE i % 10 <> 0 GROUP BY i / 250");
  const UtcTime since = ledger_.now();
  const auto begin = clock_.now();
  EXPECT_EQ(ledger_.count_unseen("us", question(since)), kRows / 10);
  EXPECT_EQ(ledger_.unseen("us", question(since), 100, true).size(), 100U);
  EXPECT_EQ(ledger_.mark_unseen_deleted(fence_, run_, question(since)), kRows / 10);
  EXPECT_EQ(ledger_.count_unseen("us", question(since)), 0);
  const Duration taken = clock_.now() - begin;
  RecordProperty("milliseconds",
                 static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(taken).count()));
  EXPECT_LT(taken, std::chrono::seconds(60)) << "a loop over all pairs takes minutes";
  Keys keys;
  for (std::int64_t id = 1; id <= kRows; ++id)
    keys.push_back({kSurvey, id});
  EXPECT_EQ(ledger_.mark_deleted(fence_, run_, stream_, "77", keys), kRows - kRows / 10);
}

}  // namespace
}  // namespace surveysync::test
