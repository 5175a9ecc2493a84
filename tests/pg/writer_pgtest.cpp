// store/writer: what becomes of the records of a page.
#include "store/writer.h"

#include "definitions_fixture.h"

namespace surveysync::test {
namespace {

using Lines = std::vector<std::string>;

TEST_F(WriterTest, StoresNewRecordsWithAnswersCheckpointAndCounters) {
  const Counts counts = apply(page_of({record_text(2, 5, "Complete", {"x", "y"}), record_text(1, 4, "Partial")}), "p2");
  EXPECT_EQ(counts, (Counts{.inserted = 2}));
  EXPECT_EQ(responses(), (Lines{"1|Partial|4|f|-", "2|Complete|5|f|10=x,11=y"}));
  EXPECT_EQ(rows("SELECT source, run_id, payload_raw, flags, length(payload_hash), payload->>'status', first_seen_at = "
                 "changed_at "
                 "FROM alchemer.response WHERE response_id = 2"),
            (Lines{"us|" + std::to_string(run_) + "|-|-|16|Complete|t"}));
  EXPECT_EQ(
      rows("SELECT bookmark, position, page_size, title, newest_change AT TIME ZONE 'UTC' FROM surveysync.checkpoint"),
      (Lines{"bookmark|p2|250|A survey|2026-01-01 00:00:05"}));
  EXPECT_EQ(rows("SELECT inserted, updated, unchanged, tombstoned, quarantined FROM surveysync.run_stream"),
            (Lines{"2|0|0|0|0"}));
}

TEST_F(WriterTest, LeavesUnchangedRecordsUntouched) {
  apply(numbered(1, 50));
  const Lines before = versions();
  ASSERT_EQ(before.size(), 150U);
  EXPECT_EQ(apply(numbered(1, 50), "next"), (Counts{.unchanged = 50}));
  EXPECT_EQ(versions(), before);
  EXPECT_EQ(query("SELECT position FROM surveysync.checkpoint"), "next");
  EXPECT_EQ(rows("SELECT inserted, unchanged FROM surveysync.run_stream"), (Lines{"50|50"}));
}

TEST_F(WriterTest, ReplacesChangedRecordsAndTheirAnswers) {
  apply(page_of({record_text(1, 1, "Partial", {"a", "b", "c"}), record_text(2, 1, "Complete", {"z"})}));
  const std::string seen = query("SELECT first_seen_at FROM alchemer.response WHERE response_id = 1");
  const Counts counts = apply(page_of({record_text(1, 2, "Complete", {"A"}), record_text(2, 1, "Complete", {"z"}),
                                       record_text(3, 1, "Complete", {"new"})}));
  EXPECT_EQ(counts, (Counts{.inserted = 1, .updated = 1, .unchanged = 1}));
  EXPECT_EQ(responses(), (Lines{"1|Complete|2|f|10=A", "2|Complete|1|f|10=z", "3|Complete|1|f|10=new"}));
  EXPECT_EQ(query("SELECT first_seen_at FROM alchemer.response WHERE response_id = 1"), seen);
  EXPECT_EQ(query("SELECT changed_at > first_seen_at FROM alchemer.response WHERE response_id = 1"), "t");
}

TEST_F(WriterTest, AnOlderVersionFromTheVendorsCacheReplacesNothing) {
  apply(page_of({record_text(1, 9, "Complete", {"new"})}));
  model::Page cached = page_of({record_text(1, 8, "Partial", {"old"})});
  cached.cached = true;
  EXPECT_EQ(apply(cached), (Counts{.unchanged = 1}));
  EXPECT_EQ(responses(), (Lines{"1|Complete|9|f|10=new"}));
  // The same time with other content is a change: the vendor's resolution is a second.
  EXPECT_EQ(apply(page_of({record_text(1, 9, "Complete", {"same second"})})), (Counts{.updated = 1}));
}

TEST_F(WriterTest, WhatIsReadAfreshIsTheNewestWhateverItsDateSays) {
  apply(page_of({record_text(1, 9, "Complete", {"before the clocks went back"})}));
  EXPECT_EQ(apply(page_of({record_text(1, 8, "Complete", {"after"})})), (Counts{.updated = 1}));
  EXPECT_EQ(responses(), (Lines{"1|Complete|8|f|10=after"}));
}

TEST_F(WriterTest, OfTwoRecordsWithOneKeyTheLastWins) {
  EXPECT_EQ(
      apply(page_of({record_text(1, 1, "first", {"a"}), record_text(2, 1, "x"), record_text(1, 1, "last", {"b"})})),
      (Counts{.inserted = 2}));
  EXPECT_EQ(responses(), (Lines{"1|last|1|f|10=b", "2|x|1|f|-"}));
}

TEST_F(WriterTest, ATombstonedRecordComesBackToLife) {
  apply(page_of({record_text(1, 5, "Complete", {"a"}), record_text(2, 5, "Complete", {"a"})}));
  run_sql("UPDATE alchemer.response SET deleted_at = now()");
  const Counts counts = apply(page_of({record_text(1, 5, "Complete", {"a"}), record_text(2, 4, "Older", {"b"})}));
  EXPECT_EQ(counts, (Counts{.updated = 2}));
  EXPECT_EQ(responses(), (Lines{"1|Complete|5|f|10=a", "2|Older|4|f|10=b"}));
}

TEST_F(WriterTest, ACompletePageMarksWhatItDoesNotHold) {
  apply(numbered(1, 4));
  run_sql(
      "INSERT INTO alchemer.response (source, survey_id, response_id, payload, payload_hash, first_seen_at, "
      "changed_at, run_id) "
      "SELECT source, 78, response_id, payload, payload_hash, first_seen_at, changed_at, run_id FROM "
      "alchemer.response");
  model::Page page = page_of({record_text(2, 1, "Complete", {"a2", "b"}), R"({"id":3,"malformed":1})"});
  page.complete = true;
  EXPECT_EQ(apply(page), (Counts{.unchanged = 1, .tombstoned = 2, .quarantined = 1}));
  EXPECT_EQ(rows("SELECT response_id FROM alchemer.response WHERE survey_id = 77 AND deleted_at IS NULL ORDER BY 1"),
            (Lines{"2", "3"}));
  EXPECT_EQ(query("SELECT count(*) FROM alchemer.response WHERE survey_id = 78 AND deleted_at IS NULL"), "4");
  EXPECT_EQ(apply(page), (Counts{.unchanged = 1, .quarantined = 1}));
  model::Page unreadable;
  unreadable.complete = true;
  unreadable.quarantined.push_back({"raw:1", "no id", "{}"});
  EXPECT_EQ(apply(unreadable), (Counts{.quarantined = 1})) << "any row may be the unreadable record";
  model::Page empty;
  empty.complete = true;
  EXPECT_EQ(apply(empty), (Counts{.tombstoned = 2}));
}

TEST_F(WriterTest, ValuesOfEveryKindSurviveBothPaths) {
  const std::string text =
      R"({"id":1,"v":1,"status":"grüße 😀","seconds":-5,"latitude":"38.6270","variables":{"b":1,"a":"x"},"test":true,"answers":{}})";
  const char* sql =
      "SELECT status, response_time_seconds, latitude, url_variables, is_test_data, payload::text FROM "
      "alchemer.response";
  const Lines wanted = {R"(grüße 😀|-5|38.6270|{"a": "x", "b": 1}|t|)" + text};
  apply(page_of({text}));
  EXPECT_EQ(rows(sql), wanted);
  run_sql("UPDATE alchemer.response SET payload_hash = ''");
  EXPECT_EQ(apply(page_of({text})), (Counts{.updated = 1}));
  EXPECT_EQ(rows(sql), wanted);
}

TEST_F(WriterTest, AlteredRecordsKeepTheirOriginalAndFlags) {
  for (const int version : {1, 2}) {
    model::Page page;
    const std::string original("{\"id\":1,\"\0\xff\"}", 13);
    page.texts.push_back(std::make_unique<std::string>(original));
    model::Record& record = add(page, 1, record_text(1, version, "␀"));
    record.original = *page.texts.front();
    record.flags = {"nul", "utf8"};
    apply(page);
    EXPECT_EQ(rows("SELECT flags, encode(payload_raw, 'hex') FROM alchemer.response"),
              (Lines{"{nul,utf8}|7b226964223a312c2200ff227d"}));
  }
}

TEST_F(WriterTest, HugeTextsPassBothPaths) {
  const std::string huge(6UL << 20, 'x');
  EXPECT_EQ(apply(page_of({record_text(1, 1, huge, {huge}), record_text(2, 1, "small")})), (Counts{.inserted = 2}));
  EXPECT_EQ(apply(page_of({record_text(1, 2, huge + "y", {huge}), record_text(2, 2, "small")})),
            (Counts{.updated = 2}));
  EXPECT_EQ(query("SELECT length(status) FROM alchemer.response WHERE response_id = 1"),
            std::to_string(huge.size() + 1));
}

TEST_F(WriterTest, ARecordThatCannotBeDecodedIsQuarantinedAloneAndReleasedLater) {
  const std::string bad = R"({"id":2,"malformed":1})";
  const model::Page page = page_of({record_text(1, 1, "x"), bad, record_text(3, 1, "x")});
  EXPECT_EQ(apply(page), (Counts{.inserted = 2, .quarantined = 1}));
  EXPECT_EQ(
      rows(
          "SELECT source, stream, partition, record_key, reason, convert_from(raw, 'UTF8') FROM surveysync.quarantine"),
      (Lines{"us|response|77|77/2|no such answer type|" + bad}));
  ASSERT_EQ(events_.of<event::RecordQuarantined>().size(), 1U);
  const std::string first = query("SELECT first_seen_at FROM surveysync.quarantine");
  EXPECT_EQ(apply(page), (Counts{.unchanged = 2, .quarantined = 1}));
  EXPECT_EQ(rows("SELECT first_seen_at, last_seen_at > first_seen_at FROM surveysync.quarantine"),
            (Lines{first + "|t"}));
  EXPECT_EQ(events_.of<event::RecordQuarantined>().size(), 1U) << "told once";
  EXPECT_EQ(apply(page_of({record_text(2, 1, "mended")})), (Counts{.inserted = 1}));
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.quarantine"), "0");
}

TEST_F(WriterTest, ValuesThatTheirColumnCannotHoldQuarantineTheRecord) {
  const Counts counts =
      apply(page_of({R"({"id":1,"seconds":99999999999,"answers":{"1":"x"}})", R"({"id":2,"latitude":"abc"})",
                     R"({"id":3,"latitude":"1e999999"})", record_text(4, 1, "x")}));
  EXPECT_EQ(counts, (Counts{.inserted = 1, .quarantined = 3}));
  EXPECT_EQ(query("SELECT count(*) FROM alchemer.answer"), "0");
  EXPECT_EQ(query("SELECT reason FROM surveysync.quarantine WHERE record_key = '77/1'"),
            "column response_time_seconds: 99999999999 does not fit 32 bits");
}

TEST_F(WriterTest, WhatTheDatabaseRefusesIsFoundByDividing) {
  run_sql("ALTER TABLE alchemer.response ADD CONSTRAINT no_bad CHECK (status <> 'bad')");
  std::vector<std::string> texts;
  for (int id = 1; id <= 40; ++id)
    texts.push_back(record_text(id, 1, id % 13 == 0 ? "bad" : "good", {"a"}));
  EXPECT_EQ(apply(page_of(texts), "p"), (Counts{.inserted = 37, .quarantined = 3}));
  EXPECT_EQ(rows("SELECT record_key FROM surveysync.quarantine ORDER BY quarantine_id"),
            (Lines{"77/13", "77/26", "77/39"}));
  EXPECT_NE(query("SELECT reason FROM surveysync.quarantine").find("no_bad"), std::string::npos);
  EXPECT_EQ(query("SELECT count(*) FROM alchemer.response"), "37");
  EXPECT_EQ(query("SELECT count(*) FROM alchemer.answer"), "37");
  EXPECT_EQ(rows("SELECT inserted, quarantined FROM surveysync.run_stream"), (Lines{"37|3"}));
  ASSERT_EQ(events_.of<event::PageSplit>().size(), 1U);
  EXPECT_EQ(events_.of<event::PageSplit>()[0].records, 40);
}

TEST_F(WriterTest, NulInATextIsFoundByDividingAndTheReasonIsStored) {
  model::Page page = page_of({record_text(1, 1, "good")});
  add(page, 2, R"({"id":2,"status":"a\u0000b","answers":{}})");
  EXPECT_EQ(apply(page), (Counts{.inserted = 1, .quarantined = 1}));
  EXPECT_EQ(rows("SELECT response_id FROM alchemer.response"), (Lines{"1"}));
}

TEST_F(WriterTest, AChangedRecordThatIsRefusedLeavesTheStoredRow) {
  apply(page_of({record_text(1, 1, "good", {"a"}), record_text(2, 1, "good", {"a"})}));
  run_sql("ALTER TABLE alchemer.response ADD CONSTRAINT no_bad CHECK (status <> 'bad')");
  EXPECT_EQ(apply(page_of({record_text(1, 2, "bad", {"b"}), record_text(2, 2, "fine", {"b"})})),
            (Counts{.updated = 1, .quarantined = 1}));
  EXPECT_EQ(responses(), (Lines{"1|good|1|f|10=a", "2|fine|2|f|10=b"}));
  store::Ledger ledger(*connection_);
  const auto holdings = ledger.holdings("us", stream_, "77", ledger.now());
  EXPECT_EQ(holdings.stored_live, 2);
  EXPECT_EQ(holdings.quarantined, 0) << "it has a stored row";
}

TEST_F(WriterTest, UnkeyedRecordsOfThePageAreQuarantined) {
  model::Page page = page_of({record_text(1, 1, "x")});
  page.quarantined.push_back({"raw:abc", "no id\xff", std::string("\0\xff", 2)});
  EXPECT_EQ(apply(page), (Counts{.inserted = 1, .quarantined = 1}));
  EXPECT_EQ(rows("SELECT record_key, reason, encode(raw, 'hex') FROM surveysync.quarantine"),
            (Lines{"raw:abc|no id\xEF\xBF\xBD|00ff"}));
  store::Ledger ledger(*connection_);
  EXPECT_EQ(ledger.holdings("us", stream_, "77", ledger.now()).quarantined, 1);
}

TEST_F(WriterTest, NoticesAreKeptOnceAndToldOnce) {
  const model::Page page =
      page_of({R"({"id":1,"notice":"field x","answers":{}})", R"({"id":2,"notice":"field x","answers":{}})"});
  apply(page);
  ASSERT_EQ(events_.of<event::ContractChanged>().size(), 1U);
  EXPECT_EQ(events_.of<event::ContractChanged>()[0].what, "field x");
  apply(page_of({R"({"id":3,"notice":"field x","answers":{}})"}));
  store::Writer another(*connection_, events_, clock_);
  another.apply(page_of({R"({"id":4,"notice":"field x","answers":{}})"}), decode, checkpoint(), target());
  EXPECT_EQ(events_.of<event::ContractChanged>().size(), 1U);
  EXPECT_EQ(rows("SELECT source, stream, what, sample, run_id FROM surveysync.contract_change"),
            (Lines{"us|response|field x|sample|" + std::to_string(run_)}));
}

TEST_F(WriterTest, TwoAnswersWithOneKeyKeepTheLastAndAreNoted) {
  apply(page_of({R"({"id":1,"answers":{"12":"late","10":"first","10":"second"}})"}));
  EXPECT_EQ(rows("SELECT question_id, answer FROM alchemer.answer ORDER BY 1"), (Lines{"10|second", "12|late"}));
  EXPECT_EQ(events_.of<event::ContractChanged>().size(), 1U);
}

TEST_F(WriterTest, AnswersLeftOverWithoutTheirResponseAreReplaced) {
  apply(page_of({record_text(1, 1, "x", {"a", "b"})}));
  run_sql("DELETE FROM alchemer.response");
  EXPECT_EQ(apply(page_of({record_text(1, 1, "x", {"a", "c"})})), (Counts{.inserted = 1}));
  EXPECT_EQ(responses(), (Lines{"1|x|1|f|10=a,11=c"}));
}

TEST_F(WriterTest, AnEmptyPageMovesTheCheckpoint) {
  EXPECT_EQ(apply({}, "end"), Counts());
  EXPECT_EQ(query("SELECT position FROM surveysync.checkpoint"), "end");
  EXPECT_EQ(store::Ledger(*connection_).checkpoint("us", "response", "77")->position, "end");
}

TEST_F(WriterTest, HoldingsCountLiveQuarantinedAndYoungRows) {
  apply(page_of(
      {record_text(1, 10, "x"), record_text(2, 20, "x"), record_text(3, 30, "x"), R"({"id":4,"malformed":1})"}));
  run_sql("UPDATE alchemer.response SET deleted_at = now() WHERE response_id = 1");
  run_sql("INSERT INTO surveysync.erasure VALUES ('us', 'response', '77', 'x', 'drop', now())");
  const UtcTime as_of(std::chrono::seconds(1'767'225'600 + 25));
  const auto holdings = store::Ledger(*connection_).holdings("us", stream_, "77", as_of);
  EXPECT_EQ(holdings.stored_live, 2);
  EXPECT_EQ(holdings.quarantined, 1);
  EXPECT_EQ(holdings.excluded, 1);
  EXPECT_EQ(holdings.in_flight, 1);
}

TEST_F(DefinitionsTest, ARowThatDependsOnMoreThanTheBytesIsComparedByItsColumns) {
  const auto with_context = [](const std::string& context) {
    model::Page page;
    add_record(page, 1, {std::int64_t{77}, std::int64_t{5}}, R"({"title":"bytes"})");
    page.records.back().context = context;
    return page;
  };
  EXPECT_EQ(store(with_context("first place")), (Counts{.inserted = 1}));
  const std::string before = query("SELECT xmin || ' ' || ctid FROM alchemer.question");
  EXPECT_EQ(store(with_context("first place")), (Counts{.unchanged = 1}));
  EXPECT_EQ(query("SELECT xmin || ' ' || ctid FROM alchemer.question"), before) << "rewritten without a change";
  EXPECT_EQ(store(with_context("second place")), (Counts{.updated = 1}));
  EXPECT_EQ(query("SELECT title FROM alchemer.question"), "second place");
}

TEST_F(DefinitionsTest, EveryTableOfAPageIsStoredAndLists) {
  for (const std::string title : {"first", "second"}) {
    model::Page page;
    page.complete = true;
    add_record(page, 2, {kSurvey, 5L, 11L}, "{\"title\":\"" + title + "\"}");
    add_record(page, 0, {kSurvey},
               "{\"title\":\"" + title + R"(","teams":[1,-2],"languages":["English","a\"b\\,{}",""]})");
    add_record(page, 1, {kSurvey, 5L}, "{\"title\":\"" + title + "\"}");
    add_record(page, 2, {kSurvey, 5L, 10L}, "{\"title\":\"" + title + "\"}");
    const Counts wanted = title == "first" ? Counts{.inserted = 4} : Counts{.updated = 4};
    EXPECT_EQ(store(page), wanted);
    EXPECT_EQ(store(page), (Counts{.unchanged = 4}));
    EXPECT_EQ(rows("SELECT survey_id, title, team_ids, languages FROM alchemer.survey"),
              (Lines{"77|" + title + R"(|{1,-2}|{English,"a\"b\\,{}",""})"}));
    EXPECT_EQ(rows("SELECT question_id, option_id, title FROM alchemer.option ORDER BY 2"),
              (Lines{"5|10|" + title, "5|11|" + title}));
  }
  model::Page less;
  less.complete = true;
  add_record(less, 0, {kSurvey}, "{\"title\":\"second\",\"teams\":[],\"languages\":[]}");
  add_record(less, 2, {kSurvey, 5L, 10L}, "{\"title\":\"second\"}");
  EXPECT_EQ(store(less), (Counts{.updated = 1, .unchanged = 1, .tombstoned = 2}));
  EXPECT_EQ(rows("SELECT team_ids, languages FROM alchemer.survey"), (Lines{"{}|{}"}));
}

TEST_F(DefinitionsTest, VerifyTablesNamesTheFirstDifference) {
  store::verify_tables(*connection_, stream_);
  store::verify_tables(*connection_, response_stream());
  stream_.tables[1].columns.push_back({"missing", model::ColumnType::text});
  const Error missing = error_of([&] { store::verify_tables(*connection_, stream_); });
  EXPECT_EQ(missing.kind(), ErrorKind::refused_schema);
  EXPECT_NE(missing.full_text().find("alchemer.question has no column missing"), std::string::npos);
  EXPECT_NE(missing.hint().find("surveysync migrate"), std::string::npos);
  stream_.tables[1].columns.back() = {"page_id", model::ColumnType::text};
  EXPECT_NE(error_of([&] { store::verify_tables(*connection_, stream_); }).message().find("bigint and not text"),
            std::string::npos);
  stream_.tables[1].columns.pop_back();
  run_sql("ALTER TABLE alchemer.question DROP CONSTRAINT question_pkey");
  EXPECT_NE(error_of([&] { store::verify_tables(*connection_, stream_); }).message().find("no unique key"),
            std::string::npos);
  run_sql("DROP TABLE alchemer.question");
  EXPECT_NE(error_of([&] { store::verify_tables(*connection_, stream_); }).message().find("no table"),
            std::string::npos);
}

}  // namespace
}  // namespace surveysync::test
