#include <gtest/gtest.h>

#include "base/error.h"
#include "base/json.h"

namespace surveysync::json {
namespace {

std::string repaired(std::string body) {
  Repair::apply(body);
  return body;
}

TEST(Repair, LeavesSoundBodiesAlone) {
  std::string body = "{\"a\":\"\u00e9\U0001F600 \\u0000 \\n\",\r\n\t\"b\": 1}";
  const std::string before = body;
  const Repair repair = Repair::apply(body);
  EXPECT_FALSE(repair.altered());
  EXPECT_EQ(body, before);
  EXPECT_FALSE(repair.original(body, body).has_value());
}

TEST(Repair, DropsAByteOrderMark) {
  std::string body = "\xEF\xBB\xBF{\"a\":1}";
  const Repair repair = Repair::apply(body);
  EXPECT_TRUE(repair.altered());
  EXPECT_EQ(body, "{\"a\":1}");
  EXPECT_FALSE(repair.original(body, body).has_value());
}

TEST(Repair, ReplacesInvalidUtf8InStrings) {
  EXPECT_EQ(repaired("[\"a\xffz\"]"), "[\"a\uFFFDz\"]");
  EXPECT_EQ(repaired("[\"\xe2\x82\"]"), "[\"\uFFFD\"]");                            // a cut sequence is one
  EXPECT_EQ(repaired("[\"\xed\xa0\x80\"]"), "[\"\uFFFD\uFFFD\uFFFD\"]");            // an encoded surrogate is three
  EXPECT_EQ(repaired("[\"\xc0\xaf\"]"), "[\"\uFFFD\uFFFD\"]");                      // overlong
  EXPECT_EQ(repaired("[\"\xf4\x90\x80\x80\"]"), "[\"\uFFFD\uFFFD\uFFFD\uFFFD\"]");  // above U+10FFFF
  EXPECT_EQ(repaired("[\"\xf0\x9f\x98\"]"), "[\"\uFFFD\"]");
  EXPECT_EQ(repaired("[\"\u00e9\xe9t\u00e9\"]"), "[\"\u00e9\uFFFDt\u00e9\"]");
}

TEST(Repair, EscapesControlCharactersInStringsAndBlanksThemOutside) {
  EXPECT_EQ(repaired("[\"a\nb\tc\x01\"]"), "[\"a\\nb\\tc\\u0001\"]");
  EXPECT_EQ(repaired(std::string("[\"a\0b\"]\0", 8)), "[\"a\\u0000b\"] ");
  EXPECT_EQ(repaired("[\"q\\\"\n\\\\\",\n 1\xff]"), "[\"q\\\"\\n\\\\\",\n 1 ]");
}

TEST(Repair, OneBadByteCostsOnlyItsRecordsText) {
  std::string body = "{\"data\":[{\"id\":\"1\"},{\"id\":\"2\",\"t\":\"a\xff\x01z\"},{\"id\":\"3\"}]}";
  const Repair repair = Repair::apply(body);
  Splitter splitter;
  const Envelope page = splitter.split(body, "data");
  ASSERT_EQ(page.records.size(), 3U);
  EXPECT_FALSE(repair.original(body, page.records[0]).has_value());
  EXPECT_EQ(repair.original(body, page.records[1]), "{\"id\":\"2\",\"t\":\"a\xff\x01z\"}");
  EXPECT_FALSE(repair.original(body, page.records[2]).has_value());
  EXPECT_EQ(repair.original(body, body),
            "{\"data\":[{\"id\":\"1\"},{\"id\":\"2\",\"t\":\"a\xff\x01z\"},{\"id\":\"3\"}]}");
}

TEST(Repair, RefusesRubbishWithoutBlowingUp) {
  std::string rubbish(1'000'000, '\xff');
  EXPECT_THROW(Repair::apply(rubbish), Error);
}

TEST(MakeStorable, ChangesOnlyWhatPostgresRefuses) {
  EXPECT_FALSE(make_storable(R"({"a":"\u0001\u00e9\ud83d\ude00\\u0000\\\\u0000\/"})").altered.has_value());
  const Storable nul = make_storable(R"({"a\u0000":"x\u0000y\\\u0000"})");
  EXPECT_EQ(nul.altered, R"({"a\u2400":"x\u2400y\\\u2400"})");
  EXPECT_TRUE(nul.nul);
  EXPECT_FALSE(nul.surrogate);
}

TEST(MakeStorable, ReplacesLoneSurrogates) {
  const auto fixed = [](std::string_view text) { return make_storable(text).altered.value_or(std::string(text)); };
  EXPECT_EQ(fixed(R"("\ud83d")"), R"("\ufffd")");
  EXPECT_EQ(fixed(R"("\ude00")"), R"("\ufffd")");
  EXPECT_EQ(fixed(R"("\uD83D\ud83d\ude00")"), R"("\ufffd\ud83d\ude00")");
  EXPECT_EQ(fixed(R"("\ude00\ud83d")"), R"("\ufffd\ufffd")");
  EXPECT_EQ(fixed(R"("\ud83d\u0041")"), R"("\ufffd\u0041")");
  EXPECT_EQ(fixed(R"("\ud83d\\ude00")"), R"("\ufffd\\ude00")");
  EXPECT_EQ(fixed(R"("\ud83dx\ude00")"), R"("\ufffdx\ufffd")");
  EXPECT_TRUE(make_storable(R"("\ud83d")").surrogate);
  EXPECT_EQ(fixed(R"("\u12)"), R"("\u12)");
  EXPECT_EQ(fixed("\\"), "\\");
}

}  // namespace
}  // namespace surveysync::json
