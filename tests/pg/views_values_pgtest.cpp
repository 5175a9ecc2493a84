// store/views: what stands in wide tables for each kind of answer, in labels, comments and the dictionary.
#include "views_fixture.h"

namespace surveysync::test {
namespace {

using WideValues = WideTest;

TEST_F(WideValues, EachTypeHasItsColumnAndWhatDoesNotFitIsNull) {
  question({.id = 2, .type = "RADIO", .shortname = "rate"});
  option(2, 10001, "Bad", "1");
  option(2, 10002, "Good", "2");
  question({.id = 3, .shortname = "age", .properties = R"({"subtype":"NUMBER"})"});
  question({.id = 4, .shortname = "born", .properties = R"({"subtype":"DATE"})"});
  question({.id = 5, .type = "ESSAY", .shortname = "why", .comment = true});
  question({.id = 6, .type = "NPS", .shortname = "nps"});
  question({.id = 7, .shortname = "met", .properties = R"({"subtype":"DATE","date_format":"DD/MM/YYYY"})"});
  response(1);
  for (const Answer& a : {Answer{2, "2"}, Answer{3, "41.50"}, Answer{4, "02/17/1985"}, Answer{5, "it's \\ so\n\"x\""},
                          Answer{6, "10"}, Answer{7, "17/2/1985"}})
    answer(1, a);
  response(2, "Partial");
  for (const Answer& a : {Answer{2, "maybe"}, Answer{3, "forty"}, Answer{4, "02/30/2025"}, Answer{6, "7.5"},
                          Answer{7, "2026-12-31"}, Answer{.question = 5, .comment = "a remark"}})
    answer(2, a);
  response(3);
  for (const Answer& a : {Answer{2, "123456789012345678901234567890"}, Answer{3, " 1e5"}, Answer{4, "2024-02-29"},
                          Answer{6, " 3 "}, Answer{7, "31.11.2025"}})
    answer(3, a);
  ASSERT_EQ(update().size(), 1U);
  EXPECT_EQ(column("rate"), "2|NULL|NULL");
  EXPECT_EQ(column("age"), "41.50|NULL|NULL");
  EXPECT_EQ(column("born"), "1985-02-17|NULL|2024-02-29");
  EXPECT_EQ(column("why"), "it's \\ so\n\"x\"|NULL|NULL");
  EXPECT_EQ(column("why_comment"), "NULL|a remark|NULL");
  EXPECT_EQ(column("nps"), "10|NULL|3");
  EXPECT_EQ(column("met"), "1985-02-17|2026-12-31|NULL");
  EXPECT_EQ(column("status"), "Complete|Partial|Complete");
  EXPECT_EQ(query("SELECT count(*) FROM alchemer_wide.us_1 WHERE date_submitted = '2026-01-02 03:04:05Z'"), "3");
  EXPECT_EQ(rows("SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'alchemer_wide' "
                 "AND table_name = 'us_1' AND ordinal_position > 6 ORDER BY ordinal_position"),
            (std::vector<std::string>{"rate|bigint", "age|numeric", "born|date", "why|text", "why_comment|text",
                                      "nps|bigint", "met|date"}));
}

TEST_F(WideValues, ChoicesAreTrueFalseOrUnknown) {
  question({.id = 2, .type = "CHECKBOX", .title = "Pets", .shortname = "pets"});
  option(2, 10001, "Cat", "1");
  option(2, 10002, "Dog", "2");
  option(2, 10003, "Other", "3", true);
  response(1);
  answer(1, {.question = 2, .answer = "1", .item = "10001", .option = 10001});
  answer(1, {.question = 2, .answer = "a newt", .item = "10003-other", .option = 10003, .other = true});
  response(2);
  answer(2, {.question = 2, .item = "10002", .option = 10002});
  response(3);
  update();
  EXPECT_EQ(column("pets_cat"), "true|false|NULL");
  EXPECT_EQ(column("pets_dog"), "false|true|NULL");
  EXPECT_EQ(column("pets_other"), "true|false|NULL");
  EXPECT_EQ(column("pets_other_10003"), "a newt|NULL|NULL");
  EXPECT_EQ(column("pets_dog", "us_1_labels"), "NULL|Dog|NULL");
}

TEST_F(WideValues, OtherRanksDotsAndGrids) {
  question({.id = 2, .type = "RADIO", .shortname = "pet"});
  option(2, 10001, "Cat", "1");
  option(2, 10002, "Another", "9", true);
  question({.id = 3, .type = "RANK", .shortname = "rank"});
  option(3, 10003, "Tea", "t");
  option(3, 10004, "Milk", "m");
  question({.id = 4, .type = "HEATMAP", .shortname = "clicks"});
  question({.id = 5, .type = "TABLE", .shortname = "t"});
  question({.id = 6, .type = "RADIO", .shortname = "speed", .parent = 5});
  option(6, 10005, "Slow", "slow");
  question({.id = 7, .type = "MATRIX", .shortname = "m"});
  question({.id = 8, .shortname = "row", .parent = 7});
  option(8, 10006, "A", "a");
  option(8, 10007, "B", "b");
  response(1);
  answer(1, {.question = 2, .answer = "a newt", .option = 10002, .other = true});
  answer(1, {.question = 3, .item = "10003", .option = 10003, .rank = 2});
  answer(1, {.question = 3, .item = "10004", .option = 10004, .rank = 1});
  for (const char* dot : {"1", "2", "3"})
    answer(1, {.question = 4, .answer = "here", .item = dot});
  answer(1, {.question = 6, .answer = "slow"});
  answer(1, {.question = 7, .answer = "cell", .item = "8/10007", .option = 10007});
  update();
  EXPECT_EQ(column("pet"), "9");
  EXPECT_EQ(column("pet", "us_1_labels"), "Another");
  EXPECT_EQ(column("pet_other"), "a newt");
  EXPECT_EQ(column("rank_tea") + column("rank_milk"), "21");
  EXPECT_EQ(column("clicks"), "3");
  EXPECT_EQ(column("speed"), "slow");
  EXPECT_EQ(column("speed", "us_1_labels"), "Slow");
  EXPECT_EQ(column("row_a") + column("row_b"), "NULLcell");
}

TEST_F(WideValues, WordsOfVendorsAreOnlyWords) {
  const std::string nasty = "It's \\'; DROP TABLE alchemer.survey; -- \"x\" $1 {} %";
  question({.id = 2, .type = "RADIO", .title = nasty, .shortname = "q"});
  option(2, 10001, nasty, nasty);
  question({.id = 3, .type = "NPS", .title = nasty, .shortname = "n"});
  option(3, 10002, "Never", nasty);
  option(3, 10003, "Always", "10");
  response(1);
  answer(1, {2, nasty});
  answer(1, {3, "10"});
  update();
  ASSERT_TRUE(events_.of<event::WideFailed>().empty());
  EXPECT_EQ(column("q", "us_1_labels"), nasty);
  EXPECT_EQ(column("n", "us_1_labels"), "Always") << "a label whose value is no number is left out of a number's";
  EXPECT_EQ(query("SELECT col_description('alchemer_wide.us_1'::regclass, 7)"), nasty);
  EXPECT_EQ(query("SELECT labels -> 0 ->> 'label' FROM alchemer_wide.dictionary WHERE variable = 'q'"), nasty);
}

TEST_F(WideValues, TheDictionarySaysWhatColumnsMean) {
  question({.id = 2, .type = "RADIO", .title = "How was it?", .shortname = "rate"});
  option(2, 10001, "Bad", "1");
  option(2, 10002, "Good", "2");
  update();
  EXPECT_EQ(rows("SELECT source, survey_id, table_name, variable, position, type, question_id, question_type, title, "
                 "labels FROM alchemer_wide.dictionary WHERE question_id IS NOT NULL"),
            std::vector<std::string>{"us|1|us_1|rate|7|bigint|2|RADIO|How was it?|[{\"label\": \"Bad\", \"value\": 1}, "
                                     "{\"label\": \"Good\", \"value\": 2}]"});
  EXPECT_EQ(query("SELECT string_agg(variable, ' ' ORDER BY position) FROM alchemer_wide.dictionary"),
            "response_id status is_test_data date_submitted date_started date_updated rate");
  EXPECT_EQ(query("SELECT count(*) FROM alchemer_wide.us_1"), "0") << "a survey without responses has its table";
}

TEST_F(WideValues, OverFiveHundredColumnsAreContinued) {
  question({.id = 2, .type = "CHECKBOX", .title = "Many", .shortname = "many"});
  run_sql(
      "INSERT INTO alchemer.option (source, survey_id, question_id, option_id, position, title, value, payload, "
      "payload_hash, first_seen_at, changed_at, run_id) SELECT 'us', 1, 2, 10000 + g, g, 'Option ' || g, g::text, "
      "'{}', '\\x00', now(), now(), 1 FROM generate_series(1, 1200) AS g");
  response(1);
  answer(1, {.question = 2, .item = "11200", .option = 11200});
  update();
  EXPECT_EQ(rows("SELECT table_name, count(*) FROM information_schema.columns WHERE table_schema = 'alchemer_wide' AND "
                 "table_name LIKE 'us_1%' GROUP BY 1 ORDER BY 1"),
            (std::vector<std::string>{"us_1|500", "us_1_2|500", "us_1_3|208", "us_1_labels|500", "us_1_labels_2|500",
                                      "us_1_labels_3|208"}));
  EXPECT_EQ(query("SELECT a.many_option_1 || ' ' || b.many_option_495 || ' ' || c.many_option_1200 FROM "
                  "alchemer_wide.us_1 a JOIN alchemer_wide.us_1_2 b USING (response_id) JOIN alchemer_wide.us_1_3 c "
                  "USING (response_id)"),
            "false false true")
      << "one answer says of all options that they were not chosen";
}

TEST_F(WideValues, WhatIsTypedBesideATickIsKeptAlsoWhereTheVendorDoesNotMarkIt) {
  question({.id = 2, .type = "CHECKBOX", .shortname = "pets"});
  option(2, 10001, "Cat", "1");
  option(2, 10002, "Another", "9", true);
  for (std::int64_t id = 1; id <= 3; ++id)
    response(id);
  answer(1, {.question = 2, .answer = "a newt", .item = "10002", .option = 10002});
  answer(2, {.question = 2, .answer = "a frog", .item = "10002-other", .option = 10002, .other = true});
  answer(3, {.question = 2, .answer = "9", .item = "10002", .option = 10002});
  update();
  EXPECT_EQ(column("pets_other"), "a newt|a frog|NULL");
  EXPECT_EQ(column("pets_another"), "true|true|true");
}

TEST_F(WideValues, RowsThatWouldBeTooLargeGetNarrowerTables) {
  run_sql(
      "INSERT INTO alchemer.question (source, survey_id, question_id, position, base_type, type, title, shortname, "
      "payload, payload_hash, first_seen_at, changed_at, run_id) SELECT 'us', 1, g, g, 'Question', 'ESSAY', 'T', 'e' "
      "|| g, '{}', '\\x00', now(), now(), 1 FROM generate_series(1, 494) AS g");
  response(1);
  run_sql(
      "INSERT INTO alchemer.answer (source, survey_id, response_id, question_id, item, answer, is_other, run_id) "
      "SELECT 'us', 1, 1, g, '', repeat(md5(g::text), 100), false, 1 FROM generate_series(1, 494) AS g");
  update();
  ASSERT_TRUE(events_.of<event::WideFailed>().empty());
  EXPECT_EQ(query("SELECT count(*) FROM information_schema.columns WHERE table_name = 'us_1'"), "400");
  EXPECT_EQ(query("SELECT length(e494) FROM alchemer_wide.us_1_2"), "3200");
}

TEST_F(WideValues, ARowThatGrowsTooLargeMakesItsTableNarrower) {
  run_sql(
      "INSERT INTO alchemer.question (source, survey_id, question_id, position, base_type, type, title, shortname, "
      "payload, payload_hash, first_seen_at, changed_at, run_id) SELECT 'us', 1, g, g, 'Question', 'ESSAY', 'T', 'e' "
      "|| g, '{}', '\\x00', now(), now(), 1 FROM generate_series(1, 494) AS g");
  response(1);
  update();
  EXPECT_EQ(query("SELECT count(*) FROM information_schema.columns WHERE table_name = 'us_1'"), "500");
  begin_run();
  response(1, "Partial");
  run_sql(
      "INSERT INTO alchemer.answer (source, survey_id, response_id, question_id, item, answer, is_other, run_id) "
      "SELECT 'us', 1, 1, g, '', repeat(md5(g::text), 100), false, 2 FROM generate_series(1, 494) AS g");
  update();
  EXPECT_TRUE(events_.of<event::WideFailed>().empty());
  EXPECT_EQ(query("SELECT count(*) FROM information_schema.columns WHERE table_name = 'us_1'"), "400");
  EXPECT_EQ(query("SELECT length(e494) FROM alchemer_wide.us_1_2"), "3200");
}

}  // namespace
}  // namespace surveysync::test
