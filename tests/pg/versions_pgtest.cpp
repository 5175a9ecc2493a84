// store/writer: every version of a definition is kept, and answers are joined with the wording that was seen.
#include "definitions_fixture.h"
#include "store/version_sql.h"

namespace surveysync::test {
namespace {

using Lines = std::vector<std::string>;

class VersionsTest : public DefinitionsTest {
 protected:
  VersionsTest() : ledger_(*connection_) {
    using enum model::ColumnType;
    stream_.tables[0].columns = {{"title", text}, {"modified_at", timestamp}};
    for (model::Table& table : stream_.tables)
      table.history = true;
  }
  /// A survey that was modified on `day` of January 2026, with one question and one option.
  static model::Page definition(int day, const std::string& question, const std::string& option,
                                const std::string& place = "") {
    model::Page page;
    page.complete = true;
    add_record(page, 0, {kSurvey}, "{\"title\":\"S\",\"day\":" + std::to_string(day) + "}");
    add_record(page, 1, {kSurvey, std::int64_t{10}}, question);
    page.records.back().context = place;
    if (!option.empty()) add_record(page, 2, {kSurvey, std::int64_t{10}, std::int64_t{3}}, option);
    return page;
  }
  static void decode_version(const model::Record& record, model::RowBatch& batch) {
    using model::Cell;
    json::Document document;
    const json::Value root = document.parse_copy(record.payload);
    if (!root["malformed"].is_absent()) throw Error(ErrorKind::malformed, "no definition");
    const auto row = batch.add_row(record.table, record.key.size() + (record.table == 0 ? 2 : 1));
    for (std::size_t i = 0; i < record.key.size(); ++i)
      row[i] = Cell::of(std::get<std::int64_t>(record.key[i]));
    row[record.key.size()] = Cell::of(batch.keep(root["title"].text()));
    if (record.table != 0) return;
    const std::int64_t day = root["day"].as_int().value_or(1);
    row[2] = Cell::of(UtcTime(std::chrono::seconds(1'767'225'600 + 86'400 * (day - 1))));
  }
  Counts store(const model::Page& page) {
    return writer_.apply(page, decode_version, {"survey", "77", "", "", 0}, target());
  }
  /// As if what is known now had been recorded on `day`.
  void date_back(int day) {
    run_sql("UPDATE surveysync.definition_history SET recorded_at = '2026-01-" + std::to_string(day) +
            " 00:00Z' WHERE recorded_at > '2026-02-01'");
  }
  Lines history(const std::string& object) {
    return rows(
        "SELECT object_id, payload ->> 'title', valid_from AT TIME ZONE 'UTC', context, payload_hash IS NULL "
        "FROM surveysync.definition_history WHERE object = '" +
        object + "' ORDER BY recorded_at");
  }

  store::Ledger ledger_;
};

TEST_F(VersionsTest, EveryVersionIsKeptWithTheTimeFromWhichItWasSeen) {
  store(definition(1, R"({"title":"How old?"})", R"({"title":"Old"})"));
  EXPECT_EQ(history("survey"), (Lines{"|S|-infinity||f"}));
  EXPECT_EQ(history("question"), (Lines{"10|How old?|-infinity||f"}));
  EXPECT_EQ(history("option"), (Lines{"10/3|Old|-infinity||f"}));
  date_back(2);
  const Lines before = rows("SELECT ctid, xmin FROM surveysync.definition_history");
  store(definition(1, R"({"title":"How old?"})", R"({"title":"Old"})"));
  EXPECT_EQ(rows("SELECT ctid, xmin FROM surveysync.definition_history"), before) << "written without a change";
  store(definition(5, R"({"title":"Your age?"})", R"({"title":"Old"})"));
  EXPECT_EQ(history("question"), (Lines{"10|How old?|-infinity||f", "10|Your age?|2026-01-05 00:00:00||f"}));
  EXPECT_EQ(history("option").size(), 1U);
  EXPECT_EQ(rows("SELECT run_id, payload::text FROM surveysync.definition_history WHERE object = 'question' ORDER BY "
                 "recorded_at DESC LIMIT 1"),
            (Lines{std::to_string(run_) + R"(|{"title":"Your age?"})"}));
}

TEST_F(VersionsTest, ADateThatCannotBeTheChangeIsNotTaken) {
  store(definition(3, R"({"title":"1"})", ""));
  date_back(4);
  // Modified before we saw the version before: the date belongs to another change, or the clocks differ.
  store(definition(3, R"({"title":"2"})", ""));
  EXPECT_EQ(query("SELECT valid_from = recorded_at FROM surveysync.definition_history WHERE payload ->> 'title' = '2'"),
            "t");
  date_back(6);
  run_sql("UPDATE surveysync.definition_history SET valid_from = '2026-01-06' WHERE payload ->> 'title' = '2'");
  store(definition(40'000, R"({"title":"3"})", ""));
  EXPECT_EQ(query("SELECT valid_from = recorded_at FROM surveysync.definition_history WHERE payload ->> 'title' = '3'"),
            "t")
      << "in the future";
}

TEST_F(VersionsTest, WhatVanishesEndsAndWhatComesBackBeginsAnew) {
  store(definition(1, R"({"title":"Q"})", R"({"title":"O"})"));
  date_back(2);
  EXPECT_EQ(store(definition(3, R"({"title":"Q"})", "")).tombstoned, 1);
  EXPECT_EQ(history("option"), (Lines{"10/3|O|-infinity||f", "10/3|-|2026-01-03 00:00:00||t"}));
  store(definition(3, R"({"title":"Q"})", ""));
  EXPECT_EQ(history("option").size(), 2U) << "it ends once";
  date_back(4);
  store(definition(5, R"({"title":"Q"})", R"({"title":"O"})"));
  EXPECT_EQ(history("option").back(), "10/3|O|2026-01-05 00:00:00||f");
  EXPECT_EQ(history("question").size(), 1U);
}

TEST_F(VersionsTest, MarkingAPartitionEndsItsDefinitions) {
  store(definition(1, R"({"title":"Q"})", R"({"title":"O"})"));
  EXPECT_EQ(ledger_.mark_partition_deleted(fence_, run_, stream_, "77"), 3);
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.definition_history WHERE payload IS NULL AND payload_hash IS NULL"),
            "3");
  store(definition(1, R"({"title":"Q"})", R"({"title":"O"})"));
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.definition_history"), "9");
}

TEST_F(VersionsTest, AnotherPlaceIsNotAnotherWording) {
  store(definition(1, R"({"title":"Q"})", "", "place 1"));
  store(definition(1, R"({"title":"Q"})", "", "place 2"));
  EXPECT_EQ(history("question"), (Lines{"10|Q|-infinity|place 2|f"}));
}

TEST_F(VersionsTest, RowsStoredBeforeThereWasAHistoryGetTheirs) {
  store(definition(1, R"({"title":"Q"})", R"({"title":"O"})", "place 1"));
  run_sql("DELETE FROM surveysync.definition_history");
  EXPECT_EQ(store(definition(1, R"({"title":"Q"})", R"({"title":"O"})", "place 1")), (Counts{.unchanged = 3}));
  EXPECT_EQ(history("question"), (Lines{"10|Q|-infinity|place 1|f"}));
  EXPECT_EQ(history("option"), (Lines{"10/3|O|-infinity||f"}));
}

TEST_F(VersionsTest, TablesWithoutHistoryAndReplayedPagesAddNothing) {
  model::Page replayed = definition(1, R"({"title":"Q"})", R"({"title":"O"})");
  replayed.keep_marks = true;
  replayed.complete = false;
  EXPECT_EQ(store(replayed), (Counts{.inserted = 3}));
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.definition_history"), "0");
  for (model::Table& table : stream_.tables)
    table.history = false;
  store(definition(2, R"({"title":"Q2"})", ""));
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.definition_history"), "0");
}

TEST_F(VersionsTest, ARecordThatCannotBeDecodedAddsNoVersion) {
  store(definition(1, R"({"title":"Q"})", ""));
  EXPECT_EQ(store(definition(1, R"({"title":"bad","malformed":1})", "")).quarantined, 1);
  EXPECT_EQ(history("question").size(), 1U);
}

/// Two respondents, and between them the question and its option were edited.
TEST_F(VersionsTest, AnAnswerIsJoinedWithTheWordingThatWasSeen) {
  store(definition(1, R"({"title":{"English":"How <b>old</b>?","German":"Wie alt?"}})", R"({"title":"Old"})"));
  date_back(2);
  store(definition(5, R"({"title":{"English":"Your age?"}})", R"({"title":{"English":"Elderly"}})"));
  date_back(6);
  EXPECT_EQ(store(definition(7, R"({"title":{"English":"Your age?"}})", "")).tombstoned, 1);
  run_sql(
      "INSERT INTO alchemer.response (source, survey_id, response_id, date_started, date_submitted, language, payload, "
      "payload_hash, first_seen_at, changed_at, run_id) SELECT 'us', 77, i, "
      "CASE WHEN i = 4 THEN NULL ELSE ('2026-01-0' || i || ' 00:00Z')::timestamptz END, '2026-01-09 00:00Z', "
      "CASE WHEN i = 3 THEN 'German' ELSE 'English' END, '{}', '', now(), now(), 1 FROM generate_series(3, 8) AS i");
  run_sql("UPDATE alchemer.response SET deleted_at = now() WHERE response_id = 6");
  run_sql(
      "INSERT INTO alchemer.answer (source, survey_id, response_id, question_id, item, option_id, answer, is_other, "
      "run_id) SELECT 'us', 77, i, 10, '', 3, 'x', false, 1 FROM generate_series(3, 8) AS i");
  run_sql(
      "INSERT INTO alchemer.answer (source, survey_id, response_id, question_id, item, row_id, option_id, answer, "
      "is_other, run_id) VALUES ('us', 77, 3, 12, '10/3', 10, 3, 'x', false, 1)");
  EXPECT_EQ(rows("SELECT response_id, question_id, question_title, row_title, option_title, question IS NULL FROM "
                 "alchemer.answer_wording WHERE source = 'us' AND survey_id = 77 ORDER BY 1, 2"),
            (Lines{"3|10|Wie alt?|-|Old|f", "3|12|-|Wie alt?|Old|t", "4|10|Your age?|-|Elderly|f",
                   "5|10|Your age?|-|Elderly|f", "7|10|Your age?|-|Elderly|f", "8|10|Your age?|-|Elderly|f"}));
  EXPECT_EQ(query("SELECT question_valid_from AT TIME ZONE 'UTC' FROM alchemer.answer_wording WHERE response_id = 5"),
            "2026-01-05 00:00:00");
}

TEST_F(VersionsTest, WordingsOfManyAnswersTakeSeconds) {
  store(definition(1, R"({"title":"Q"})", R"({"title":"O"})"));
  run_sql(
      "INSERT INTO alchemer.response (source, survey_id, response_id, date_started, payload, payload_hash, "
      "first_seen_at, changed_at, run_id) SELECT 'us', 77, i, now(), '{}', '', now(), now(), 1 FROM "
      "generate_series(1, 10000) AS i");
  run_sql(
      "INSERT INTO alchemer.answer (source, survey_id, response_id, question_id, item, option_id, is_other, run_id) "
      "SELECT 'us', 77, i, q, '', 3, false, 1 FROM generate_series(1, 10000) AS i, generate_series(1, 20) AS q");
  run_sql(
      "INSERT INTO surveysync.definition_history (source, survey_id, object, object_id, recorded_at, payload, run_id) "
      "SELECT 'us', 77, 'question', q::text, now() + v * interval '1 day', '{\"title\":\"x\"}', 1 FROM "
      "generate_series(11, 300) AS q, generate_series(1, 5) AS v");
  const auto begin = clock_.now();
  EXPECT_EQ(query("SELECT count(*) FILTER (WHERE question_title IS NOT NULL) FROM alchemer.answer_wording"), "110000");
  EXPECT_LT(clock_.now() - begin, std::chrono::seconds(30));
}

TEST(VersionSqlTest, PartitionsMustBeNumbers) {
  const model::StreamSpec stream{"x", {{"a", "b", {{"id", model::ColumnType::text}}, {}}}};
  EXPECT_EQ(error_of([&] { const store::VersionSql sql(stream, stream.tables[0]); }).kind(), ErrorKind::bug);
}

}  // namespace
}  // namespace surveysync::test
