#pragma once
// A client on a scripted transport and a manual clock, with a secret file of its own.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "http/client.h"
#include "support/recording_observer.h"
#include "support/scripted_transport.h"

namespace surveysync::http {

class ClientFixture : public testing::Test {
 protected:
  explicit ClientFixture(test::ManualClock::Mode mode = test::ManualClock::Mode::automatic)
      : clock(mode), transport(&clock) {
    char name[] = "/tmp/ss_http_test.XXXXXX";
    directory = ::mkdtemp(name);
    write_key("token-one\nsecret-one\n");
    options.scope.source = "us";
    options.limiter = {240, std::chrono::seconds(60)};
  }
  ~ClientFixture() override { std::filesystem::remove_all(directory); }

  std::string key_file() const { return directory + "/us.key"; }
  void write_key(const std::string& text) const {
    const std::string next = directory + "/next";
    std::ofstream(next) << text;
    ::chmod(next.c_str(), 0600);
    std::filesystem::rename(next, key_file());
  }

  /// Understands {"ok"}, {"login"}, {"never"}, {"no access"}, {"throttle"}, {"repeat"}, {"denied"}, {"malformed"} as a
  /// vendor's words.
  static Judgement judge(const Response& response) {
    const auto says = [&](std::string_view word) { return response.body.find(word) != std::string::npos; };
    if (says("login"))
      return {false, ErrorKind::unauthorized, "Login failed / Invalid auth token", false, Refusal::pair};
    if (says("never"))
      return {false, ErrorKind::unauthorized, "Invalid api_token supplied", false, Refusal::never_valid};
    if (says("no access")) return {false, ErrorKind::denied, "API access is off", false, Refusal::access};
    if (says("throttle")) return {false, ErrorKind::throttled, "too many requests per minute", false};
    if (says("repeat")) return {false, ErrorKind::throttled, "Please wait for other requests to complete", true};
    if (says("denied")) return {false, ErrorKind::denied, "no access to this survey", false};
    if (says("echo")) return {false, ErrorKind::rejected, response.body, false};
    if (says("malformed")) return {false, ErrorKind::malformed, "no JSON", false};
    return {};
  }

  Client& client() {
    if (!client_) {
      client_ = another_process();
    }
    return *client_;
  }
  /// A client that shares nothing with the first but what `options` say.
  std::unique_ptr<Client> another_process() {
    auto made = std::make_unique<Client>(
        options, transport, SecretReference::parse("file:" + key_file()),
        [](const Signing& signing, Query& query, Headers& headers) {
          query.emplace_back("api_token", signing.credential.lines[0].expose());
          query.emplace_back("api_token_secret", signing.credential.lines[1].expose());
          headers.emplace_back("X-Test", "1");
        },
        judge, masker, observer, clock);
    made->set_probe(probe, account_probe);
    return made;
  }
  /// Ends the client's process and begins a new one.
  void restart() { client_.reset(); }

  static Call call(std::string path = "/v5/survey", Query query = {}) {
    return {std::move(path), std::move(query), {}, 0};
  }
  Reply get(const Call& what) { return client().get(what, stop.get_token()); }
  Error fails(const Call& what) {
    try {
      get(what);
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "no error";
    return Error(ErrorKind::bug, "no error");
  }

  Call probe{"/v5/account", {}, {}, 0};
  Call account_probe;
  std::string directory;
  ClientOptions options;
  test::ManualClock clock;
  test::ScriptedTransport transport;
  test::RecordingObserver observer;
  Masker masker;
  std::stop_source stop;

 private:
  std::unique_ptr<Client> client_;
};

inline Response ok(std::string body = R"({"ok":true})", Headers headers = {}) {
  return test::answer(200, std::move(body), std::move(headers));
}

}  // namespace surveysync::http
