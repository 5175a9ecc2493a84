// The cheap step: id, privacy, repair, hash (product.md 3 and 7).
#include <gtest/gtest.h>

#include "base/error.h"
#include "sources/alchemer/decode.h"

namespace surveysync::sources::alchemer {
namespace {

PrivacyRules dropping(const std::vector<std::string>& groups) {
  Privacy privacy;
  for (const std::string& group : groups)
    privacy.fields[group] = "drop";
  return PrivacyRules(privacy);
}

const PrivacyRules kKeepAll;
const PrivacyRules kDropPersonal = dropping({"ip_address", "user_agent", "geo"});

model::Page keyed(std::string_view raw, const PrivacyRules& rules = kKeepAll) {
  model::Page page;
  key_response(raw, 100, rules, {}, page);
  return page;
}

TEST(KeyResponse, FindsTheIdWhereverItStands) {
  for (const char* raw : {R"({"id":"12","x":1})", R"({"survey_data":{"id":5,"5":{"id":6}},"id":12})",
                          R"( {"\u0069d" : "12"} )", R"({"id":"12","late":{"id":1}})"}) {
    const model::Page page = keyed(raw);
    ASSERT_EQ(page.records.size(), 1U) << raw;
    EXPECT_EQ(model::key_text(page.records[0].key), "100/12");
    EXPECT_EQ(page.records[0].payload, raw);
    EXPECT_EQ(page.records[0].payload.data(), raw) << "a sound payload is not copied";
    EXPECT_EQ(page.records[0].hash, model::hash_of(raw));
    EXPECT_FALSE(page.records[0].original.has_value());
    EXPECT_TRUE(page.records[0].flags.empty());
  }
}

TEST(KeyResponse, QuarantinesWhatHasNoId) {
  for (const char* raw : {R"({"x":1})", R"({"id":null})", R"({"id":"x1"})", R"({"id":[1]})", "[]", "7", "\"text\""}) {
    const model::Page page = keyed(raw);
    EXPECT_TRUE(page.records.empty()) << raw;
    ASSERT_EQ(page.quarantined.size(), 1U) << raw;
    EXPECT_EQ(page.quarantined[0].raw, raw);
    EXPECT_TRUE(page.quarantined[0].record_key.starts_with("raw:"));
    EXPECT_EQ(page.quarantined[0].record_key.size(), 4U + 32U);
    EXPECT_FALSE(page.quarantined[0].reason.empty());
  }
}

constexpr std::string_view kPersonal =
    R"({"id":"1", "ip_address": "1.2.3.4","user_agent":"M\"o\/z","referer":"r","country":"US","region":"NY","city":"NYC",)"
    R"("postal":"1","latitude":"40.7","longitude":-73.9,"dma":501,"survey_data":{"5":{"id":5,"city":"kept"}}})";

TEST(Privacy, DropsWholeGroups) {
  EXPECT_EQ(apply_privacy(kPersonal, 100, kDropPersonal),
            R"({"id":"1", "ip_address": null,"user_agent":null,"referer":"r","country":null,"region":null,"city":null,)"
            R"("postal":null,"latitude":null,"longitude":null,"dma":null,"survey_data":{"5":{"id":5,"city":"kept"}}})");
  EXPECT_FALSE(apply_privacy(kPersonal, 100, kKeepAll).has_value());
  EXPECT_EQ(apply_privacy(R"({"ip_address":"x","city":"y","referer":"z"})", 100, dropping({"ip_address", "referer"})),
            R"({"ip_address":null,"city":"y","referer":null})");
}

TEST(Privacy, SeesThroughEscapesAndRepetition) {
  EXPECT_EQ(apply_privacy(R"({"ip\u005faddress":"x","ip_address":"y"})", 100, kDropPersonal),
            R"({"ip\u005faddress":null,"ip_address":null})");
}

TEST(Privacy, AnEmptyFieldIsDroppedLikeAFullOne) {
  EXPECT_EQ(apply_privacy(R"({"ip_address":"","city":null,"dma":[]})", 100, kDropPersonal),
            R"({"ip_address":null,"city":null,"dma":null})");
  EXPECT_FALSE(apply_privacy(R"({"id":"1","city":null})", 100, kDropPersonal).has_value());
}

TEST(Privacy, BlanksBrokenTextsToo) {
  EXPECT_EQ(blank_anywhere(R"({"id":"1","ip_address":"1.2.3.4","city" : "x\"y","latitude":40.7,"x")", kDropPersonal),
            R"({"id":"1","ip_address":null,"city" : null,"latitude":null,"x")");
  const model::Page page = keyed(R"([{"ip_address":"1.2.3.4"}])", kDropPersonal);
  ASSERT_EQ(page.quarantined.size(), 1U);
  EXPECT_EQ(page.quarantined[0].raw.find("1.2.3.4"), std::string::npos);
}

TEST(Privacy, IsGoneBeforeTheHash) {
  const model::Page a = keyed(R"({"id":"1","ip_address":"1.2.3.4"})", kDropPersonal);
  const model::Page b = keyed(R"({"id":"1","ip_address":"9.9.9.9"})", kDropPersonal);
  EXPECT_EQ(a.records[0].payload, R"({"id":"1","ip_address":null})");
  EXPECT_EQ(a.records[0].hash, b.records[0].hash);
  EXPECT_FALSE(a.records[0].original.has_value()) << "privacy is no repair";
}

TEST(Privacy, RulesAreWords) {
  const PrivacyRules rules(Privacy{{{"geo", "keep"}, {"referer", "drop"}, {"contacts", "off"}}});
  EXPECT_EQ(rules.text(), ", without referer") << "what is not named is kept";
  EXPECT_THROW(PrivacyRules(Privacy{{{"geo", "perhaps"}}}), Error);
  EXPECT_THROW(PrivacyRules(Privacy{{{"geo", "hash"}}}), Error) << "without a key";
  EXPECT_THROW(PrivacyRules(Privacy{{}, {{"x/1", "drop"}}}), Error);
}

TEST(KeyResponse, NulAndLoneSurrogatesAreReplacedAndKept) {
  const char* raw = R"({"id":"1","t":"a\u0000b\ud83d","city":"x"})";
  const model::Page page = keyed(raw, kDropPersonal);
  ASSERT_EQ(page.records.size(), 1U);
  const model::Record& record = page.records[0];
  EXPECT_EQ(record.payload, R"({"id":"1","t":"a\u2400b\ufffd","city":null})");
  EXPECT_EQ(record.original, R"({"id":"1","t":"a\u0000b\ud83d","city":null})");
  EXPECT_EQ(record.hash, model::hash_of(R"({"id":"1","t":"a\u0000b\ud83d","city":null})"));
  EXPECT_EQ(record.flags, (std::vector<std::string>{"nul", "utf8"}));
}

TEST(KeyResponse, MendedBytesAreKept) {
  std::string body =
      "{\"data\":[{\"id\":\"1\",\"t\":\"a\xff\",\"city\":\"x\xff\"},{\"id\":\"2\",\"t\":\"a\nb\"},{\"id\":\"3\"}]}";
  const json::Repair repair = json::Repair::apply(body);
  json::Splitter splitter;
  model::Page page;
  for (const std::string_view raw : splitter.split(body, "data").records)
    key_response(raw, 100, kDropPersonal, {&repair, &body}, page);
  ASSERT_EQ(page.records.size(), 3U);
  EXPECT_EQ(page.records[0].payload, "{\"id\":\"1\",\"t\":\"a\uFFFD\",\"city\":null}");
  EXPECT_EQ(page.records[0].original, "{\"id\":\"1\",\"t\":\"a\xff\",\"city\":null}");
  EXPECT_EQ(page.records[0].hash, model::hash_of("{\"id\":\"1\",\"t\":\"a\xff\",\"city\":null}"));
  EXPECT_EQ(page.records[0].flags, (std::vector<std::string>{"utf8"}));
  EXPECT_EQ(page.records[1].payload, R"({"id":"2","t":"a\nb"})");
  EXPECT_EQ(page.records[1].original, "{\"id\":\"2\",\"t\":\"a\nb\"}");
  EXPECT_EQ(page.records[1].flags, (std::vector<std::string>{"control"}));
  EXPECT_FALSE(page.records[2].original.has_value());
}

TEST(KeyResponse, ManyAlteredRecordsShareBlocks) {
  model::Page page;
  std::vector<std::string> bodies;
  for (int i = 1; i <= 1000; ++i)
    bodies.push_back("{\"id\":\"" + std::to_string(i) + "\",\"city\":\"" + std::string(2000, 'x') + "\",\"n\":\"" +
                     std::string(1500, 'y') + "\"}");
  for (const std::string& body : bodies)
    key_response(body, 1, kDropPersonal, {}, page);
  ASSERT_EQ(page.records.size(), 1000U);
  EXPECT_LT(page.texts.size(), 10U);
  for (int i = 1; i <= 1000; ++i) {
    EXPECT_TRUE(page.records[static_cast<std::size_t>(i) - 1].payload.starts_with("{\"id\":\"" + std::to_string(i) +
                                                                                  "\",\"city\":null"));
  }
}

}  // namespace
}  // namespace surveysync::sources::alchemer
