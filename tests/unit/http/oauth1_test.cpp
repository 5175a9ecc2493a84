// The signer against published vectors (those that shared/reliability.md section 6 found reproducible) and odd cases
// whose base strings follow from RFC 5849 alone. tests/system/test_oauth.py has hundreds more, judged by oauthlib.
#include "http/oauth1.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "base/error.h"

namespace surveysync::http {
namespace {

Endpoint at(const std::string& url) {
  return Endpoint::parse(url);
}

Credential credential(std::vector<std::string> lines) {
  Credential made;
  for (std::string& line : lines)
    made.lines.emplace_back(std::move(line));
  return made;
}

TEST(OAuth1, SignsThePhotoRequestOfTheRfc) {
  const Query parameters{{"file", "vacation.jpg"},
                         {"size", "original"},
                         {"oauth_consumer_key", "dpf43f3p2l4k3l03"},
                         {"oauth_token", "nnch734d00sl2jdk"},
                         {"oauth_signature_method", "HMAC-SHA1"},
                         {"oauth_timestamp", "137131202"},
                         {"oauth_nonce", "chapoH"}};
  const std::string base = oauth1_base_string("GET", at("http://photos.example.net"), "/photos", parameters);
  EXPECT_EQ(oauth1_signature(base, Secret("kd94hf93k423kf44"), Secret("pfkkdhi9sl3r4s00")),
            "MdpQcU8iPSUjWoN/UDMsK2sui9I=");
}

TEST(OAuth1, SignsTheTokenRequestOfTheRfc) {
  const Query parameters{{"oauth_consumer_key", "dpf43f3p2l4k3l03"},
                         {"oauth_token", "hh5s93j4hdidpola"},
                         {"oauth_signature_method", "HMAC-SHA1"},
                         {"oauth_timestamp", "137131201"},
                         {"oauth_nonce", "walatlh"},
                         {"oauth_verifier", "hfdp7dh39dks9884"}};
  const std::string base = oauth1_base_string("POST", at("https://photos.example.net"), "/token", parameters);
  EXPECT_EQ(oauth1_signature(base, Secret("kd94hf93k423kf44"), Secret("hdhd0244k9j7ao03")),
            "gKgrFCywp7rO0OXSjdot/IHF7IU=");
}

TEST(OAuth1, MakesTheBaseStringOfTheRfc) {
  const Query parameters{{"b5", "=%3D"},
                         {"a3", "a"},
                         {"c@", ""},
                         {"a2", "r b"},
                         {"oauth_consumer_key", "9djdj82h48djs9d2"},
                         {"oauth_token", "kkk9d7dh3k39sjv7"},
                         {"oauth_signature_method", "HMAC-SHA1"},
                         {"oauth_timestamp", "137131201"},
                         {"oauth_nonce", "7d8f3e4a"},
                         {"c2", ""},
                         {"a3", "2 q"},
                         {"oauth_signature", "left out"}};
  EXPECT_EQ(
      oauth1_base_string("POST", at("http://EXAMPLE.COM:80"), "/request", parameters),
      "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D"
      "%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-"
      "SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7");
}

TEST(OAuth1, SignsTheClassicStatusUpdate) {
  const Query parameters{{"status", "Hello Ladies + Gentlemen, a signed OAuth request!"},
                         {"include_entities", "true"},
                         {"oauth_consumer_key", "xvz1evFS4wEEPTGEFPHBog"},
                         {"oauth_nonce", "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg"},
                         {"oauth_signature_method", "HMAC-SHA1"},
                         {"oauth_timestamp", "1318622958"},
                         {"oauth_token", "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb"},
                         {"oauth_version", "1.0"}};
  const std::string base =
      oauth1_base_string("POST", at("https://api.twitter.com"), "/1.1/statuses/update.json", parameters);
  EXPECT_EQ(oauth1_signature(base, Secret("kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw"),
                             Secret("LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE")),
            "hCtSmYh+iHYCEqBWrE7C7hYmtUk=");
}

TEST(OAuth1, TheAddressIsNormalized) {
  struct Case {
    const char *url, *path, *uri;
  };
  const Case cases[] = {
      {"https://API.Alchemer.COM", "/v5/survey", "https://api.alchemer.com/v5/survey"},
      {"https://api.alchemer.com:443", "/v5/survey", "https://api.alchemer.com/v5/survey"},
      {"https://api.alchemer.com:8443", "/v5/survey", "https://api.alchemer.com:8443/v5/survey"},
      {"https://api.alchemer.com:80", "/v5", "https://api.alchemer.com:80/v5"},
      {"http://127.0.0.1:80", "/v5", "http://127.0.0.1/v5"},
      {"http://127.0.0.1:443", "/v5", "http://127.0.0.1:443/v5"},
      {"https://gate.example/Vendor/Prefix/", "/v5/Survey", "https://gate.example/Vendor/Prefix/v5/Survey"},
      {"https://gate.example", "", "https://gate.example/"},
      {"https://[2001:DB8::1]:8443", "/v5", "https://[2001:db8::1]:8443/v5"},
      {"https://h.example", "/v5/survey/a%2Fb", "https://h.example/v5/survey/a%2Fb"},
  };
  for (const Case& one : cases)
    EXPECT_EQ(oauth1_base_uri(at(one.url), one.path), one.uri);
}

TEST(OAuth1, ParametersAreSortedAfterEncoding) {
  struct Case {
    Query parameters;
    const char* text;
  };
  const Case cases[] = {
      {{}, ""},
      {{{"a", ""}}, "a="},
      {{{"", "x"}}, "=x"},
      {{{"b", "2"}, {"b", "10"}, {"b", "1"}, {"a", "9"}}, "a=9&b=1&b=10&b=2"},
      {{{"a", "1"}, {"a", "1"}}, "a=1&a=1"},
      {{{"filter[field][0]", "date_submitted"},
        {"filter[operator][0]", ">="},
        {"filter[value][0]", "2026-01-01 00:00:00"}},
       "filter%5Bfield%5D%5B0%5D=date_submitted&filter%5Boperator%5D%5B0%5D=%3E%3D&"
       "filter%5Bvalue%5D%5B0%5D=2026-01-01%2000%3A00%3A00"},
      {{{"filter[value][10]", "x"}, {"filter[value][2]", "y"}},
       "filter%5Bvalue%5D%5B10%5D=x&filter%5Bvalue%5D%5B2%5D=y"},
      {{{"a[]", "1"}, {"a[]", "0"}, {"a", "2"}, {"aa", "3"}}, "a=2&a%5B%5D=0&a%5B%5D=1&aa=3"},
      {{{"x", "~-._ *'()!%&=+"}}, "x=~-._%20%2A%27%28%29%21%25%26%3D%2B"},
      {{{"x", "a%20b"}}, "x=a%2520b"},
      {{{"\xC3\xA9", "\xE2\x82\xAC"}, {"z", "1"}}, "%C3%A9=%E2%82%AC&z=1"},
      {{{"Z", "1"}, {"a", "2"}, {"_", "3"}}, "Z=1&_=3&a=2"},
      {{{"line", "a\nb\tc"}}, "line=a%0Ab%09c"},
  };
  for (const Case& one : cases)
    EXPECT_EQ(oauth1_parameters(one.parameters), one.text);
}

TEST(OAuth1, AMethodInAnyCase) {
  EXPECT_TRUE(
      oauth1_base_string("get", at("https://h.example"), "/", {}).starts_with("GET&https%3A%2F%2Fh.example%2F&"));
}

TEST(OAuth1, SecretsAreEncodedIntoTheKey) {
  // The key is "a%26b&", not "a&b&": other secrets, other signatures.
  EXPECT_NE(oauth1_signature("base", Secret("a&b"), Secret("")), oauth1_signature("base", Secret("a"), Secret("b&")));
  EXPECT_NE(oauth1_signature("base", Secret("a&b"), Secret("")), oauth1_signature("base", Secret("a"), Secret("b")));
}

TEST(OAuth1, TheHeaderHoldsNoSecret) {
  const Endpoint endpoint = at("https://h.example");
  const UtcTime time{std::chrono::seconds(1'318'622'958)};
  const Credential two = credential({"the consumer", "consumer-secret"});
  const Credential four = credential({"the consumer", "consumer-secret", "the/token", "token-secret"});
  const std::string alone = oauth1_authorization({two, endpoint, "/v5", time}, {{"page", "1"}}, "n1");
  EXPECT_TRUE(alone.starts_with("OAuth oauth_consumer_key=\"the%20consumer\", oauth_nonce=\"n1\", ")) << alone;
  EXPECT_NE(alone.find("oauth_signature_method=\"HMAC-SHA1\", oauth_timestamp=\"1318622958\", oauth_version=\"1.0\", "),
            std::string::npos);
  EXPECT_EQ(alone.find("oauth_token"), std::string::npos);
  EXPECT_EQ(alone.find("page"), std::string::npos);
  const std::string both = oauth1_authorization({four, endpoint, "/v5", time}, {}, "n1", {{"oauth_verifier", "v+1"}});
  EXPECT_NE(both.find("oauth_token=\"the%2Ftoken\""), std::string::npos) << both;
  EXPECT_NE(both.find("oauth_verifier=\"v%2B1\""), std::string::npos);
  for (const std::string& header : {alone, both})
    EXPECT_EQ(header.find("-secret"), std::string::npos);
}

TEST(OAuth1, ACredentialOfAnotherShapeIsRefused) {
  const Credential three = credential({"a", "b", "c"});
  const Endpoint endpoint = at("https://h.example");
  EXPECT_THROW(oauth1_authorization({three, endpoint, "/", UtcTime{}}, {}, "n"), Error);
}

TEST(OAuth1, NoncesDifferInAllThreads) {
  constexpr std::size_t kThreads = 4, kEach = 5000;
  std::vector<std::vector<std::string>> made(kThreads);
  {
    std::vector<std::jthread> threads;
    for (std::vector<std::string>& mine : made)
      threads.emplace_back([&mine] {
        for (std::size_t i = 0; i < kEach; ++i)
          mine.push_back(oauth1_nonce());
      });
  }
  std::set<std::string> all;
  for (const std::vector<std::string>& some : made)
    all.insert(some.begin(), some.end());
  EXPECT_EQ(all.size(), kThreads * kEach);
  for (const std::string& nonce : all) {
    ASSERT_EQ(nonce.size(), 28U);
    ASSERT_EQ(nonce.find_first_not_of("0123456789abcdef"), std::string::npos);
  }
}

}  // namespace
}  // namespace surveysync::http
