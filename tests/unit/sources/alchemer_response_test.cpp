// Outer fields of a response (vendor-api.md 1.10) and what happens to odd ones (product.md 7).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "alchemer_rows.h"
#include "base/error.h"

namespace surveysync::sources::alchemer {
namespace {

std::string fields(std::string_view members, const Zones& zones = us_zones()) {
  return decoded_response(fmt::format(R"({{"id":"7",{}}})", members), zones);
}

TEST(Response, OrdinaryFields) {
  EXPECT_EQ(
      decoded_response(
          R"({"id":"7","contact_id":"55","status":"Complete","is_test_data":"1","link_id":"9","language":"English",)"
          R"("date_submitted":"2026-03-19 15:58:55 EDT","date_started":"2026-03-19 15:50:00 EDT",)"
          R"("date_updated":"2026-03-19 19:58:57","session_id":"1773949800_69389d02abcdef.12345678","response_time":535,)"
          R"("comments":"<p>ok</p>","ip_address":"1.2.3.4","user_agent":"M\/5","referer":"https:\/\/a","country":"US",)"
          R"("region":"NY","city":"New York","postal":"10001","latitude":"40.7","longitude":-73.90,"dma":"501",)"
          R"("survey_data":[]})",
          us_zones(), true),
      "response survey_id=100 response_id=7 status='Complete' is_test_data=true date_submitted=2026-03-19T19:58:55Z "
      "date_started=2026-03-19T19:50:00Z date_updated=2026-03-19T19:58:57Z "
      "session_id='1773949800_69389d02abcdef.12345678' language='English' link_id='9' contact_id='55' "
      "response_time_seconds=535 comments='<p>ok</p>' ip_address='1.2.3.4' user_agent='M/5' referer='https://a' "
      "country='US' region='NY' city='New York' postal='10001' latitude='40.7' longitude='-73.90'\n");
}

TEST(Response, EmptyIsNullWhereItCannotBeAValue) {
  EXPECT_EQ(fields(R"("contact_id":"","link_id":null,"referer":null,"comments":null,"latitude":"","longitude":null,)"
                   R"("response_time":null,"is_test_data":"","date_updated":"","city":[],"survey_data":[])"),
            "response\n");
}

TEST(Response, EmptyTextsAndStructuresStayAsSent) {
  EXPECT_EQ(fields(R"("referer":"","country":"","data_quality":[],"url_variables":[])"),
            "response url_variables='{}' data_quality='[]' referer='' country=''\n");
  EXPECT_EQ(fields(R"("url_variables":{},"data_quality":{})"), "response url_variables='{}' data_quality='{}'\n");
  EXPECT_EQ(fields(R"("url_variables":null,"data_quality":null)"), "response\n");
}

TEST(Response, UrlVariablesInEveryShape) {
  EXPECT_EQ(fields(R"("url_variables":{"a":"x\/y","b":"2"})"),
            "response url_variables='{\"a\":\"x\\/y\",\"b\":\"2\"}'\n");
  EXPECT_EQ(fields(R"("url_variables":{"a":{"key":"a","value":"x","type":"url"},"b":{"value":null}})"),
            "response url_variables='{\"a\":\"x\",\"b\":null}'\n");
  EXPECT_EQ(fields(R"("url_variables":[{"key":"a","value":"x","type":"url"},"y"])"),
            "response url_variables='{\"a\":\"x\",\"1\":\"y\"}'\n");
  EXPECT_EQ(fields(R"("url_variables":{"q\"":{"other":1}})"),
            "response url_variables='{\"q\\\"\":{\"other\":1}}'\n"
            "notice response.url_variables: object without value | {other: number}\n");
}

TEST(Response, DataQualityAsSent) {
  EXPECT_EQ(fields(R"("data_quality":{"checkbox": {"one":[],"all":{"5":1}}})"),
            "response data_quality='{\"checkbox\": {\"one\":[],\"all\":{\"5\":1}}}'\n");
  EXPECT_EQ(fields(R"("data_quality":{"opentext.gibberish":true})"),
            "response data_quality='{\"opentext.gibberish\":true}'\n");
}

TEST(Response, TestDataHoweverSent) {
  EXPECT_EQ(fields(R"("is_test_data":"0")"), "response is_test_data=false\n");
  EXPECT_EQ(fields(R"("is_test_data":true)"), "response is_test_data=true\n");
  EXPECT_EQ(fields(R"("is_test_data":1)"), "response is_test_data=true\n");
  EXPECT_EQ(fields(R"("is_test_data":"maybe")"), "response\nnotice response.is_test_data: no boolean | \"xxxxx\"\n");
}

TEST(Response, OddValuesBecomeNullAndANotice) {
  EXPECT_EQ(fields(R"("city":["a","b"])"), "response\nnotice response.city: array | [string, ...] (2)\n");
  EXPECT_EQ(fields(R"("latitude":"north")"), "response\nnotice response.latitude: no number | \"xxxxx\"\n");
  EXPECT_EQ(fields(R"("response_time":99999999999)"),
            "response\nnotice response.response_time: no integer | 99999999999\n");
  EXPECT_EQ(fields(R"("response_time":"12")"), "response response_time_seconds=12\n");
  EXPECT_EQ(fields(R"("status":"Frozen")"),
            "response status='Frozen'\nnotice response.status: new value `Frozen` | xxxxxx\n");
  EXPECT_EQ(fields(R"("mood":{"a":"secret"})"), "response\nnotice response.field: new field `mood` | {a: string}\n");
  EXPECT_EQ(fields(R"("12345":"x")"), "response\nnotice response.field: new fields with odd names | \"x\"\n");
}

TEST(Response, NoticesOfOneRecordAreFew) {
  std::string members = R"("status":"Complete")";
  for (char a = 'a'; a <= 'z'; ++a)
    members += fmt::format(R"(,"new_{}":1,"newer_{}":2)", a, a);
  const std::string text = fields(members);
  EXPECT_EQ(std::ranges::count(text, '\n'), 1 + 20);
}

TEST(Response, BadDatesAreNullAndFlagged) {
  EXPECT_EQ(fields(R"("date_submitted":"soon","date_started":"0000-00-00 00:00:00")"), "response\nflag date\n");
  EXPECT_EQ(fields(R"("date_submitted":{"date":"x"})"), "response\nflag date\n");
}

TEST(Response, TheRepeatedHourOfDateUpdatedFollowsTheSubmission) {
  const Zones account_time{Zone("America/New_York"), Zone("America/New_York")};
  EXPECT_EQ(fields(R"("date_submitted":"2026-11-01 01:50:00 EDT","date_updated":"2026-11-01 01:50:06")", account_time),
            "response date_submitted=2026-11-01T05:50:00Z date_updated=2026-11-01T05:50:06Z\n");
  EXPECT_EQ(fields(R"("date_submitted":"2026-11-01 01:50:00 EST","date_updated":"2026-11-01 01:50:06")", account_time),
            "response date_submitted=2026-11-01T06:50:00Z date_updated=2026-11-01T06:50:06Z\n");
  EXPECT_EQ(fields(R"("date_submitted":"2026-11-01 01:50:00 EDT","date_updated":"2026-11-01 01:10:00")", account_time),
            "response date_submitted=2026-11-01T05:50:00Z date_updated=2026-11-01T06:10:00Z\n");
}

TEST(Response, TheSessionSettlesTheRepeatedHourWhereDatesHaveNoSuffix) {
  EXPECT_EQ(
      fields(
          R"("session_id":"1793514600_a","date_started":"2026-11-01 01:30:00","date_submitted":"2026-11-01 01:40:00")"),
      "response date_submitted=2026-11-01T06:40:00Z date_started=2026-11-01T06:30:00Z session_id='1793514600_a'\n");
}

TEST(Response, UncalibratedDateUpdatedIsReadAsUtc) {
  EXPECT_EQ(fields(R"("date_updated":"2026-03-19 19:58:57")", zones_of_region("us")),
            "response date_updated=2026-03-19T19:58:57Z\n");
  EXPECT_EQ(fields(R"("date_updated":"2026-03-19 19:58:57 EDT")", zones_of_region("us")),
            "response date_updated=2026-03-19T23:58:57Z\n");
}

TEST(Response, WhatCannotBeDecodedIsMalformed) {
  for (const char* raw : {R"({"id":"7","x":)", R"({"id":"7","x":tru})", R"({"id":"7","id":"8"})", R"({"id":"7"} x)",
                          R"({"id":"7","t":"\q"})", R"({"id":"7","survey_data":{"x":{}, "y":{"answer":1}}})"}) {
    try {
      const std::string text = decoded_response(raw, us_zones());
      EXPECT_TRUE(text.starts_with("quarantined: ")) << raw << " gave " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::malformed) << raw;
      EXPECT_GT(std::string(error.what()).size(), 10U);
    }
  }
}

TEST(Response, RowsAreViewsIntoPayloadOrBatchNotIntoTheParser) {
  model::Page page;
  key_response(R"({"id":"7","city":"caf\u00e9","country":"US"})", 100, PrivacyRules(), {}, page);
  json::Document document;
  model::RowBatch rows;
  decode_response(document, page.records.at(0), us_zones(), rows);
  const std::string before = rows_text(rows, 1, true);
  document.parse_copy(R"({"other":"\u0041\u0042\u0043\u0044\u0045\u0046"})");
  EXPECT_EQ(rows_text(rows, 1, true), before);
  EXPECT_NE(before.find("café"), std::string::npos);
}

}  // namespace
}  // namespace surveysync::sources::alchemer
