// Surveys, pages, questions and options (vendor-api.md 1.8 and 1.9).
#include <gtest/gtest.h>

#include <algorithm>

#include "alchemer_rows.h"
#include "base/error.h"

namespace surveysync::sources::alchemer {
namespace {

TEST(Definition, SurveyFields) {
  EXPECT_EQ(
      decoded_definition(
          R"({"id":"100","team":[{"id":"644416","name":"T"},{"id":7}],"type":"Standard Survey","status":"Launched",)"
          R"("created_on":"2026-01-19 15:58:55","modified_on":"2026-07-19 16:00:31","title":"A & B","internal_title":"i",)"
          R"("languages":["English","French"],"statistics":{"Partial":3,"Complete":"1,234","TestData":"2","":0,"x":"007"},)"
          R"("pages":[]})",
          {}, ""),
      "survey survey_id=100 title='A & B' internal_title='i' type='Standard Survey' status='Launched' "
      "created_at=2026-01-19T20:58:55Z modified_at=2026-07-19T20:00:31Z team_ids=[644416, 7] "
      "languages=['English', 'French'] "
      "statistics='{\"Partial\":3,\"Complete\":1234,\"TestData\":2,\"\":0,\"x\":\"007\"}'\n");
}

TEST(Definition, TheListFillsWhatTheDetailLacks) {
  EXPECT_EQ(decoded_definition(
                R"({"id":100,"title":"Detail","statistics":null})", {},
                R"({"id":"100","title":"List","team":"5","status":"Closed","statistics":{"Complete":2},"links":{}})"),
            "survey survey_id=100 title='Detail' status='Closed' team_ids=[5] statistics='{\"Complete\":2}'\n");
}

TEST(Definition, TeamsAndStatisticsInOtherShapes) {
  const auto survey = [](std::string_view members) {
    return decoded_definition("{\"id\":1," + std::string(members) + "}", {}, "");
  };
  EXPECT_EQ(survey(R"("team":"0")"), "survey survey_id=1\n");
  EXPECT_EQ(survey(R"("team":["5","6"])"), "survey survey_id=1 team_ids=[5, 6]\n");
  EXPECT_EQ(survey(R"("team":{"id":"5","name":"x"})"), "survey survey_id=1 team_ids=[5]\n");
  EXPECT_EQ(survey(R"("statistics":[["Complete","5"],["Partial",1]])"),
            "survey survey_id=1 statistics='{\"Complete\":5,\"Partial\":1}'\n");
  EXPECT_EQ(survey(R"("statistics":[])"), "survey survey_id=1\n");
  EXPECT_EQ(survey(R"("title":"<b>Q&amp;A<\/b>","status":"Paused")"),
            "survey survey_id=1 title='Q&A' status='Paused'\nnotice survey.status: new value `Paused` | xxxxxx\n");
  EXPECT_EQ(survey(R"("created_on":"never")"), "survey survey_id=1\nflag date\n");
}

constexpr std::string_view kTree = R"({"id":"100","languages":["French","English"],"pages":[
  {"id":1,"title":{"English":"One","French":"<i>Un</i>"},"questions":[
    {"id":"10","base_type":"Question","type":"TABLE","title":{"French":"Grille"},"options":[],"sub_questions":[
      {"id":12,"type":"RADIO","title":{"French":"r2"},"options":[{"id":10002,"title":{"French":"non"},"value":"n"}]},
      {"id":11,"type":"RADIO","title":{"French":"r1"}}]},
    {"id":11,"type":"RADIO"},
    {"id":3,"base_type":"Decorative","type":"INSTRUCTIONS","title":[]}]},
  {"id":2,"title":[],"questions":[{"id":4,"type":"ESSAY","title":"plain","shortname":"s","varname":[""],"properties":{"x":1}}]}]})";

TEST(Definition, TheTreeGivesPlaceAndParent) {
  EXPECT_EQ(
      decoded_definition(kTree, {}, ""),
      "survey survey_id=100 languages=['French', 'English']\n"
      "page survey_id=100 page_id=1 title='Un' titles='{\"English\":\"One\",\"French\":\"<i>Un</i>\"}' position=1\n"
      "question survey_id=100 question_id=10 page_id=1 position=1 base_type='Question' type='TABLE' title='Grille' "
      "titles='{\"French\":\"Grille\"}'\n"
      "question survey_id=100 question_id=12 parent_question_id=10 page_id=1 position=1 type='RADIO' title='r2' "
      "titles='{\"French\":\"r2\"}'\n"
      "option survey_id=100 question_id=12 option_id=10002 position=1 title='non' titles='{\"French\":\"non\"}' "
      "value='n'\n"
      "question survey_id=100 question_id=11 parent_question_id=10 page_id=1 position=2 type='RADIO' title='r1' "
      "titles='{\"French\":\"r1\"}'\n"
      "question survey_id=100 question_id=3 page_id=1 position=2 base_type='Decorative' type='INSTRUCTIONS' "
      "titles='[]'\n"
      "page survey_id=100 page_id=2 titles='[]' position=2\n"
      "question survey_id=100 question_id=4 page_id=2 position=1 type='ESSAY' title='plain' titles='\"plain\"' "
      "shortname='s' varname='[\"\"]' properties='{\"x\":1}'\n");
}

TEST(Definition, TheListsItemIsThePayload) {
  const std::string text = decoded_definition(
      R"({"id":100,"pages":[{"id":1,"questions":[{"id":4,"type":"RADIO","options":[{"id":10001,"value":"tree"}]}]}]})",
      {R"({"id":4,"type":"RADIO","varname":{"10001":"v"},"options":[{"id":"10001","title":{"English":5},"value":"list"},{"id":10002,"value":""}]})",
       R"({"id":9,"type":"HIDDEN"})", "null"},
      "");
  EXPECT_EQ(
      text,
      "survey survey_id=100\n"
      "page survey_id=100 page_id=1 position=1\n"
      "question survey_id=100 question_id=4 page_id=1 position=1 type='RADIO' varname='{\"10001\":\"v\"}'\n"
      "option survey_id=100 question_id=4 option_id=10001 position=1 title='5' titles='{\"English\":5}' value='list'\n"
      "option survey_id=100 question_id=4 option_id=10002 position=2 value=''\n"
      "question survey_id=100 question_id=9 position=1 type='HIDDEN'\n");
}

TEST(Definition, SubQuestionsOfTheListAreChildrenToo) {
  EXPECT_EQ(
      decoded_definition(R"({"id":1,"pages":[{"id":1,"questions":[{"id":5,"type":"TABLE"},{"id":6},{"id":7}]}]})",
                         {R"({"id":5,"type":"TABLE","sub_questions":[{"id":6}]})", R"({"id":6,"type":"RADIO"})"}, ""),
      "survey survey_id=1\npage survey_id=1 page_id=1 position=1\n"
      "question survey_id=1 question_id=5 page_id=1 position=1 type='TABLE'\n"
      "question survey_id=1 question_id=6 parent_question_id=5 page_id=1 position=1 type='RADIO'\n"
      "question survey_id=1 question_id=7 page_id=1 position=2\n");
}

TEST(Definition, ObjectsKeyedByIdServeAsLists) {
  EXPECT_EQ(
      decoded_definition(
          R"({"id":1,"pages":{"1":{"id":1,"questions":{"5":{"id":5,"options":{"10001":{"id":10001,"value":"a"}}}}}}})",
          {}, ""),
      "survey survey_id=1\npage survey_id=1 page_id=1 position=1\nquestion survey_id=1 question_id=5 page_id=1 "
      "position=1\n"
      "option survey_id=1 question_id=5 option_id=10001 position=1 value='a'\n");
}

TEST(Definition, BrokenPartsCostOnlyThemselves) {
  const std::string text = decoded_definition(
      R"({"id":1,"pages":[null,{"title":"no id","questions":[{"id":5,"options":[{"value":"no id"},null,{"id":10001}]},{"type":"no id"}]}]})",
      {R"({"type":"no id either"})", R"({"id":8)"}, "");
  EXPECT_NE(text.find("question survey_id=1 question_id=5 position=1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("option survey_id=1 question_id=5 option_id=10001 position=1\n"), std::string::npos) << text;
  EXPECT_EQ(std::ranges::count(text, '\n'), 3 + 5) << text;
}

TEST(Definition, CirclesAndRepetitionsEnd) {
  const std::string text = decoded_definition(
      R"({"id":1,"pages":[{"id":1,"questions":[{"id":5,"sub_questions":[{"id":6,"sub_questions":[{"id":5}]},{"id":5}]},{"id":5}]},{"id":1}]})",
      {R"({"id":6,"sub_questions":[{"id":5},{"id":7}]})", R"({"id":6})"}, "");
  EXPECT_EQ(text,
            "survey survey_id=1\npage survey_id=1 page_id=1 position=1\nquestion survey_id=1 question_id=5 page_id=1 "
            "position=1\n"
            "question survey_id=1 question_id=6 parent_question_id=5 page_id=1 position=1\n");
}

TEST(Definition, ADetailWithoutIdIsMalformed) {
  EXPECT_THROW(decoded_definition("{}", {}, ""), Error);
  EXPECT_THROW(decoded_definition("[]", {}, ""), Error);
  EXPECT_THROW(decoded_definition("{\"id\":1", {}, ""), Error);
}

model::Page split(std::string_view detail, std::string_view list_item = {}) {
  model::Page page;
  split_definition(DetailSlice(detail), QuestionSlices({}), list_item, page);
  return page;
}

TEST(Definition, PayloadsAreTheVendorsBytesAndPlaceIsTheirContext) {
  const std::string first = R"({"id":1,"pages":[{"id":1,"questions":[{"id":5,"x": 1},{"id":6}]}]})";
  const std::string moved = R"({"id":1,"pages":[{"id":1,"questions":[{"id":6},{"id":5,"x": 1}]}]})";
  const model::Page a = split(first), b = split(moved);
  EXPECT_EQ(a.records[0].payload, first);
  EXPECT_EQ(a.records[0].hash, model::hash_of(first));
  EXPECT_EQ(a.records[2].payload, R"({"id":5,"x": 1})");
  EXPECT_EQ(b.records[3].payload, a.records[2].payload);
  EXPECT_EQ(b.records[3].hash, a.records[2].hash) << "the hash is that of the bytes";
  EXPECT_NE(b.records[3].context, a.records[2].context) << "the position changed";
  EXPECT_EQ(a.records[2].payload.data(), first.data() + first.find(R"({"id":5)")) << "a slice, not a copy";
}

TEST(Definition, WhatPostgresCannotHoldIsReplacedEverywhere) {
  const std::string detail = R"({"id":1,"pages":[{"id":1,"title":"a\u0000b"}]})";
  const model::Page page = split(detail, R"({"id":"1","title":"x\u0000"})");
  EXPECT_EQ(page.records[0].flags, (std::vector<std::string>{"nul"}));
  EXPECT_EQ(page.records[0].original, detail);
  EXPECT_EQ(page.records[1].payload, R"({"id":1,"title":"a\u2400b"})");
  EXPECT_EQ(page.records[0].context, R"({"title":"x\u2400"})");
}

}  // namespace
}  // namespace surveysync::sources::alchemer
