// Named questions: dropped or hashed, children with them, whatever shape the entry has.
#include <gtest/gtest.h>

#include "alchemer_rows.h"
#include "base/error.h"
#include "base/json.h"
#include "sources/alchemer/decode.h"

namespace surveysync::sources::alchemer {
namespace {

const std::shared_ptr<const KeyedDigest>& digest() {
  static const auto kDigest = std::make_shared<const KeyedDigest>(Secret("0123456789abcdef0123456789abcdef"));
  return kDigest;
}

PrivacyRules questions(const std::map<std::string, std::string>& rules) {
  return PrivacyRules(Privacy{{}, rules, digest()});
}

std::string response(std::string_view survey_data) {
  return R"({"id":"7","survey_data":)" + std::string(survey_data) + "}";
}

/// survey_data of survey 100 after the rules.
std::string after(std::string_view survey_data, const PrivacyRules& rules) {
  const std::string raw = response(survey_data);
  const auto altered = apply_privacy(raw, 100, rules);
  const std::string out = altered.value_or(raw);
  json::Document document;
  document.parse_copy(out);  // sound
  return out.substr(response("").size() - 1, out.size() - response("").size());
}

std::string rows_of(std::string_view survey_data, const PrivacyRules& rules) {
  model::Page page;
  const std::string raw = response(survey_data);
  key_response(raw, 100, rules, {}, page);
  json::Document document;
  model::RowBatch rows;
  decode_response(document, page.records.at(0), us_zones(), rows);
  return rows_text(rows, 1, false);
}

std::string hex(std::string_view text) {
  return digest()->hex(text);
}

constexpr std::string_view kPlain =
    R"({"5":{"id":5,"type":"RADIO","question":"Q","section_id":1,"shown":true,"answer":"Yes","answer_id":10001,)"
    R"("original_answer":"Ja","comments":"my own words"},"6":{"id":6,"answer":"other"}})";

TEST(DroppedQuestion, LeavesItsIdsAndNoAnswer) {
  EXPECT_EQ(after(kPlain, questions({{"5", "drop"}})),
            R"({"5":{"id":5,"type":"RADIO","question":"Q","section_id":1,"shown":true,"answer":null,"answer_id":null,)"
            R"("original_answer":null,"comments":null},"6":{"id":6,"answer":"other"}})");
  const std::string rows = rows_of(kPlain, questions({{"100/5", "drop"}}));
  EXPECT_EQ(rows.find("question_id=5"), std::string::npos) << rows;
  EXPECT_NE(rows.find("question_id=6"), std::string::npos) << rows;
}

TEST(DroppedQuestion, OnlyInItsSurvey) {
  EXPECT_EQ(after(kPlain, questions({{"101/5", "drop"}})), kPlain);
  EXPECT_EQ(after(kPlain, questions({{"5", "drop"}, {"100/5", "keep"}})), kPlain) << "the nearer rule counts";
}

TEST(DroppedQuestion, TakesItsChildrenAlong) {
  constexpr std::string_view kTable =
      R"({"30":{"id":30,"type":"TABLE","shown":false},"31":{"id":31,"parent":30,"answer":"a"},)"
      R"("32":{"id":32,"parent":31,"answer":"b"},"33":{"id":33,"parent":34,"answer":"c"}})";
  EXPECT_EQ(after(kTable, questions({{"30", "drop"}})),
            R"({"30":{"id":30,"type":"TABLE","shown":false},"31":{"id":31,"parent":30,"answer":null},)"
            R"("32":{"id":32,"parent":31,"answer":null},"33":{"id":33,"parent":34,"answer":"c"}})");
  EXPECT_EQ(after(kTable, questions({{"34", "drop"}})).find("\"c\""), std::string::npos)
      << "a parent without an entry of its own";
}

TEST(DroppedQuestion, WhateverItsShape) {
  for (const char* const entry :
       {R"({"id":5,"options":{"10001":{"id":10001,"option":"Jane","answer":"Jane"}}})",
        R"({"id":5,"subquestions":{"6":{"id":6,"answer":"Jane"}}})",
        R"({"id":5,"subquestions":{"6":{"10001":{"id":10001,"answer":"Jane"}}}})",
        R"({"id":5,"answer":{"10001":{"id":10001,"option":"Jane","rank":"1"}}})", R"("Jane")", R"(["Jane"])",
        R"({"id":5,"brand_new_field":"Jane"})", R"({"id":"5","answer":["Jane"]})"}) {
    const std::string data = R"({"5":)" + std::string(entry) + "}";
    EXPECT_EQ(after(data, questions({{"5", "drop"}})).find("Jane"), std::string::npos) << entry;
    EXPECT_EQ(after(data, questions({{"5", "hash"}})).find("Jane"), std::string::npos) << entry;
    rows_of(data, questions({{"5", "hash"}}));
  }
  EXPECT_EQ(after(R"([{"id":0,"answer":"x"},{"id":5,"answer":"Jane"}])", questions({{"5", "drop"}})),
            R"([{"id":0,"answer":"x"},{"id":5,"answer":null}])")
      << "an object that PHP made an array";
}

TEST(DroppedQuestion, WithinAKeptOne) {
  EXPECT_EQ(after(R"({"5":{"id":5,"subquestions":{"6":{"id":6,"answer":"a"},"7":{"id":7,"answer":"b"}}}})",
                  questions({{"6", "drop"}})),
            R"({"5":{"id":5,"subquestions":{"6":{"id":6,"answer":null},"7":{"id":7,"answer":"b"}}}})");
  EXPECT_EQ(
      after(R"({"5":{"id":5,"subquestions":{"6":{"10001":{"id":10001,"answer":"a"}}}}})", questions({{"6", "drop"}})),
      R"({"5":{"id":5,"subquestions":{"6":null}}})");
}

TEST(HashedQuestion, ShowsDigestsOnly) {
  EXPECT_EQ(after(kPlain, questions({{"5", "hash"}})),
            R"({"5":{"id":5,"type":"RADIO","question":"Q","section_id":1,"shown":true,"answer":")" + hex("Yes") +
                R"(","answer_id":null,"original_answer":")" + hex("Ja") + R"(","comments":")" + hex("my own words") +
                R"("},"6":{"id":6,"answer":"other"}})");
}

TEST(HashedQuestion, AChosenOptionShowsNeitherTitleNorId) {
  constexpr std::string_view kBoxes =
      R"({"5":{"id":5,"options":{"10001":{"id":10001,"option":"Red","answer":"r"},"10002":{"id":10002,"option":"Blue"}}}})";
  const std::string data = after(kBoxes, questions({{"5", "hash"}}));
  for (const char* const shown : {"1000", "Red", "Blue", "\"r\""})
    EXPECT_EQ(data.find(shown), std::string::npos) << data;
  const std::string rows = rows_of(kBoxes, questions({{"5", "hash"}}));
  EXPECT_NE(rows.find("item='" + hex("10001")), std::string::npos) << rows;
  EXPECT_NE(rows.find("option_title='" + hex("Red")), std::string::npos) << rows;
  EXPECT_EQ(rows.find("option_id="), std::string::npos) << rows;
}

TEST(HashedQuestion, CellsOfAGridToo) {
  constexpr std::string_view kGrid =
      R"({"5":{"id":5,"subquestions":{"6":{"10001":{"id":10001,"parent":5,"question":"Row : Red","answer":"x","shown":true}}}}})";
  const std::string data = after(kGrid, questions({{"5", "hash"}}));
  for (const char* const shown : {"10001", "Red", "\"x\""})
    EXPECT_EQ(data.find(shown), std::string::npos) << data;
  const std::string rows = rows_of(kGrid, questions({{"5", "hash"}}));
  EXPECT_NE(rows.find("item='6/" + hex("10001")), std::string::npos) << rows;
  EXPECT_NE(rows.find("row_id=6"), std::string::npos) << rows;
}

TEST(HashedQuestion, StoredDigestsStay) {
  const PrivacyRules rules = questions({{"5", "hash"}});
  for (const std::string_view data :
       {kPlain, std::string_view(R"({"5":{"id":5,"options":{"10001":{"id":10001,"option":"Red"}}}})"),
        std::string_view(R"({"5":{"id":5,"answer":{"10001":{"rank":1}}}})")}) {
    const std::string once = after(data, rules);
    EXPECT_EQ(after(once, rules.for_stored()), once);
  }
}

TEST(UnsoundText, IsWithheldUnderQuestionRules) {
  for (const char* const raw : {R"({"id":"7","survey_data":{"5":{"id":5,"answer":"Jane"})",
                                R"({"id":"7","survey_data":{"5":{"id":5,"answer":Jane" is here"}}})",
                                R"({"id":"7","survey_data":{"5":{"id":5]}})"}) {
    model::Page page;
    key_response(raw, 100, questions({{"5", "drop"}}), {}, page);
    EXPECT_TRUE(page.records.empty()) << raw;
    ASSERT_EQ(page.quarantined.size(), 1U) << raw;
    EXPECT_EQ(page.quarantined[0].record_key, "100/7");
    EXPECT_EQ(page.quarantined[0].raw.find("Jane"), std::string::npos);
    EXPECT_NE(page.quarantined[0].reason.find("withheld"), std::string::npos);
    model::Page again;
    key_response(page.quarantined[0].raw, 100, questions({{"5", "drop"}}), {}, again);
    EXPECT_TRUE(again.records.empty()) << "nobody takes what is left for the record";
  }
}

TEST(PayloadRaw, ObeysQuestionRulesToo) {
  std::string body =
      "{\"data\":[{\"id\":\"7\",\"x\":\"a\xff\",\"survey_data\":{\"5\":{\"id\":5,\"answer\":\"J\xff\"}}}]}";
  const json::Repair repair = json::Repair::apply(body);
  json::Splitter splitter;
  model::Page page;
  for (const std::string_view raw : splitter.split(body, "data").records)
    key_response(raw, 100, questions({{"5", "hash"}}), {&repair, &body}, page);
  ASSERT_EQ(page.records.size(), 1U);
  EXPECT_EQ(page.records[0].original,
            "{\"id\":\"7\",\"x\":\"a\xff\",\"survey_data\":{\"5\":{\"id\":5,\"answer\":\"" + hex("J\uFFFD") + "\"}}}");
  EXPECT_NE(page.records[0].payload.find(hex("J\uFFFD")), std::string_view::npos);
}

TEST(Comments, GoWhereverAnEntryHasThem) {
  const auto comments = [](const char* word) {
    return PrivacyRules(Privacy{{{"comments", word}}, {{"6", "drop"}, {"9", "keep"}}, digest()});
  };
  const auto entries = [](const std::string& own, const std::string& of_row, const std::string& of_option) {
    return R"({"5":{"id":5,"type":"RADIO","answer":"Yes","comments":)" + own +
           R"(,"options":{"1":{"id":1,"option":"Y","comments":)" + of_option +
           R"(}}},"7":{"id":7,"subquestions":{"8":{"id":8,"answer":"a","comments":)" + of_row +
           R"(},"9":{"1":{"id":1,"answer":"c","comments":)" + of_row + R"(}}}}})";
  };
  const std::string sent = entries(R"("my words")", R"("of a row")", R"("")");
  EXPECT_EQ(after(sent, comments("drop")), entries("null", "null", "null"));
  EXPECT_EQ(after(sent, comments("hash")), entries('"' + hex("my words") + '"', '"' + hex("of a row") + '"', R"("")"));
  EXPECT_EQ(after(sent, comments("keep")), sent);
  EXPECT_EQ(after(R"({"6":{"id":6,"answer":"x","comments":"y"}})", comments("drop")),
            R"({"6":{"id":6,"answer":null,"comments":null}})")
      << "a question's own rule takes its comments along";
  EXPECT_EQ(rows_of(sent, comments("drop")).find("words"), std::string::npos);
  EXPECT_NE(comments("drop").text().find("comments of answers too"), std::string::npos);
}

TEST(OuterFields, CanBeHashed) {
  const PrivacyRules rules(Privacy{
      {{"ip_address", "hash"}, {"geo", "hash"}, {"url_variables", "hash"}, {"comments", "drop"}}, {}, digest()});
  EXPECT_EQ(
      apply_privacy(R"({"id":"7","ip_address":"1.2.3.4","city":"Rome","latitude":"41.9","dma":"0","comments":"x",)"
                    R"("url_variables":{"src":{"key":"src","value":"mail","type":"url"}}})",
                    100, rules),
      R"({"id":"7","ip_address":")" + hex("1.2.3.4") + R"(","city":")" + hex("Rome") +
          R"(","latitude":null,"dma":null,"comments":null,)"
          R"("url_variables":{"src":{"key":"src","value":")" +
          hex("mail") + R"(","type":"url"}}})");
}

}  // namespace
}  // namespace surveysync::sources::alchemer
