// Raw JSON rewritten by names of members: exact bytes but for what the rules name.
#include "sources/privacy.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/json.h"
#include "sources/alchemer/contact_rules.h"

namespace surveysync::sources {
namespace {

const KeyedDigest& digest() {
  static const KeyedDigest kDigest(Secret("0123456789abcdef0123456789abcdef"));
  return kDigest;
}

std::string quoted(std::string_view text) {
  return "\"" + digest().hex(text) + "\"";
}

TEST(Rewrite, DropsAndHashesByName) {
  MemberRules rules;
  rules.treat({"a", "b"}, Treatment::drop).treat({"c"}, Treatment::hash).treat_numbers({"n"}, Treatment::hash);
  EXPECT_EQ(rewrite(R"({ "x" : 1, "a": [1,{"b":2}] , "b":"B","c":"C" ,"n":40.5})", rules, &digest()),
            R"({ "x" : 1, "a": null , "b":null,"c":)" + quoted("C") + R"( ,"n":null})");
  EXPECT_FALSE(rewrite(R"({"x":{"a":1},"b":null,"c":""})", rules, &digest()).has_value());
}

TEST(Rewrite, EqualTextsHaveEqualDigestsHoweverTheyAreSent) {
  MemberRules rules;
  rules.treat({"c"}, Treatment::hash);
  const std::string expected = R"({"c":)" + quoted("jané@x/y") + "}";
  for (const char* const raw :
       {R"({"c":"jané@x/y"})", R"({"c":"jan\u00e9@x\/y"})", R"({"c":"\u006aan\u00E9\u0040x/y"})"}) {
    EXPECT_EQ(rewrite(raw, rules, &digest()), expected) << raw;
  }
  EXPECT_EQ(rewrite(R"({"c":5})", rules, &digest()), rewrite(R"({"c":"5"})", rules, &digest()));
}

TEST(Rewrite, SeesEscapedAndRepeatedNames) {
  MemberRules rules;
  rules.treat({"ab"}, Treatment::drop);
  EXPECT_EQ(rewrite(R"({"\u0061b":"x","ab":"y"})", rules, nullptr), R"({"\u0061b":null,"ab":null})");
}

TEST(Rewrite, HashesEveryLeafOfAStructure) {
  MemberRules rules;
  rules.treat({"v"}, Treatment::hash);
  EXPECT_EQ(rewrite(R"({"v":{"src":{"key":"src","value":"mail","type":"url"},"p":"x","e":"","l":[null,"y"]}})", rules,
                    &digest()),
            R"({"v":{"src":{"key":"src","value":)" + quoted("mail") + R"(,"type":"url"},"p":)" + quoted("x") +
                R"(,"e":"","l":[null,)" + quoted("y") + "]}}");
}

TEST(Rewrite, RefusesWhatItCannotTellApart) {
  MemberRules rules;
  rules.treat({"a"}, Treatment::drop);
  for (const char* const raw : {"", "[1]", R"({"a":"x)", R"({"b":x"a":"secret"})", R"({"a":1} 2)", R"("a")"})
    EXPECT_THROW(rewrite(raw, rules, nullptr), Error) << raw;
}

TEST(Rewrite, HashesBytesThatAreNoUtf8AsTheyAreMended) {
  MemberRules rules;
  rules.treat({"a"}, Treatment::hash);
  EXPECT_EQ(rewrite("{\"a\":\"x\xff\"}", rules, &digest()), R"({"a":)" + quoted("x\uFFFD") + "}");
}

TEST(Withheld, IsNoJson) {
  EXPECT_EQ(withheld("{\"name\":\"Jane").find("Jane"), std::string::npos);
  EXPECT_NE(withheld("x").find('w'), std::string::npos);
  EXPECT_THROW(json::find_member(withheld("{}"), "id"), Error);
}

TEST(ContactRules, EverythingButIdsAndStates) {
  const std::string raw = R"({"id":"7","email_address":"a@b.c","first_name":"A","customfield1":"z","Shoe size":"44",)"
                          R"("status":"Active","date_last_sent":"","invitelink":"https://x/1"})";
  const auto by = [&](const char* const rule) {
    const Privacy privacy{{{"contacts", rule}}};
    return rewrite(raw, alchemer::contact_rules(privacy), &digest());
  };
  EXPECT_FALSE(by("keep").has_value());
  EXPECT_FALSE(by("off").has_value());
  EXPECT_EQ(by("drop"), R"({"id":"7","email_address":null,"first_name":null,"customfield1":null,"Shoe size":null,)"
                        R"("status":"Active","date_last_sent":"","invitelink":null})");
  EXPECT_EQ(by("hash")->find("a@b.c"), std::string::npos);
  EXPECT_NE(by("hash")->find(digest().hex("a@b.c")), std::string::npos);
}

TEST(PrivacyText, SaysWhatRowsDependOn) {
  Privacy privacy{{{"geo", "drop"}, {"ip_address", "keep"}, {"contacts", "hash"}}, {{"5/12", "drop"}}};
  privacy.digest = std::make_shared<const KeyedDigest>(digest().for_stored());
  EXPECT_EQ(privacy.text({"geo", "ip_address"}), ", without geo question 5/12");
  EXPECT_EQ(privacy.text({"geo", "contacts"}),
            ", without geo question 5/12, hashed contacts by key " + digest().fingerprint());
  EXPECT_EQ(Privacy().text({"geo"}), "");
}

}  // namespace
}  // namespace surveysync::sources
