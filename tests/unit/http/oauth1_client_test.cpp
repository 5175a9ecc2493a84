// A client that signs: what its calls carry, how it learns the vendor's time, what a token in a second file means.
#include <gtest/gtest.h>

#include <set>

#include "client_fixture.h"
#include "http/oauth1.h"
#include "http/oauth1_problem.h"
#include "support/fake_key_memory.h"

namespace surveysync::http {
namespace {

using std::chrono::seconds;

/// A vendor with a clock of its own that looks at time stamps and nonces.
class OAuthClient : public ClientFixture {
 protected:
  OAuthClient() {
    options.keys.oauth1 = true;
    options.endpoint = Endpoint::parse("https://api.example:8443/gate");
    options.limiter.requests = 1'000'000;
    probe = {"/v5/survey", {{"page", "1"}, {"resultsperpage", "4"}}, {}, 1, 0, nullptr, "resultsperpage"};
    transport.otherwise([this](const Request& request) { return answer(request); });
  }

  static std::string field(const Request& request, const std::string& name) {
    for (const auto& [header, value] : request.headers) {
      const std::string mark = name + "=\"";
      const std::size_t at = value.find(mark);
      if (header == "Authorization" && at != std::string::npos)
        return value.substr(at + mark.size(), value.find('"', at + mark.size()) - at - mark.size());
    }
    return {};
  }

  Response answer(const Request& request) {
    const UtcTime vendor_now = clock.utc_now() + ahead;
    const Headers date{{"Date", http_date(vendor_now)}};
    const UtcTime stamp{seconds(std::stoll(field(request, "oauth_timestamp")))};
    if (!problem.empty()) return test::answer(401, "oauth_problem=" + problem, date);
    if (std::chrono::abs(stamp - vendor_now) > seconds(300))
      return test::answer(400, "oauth_problem=timestamp_refused", sends_date ? date : Headers{});
    if (!nonces.insert(field(request, "oauth_nonce")).second || refuse_nonces-- > 0)
      return test::answer(401, "oauth_problem=nonce_used", date);
    return ok(R"({"ok":true})", date);
  }

  static std::string http_date(UtcTime time) {
    const auto when = std::chrono::system_clock::to_time_t(std::chrono::floor<seconds>(time));
    char text[64];
    std::tm parts{};
    ::gmtime_r(&when, &parts);
    std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return text;
  }

  std::unique_ptr<Client> make() {
    auto made = std::make_unique<Client>(options, transport, SecretReference::parse("file:" + key_file()), sign_oauth1,
                                         judge, masker, observer, clock);
    made->set_probe(probe, account_probe);
    return made;
  }
  void write_token(const std::string& text) {
    const std::string file = directory + "/us.token";
    std::ofstream(file) << text;
    ::chmod(file.c_str(), 0600);
  }

  std::chrono::microseconds ahead{};
  bool sends_date = true;
  std::string problem;
  int refuse_nonces = 0;
  std::set<std::string> nonces;
  Call question = call("/v5/survey", {{"page", "1"}});
};

TEST_F(OAuthClient, TheSecretsNeverTravel) {
  make()->get(question, stop.get_token());
  const Request request = transport.requests().at(0);
  EXPECT_EQ(request.target, "/gate/v5/survey?page=1");
  EXPECT_EQ(field(request, "oauth_consumer_key"), "token-one");
  for (const auto& [name, value] : request.headers)
    EXPECT_EQ(value.find("secret-one"), std::string::npos);
}

TEST_F(OAuthClient, SignsWhatItSends) {
  make()->get(question, stop.get_token());
  const Request request = transport.requests().at(0);
  const Query signed_too{{"page", "1"},
                         {"oauth_consumer_key", "token-one"},
                         {"oauth_nonce", field(request, "oauth_nonce")},
                         {"oauth_signature_method", "HMAC-SHA1"},
                         {"oauth_timestamp", field(request, "oauth_timestamp")},
                         {"oauth_version", "1.0"}};
  const std::string base = oauth1_base_string("GET", options.endpoint, "/v5/survey", signed_too);
  EXPECT_EQ(field(request, "oauth_signature"), percent_encode(oauth1_signature(base, Secret("secret-one"), Secret())));
}

TEST_F(OAuthClient, AWrongHostClockIsCorrectedOnce) {
  ahead = seconds(1200);
  const auto client = make();
  EXPECT_EQ(client->get(question, stop.get_token()).attempts, 2);
  EXPECT_EQ(client->get(call("/v5/account"), stop.get_token()).attempts, 1);
  const auto told = observer.all<event::ClockCorrected>();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_NEAR(std::chrono::duration<double>(told[0].wrong).count(), 1200, 2);
  EXPECT_EQ(observer.count<event::KeyRefused>(), 0U);
  EXPECT_TRUE(client->key_state().usable);
}

TEST_F(OAuthClient, AClockThatIsSetRightIsFollowed) {
  ahead = seconds(1200);
  const auto client = make();
  client->get(question, stop.get_token());
  ahead = {};
  EXPECT_EQ(client->get(call("/v5/account"), stop.get_token()).attempts, 2);
  EXPECT_EQ(observer.count<event::ClockCorrected>(), 2U);
}

TEST_F(OAuthClient, TheTimeIsRefusedAllTheSame) {
  ahead = seconds(-1200);
  problem = "timestamp_refused";
  const auto client = make();
  EXPECT_THROW(client->get(question, stop.get_token()), Error);
  const KeyState state = client->key_state();
  EXPECT_EQ(state.verdict, "clock_skew") << state.evidence;
  EXPECT_NE(state.evidence.find("20m ahead of"), std::string::npos) << state.evidence;
  EXPECT_LE(transport.count(), 4U);
}

TEST_F(OAuthClient, WithoutADateTheAcceptableTimesTell) {
  sends_date = false;
  ahead = seconds(4000);
  transport.then([this](const Request&) {
    const auto now = std::chrono::floor<seconds>(clock.utc_now() + ahead).time_since_epoch().count();
    return test::answer(400, "oauth_problem=timestamp_refused&oauth_acceptable_timestamps=" +
                                 std::to_string(now - 300) + "-" + std::to_string(now + 300));
  });
  EXPECT_EQ(make()->get(question, stop.get_token()).attempts, 2);
}

TEST_F(OAuthClient, AWrongSecretWithGoodClocks) {
  problem = "signature_invalid";
  const auto client = make();
  EXPECT_THROW(client->get(question, stop.get_token()), Error);
  EXPECT_EQ(client->key_state().verdict, "signature_refused");
  EXPECT_EQ(transport.count(), 2U) << "the call and the probe";
  EXPECT_EQ(observer.count<event::ClockCorrected>(), 0U);
}

TEST_F(OAuthClient, AUsedNonceIsReplacedOnce) {
  refuse_nonces = 1;
  EXPECT_EQ(make()->get(question, stop.get_token()).attempts, 2);
  EXPECT_EQ(observer.count<event::KeyRefused>(), 0U);
}

TEST_F(OAuthClient, NoncesThatAreAlwaysUsed) {
  refuse_nonces = 1000;
  const auto memory = std::make_shared<test::FakeKeyMemory>(clock);
  options.keys.memory = memory;
  const auto client = make();
  EXPECT_THROW(client->get(question, stop.get_token()), Error);
  EXPECT_EQ(client->key_state().verdict, "signature_refused");
  EXPECT_EQ(transport.count(), 4U) << "the call and the probe, each signed anew once";
  EXPECT_EQ(memory->refusals(), 4) << "and each is counted";
}

TEST_F(OAuthClient, TheTokenIsPartOfTheKey) {
  options.keys.token = SecretReference::parse("file:" + directory + "/us.token");
  options.keys.may_be_missing = true;
  options.scope.source = "us";
  const auto client = make();
  EXPECT_FALSE(client->key_state().usable);
  try {
    client->get(question, stop.get_token());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::unauthorized);
    EXPECT_NE(error.hint().find("surveysync authorize us"), std::string::npos) << error.hint();
  }
  EXPECT_EQ(client->key_state().verdict, "missing");
  EXPECT_EQ(transport.count(), 0U);

  write_token("the-token\nthe-token-secret\n");
  EXPECT_TRUE(client->refresh_keys(stop.get_token()));
  const std::string first = client->fingerprint();
  client->get(question, stop.get_token());
  EXPECT_EQ(field(transport.requests().back(), "oauth_token"), "the-token");
  EXPECT_EQ(masker.mask("the-token-secret secret-one"), "*** ***");

  write_token("another-token\nanother-secret\n");
  EXPECT_TRUE(client->refresh_keys(stop.get_token()));
  EXPECT_NE(client->fingerprint(), first);
  client->get(call("/v5/account"), stop.get_token());
  EXPECT_EQ(field(transport.requests().back(), "oauth_token"), "another-token");
}

TEST_F(OAuthClient, AMissingTokenIsAnErrorWhereNobodyWaits) {
  options.keys.token = SecretReference::parse("file:" + directory + "/us.token");
  try {
    make();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config);
    EXPECT_NE(error.hint().find("surveysync authorize us"), std::string::npos) << error.hint();
  }
}

TEST_F(OAuthClient, ARevokedTokenIsHeldUntilAnotherComes) {
  options.keys.token = SecretReference::parse("file:" + directory + "/us.token");
  write_token("the-token\nthe-token-secret\n");
  const auto client = make();
  client->get(question, stop.get_token());
  problem = "token_revoked";
  EXPECT_THROW(client->get(call("/v5/account"), stop.get_token()), Error);
  EXPECT_EQ(client->key_state().verdict, "revoked");
  problem.clear();
  write_token("another-token\nanother-secret\n");
  EXPECT_TRUE(client->refresh_keys(stop.get_token()));
  client->get(call("/v5/account"), stop.get_token());
}

}  // namespace
}  // namespace surveysync::http
