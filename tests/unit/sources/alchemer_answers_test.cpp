// The table "How an entry of survey_data becomes rows of alchemer.answer" (product.md 3), row by row, and the odd
// shapes of vendor-api.md 1.11 and 1.12.
#include <gtest/gtest.h>

#include "alchemer_rows.h"
#include "base/error.h"

namespace surveysync::sources::alchemer {
namespace {

struct Case {
  const char* entry;
  const char* rows;
};

void expect(const Case& c) {
  EXPECT_EQ(decoded_entry(c.entry), c.rows) << c.entry;
}

TEST(Answers, PlainEntry) {
  expect({R"({"id":5,"type":"RADIO","question":"Q","section_id":2,"shown":true,"answer":"Red","answer_id":10001})",
          "answer question_id=5 item='' option_id=10001 answer='Red' shown=true type='RADIO' page_id=2\n"});
  expect({R"({"id":5,"type":"ESSAY","answer":"a\n\u00e9 \/","shown":false})",
          "answer question_id=5 item='' answer='a\né /' shown=false type='ESSAY'\n"});
  expect({R"({"id":5,"type":"RADIO","parent":4,"answer":"Yes","answer_id":"10002"})",
          "answer question_id=5 item='' parent_question_id=4 option_id=10002 answer='Yes' type='RADIO'\n"});
  expect({R"({"id":5,"type":"FILE","answer":"12-ab_x.pdf","answer_id":0})",
          "answer question_id=5 item='' option_id=0 answer='12-ab_x.pdf' type='FILE'\n"});
  expect({R"({"id":"5","answer":9,"original_answer":"8"})",
          "answer question_id=5 item='' answer='9' original_answer='8'\n"});
  expect({R"({"id":5,"answer":1.50})", "answer question_id=5 item='' answer='1.50'\n"});
  expect({R"({"id":5,"answer":false})", "answer question_id=5 item='' answer='false'\n"});
  expect({R"({"answer":"by key"})", "answer question_id=5 item='' answer='by key'\n"});
}

TEST(Answers, OtherText) {
  expect({R"({"id":5,"type":"RADIO","answer":"my own","answer_id":"10391-other"})",
          "answer question_id=5 item='' option_id=10391 answer='my own' is_other=true type='RADIO'\n"});
}

TEST(Answers, NothingAnsweredMakesNoRow) {
  for (const char* entry :
       {R"({"id":5,"shown":true})", R"({"id":5,"shown":true,"answer":null})", R"({"id":5,"answer":""})",
        R"({"id":5,"answer":[]})", R"({"id":5,"answer":{}})", R"({"id":5,"answer":null,"answer_id":null})",
        R"({"id":5,"answer":"","answer_id":0})", R"({"id":5,"type":"parent","options":[]})",
        R"({"id":5,"type":"parent","options":null})", R"({"id":5,"type":"parent","subquestions":{}})",
        R"({"id":5,"type":"parent","subquestions":{"6":null,"7":{"id":7,"answer":null},"8":{"10001":null}}})",
        R"({"id":5,"type":"TABLE","shown":false})", R"({"id":5,"comments":""})", "null", "[]", "{}", "\"\"",
        R"({"id":5,"answer":{"response":{"imageW":1,"dots":[]}}})",
        R"({"id":5,"answer":{"signature":"","name":""}})"}) {
    EXPECT_EQ(decoded_entry(entry), "") << entry;
  }
}

TEST(Answers, AnOptionWithoutReportingValueIsAnswered) {
  expect({R"({"id":5,"answer":"","answer_id":10001})", "answer question_id=5 item='' option_id=10001\n"});
}

TEST(Answers, Options) {
  expect(
      {R"({"id":5,"type":"parent","section_id":1,"shown":true,"options":{
             "10001":{"id":10001,"option":"Red wine","answer":"Red","original_answer":"Rouge"},
             "10002":{"id":10002,"option":"White"},
             "10003":{"id":10003,"option":"Other","answer":"Beer"}}})",
       "answer question_id=5 item='10001' option_id=10001 answer='Red' original_answer='Rouge' option_title='Red wine' "
       "shown=true type='parent' page_id=1\n"
       "answer question_id=5 item='10002' option_id=10002 option_title='White' shown=true type='parent' page_id=1\n"
       "answer question_id=5 item='10003' option_id=10003 answer='Beer' option_title='Other' shown=true type='parent' "
       "page_id=1\n"});
}

TEST(Answers, OptionsInOtherShapes) {
  expect({R"({"id":5,"options":[{"id":"10001","option":"A","answer":"a"},null]})",
          "answer question_id=5 item='10001' option_id=10001 answer='a' option_title='A'\n"});
  expect({R"({"id":5,"options":{"10391-other":{"option":"Other","answer":"x"}}})",
          "answer question_id=5 item='10391-other' option_id=10391 answer='x' option_title='Other' is_other=true\n"});
  expect({R"({"id":5,"options":{"10001":"A"}})",
          "answer question_id=5 item='10001' option_id=10001 answer='A'\n"
          "notice survey_data.options: string | \"x\"\n"});
  expect({R"({"id":5,"options":"none"})", "notice survey_data.options: string | \"xxxx\"\n"});
}

TEST(Answers, SubquestionsOfOneLevel) {
  expect({R"({"id":5,"type":"parent","section_id":3,"shown":true,"subquestions":{
             "6":{"id":6,"type":"TEXTBOX","parent":5,"question":"Name","answer":"Ann"},
             "7":{"id":"7","type":"RADIO","parent":5,"answer":"x","answer_id":"10007","shown":false},
             "8":{"id":8,"type":"TEXTBOX","answer":null},
             "9":null}})",
          "answer question_id=5 item='6' row_id=6 answer='Ann' shown=true type='TEXTBOX' page_id=3\n"
          "answer question_id=5 item='7' row_id=7 option_id=10007 answer='x' shown=false type='RADIO' page_id=3\n"});
  expect({R"({"id":5,"subquestions":[{"id":6,"answer":"a"}]})", "answer question_id=5 item='6' row_id=6 answer='a'\n"});
  expect({R"({"id":5,"subquestions":{"6":{"question":"no id","answer":"a"}}})",
          "answer question_id=5 item='6' row_id=6 answer='a'\n"});
  expect({R"({"id":5,"subquestions":{"6":"bare"}})",
          "answer question_id=5 item='6' row_id=6 answer='bare'\n"
          "notice survey_data.subquestions: string | \"xxxx\"\n"});
}

TEST(Answers, SubquestionsOfTwoLevels) {
  expect({R"({"id":5,"type":"parent","shown":true,"subquestions":{
             "6":{"10001":{"id":10001,"type":"TEXTBOX","parent":5,"question":"c","answer":"1","shown":true},
                  "10002":{"id":10002,"type":"TEXTBOX","answer":null}},
             "7":{"10001":{"id":10001,"answer":"2","shown":false}},
             "8":[]}})",
          "answer question_id=5 item='6/10001' row_id=6 option_id=10001 answer='1' shown=true type='TEXTBOX'\n"
          "answer question_id=5 item='7/10001' row_id=7 option_id=10001 answer='2' shown=false type='parent'\n"});
  expect({R"({"id":5,"subquestions":{"6":{"10001":"x"}}})",
          "answer question_id=5 item='6/10001' row_id=6 option_id=10001 answer='x'\n"
          "notice survey_data.subquestions: string | \"x\"\n"});
  expect(
      {R"({"id":5,"subquestions":{"6":{"id":6,"type":"parent","options":{"10001":{"id":10001,"option":"A","answer":"a"}}}}})",
       "answer question_id=5 item='6/10001' row_id=6 option_id=10001 answer='a' option_title='A' type='parent'\n"});
}

TEST(Answers, Ranking) {
  expect(
      {R"({"id":5,"type":"RANK","answer":{"10001":{"id":10001,"option":"A","rank":"2"},"10002":{"id":10002,"option":"B","rank":1}}})",
       "answer question_id=5 item='10001' option_id=10001 option_title='A' rank=2 type='RANK'\n"
       "answer question_id=5 item='10002' option_id=10002 option_title='B' rank=1 type='RANK'\n"});
  expect({R"({"id":5,"answer":[{"id":10001,"option":"A","rank":1}]})",
          "answer question_id=5 item='10001' option_id=10001 option_title='A' rank=1\n"});
}

TEST(Answers, Signature) {
  expect({R"({"id":5,"type":"SIGNATURE","answer":{"signature":"data:image\/png;base64,xx","name":"Ann Lee"}})",
          "answer question_id=5 item='' answer='Ann Lee' type='SIGNATURE'\n"});
  expect({R"({"id":5,"answer":{"signature":"xx","name":""}})", "answer question_id=5 item=''\n"});
}

TEST(Answers, HeatMap) {
  expect({R"({"id":5,"type":"HEATMAP","answer":{"response":{"imageW":640,"imageH":480,"dots":[
             {"id":1,"x":1,"y":2,"comment":"nice","answer":"Like"},{"id":"b","comment":"","answer":"Dislike"},{"x":3}]}}})",
          "answer question_id=5 item='1' answer='Like' comment='nice' type='HEATMAP'\n"
          "answer question_id=5 item='b' answer='Dislike' type='HEATMAP'\n"
          "answer question_id=5 item='3' type='HEATMAP'\n"});
}

TEST(Answers, AnyOtherStructureIsKeptAsText) {
  expect({R"({"id":5,"answer":{"a": [1,2]}})",
          "answer question_id=5 item='' answer='{\"a\": [1,2]}'\n"
          "notice survey_data.answer: object | {a: array}\n"});
  expect({R"({"id":5,"answer":["x","y"]})",
          "answer question_id=5 item='' answer='[\"x\",\"y\"]'\n"
          "notice survey_data.answer: array | [string, ...] (2)\n"});
  expect({R"({"id":5,"subquestions":{"6":{"id":6,"answer":{"z":1}}}})",
          "answer question_id=5 item='6' row_id=6 answer='{\"z\":1}'\n"
          "notice survey_data.subquestions: object | {z: number}\n"});
}

TEST(Answers, CommentsGoToThePlainRow) {
  expect(
      {R"({"id":5,"answer":"a","comments":"because"})", "answer question_id=5 item='' answer='a' comment='because'\n"});
  expect(
      {R"({"id":5,"type":"parent","shown":true,"comments":"why","options":{"10001":{"id":10001,"option":"A","answer":"a"}}})",
       "answer question_id=5 item='' shown=true comment='why' type='parent'\n"
       "answer question_id=5 item='10001' option_id=10001 answer='a' option_title='A' shown=true type='parent'\n"});
  expect({R"({"id":5,"shown":true,"comments":"only"})", "answer question_id=5 item='' shown=true comment='only'\n"});
  expect({R"({"id":5,"comments":{"1":"x"}})",
          "answer question_id=5 item='' comment='{\"1\":\"x\"}'\nnotice survey_data.comments: object | {9: string}\n"});
}

TEST(Answers, AnEntryMayHoldSeveralThings) {
  expect(
      {R"({"id":5,"answer":"a","options":{"10001":{"id":10001,"option":"A","answer":"x"}},"subquestions":{"6":{"id":6,"answer":"b"}}})",
       "answer question_id=5 item='' answer='a'\n"
       "answer question_id=5 item='10001' option_id=10001 answer='x' option_title='A'\n"
       "answer question_id=5 item='6' row_id=6 answer='b'\n"});
}

TEST(Answers, ScalarsWhereEntriesWereDue) {
  expect({"\"bare\"", "answer question_id=5 item='' answer='bare'\nnotice survey_data.entry: string | \"xxxx\"\n"});
}

TEST(Answers, NewFieldsAreNoticedOnce) {
  expect(
      {R"({"id":5,"answer":"a","mood":"good 12","options":{"10001":{"id":10001,"option":"A","answer":"x","mood":"b"}}})",
       "answer question_id=5 item='' answer='a'\n"
       "answer question_id=5 item='10001' option_id=10001 answer='x' option_title='A'\n"
       "notice survey_data.field: new field `mood` | \"xxxx 99\"\n"});
}

TEST(Answers, TheLastOfRepeatedKeysCounts) {
  const std::string text = decoded_response(
      R"({"id":"7","survey_data":{"5":{"id":5,"answer":"old"},"9":{"id":9,"answer":"x"},"05":{"id":5,"answer":"new"}}})",
      us_zones());
  EXPECT_EQ(text,
            "response\nanswer question_id=9 item='' answer='x'\nanswer question_id=5 item='' answer='new'\n"
            "notice survey_data.entry: repeated answer | \n");
}

TEST(Answers, ListsAndEmptiesInPlaceOfTheObject) {
  EXPECT_EQ(decoded_response(R"({"id":"7","survey_data":[{"id":1,"answer":"a"},{"id":2,"answer":"b"}]})", us_zones()),
            "response\nanswer question_id=1 item='' answer='a'\nanswer question_id=2 item='' answer='b'\n");
  for (const char* empty : {"[]", "{}", "null", "\"\""}) {
    EXPECT_EQ(decoded_response(std::string(R"({"id":"7","survey_data":)") + empty + "}", us_zones()), "response\n");
  }
  EXPECT_EQ(decoded_response(R"({"id":"7","survey_data":"x"})", us_zones()),
            "response\nnotice survey_data.entry: string | \"x\"\n");
  EXPECT_THROW(decoded_response(R"({"id":"7","survey_data":{"x":{"answer":"a"}}})", us_zones()), Error);
}

}  // namespace
}  // namespace surveysync::sources::alchemer
