// Whatever a record holds, it decodes or is malformed; rows keep their shape and their keys are unique. Fixed seeds,
// bounded.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "alchemer_rows.h"
#include "base/error.h"
#include "sources/alchemer/tables.h"
#include "sources/alchemer/text.h"

namespace surveysync::sources::alchemer {
namespace {

const std::string kResponse =
    R"({"id":"7","contact_id":"","status":"Complete","is_test_data":"0","date_submitted":"2026-11-01 01:30:00 EST",)"
    R"("date_updated":"2026-11-01 06:30:06","session_id":"1793514600_a","url_variables":{"a":{"key":"a","value":"x"}},)"
    R"("data_quality":[],"city":"caf\u00e9","latitude":"1.5","survey_data":{"1":{"id":1,"type":"RADIO","answer":"a","answer_id":10001},)"
    R"("2":{"id":2,"type":"parent","options":{"10002":{"id":10002,"option":"o","answer":"x"}}},)"
    R"("3":{"id":3,"type":"parent","subquestions":{"4":{"id":4,"answer":"b"},"5":{"10003":{"id":10003,"answer":"c"}}}},)"
    R"("6":{"id":6,"answer":{"10004":{"id":10004,"option":"r","rank":1}},"comments":"c"},)"
    R"("7":{"id":7,"answer":{"response":{"dots":[{"id":1,"answer":"d","comment":"e"}]}}},)"
    R"("8":{"id":8,"answer":{"signature":"s","name":"n"}}}})";

const std::string kDefinition =
    R"({"id":"100","team":[{"id":1}],"languages":["English"],"statistics":{"Complete":"1,2"},"pages":[{"id":1,"title":{"English":"t"},)"
    R"("questions":[{"id":2,"title":{"English":"<b>q</b>"},"options":[{"id":10001,"title":{"English":"o"},"value":"v"}],)"
    R"("sub_questions":[{"id":3,"title":[]}]}]}]})";

/// One to four edits: bytes, cuts, repetitions, and swaps of one JSON value for another.
std::string mutated(std::string text, std::mt19937& random) {
  static constexpr std::string_view kValues[] = {"null",
                                                 "[]",
                                                 "{}",
                                                 "\"\"",
                                                 "0",
                                                 "-1",
                                                 "true",
                                                 "\"x\"",
                                                 "[1]",
                                                 "{\"id\":1}",
                                                 "1e400",
                                                 "99999999999999999999",
                                                 "\"10391-other\"",
                                                 "{\"a\":{\"b\":[{}]}}"};
  const auto pick = [&](std::size_t below) { return static_cast<std::size_t>(random()) % below; };
  for (std::size_t edits = 1 + pick(4); edits > 0 && !text.empty(); --edits) {
    const std::size_t at = pick(text.size());
    switch (pick(5)) {
      case 0:
        text[at] = static_cast<char>(pick(256));
        break;
      case 1:
        text.erase(at, 1 + pick(20));
        break;
      case 2:
        text.insert(at, text.substr(pick(text.size()), pick(60)));
        break;
      default: {
        const std::size_t colon = text.find(':', at);
        if (colon == std::string::npos) break;
        const std::size_t end = text.find_first_of(",}", colon);
        text.replace(colon + 1, std::min(end, text.size()) - colon - 1, kValues[pick(std::size(kValues))]);
      }
    }
  }
  return text;
}

void check_rows(const model::RowBatch& rows, std::size_t stream) {
  std::set<std::string> keys;
  for (const model::RowBatch::Row& row : rows.rows()) {
    const model::Table& table = stream_specs()[stream].tables.at(row.table);
    ASSERT_EQ(row.cells.size(), table.key.size() + table.columns.size());
    std::string key = table.name;
    for (std::size_t i = 0; i < table.key.size(); ++i) {
      ASSERT_FALSE(row.cells[i].is_null());
      const bool is_text = row.cells[i].type() == model::Cell::Type::text;
      key += "/" + (is_text ? std::string(row.cells[i].text()) : std::to_string(row.cells[i].integer()));
    }
    ASSERT_TRUE(keys.insert(key).second) << key;
  }
  ASSERT_LE(rows.notices.size(), 20U);
}

TEST(Fuzz, ResponsesDecodeOrAreMalformed) {
  std::mt19937 random(11);
  json::Document document;
  model::RowBatch rows;
  int decoded = 0, refused = 0;
  const PrivacyRules rules(Privacy{{{"ip_address", "drop"}, {"geo", "drop"}}});
  for (int round = 0; round < 30'000; ++round) {
    std::string body = mutated(kResponse, random);
    const json::Repair repair = json::Repair::apply(body);
    model::Page page;
    key_response(body, 100, rules, {&repair, &body}, page);
    ASSERT_EQ(page.records.size() + page.quarantined.size(), 1U);
    if (page.records.empty()) continue;
    rows.clear();
    try {
      decode_response(document, page.records[0], us_zones(), rows);
      ++decoded;
      check_rows(rows, 1);
    } catch (const Error& error) {
      ASSERT_EQ(error.kind(), ErrorKind::malformed) << body;
      ++refused;
    }
  }
  EXPECT_GT(decoded, 3'000);
  EXPECT_GT(refused, 1'000);
}

TEST(Fuzz, DefinitionsDecodeOrAreMalformed) {
  std::mt19937 random(12);
  json::Document document;
  model::RowBatch rows;
  int decoded = 0;
  for (int round = 0; round < 10'000; ++round) {
    std::string detail = mutated(kDefinition, random);
    json::Repair::apply(detail);
    const std::string item =
        mutated(R"({"id":2,"title":{"English":"t"},"options":[{"id":10001}],"sub_questions":[{"id":3}]})", random);
    const std::vector<std::string_view> items = {item};
    model::Page page;
    try {
      split_definition(DetailSlice(detail), QuestionSlices(items), R"({"id":"100","statistics":{"Complete":2}})", page);
      std::set<std::string> keys;
      for (const model::Record& record : page.records) {
        ASSERT_TRUE(keys.insert(std::to_string(record.table) + ":" + model::key_text(record.key)).second);
        rows.clear();
        decode_definition(document, record, us_zones(), rows);
        check_rows(rows, 0);
        ++decoded;
      }
    } catch (const Error& error) {
      ASSERT_EQ(error.kind(), ErrorKind::malformed) << detail;
    }
  }
  EXPECT_GT(decoded, 4'000);
}

TEST(Fuzz, TextsNeverBreakTheReaders) {
  std::mt19937 random(13);
  static constexpr std::string_view kPieces = "<>&;#x \"'=/!-abp0123456789\xC2\xA0script:T+Z";
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (std::size_t i = random() % 40; i > 0; --i)
      text += kPieces[random() % kPieces.size()];
    EXPECT_LE(plain_text(text).size(), text.size() * 4);
    if (const auto stamp = parse_stamp(text)) to_utc(*stamp, Zone("America/New_York"));
    session_second(text);
  }
}

}  // namespace
}  // namespace surveysync::sources::alchemer
