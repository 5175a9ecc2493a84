#include "base/json.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "base/error.h"

namespace surveysync::json {
namespace {

ErrorKind kind_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.kind();
  }
  return ErrorKind::bug;
}

void expect_malformed(std::string_view text) {
  Document document;
  EXPECT_EQ(kind_of([&] { document.parse_copy(text); }), ErrorKind::malformed) << text;
}

TEST(Document, KeepsNumberTokensAndSlices) {
  Document document;
  const Value root = document.parse_copy(R"( {"a": 12345678901234567890.10 , "b":{ "c" : [1, 2 ] }, "d":-0.5e+7} )");
  EXPECT_EQ(root["a"].text(), "12345678901234567890.10");
  EXPECT_EQ(root["b"].raw(), R"({ "c" : [1, 2 ] })");
  EXPECT_EQ(root["b"]["c"].items()[1].text(), "2");
  EXPECT_EQ(root["d"].raw(), "-0.5e+7");
  EXPECT_EQ(root["d"].type(), Type::number);
  EXPECT_TRUE(root["none"]["deeper"].is_absent());
  EXPECT_EQ(root.members()[1].key, "b");
  EXPECT_EQ(root.size(), 3U);
}

TEST(Document, UnescapesText) {
  Document document;
  const Value root = document.parse_copy(
      R"(["a\/b\"\\\b\f\n\r\t","\u00e9\u20AC","\ud83d\ude00","x\ud83d","\ude00y","\ud83d\ud83d\ude00","plain",""])");
  const auto text = [&](std::size_t i) { return root.items()[i].text(); };
  EXPECT_EQ(text(0), "a/b\"\\\b\f\n\r\t");
  EXPECT_EQ(text(1), "é€");
  EXPECT_EQ(text(2), "😀");
  EXPECT_EQ(text(3), "x\uFFFD");
  EXPECT_EQ(text(4), "\uFFFDy");
  EXPECT_EQ(text(5), "\uFFFD😀");
  EXPECT_EQ(text(6), "plain");
  EXPECT_TRUE(root.items()[7].is_blank());
  EXPECT_EQ(root.items()[6].raw(), "\"plain\"");
}

TEST(Document, UnescapesKeysAndTheLastRepeatedMemberCounts) {
  Document document;
  const Value root = document.parse_copy(R"({"\u0061":1,"a":2,"b":3})");
  EXPECT_EQ(root["a"].text(), "2");
  EXPECT_EQ(root.members().size(), 3U);
}

TEST(Document, KnowsIntegersAndBooleansHoweverSent) {
  Document document;
  const Value root = document.parse_copy(
      R"([7,"7","-7","+7","+-7"," 7","7 ",7.0,"","9223372036854775807","9223372036854775808",true,"TRUE","0",0,2,null])");
  const auto at = [&](std::size_t i) { return root.items()[i]; };
  EXPECT_EQ(at(0).as_int(), 7);
  EXPECT_EQ(at(1).as_int(), 7);
  EXPECT_EQ(at(2).as_int(), -7);
  EXPECT_EQ(at(3).as_int(), 7);
  for (const std::size_t i : {4U, 5U, 6U, 7U, 8U, 10U, 11U, 16U})
    EXPECT_FALSE(at(i).as_int().has_value()) << i;
  EXPECT_EQ(at(9).as_int(), INT64_MAX);
  EXPECT_EQ(at(11).as_bool(), true);
  EXPECT_EQ(at(12).as_bool(), true);
  EXPECT_EQ(at(13).as_bool(), false);
  EXPECT_EQ(at(14).as_bool(), false);
  EXPECT_FALSE(at(15).as_bool().has_value());
  EXPECT_FALSE(at(16).as_bool().has_value());
}

TEST(Document, BlankIsPhpsNothing) {
  Document document;
  const Value root = document.parse_copy(R"(["",[],{},null,0,false," "])");
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_TRUE(root.items()[i].is_blank()) << i;
  for (std::size_t i = 4; i < 7; ++i)
    EXPECT_FALSE(root.items()[i].is_blank()) << i;
  EXPECT_TRUE(Value().is_blank());
}

TEST(Document, RefusesWhatIsNoJson) {
  for (const char* text : {"",         " ",         "{",           "[1",       R"({"a")",
                           R"({"a":)", R"({"a":1)", R"({"a":1,})", "[1,]",     "[1 2]",
                           "[1]]",     "{}{}",      "nul",         "tru",      "01",
                           "1.",       ".5",        "+1",          "1e",       "-",
                           "\"abc",    "\"a\"b",    R"({"a" 1})",  R"({a:1})", R"({"a":1]})",
                           "[1}",      R"("\x")",   R"("\u12g4")", "\"a\nb\"", "\"\xff\"",
                           "{,}",      "[,]",       "<html>",      ":",        R"({"a"::1})"}) {
    expect_malformed(text);
  }
  expect_malformed(std::string_view("\"a\0b\"", 5));
  expect_malformed(std::string_view("[1]\0", 4));
}

TEST(Document, LimitsDepth) {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']');
  };
  Document document;
  EXPECT_TRUE(document.parse_copy(nested(kMaxDepth)).is_array());
  expect_malformed(nested(kMaxDepth + 1));
  expect_malformed(nested(100'000));
}

TEST(Document, IsReusableAfterSuccessAndFailureAndForLargeTexts) {
  Document document;
  EXPECT_ANY_THROW(document.parse_copy("[[[1,2"));
  std::string large = "[";
  for (int i = 0; i < 200'000; ++i)
    large += R"("x\ny",)";
  large += "1]";
  EXPECT_EQ(document.parse_copy(large).size(), 200'001U);
  EXPECT_EQ(document.parse_copy("[1,2]").size(), 2U);
  EXPECT_EQ(document.parse_copy(large).items()[199'999].text(), "x\ny");
}

/// Mutated texts either parse or are malformed; nothing else happens (the sanitizers watch).
TEST(Document, SurvivesMutations) {
  const std::string seed = R"({"id":"1","a":[1,2.5e3,{"b":null,"c":[]}],"t":"x\u00e9\ud83d\ude00\"","f":false,"o":{}})";
  std::mt19937 random(7);
  Document document;
  std::vector<RawMember> members;
  int sound = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = seed;
    const int edits = 1 + static_cast<int>(random() % 3);
    for (int i = 0; i < edits; ++i) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = static_cast<char>(random() % 256);
          break;
        case 1:
          text.erase(at, 1 + random() % 4);
          break;
        default:
          text.insert(at, 1, "{}[]\",:\\u0"[random() % 10]);
      }
      if (text.empty()) text = "x";
    }
    bool parsed = false;
    try {
      document.parse_copy(text);
      parsed = true;
      ++sound;
    } catch (const Error& error) {
      ASSERT_EQ(error.kind(), ErrorKind::malformed);
    }
    try {
      scan_members(text, members);
    } catch (const Error& error) {
      ASSERT_EQ(error.kind(), ErrorKind::malformed);
      // What the full parser takes as an object the scanner takes too.
      ASSERT_FALSE(parsed && text.find_first_not_of(" \n\r\t") == text.find('{')) << text;
    }
    make_storable(text);
  }
  EXPECT_GT(sound, 100);
}

std::vector<std::string> texts(const std::vector<std::string_view>& views) {
  return {views.begin(), views.end()};
}

TEST(Splitter, GivesScalarsAndRecordSlices) {
  Splitter splitter;
  const std::string page =
      R"( {"result_ok":true,"total_count":"979","page":2, "data":[ {"id":"1","data":[{"x":"]}"}]} , null,{"id":2}],"late":"a\/b"} )";
  const Envelope envelope = splitter.split(page, "data");
  EXPECT_TRUE(envelope.list_found);
  EXPECT_FALSE(envelope.list_is_object);
  EXPECT_EQ(texts(envelope.records),
            (std::vector<std::string>{R"({"id":"1","data":[{"x":"]}"}]})", "null", R"({"id":2})"}));
  EXPECT_EQ(envelope.scalar("result_ok"), "true");
  EXPECT_EQ(envelope.integer("total_count"), 979);
  EXPECT_EQ(envelope.integer("page"), 2);
  EXPECT_EQ(envelope.scalar("late"), R"(a\/b)");
  EXPECT_EQ(envelope.scalar("none"), "");
  EXPECT_FALSE(envelope.integer("none").has_value());
}

TEST(Splitter, TakesMapsNullsEmptyAndMissingLists) {
  Splitter splitter;
  const Envelope map = splitter.split(R"({"data":{"5":{"id":5},"7":[] , "8": 3 }})", "data");
  EXPECT_TRUE(map.list_is_object);
  EXPECT_EQ(texts(map.records), (std::vector<std::string>{R"({"id":5})", "[]", "3"}));
  EXPECT_EQ(map.list, R"({"5":{"id":5},"7":[] , "8": 3 })");
  EXPECT_TRUE(splitter.split(R"({"data":null})", "data").list_found);
  EXPECT_TRUE(splitter.split(R"({"data":[]})", "data").records.empty());
  EXPECT_TRUE(splitter.split(R"({"data":{}})", "data").records.empty());
  EXPECT_FALSE(splitter.split(R"({})", "data").list_found);
  EXPECT_FALSE(splitter.split(R"({"quotas":[1]})", "data").list_found);
}

TEST(Splitter, RefusesBrokenPages) {
  Splitter splitter;
  for (const char* page : {"",
                           "[]",
                           "7",
                           "<html></html>",
                           R"({"data":[{"id":1})",
                           R"({"data":[{"id":1},)",
                           R"({"data":[1]}x)",
                           R"({"data":[1]}})",
                           R"({"data":[{"a":[1}]})",
                           R"({"data":[1,]})",
                           R"({"data":[1 2]})",
                           R"({"data":)",
                           R"({"data"})",
                           R"({"a":1 "data":[]})",
                           R"({"data":"x"})",
                           R"({"data":false})",
                           R"({"data":{"a" 1}})",
                           R"({"a":,"data":[]})",
                           "{\"data\":[\"\xff\"]}",
                           R"({"data":[{"id":"1)",
                           R"({"data":[]}{"data":[]})"}) {
    EXPECT_EQ(kind_of([&] { splitter.split(page, "data"); }), ErrorKind::malformed) << page;
  }
}

TEST(Splitter, EveryCutIsNoticed) {
  const std::string page = R"({"result_ok":true,"data":[{"id":"1","t":"x\"y","n":[1,{"a":2}]},{"id":"2"}],"z":1})";
  Splitter splitter;
  EXPECT_EQ(splitter.split(page, "data").records.size(), 2U);
  for (std::size_t size = 0; size < page.size(); ++size) {
    const std::string cut = page.substr(0, size);
    EXPECT_EQ(kind_of([&] { splitter.split(cut, "data"); }), ErrorKind::malformed) << cut;
  }
}

TEST(Splitter, ADeepRecordCostsOnlyItself) {
  Splitter splitter;
  const std::string deep(5'000, '[');
  const std::string page = R"({"data":[{"id":1,"x":)" + deep + std::string(5'000, ']') + R"(},{"id":2}]})";
  const Envelope envelope = splitter.split(page, "data");
  ASSERT_EQ(envelope.records.size(), 2U);
  Document document;
  EXPECT_EQ(kind_of([&] { document.parse(envelope.records[0]); }), ErrorKind::malformed);
  EXPECT_EQ(document.parse(envelope.records[1])["id"].as_int(), 2);
  EXPECT_EQ(kind_of([&] { splitter.split(R"({"data":[)" + std::string(2'000'000, '['), "data"); }),
            ErrorKind::malformed);
}

TEST(ScanMembers, FindsTopLevelMembersOnly) {
  std::vector<RawMember> members;
  scan_members(R"( {"a":{"id":"no","s":"}\"{"},"\u0069d" : "5" , "n":-1.5,"l":[{"id":9},"]"],"e":"","z":null} )",
               members);
  ASSERT_EQ(members.size(), 6U);
  EXPECT_EQ(members[0].value, R"({"id":"no","s":"}\"{"})");
  EXPECT_TRUE(key_is(members[1].key, "id"));
  EXPECT_EQ(int_of(members[1].value), 5);
  EXPECT_EQ(members[2].value, "-1.5");
  EXPECT_EQ(members[3].value, R"([{"id":9},"]"])");
  EXPECT_EQ(members[4].value, "\"\"");
  EXPECT_EQ(members[5].value, "null");
  scan_members("{}", members);
  EXPECT_TRUE(members.empty());
}

TEST(FindMember, StopsAtTheFirst) {
  EXPECT_EQ(find_member(R"({"a":{"id":1},"\u0069d":"2","id":3} broken)", "id")->value, "\"2\"");
  EXPECT_FALSE(find_member(R"({"a":1})", "id").has_value());
  EXPECT_ANY_THROW(find_member(R"({"a":1)", "id"));
}

TEST(ScanMembers, RefusesCutTexts) {
  const std::string text = R"({"a":"long text with \" quotes","b":[1,{"c":"}"}],"d":12})";
  std::vector<RawMember> members;
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(kind_of([&] { scan_members(text.substr(0, size), members); }), ErrorKind::malformed) << size;
  }
  EXPECT_EQ(kind_of([&] { scan_members("[1]", members); }), ErrorKind::malformed);
  EXPECT_EQ(kind_of([&] { scan_members("{} x", members); }), ErrorKind::malformed);
}

TEST(IntOf, ReadsNumbersAndDigitsInQuotes) {
  EXPECT_EQ(int_of("12"), 12);
  EXPECT_EQ(int_of("\"12\""), 12);
  for (const char* text : {"", "\"\"", "null", "1.5", "\"x\"", "\"", "[1]"})
    EXPECT_FALSE(int_of(text).has_value()) << text;
}

TEST(Quote, EscapesWhatMustBe) {
  EXPECT_EQ(quote("a\"b\\c\n\r\t\x01é/"), R"("a\"b\\c\n\r\t\u0001é/")");
}

}  // namespace
}  // namespace surveysync::json
