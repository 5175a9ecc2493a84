// Records into rows: documented shapes, both spellings, odd values, times, privacy; and where a pass stands, as text.
#include "alfaone_fixture.h"
#include "sources/alfaone/decode.h"
#include "sources/alfaone/times.h"
#include "sources/alfaone/unread.h"

namespace surveysync::sources::alfaone {
namespace {

/// One record as columns of text.
struct Row {
  std::map<std::string, std::string> cells;
  std::vector<std::string> flags, notices;
};

std::string text_of(const model::Cell& cell) {
  switch (cell.type()) {
    case model::Cell::Type::null:
      return "NULL";
    case model::Cell::Type::boolean:
      return cell.boolean() ? "true" : "false";
    case model::Cell::Type::integer:
      return std::to_string(cell.integer());
    case model::Cell::Type::text:
      return std::string(cell.text());
    case model::Cell::Type::time:
      return format_utc(UtcTime(std::chrono::microseconds(cell.micros())));
    case model::Cell::Type::list:
      break;
  }
  std::string out = "{";
  for (const model::Cell& one : cell.list())
    out += (out.size() > 1 ? "," : "") + text_of(one);
  return out + "}";
}

Row decoded(const std::string& name, const std::string& raw, const Privacy& privacy = {}) {
  const Resource& resource = resource_of(name);
  const Privacy rules = understood(privacy);
  model::Page page;
  Body body{std::string(raw)};
  key_record(resource, rules, privacy_rules(resource, rules),
             {*body.text, body.original(*body.text), name == "question" ? "a-1" : ""}, page);
  Row row;
  if (page.records.empty()) {
    ADD_FAILURE() << page.quarantined.at(0).reason;
    return row;
  }
  json::Document document;
  model::RowBatch rows;
  decode_record(resource, document, page.records[0], rows);
  for (std::size_t i = 0; i < resource.columns.size(); ++i)
    row.cells[std::string(resource.columns[i].name)] = text_of(rows.rows()[0].cells[i]);
  row.cells["payload"] = page.records[0].payload;
  row.flags = rows.flags;
  for (const model::RowBatch::Notice& notice : rows.notices)
    row.notices.push_back(notice.what);
  return row;
}

constexpr const char* kInvite =
    R"({"id":"7b0c","assessmentId":"a-1","assessmentName":"Café","recipientEmail":"jo@example.org","recipientName":"Jo",
"status":"accepted","questionReplayLimit":1,"answerRecordLimit":2,"sentAt":"2026-03-19T15:58:55.123Z",
"expiresAt":"2026-04-18T17:58:55.123+02:00","acceptedAt":"2026-03-20T00:00:00.000Z","startedAt":null,"completedAt":null})";

TEST(AlfaOneDecode, AnInviteAsDocumented) {
  const Row row = decoded("invite", kInvite);
  EXPECT_EQ(row.cells.at("invite_id"), "7b0c");
  EXPECT_EQ(row.cells.at("assessment_name"), "Café");
  EXPECT_EQ(row.cells.at("recipient_email"), "jo@example.org");
  EXPECT_EQ(row.cells.at("answer_record_limit"), "2");
  EXPECT_EQ(row.cells.at("sent_at"), format_utc(*parse_time("2026-03-19T15:58:55.123Z")));
  EXPECT_EQ(row.cells.at("expires_at"), format_utc(*parse_time("2026-04-18T15:58:55.123Z")));
  EXPECT_EQ(row.cells.at("started_at"), "NULL");
  EXPECT_TRUE(row.notices.empty()) << row.notices[0];
  EXPECT_TRUE(row.flags.empty());
}

TEST(AlfaOneDecode, AnAssessmentInBothSpellings) {
  const Row camel = decoded(
      "assessment",
      R"({"id":"a","name":"N","defaultQuestionFormat":"video","languages":["en","de"],"questionCount":"12","inviteCount":3,"totalPoints":41.5,"createdAt":"2026-01-01T00:00:00.000Z"})");
  const Row snake = decoded(
      "assessment",
      R"({"id":"a","name":"N","default_question_format":"video","languages":["en","de"],"question_count":12,"invite_count":3,"total_points":"41.5","created_at":"2026-01-01 00:00:00Z"})");
  for (const auto& [name, value] : camel.cells) {
    if (name == "payload") continue;
    EXPECT_EQ(snake.cells.at(name), value) << name;
  }
  EXPECT_EQ(camel.cells.at("languages"), "{en,de}");
  EXPECT_EQ(decoded("assessment", R"({"id":"a","languages":[]})").cells.at("languages"), "{}");
  EXPECT_EQ(decoded("assessment", R"({"id":"a","languages":null})").cells.at("languages"), "NULL");
  EXPECT_EQ(camel.cells.at("question_count"), "12");
  EXPECT_EQ(camel.cells.at("total_points"), "41.5");
}

TEST(AlfaOneDecode, QuestionsMembersAndTagsByTheVendorsHabits) {
  const Row question = decoded(
      "question", R"({"id":5,"assessmentId":"a-1","order":2,"questionText":"Why?","points":1.5,"options":[{"a":1}]})");
  EXPECT_EQ(question.cells.at("assessment_id"), "a-1");
  EXPECT_EQ(question.cells.at("question_id"), "5");
  EXPECT_EQ(question.cells.at("position"), "2");
  EXPECT_EQ(question.cells.at("text"), "Why?");
  EXPECT_EQ(question.cells.at("options"), R"([{"a":1}])");
  const Row member = decoded("member", R"({"id":"m","email":"a@b.c","firstName":"A","role":"admin"})");
  EXPECT_EQ(member.cells.at("first_name"), "A");
  EXPECT_EQ(member.cells.at("role"), "admin");
  EXPECT_EQ(decoded("tag", R"({"id":"t","name":"x","color":null})").cells.at("color"), "NULL");
}

TEST(AlfaOneDecode, OddValuesBecomeNullAndAreNoted) {
  const Row row = decoded(
      "invite",
      R"({"id":"x","status":"paused","sentAt":"soon","expiresAt":17,"answerRecordLimit":"many","recipientName":{"a":1},"brandNew":1})");
  EXPECT_EQ(row.cells.at("sent_at"), "NULL");
  EXPECT_EQ(row.cells.at("answer_record_limit"), "NULL");
  EXPECT_EQ(row.cells.at("status"), "paused");
  EXPECT_EQ(row.flags, std::vector<std::string>{"date"});
  EXPECT_EQ(row.notices,
            (std::vector<std::string>{"invite.recipient_name: object", "invite.answer_record_limit: no integer",
                                      "invite.field: new field `brandNew`", "invite.status: new value `paused`"}));
}

TEST(AlfaOneDecode, WhatHasNoIdIsQuarantined) {
  const Resource& resource = resource_of("invite");
  for (const std::string raw :
       {R"({"id":null})", R"({"name":"x"})", R"({"id":""})", R"({"id":{}})", R"({"id":"a/b"})", "17", R"({"id":)"}) {
    model::Page page;
    Body body{std::string(raw)};
    key_record(resource, {}, MemberRules(), {*body.text, {}, ""}, page);
    ASSERT_EQ(page.quarantined.size(), 1U) << raw;
    EXPECT_EQ(page.quarantined[0].raw, raw);
  }
}

TEST(AlfaOneDecode, TextThatPostgresqlCannotHoldIsMended) {
  const Row row = decoded("tag", "{\"id\":\"t\",\"name\":\"a\\u0000b\"}");
  EXPECT_EQ(row.cells.at("name"),
            "a\xE2\x90\x80"
            "b");
}

TEST(AlfaOnePrivacy, DropsWhoSomebodyIsAndNothingElse) {
  for (const char* word : {"drop", "off"}) {
    const Privacy privacy{{{"contacts", word}}};
    const Row row = decoded(
        "invite",
        R"({"id":"x","assessmentId":"a","recipientEmail":"jo@example.org","recipientName":"Jo","recipientPhone":"123","status":"revoked","assignedGrader":{"id":"m","firstName":"Max","email":"max@example.org"},"customMessage":"Dear Jo","proctoringSettings":{"a":true}})",
        privacy);
    EXPECT_EQ(row.cells.at("recipient_email"), "NULL");
    EXPECT_EQ(row.cells.at("status"), "revoked");
    EXPECT_EQ(row.cells.at("assessment_id"), "a");
    for (const char* word_of_a_person : {"Jo", "example.org", "123", "Max"})
      EXPECT_EQ(row.cells.at("payload").find(word_of_a_person), std::string::npos) << word_of_a_person;
    const Row member =
        decoded("member", R"({"id":"m","email":"jo@example.org","firstName":"Jo","nick":"J","role":"admin"})", privacy);
    EXPECT_EQ(member.cells.at("payload"), R"({"id":"m","email":null,"firstName":null,"nick":null,"role":"admin"})");
    const Row assessment =
        decoded("assessment", R"({"id":"a","name":"N","createdBy":{"email":"jo@example.org"}})", privacy);
    EXPECT_EQ(assessment.cells.at("payload"), R"({"id":"a","name":"N","createdBy":null})");
  }
}

TEST(AlfaOneTimes, InEveryForm) {
  const auto at = parse_time("2026-03-19T15:58:55.123Z");
  ASSERT_TRUE(at);
  for (const char* text :
       {"2026-03-19T15:58:55.123456Z", "2026-03-19 15:58:55.123+00:00", "2026-03-19T16:58:55.123+01:00",
        "2026-03-19T10:58:55.123-0500", "2026-03-19T15:58:55.123", "2026-03-19T17:58:55.123+02"}) {
    const auto same = parse_time(text);
    ASSERT_TRUE(same) << text;
    EXPECT_EQ(std::chrono::floor<std::chrono::milliseconds>(*same), std::chrono::floor<std::chrono::milliseconds>(*at));
  }
  EXPECT_TRUE(parse_time("2026-02-28"));
  EXPECT_TRUE(parse_time("2026-02-28T23:59Z"));
  for (const char* text :
       {"", "soon", "2026-02-30T00:00:00Z", "2026-13-01", "0000-00-00T00:00:00Z", "2026-01-01T25:00:00Z",
        "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00X", "2026-01-01T00:00:00Zx", "1773935935"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
}

TEST(AlfaOneUnread, SurvivesItsText) {
  Unread unread;
  unread.remaining = 120;
  unread.floor = 7;
  unread.lowest = 130;
  unread.climbs = 2;
  unread.stalls = 1;
  unread.seamless = true;
  unread.edges = {"0a1b2c3d", "ffffffff"};
  const auto parsed = Unread::parse(unread.text());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->text(), unread.text());
  EXPECT_EQ(Unread::parse(Unread().text())->remaining, -1);
  for (const char* text :
       {"", "u", "u/1/2/3/4/5/6", "u/-2/0/0/0/0/0/", "u/1/0/0/99/0/0/", "u/1/0/0/0/0/2/", "1/2/3/4/5/1/0"})
    EXPECT_FALSE(Unread::parse(text)) << text;
  EXPECT_FALSE(PagePosition::parse(unread.text())) << "nobody divides it";
}

TEST(AlfaOneUnread, WithoutAnyOrderThePassEndsAllTheSame) {
  Unread unread;
  unread.remaining = 400;
  int pages = 0;
  std::optional<Unread> left = unread;
  while (left && ++pages < 500) {
    const PageNumber number = next_page(*left, 20, 0);
    Shown shown{number, 400, {}};
    for (int i = 0; i < 20; ++i)
      shown.marks.push_back(mark_of(fmt::format("{}-{}", pages, i)));  // never the same again
    left = after_page(*left, shown);
  }
  EXPECT_FALSE(left);
  EXPECT_LT(pages, 200);
}

}  // namespace
}  // namespace surveysync::sources::alfaone
