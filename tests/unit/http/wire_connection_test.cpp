// Time, connections, addresses, trust and proxies: shared/reliability.md 2.4 and 2.5.
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "http/proxy_login.h"
#include "support/manual_clock.h"
#include "wire_fixture.h"

using namespace std::chrono_literals;

namespace surveysync::http {
namespace {

class WireTime : public Wire {};
INSTANTIATE_TEST_SUITE_P(Http, WireTime, testing::Values(false, true),
                         [](const auto& param) { return param.param ? "tls" : "plain"; });

TEST_P(WireTime, TheDeadlineHoldsWhateverTheServerDoes) {
  const std::pair<const char*, test::FaultServer::Handler> kinds[] = {
      {"silent", [](Peer& peer) { peer.read_request(), peer.wait_gone(20s); }},
      {"stalls in the head",
       [](Peer& peer) { peer.read_request(), peer.send("HTTP/1.1 200 OK\r\nX: "), peer.wait_gone(20s); }},
      {"stalls in the body",
       [](Peer& peer) { peer.read_request(), peer.send(head("Content-Length: 9\r\n") + "wiki"), peer.wait_gone(20s); }},
      {"drips", [](Peer& peer) {
         peer.read_request();
         peer.send(head("Content-Length: 1000000\r\n"));
         while (!peer.wait_gone(10ms))
           peer.send("x");
       }}};
  for (const auto& [name, handler] : kinds) {
    SCOPED_TRACE(name);
    serve(handler);
    const SteadyTime begin = clock.now();
    const Error error = fails(300ms);
    EXPECT_GE(clock.now() - begin, 300ms);
    EXPECT_LT(clock.now() - begin, 2s);
    EXPECT_EQ(error.kind(), ErrorKind::unavailable);
    EXPECT_TRUE(error.timed_out());
    EXPECT_NE(error.message().find("took longer than 300ms"), std::string::npos) << error.what();
    expect_recovery();
  }
}

TEST_P(WireTime, StopEndsACallAtOnce) {
  serve([](Peer& peer) {
    peer.read_request();
    peer.send(head("Content-Length: 9\r\n"));
    peer.wait_gone(20s);
  });
  (void)transport();
  const SteadyTime begin = clock.now();
  std::jthread stopper([&] {
    SystemClock().wait_for(100ms, {});
    stop.request_stop();
  });
  EXPECT_EQ(fails().kind(), ErrorKind::cancelled);
  EXPECT_LT(clock.now() - begin, 1s);
  EXPECT_EQ(fails().kind(), ErrorKind::cancelled) << "also when stopped before";
}

TEST_P(WireTime, AStaleConnectionCostsNothing) {
  serve([](Peer& peer) {
    peer.read_request();
    peer.send(with_length("one"));
    if (peer.number() == 2) peer.drop();
    if (peer.number() == 3 && !peer.wait_gone(50ms)) peer.reset();
  });
  for (int i = 1; i <= 4; ++i) {
    EXPECT_EQ(get().body, "one");
    EXPECT_EQ(server->connections(), i);
  }
}

TEST_P(WireTime, AConnectionThatEndsAsWeUseItIsReplacedOnce) {
  // The server reads the second request and ends without a word: it looked alive when it was taken.
  serve([](Peer& peer) {
    peer.read_request();
    peer.send(with_length("one"));
    peer.read_request();
  });
  EXPECT_EQ(get().body, "one");
  EXPECT_EQ(get().body, "one");
  EXPECT_EQ(server->connections(), 2);
  serve([](Peer& peer) {
    peer.read_request();
    if (peer.number() == 1) peer.send(with_length("one")), peer.read_request();
  });
  EXPECT_EQ(get().body, "one");
  EXPECT_EQ(fails().kind(), ErrorKind::unavailable) << "a fresh connection is not replaced";
  EXPECT_EQ(server->connections(), 2);
}

TEST_P(WireTime, TheServersIdleLimitIsRespected) {
  answer_always(with_length("x", "Keep-Alive: timeout=0\r\n"));
  get();
  get();
  EXPECT_EQ(server->connections(), 2);
  answer_always(with_length("x", "Connection: close\r\n"));
  get();
  get();
  EXPECT_EQ(server->connections(), 2);
  answer_always(with_length("x", "Keep-Alive: timeout=60, max=100\r\n"));
  get();
  get();
  EXPECT_EQ(server->connections(), 1);
}

TEST_P(WireTime, BytesBeyondTheBodySpoilTheConnectionOnly) {
  answer_always(with_length("x") + "HTTP/1.1 200 OK\r\n");
  EXPECT_EQ(get().body, "x");
  EXPECT_EQ(get().body, "x");
  EXPECT_EQ(server->connections(), 2);
}

TEST_P(WireTime, AnUnreadBodyDoesNotReachTheNextAnswer) {
  options.body_limit = 1000;
  serve([](Peer& peer) {
    while (!peer.read_request().empty())
      peer.send(with_length(std::string(peer.number() == 1 ? 5000 : 5, 'x')));
  });
  EXPECT_EQ(fails().kind(), ErrorKind::malformed);
  EXPECT_EQ(get().body, "xxxxx");
}

TEST_P(WireTime, EachAddressIsTried) {
  answer_always(with_length("x"));
  options.endpoint =
      Endpoint::parse((GetParam() ? "https://localhost:" : "http://localhost:") + std::to_string(server->port()));
  options.resolve = [](const std::string&) { return std::vector<std::string>{"127.9.9.9", "::1", "127.0.0.1"}; };
  EXPECT_EQ(get().body, "x") << "the first two refuse";
  server.reset();
  const Error error = fails();
  EXPECT_EQ(error.kind(), ErrorKind::unavailable);
  EXPECT_NE(error.message().find("127.9.9.9: "), std::string::npos) << error.what();
  EXPECT_NE(error.message().find("127.0.0.1: "), std::string::npos) << error.what();
}

TEST_P(WireTime, AnAddressThatSwallowsEverythingIsGivenItsShareOnly) {
  // Accepts by its backlog and says nothing; over TLS that stalls the handshake. 192.0.2.0/24 is for documentation: no
  // host there.
  answer_always(with_length("x"));
  options.connect_timeout = 1s;
  options.resolve = [](const std::string&) { return std::vector<std::string>{"192.0.2.1", "127.0.0.1"}; };
  const SteadyTime begin = clock.now();
  options.endpoint =
      Endpoint::parse((GetParam() ? "https://localhost:" : "http://localhost:") + std::to_string(server->port()));
  EXPECT_EQ(get().body, "x");
  EXPECT_LT(clock.now() - begin, 1s);
}

TEST_P(WireTime, ConnectTimeoutIsNotAVendorTimeOut) {
  answer_always("");
  options.connect_timeout = 200ms;
  options.resolve = [](const std::string&) { return std::vector<std::string>{"192.0.2.1"}; };
  options.endpoint.host = "localhost";
  const SteadyTime begin = clock.now();
  const Error error = fails();
  EXPECT_EQ(error.kind(), ErrorKind::unavailable);
  EXPECT_FALSE(error.timed_out());
  EXPECT_LT(clock.now() - begin, 2s);
}

TEST_P(WireTime, UnknownNamesAreUnavailable) {
  answer_always("");
  options.endpoint.host = "no-such-host.invalid";
  const Error error = fails();
  EXPECT_EQ(error.kind(), ErrorKind::unavailable);
  EXPECT_NE(error.message().find("no-such-host.invalid"), std::string::npos);
}

TEST_P(WireTime, ManyThreadsShareOneTransport) {
  const std::string body(200'000, 'x');
  answer_always(with_length(body));
  (void)transport();
  std::atomic<int> good = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 20; ++i)
          good += get().body.size() == body.size();
      });
    }
  }
  EXPECT_EQ(good, 160);
  EXPECT_LE(server->connections(), 8);
}

// --- trust ---

class Trust : public Wire {
 protected:
  void serve_with(const test::CertificateSpec& spec) {
    server.emplace(
        [](Peer& peer) {
          while (!peer.read_request().empty())
            peer.send(with_length("fine"));
        },
        authority().issue(spec));
    options.endpoint = Endpoint::parse(server->url());
    options.ca_file = authority().file();
  }
  std::string refusal() {
    const Error error = fails();
    EXPECT_EQ(error.kind(), ErrorKind::unavailable);
    return error.message();
  }
};
INSTANTIATE_TEST_SUITE_P(Tls, Trust, testing::Values(true));

TEST_P(Trust, AGoodCertificateIsAccepted) {
  serve_with({});
  EXPECT_EQ(get().body, "fine");
}

TEST_P(Trust, AnAddressIsVerifiedAsAnAddress) {
  serve_with({});
  options.endpoint.host = "127.0.0.1";
  EXPECT_EQ(get().body, "fine");
}

TEST_P(Trust, AnAddressThatTheCertificateDoesNotNameIsRefused) {
  serve_with({.addresses = {"127.0.0.2"}});
  options.endpoint.host = "127.0.0.1";
  EXPECT_NE(refusal().find("IP address mismatch"), std::string::npos);
}

TEST_P(Trust, AWrongHostIsRefusedEvenOnLoopback) {
  serve_with({.common_name = "localhost", .names = {"other.example"}, .addresses = {}});
  EXPECT_NE(refusal().find("hostname mismatch"), std::string::npos);
}

TEST_P(Trust, AnExpiredCertificateIsRefused) {
  serve_with({.expired = true});
  EXPECT_NE(refusal().find("certificate has expired"), std::string::npos);
}

TEST_P(Trust, ASelfSignedCertificateIsRefused) {
  serve_with({.self_signed = true});
  EXPECT_NE(refusal().find("self-signed"), std::string::npos);
}

TEST_P(Trust, AnUnknownAuthorityIsRefused) {
  serve_with({});
  const test::TestAuthority other;
  options.ca_file = other.file();
  EXPECT_NE(refusal().find("was refused"), std::string::npos);
}

TEST_P(Trust, TheSystemStoreDoesNotKnowOurAuthority) {
  serve_with({});
  options.ca_file.clear();
  EXPECT_NE(refusal().find("was refused"), std::string::npos);
}

TEST_P(Trust, AMissingAuthorityFileIsAMistakeInTheConfiguration) {
  serve_with({});
  options.ca_file = "/no/such/file.pem";
  EXPECT_EQ(fails().kind(), ErrorKind::config);
}

TEST_P(Trust, AServerWithoutTlsIsRefused) {
  server.emplace([](Peer& peer) {
    peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    peer.wait_gone(5s);
  });
  options.endpoint = Endpoint::parse("https://localhost:" + std::to_string(server->port()));
  options.ca_file = authority().file();
  EXPECT_NE(refusal().find("TLS failed"), std::string::npos);
}

TEST_P(Trust, AHandshakeThatStallsEndsWithTheConnectTimeout) {
  server.emplace([](Peer& peer) { peer.wait_gone(1ms), peer.receive(), peer.wait_gone(20s); });
  options.endpoint = Endpoint::parse("https://localhost:" + std::to_string(server->port()));
  options.ca_file = authority().file();
  options.connect_timeout = 300ms;
  const SteadyTime begin = clock.now();
  EXPECT_NE(refusal().find("time-out"), std::string::npos);
  EXPECT_LT(clock.now() - begin, 2s);
}

// --- proxies ---

class Proxied : public Trust {
 protected:
  /// A proxy that connects whatever is asked to the server under test, or answers `instead`.
  void proxy_with(std::string instead = {}) {
    proxy.emplace([this, instead = std::move(instead)](Peer& peer) {
      asked = peer.read_request();
      if (!instead.empty()) return peer.send(instead);
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(server->port());
      to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      const int onward = ::socket(AF_INET, SOCK_STREAM, 0);
      ASSERT_EQ(::connect(onward, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
      peer.send("HTTP/1.1 200 Connection established\r\n\r\n");
      std::jthread back([&] {
        char bytes[16384];
        for (ssize_t got = 0; (got = ::recv(onward, bytes, sizeof bytes, 0)) > 0;)
          peer.send({bytes, static_cast<std::size_t>(got)});
      });
      for (std::string bytes; !(bytes = peer.receive()).empty();)
        ::send(onward, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      ::shutdown(onward, SHUT_RDWR);
      back.join();
      ::close(onward);
    });
    options.proxy = "http://127.0.0.1:" + std::to_string(proxy->port());
    options.endpoint.host = "api.example";
    forget_transport();
  }
  std::string asked;
  std::optional<test::FaultServer> proxy;
};
INSTANTIATE_TEST_SUITE_P(Tls, Proxied, testing::Values(true));

TEST_P(Proxied, ConnectIsUsedAndTheHostStillChecked) {
  serve_with({.names = {"api.example"}});
  proxy_with();
  EXPECT_EQ(get().body, "fine");
  EXPECT_EQ(get().body, "fine");
  EXPECT_TRUE(asked.starts_with("CONNECT api.example:" + std::to_string(server->port()) + " HTTP/1.1\r\n")) << asked;
  EXPECT_EQ(asked.find("Authorization"), std::string::npos) << "without a login of its own";
  EXPECT_EQ(proxy->connections(), 1);
}

TEST_P(Proxied, AWrongHostBehindAProxyIsRefused) {
  serve_with({.names = {"other.example"}});
  proxy_with();
  EXPECT_NE(refusal().find("hostname mismatch"), std::string::npos);
}

TEST_P(Proxied, AProxyThatRefusesIsTheNetworkAndNeverTheKey) {
  serve_with({.names = {"api.example"}});
  for (const char* status :
       {"401 Unauthorized", "407 Proxy Authentication Required", "403 Forbidden", "502 Bad Gateway"}) {
    proxy_with("HTTP/1.1 " + std::string(status) + "\r\nContent-Length: 0\r\n\r\n");
    const std::string text = refusal();
    EXPECT_NE(text.find("the proxy"), std::string::npos) << text;
    EXPECT_NE(text.find(status), std::string::npos) << text;
  }
  proxy_with("garbage\r\n\r\n");
  EXPECT_EQ(fails().kind(), ErrorKind::unavailable);
}

/// A proxy that lets one user through.
class Guarded : public Proxied {
 protected:
  Guarded() {
    char name[] = "/tmp/ss_proxy_test.XXXXXX";
    directory = ::mkdtemp(name);
    serve_with({.names = {"api.example"}});
    options.proxy_login =
        std::make_shared<ProxyLogin>(SecretReference::parse("file:" + directory + "/login"), masker, manual);
  }
  ~Guarded() override { std::filesystem::remove_all(directory); }
  void write(const std::string& text) const {
    std::ofstream(directory + "/login") << text;
    ::chmod((directory + "/login").c_str(), 0600);
  }
  void refuse(const std::string& ways = "Basic realm=\"us\"") {
    proxy_with("HTTP/1.1 407 Who are you\r\nProxy-Authenticate: " + ways + "\r\nContent-Length: 0\r\n\r\n");
  }
  std::string directory;
  Masker masker;
  test::ManualClock manual;
};
INSTANTIATE_TEST_SUITE_P(Tls, Guarded, testing::Values(true));

TEST_P(Guarded, TheLoginGoesToTheProxyAndNowhereElse) {
  proxy_with();
  for (const char* text : {"jane:open: sesame\n", "jane\nopen: sesame\n"}) {
    forget_transport();
    write(text);
    EXPECT_EQ(get().body, "fine");
    EXPECT_NE(asked.find("\r\nProxy-Authorization: Basic amFuZTpvcGVuOiBzZXNhbWU=\r\n\r\n"), std::string::npos);
  }
  const std::string masked = masker.mask("it is open: sesame, or amFuZTpvcGVuOiBzZXNhbWU=");
  EXPECT_EQ(masked.find("sesame"), std::string::npos) << masked;
  EXPECT_EQ(masked.find("ZXNhbW"), std::string::npos) << masked;
}

TEST_P(Guarded, ARefusedLoginIsNotTriedAgainUntilItChanges) {
  write("jane:wrong sesame\n");
  refuse();
  const Error first = fails();
  EXPECT_EQ(first.kind(), ErrorKind::unavailable);
  EXPECT_NE(first.full_text().find("407 Who are you"), std::string::npos) << first.full_text();
  EXPECT_NE(first.hint().find("file:" + directory + "/login"), std::string::npos) << first.hint();
  EXPECT_EQ(asked.find("sesame"), std::string::npos);
  asked.clear();
  const std::string second = fails().full_text();
  EXPECT_EQ(asked, "") << "proxies lock accounts that try and try";
  EXPECT_NE(second.find("407 Who are you"), std::string::npos) << second;
  EXPECT_EQ((first.full_text() + second).find("sesame"), std::string::npos);
  manual.advance(61s);
  fails();
  EXPECT_NE(asked, "") << "after a minute once more";
  write("jane:sesame two\n");
  proxy_with();
  EXPECT_EQ(get().body, "fine") << "another one at once";
}

TEST_P(Guarded, WhatTheProxyWantsIsSaid) {
  write("jane:sesame\n");
  refuse("Negotiate");
  EXPECT_NE(fails().hint().find("another kind"), std::string::npos);
  options.proxy_login = nullptr;
  refuse();
  EXPECT_NE(fails().hint().find("proxy_auth"), std::string::npos);
}

TEST_P(Guarded, ALoginThatCannotBeReadIsTheNetwork) {
  proxy_with();
  for (const char* text : {"", "jane\n", "a:b\nc\n", "a\nb\nc\n"}) {
    write(text);
    const Error error = fails();
    EXPECT_EQ(error.kind(), ErrorKind::unavailable) << text;
    EXPECT_NE(error.hint(), "") << text;
  }
  EXPECT_EQ(asked, "");
}

TEST_P(Proxied, ExemptHostsGoDirectly) {
  serve_with({});
  for (const char* exempt : {"localhost", "*", ".localhost", "LOCALHOST"}) {
    proxy_with("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    options.endpoint.host = "localhost";
    options.no_proxy = {"other.example", exempt};
    PocoTransport direct(options, clock);
    EXPECT_EQ(direct.exchange({"/x", {}, "/x"}, Deadline(clock, 5s), {}).body, "fine") << exempt;
    EXPECT_EQ(proxy->connections(), 0);
  }
}

TEST(EndpointTest, ParsesWhatPeopleWrite) {
  const Endpoint plain = Endpoint::parse("https://api.alchemer.com");
  EXPECT_EQ(plain.host, "api.alchemer.com");
  EXPECT_EQ(plain.port, 443);
  EXPECT_EQ(plain.prefix, "");
  EXPECT_EQ(plain.display(), "https://api.alchemer.com:443");
  const Endpoint full = Endpoint::parse("http://[::1]:8080/a/b/");
  EXPECT_EQ(full.scheme, "http");
  EXPECT_EQ(full.host, "::1");
  EXPECT_EQ(full.port, 8080);
  EXPECT_EQ(full.prefix, "/a/b");
  EXPECT_EQ(full.display(), "http://[::1]:8080/a/b");
  EXPECT_EQ(Endpoint::parse("http://127.0.0.1/").port, 80);
  for (const char* bad :
       {"", "api.example", "ftp://x", "https://", "https://:1", "https://a:0", "https://a:99999", "https://a:x",
        "https://[::1", "https://a/?q=1", "https://a/#f", "https://a b", "https://a:1:2", "https://[::1]x"}) {
    EXPECT_THROW(Endpoint::parse(bad), Error) << bad;
  }
  for (const char* secret : {"https://user:hush@a", "https://a/?token=hush"}) {
    try {
      Endpoint::parse(secret);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.full_text().find("hush"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace surveysync::http
