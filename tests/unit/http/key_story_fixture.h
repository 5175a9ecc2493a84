#pragma once
// A client, a key memory that other processes share, and a vendor that knows some tokens and counts what it is sent.

#include <map>
#include <mutex>
#include <set>

#include "client_fixture.h"
#include "support/fake_key_memory.h"

namespace surveysync::http {
class KeyStory : public ClientFixture {
 protected:
  KeyStory() {
    options.keys.memory = memory = std::make_shared<test::FakeKeyMemory>(clock);
    probe = {"/v5/survey", {{"page", "1"}, {"resultsperpage", "4"}}, {}, 1, 0, nullptr, "resultsperpage"};
    account_probe = {"/v5/account", {}, {}, 1};
    options.limiter.requests = 1'000'000;
    transport.otherwise([this](const Request& request) {
      const std::string token = token_of(request);
      const std::lock_guard lock(mutex);
      ++sent[token];
      if (good.count(token) > 0) return ok();
      return test::answer(401, words);
    });
  }
  static std::string token_of(const Request& request) {
    const std::string mark = "api_token=";
    const std::size_t at = request.target.find(mark) + mark.size();
    return request.target.substr(at, request.target.find('&', at) - at);
  }
  void write_next(const std::string& text) {
    const std::string file = directory + "/next.key";
    std::ofstream(file) << text;
    ::chmod(file.c_str(), 0600);
    options.keys.next = SecretReference::parse("file:" + file);
  }
  void now_good(std::set<std::string> tokens) {
    const std::lock_guard lock(mutex);
    good = std::move(tokens);
  }
  static std::string print(const std::string& token) { return fingerprint("token-" + token + "\nsecret-" + token); }
  bool refresh() { return client().refresh_keys(stop.get_token()); }
  bool probe_again() { return client().probe_refused_key(stop.get_token()); }
  /// A fresh question each time.
  Call ask() { return call("/v5/x/" + std::to_string(++asked)); }
  event::KeyRefused the_refusal() {
    const auto all = observer.all<event::KeyRefused>();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? event::KeyRefused{} : all.back();
  }
  KeyPast refused_before(Duration until_probe) {
    KeyPast past;
    past.worked = true;
    past.refused = KeyPast::Refusal{"rotated", "it was said", "write a new key",
                                    clock.utc_now() - std::chrono::minutes(1), until_probe};
    return past;
  }

  std::shared_ptr<test::FakeKeyMemory> memory;
  std::mutex mutex;
  std::set<std::string> good{"token-one"};
  std::map<std::string, int> sent;
  std::string words = "login";
  int asked = 0;
};

}  // namespace surveysync::http
