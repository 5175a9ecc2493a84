// Who may ask what, without sockets; then the server on loopback against those who dawdle.
#include "report/web_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/json.h"
#include "base/sha256.h"
#include "report/web_style.h"
#include "support/manual_clock.h"
#include "web_fixture.h"

namespace surveysync::report {
namespace {

using namespace web_test;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kToken = "0123456789abcdef";
// "operator:" and the token.
constexpr const char* kBasic = "Basic b3BlcmF0b3I6MDEyMzQ1Njc4OWFiY2RlZg==";

class WebSiteTest : public testing::Test {
 protected:
  std::string ask(const std::string& method, const std::string& target, const std::string& host = "localhost:9187",
                  const std::string& more = "") {
    return site_->respond(method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\n" + more + "\r\n", view_,
                          reading_);
  }
  std::string get(const std::string& target) { return ask("GET", target); }
  void need_token() { rules_.token_digest = sha256_hex(kToken), rebuild(); }
  void listen_on(const std::string& host) { rules_.listen_host = host, rebuild(); }
  void rebuild() { site_.emplace(rules_, meters_, clock_); }

  surveysync::test::ManualClock clock_;
  Meters meters_{clock_};
  WebRules rules_{"127.0.0.1", ""};
  std::optional<WebSite> site_{std::in_place, rules_, meters_, clock_};
  std::shared_ptr<const StatusView> view_ = std::make_shared<StatusView>(some_view());
  ServerReading reading_;
};

TEST_F(WebSiteTest, Paths) {
  EXPECT_THAT(get("/"), StartsWith("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"));
  EXPECT_THAT(get("/?refresh=10"), HasSubstr("http-equiv=\"refresh\" content=\"10\""));
  EXPECT_THAT(get("/?refresh=1"), HasSubstr("content=\"5\""));  // no faster
  EXPECT_THAT(get("/?refresh=<b>"), Not(HasSubstr("http-equiv")));
  EXPECT_THAT(get("/metrics"), HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(get("/healthz"), HasSubstr("\r\n\r\nok\n"));
  EXPECT_THAT(get("/livez"), HasSubstr("\r\n\r\nok\n"));
  EXPECT_THAT(get("/readyz"), HasSubstr("\r\n\r\nready\n"));
  EXPECT_THAT(get("/icon.svg"), HasSubstr("image/svg+xml"));
  for (const char* const path : {"/nothing", "/metrics/", "/../etc/passwd", "/%00", "/api"})
    EXPECT_THAT(get(path), StartsWith("HTTP/1.1 404 ")) << path;
  EXPECT_EQ((reading_.requests[{"other", "404"}]), 5);  // strangers' paths make no series
  EXPECT_THAT(get("http://localhost/healthz"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(WebSiteTest, OnlyGetAndHead) {
  for (const char* const method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get"}) {
    const std::string answer = ask(method, "/");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 405 ")) << method;
    EXPECT_THAT(answer, HasSubstr("Allow: GET, HEAD\r\n"));
  }
  const std::string head = ask("HEAD", "/"), full = get("/");
  EXPECT_EQ(head, full.substr(0, full.find("\r\n\r\n") + 4));
}

TEST_F(WebSiteTest, ForeignHostsAreMisdirected) {
  for (const char* const host :
       {"localhost", "localhost:1", "LOCALHOST", "localhost.", "127.0.0.1:9187", "127.9.9.9", "[::1]:9187", "[::1]"})
    EXPECT_THAT(ask("GET", "/", host), StartsWith("HTTP/1.1 200 ")) << host;
  for (const char* const host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1",
                                 "[::2]", "[::1", "1", "", "2130706433"})
    EXPECT_THAT(ask("GET", "/healthz", host), StartsWith("HTTP/1.1 421 ")) << host;
  EXPECT_THAT(ask("GET", "http://evil.example/", "localhost"), StartsWith("HTTP/1.1 421 "));
  listen_on("warehouse.example");
  EXPECT_THAT(ask("GET", "/", "Warehouse.Example:9187"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(ask("GET", "/", "10.0.0.1"), StartsWith("HTTP/1.1 421 "));
  listen_on("0.0.0.0");  // all addresses: a name can be turned round, an address not
  EXPECT_THAT(ask("GET", "/", "10.0.0.1:9187"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(ask("GET", "/", "evil.example"), StartsWith("HTTP/1.1 421 "));
}

TEST_F(WebSiteTest, OldMonitorsMayAskWhetherItLives) {
  for (const char* const path : {"/livez", "/healthz"})
    EXPECT_THAT(site_->respond(std::string("GET ") + path + " HTTP/1.0\r\n", view_, reading_),
                StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(site_->respond("GET / HTTP/1.0\r\n", view_, reading_), StartsWith("HTTP/1.1 421 "));
  EXPECT_THAT(site_->respond("GET /livez HTTP/1.0\r\nHost: evil.example\r\n", view_, reading_),
              StartsWith("HTTP/1.1 421 "));
}

TEST_F(WebSiteTest, NoHeadIsRefused) {
  for (const char* const head :
       {"", "\r\n", "GET /\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/2.0\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        "GET nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n", "\x16\x03\x01\x02\x00\x01\r\n\r\n"})
    EXPECT_THAT(site_->respond(head, view_, reading_), StartsWith("HTTP/1.1 400 ")) << head;
}

TEST_F(WebSiteTest, TheTokenOpensAndNothingElse) {
  need_token();
  const std::string without = get("/");
  EXPECT_THAT(without, StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(without, HasSubstr("WWW-Authenticate: Basic realm=\"surveysync\""));
  EXPECT_THAT(without, Not(HasSubstr("us is complete")));
  const std::string bearer = std::string("Authorization: Bearer ") + kToken + "\r\n";
  for (const char* const path : {"/", "/metrics", "/api/status", "/readyz"}) {
    EXPECT_THAT(get(path), StartsWith("HTTP/1.1 401 ")) << path;
    EXPECT_THAT(ask("GET", path, "localhost", bearer), StartsWith("HTTP/1.1 200 ")) << path;
    EXPECT_THAT(ask("GET", path, "localhost", std::string("authorization: ") + kBasic + "\r\n"),
                StartsWith("HTTP/1.1 200 "));
  }
  for (const char* const wrong :
       {"Bearer", "Bearer ", "Bearer 0123456789abcdeF", "Bearer 0123456789abcdef0", "Basic 0123456789abcdef",
        "Basic !!", "Digest 0123456789abcdef", "0123456789abcdef", "Basic OjAxMjM0NTY3ODlhYmNkZQ=="})
    EXPECT_THAT(ask("GET", "/", "localhost", std::string("Authorization: ") + wrong + "\r\n"),
                StartsWith("HTTP/1.1 401 "))
        << wrong;
  EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200 "));  // says nothing but ok
  EXPECT_THAT(get("/livez"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(WebSiteTest, EveryAnswerCarriesThePolicy) {
  for (const std::string& answer : {get("/"), get("/metrics"), get("/nothing"), ask("POST", "/"),
                                    ask("GET", "/", "evil.example"), WebSite::refuse(431)}) {
    EXPECT_THAT(answer,
                HasSubstr("Content-Security-Policy: default-src 'none'; style-src '" + style_hash() +
                          "'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"));
    for (const char* const line :
         {"X-Content-Type-Options: nosniff\r\n", "X-Frame-Options: DENY\r\n", "Referrer-Policy: no-referrer\r\n",
          "Cache-Control: no-store\r\n", "Connection: close\r\n"})
      EXPECT_THAT(answer, HasSubstr(line));
  }
}

TEST_F(WebSiteTest, HealthAndReadiness) {
  auto view = std::make_shared<StatusView>(some_view());
  view->alive = false;
  view_ = view;
  EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(get("/livez"), StartsWith("HTTP/1.1 200 "));
  view_ = std::make_shared<StatusView>(away_view());
  EXPECT_THAT(get("/readyz"), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(get("/readyz"), HasSubstr("the database does not answer"));
  EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200 "));
  view_ = nullptr;
  EXPECT_THAT(get("/readyz"), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(get("/"), HasSubstr("Starting"));
}

TEST_F(WebSiteTest, TheDocumentIsJson) {
  auto view = std::make_shared<StatusView>(running_view());
  view->trouble = "quote \" and \\ and \x01";
  view->trouble_since = kNow;
  view_ = view;
  const std::string answer = get("/api/status");
  const std::string body = answer.substr(answer.find("\r\n\r\n") + 4);
  json::Document document;
  EXPECT_NO_THROW(document.parse_copy(body)) << body;
  EXPECT_THAT(body, HasSubstr(R"("sources":[{"source":"us"}])"));
  EXPECT_THAT(body, HasSubstr(R"("running":[{"source":"us","run_id":8,"kind":"incremental")"));
}

class StatusServerTest : public testing::Test {
 protected:
  std::unique_ptr<StatusServer> serve(WebOptions options = {}) {
    if (options.listen.empty()) options.listen = "127.0.0.1:0";
    auto server = std::make_unique<StatusServer>(options, meters_, clock_);
    server->publish(std::make_shared<StatusView>(some_view()));
    return server;
  }
  static Descriptor connect(const std::string& address) {
    Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(static_cast<in_port_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    return socket;
  }
  static void send(const Descriptor& socket, const std::string& text) {
    EXPECT_EQ(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  /// Until the other side closes; at most ten seconds for each part.
  static std::string receive(const Descriptor& socket) {
    std::string text;
    char buffer[4096];
    pollfd watched{socket.get(), POLLIN, 0};
    while (::poll(&watched, 1, 10000) == 1) {
      const ssize_t size = ::recv(socket.get(), buffer, sizeof buffer, 0);
      if (size <= 0) return text;
      text.append(buffer, static_cast<std::size_t>(size));
    }
    return text + "[not closed]";
  }
  static std::string get(const std::string& address, const std::string& path = "/healthz") {
    const Descriptor socket = connect(address);
    send(socket, "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return receive(socket);
  }

  SystemClock clock_;
  Meters meters_{clock_};
};

TEST_F(StatusServerTest, Answers) {
  const auto server = serve();
  EXPECT_THAT(server->address(), StartsWith("127.0.0.1:"));
  EXPECT_THAT(get(server->address()), HasSubstr("\r\n\r\nok\n"));
  const std::string page = get(server->address(), "/");
  EXPECT_THAT(page, HasSubstr("</html>"));
  const Descriptor slow = connect(server->address());
  for (const char c : std::string("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    send(slow, std::string(1, c));
  EXPECT_THAT(receive(slow), HasSubstr("\r\n\r\nok\n"));
}

TEST_F(StatusServerTest, HalfOpenConnectionsKeepNobodyOut) {
  WebOptions options;
  options.connections = 8;
  const auto server = serve(options);
  std::vector<Descriptor> half_open;
  for (int i = 0; i < 40; ++i) {
    half_open.push_back(connect(server->address()));
    if (i % 2 == 0) send(half_open.back(), "GET / HTTP/1.1\r\nHost: ");
  }
  for (int i = 0; i < 20; ++i)
    EXPECT_THAT(get(server->address()), HasSubstr("\r\n\r\nok\n"));
}

TEST_F(StatusServerTest, WhoDoesNotReadKeepsNobodyOut) {
  auto database = some_database();
  database->sources_json.assign(20'000'000, ' ');  // more than any socket takes in
  WebOptions options;
  options.connections = 4;
  const auto server = serve(options);
  server->publish(std::make_shared<StatusView>(some_view(database)));
  std::vector<Descriptor> readers;
  for (int i = 0; i < 10; ++i) {
    readers.push_back(connect(server->address()));
    send(readers.back(), "GET /api/status HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_THAT(get(server->address()), HasSubstr("\r\n\r\nok\n"));
  }
}

TEST_F(StatusServerTest, DawdlersAreLetGo) {
  WebOptions options;
  options.head_time = std::chrono::milliseconds(50);
  const auto server = serve(options);
  const Descriptor silent = connect(server->address());
  EXPECT_EQ(receive(silent), "");
}

TEST_F(StatusServerTest, HeadsAreBounded) {
  const auto server = serve();
  const Descriptor socket = connect(server->address());
  send(socket, "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(9000, 'x') + "\r\n\r\n");
  EXPECT_THAT(receive(socket), StartsWith("HTTP/1.1 431 "));
}

TEST_F(StatusServerTest, ATakenPortIsSaid) {
  const auto server = serve();
  WebOptions options;
  options.listen = server->address();
  try {
    serve(options);
    FAIL() << "the port is taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::unavailable);
    EXPECT_THAT(error.what(), HasSubstr(server->address()));
  }
  options.listen = "no-such-host.invalid:0";
  EXPECT_THROW(serve(options), Error);
}

TEST_F(StatusServerTest, EveryAddressOfAName) {
  WebOptions options;
  options.listen = "localhost:0";
  const auto server = serve(options);
  EXPECT_THAT(get(server->address().substr(server->address().rfind(':'))), HasSubstr("ok"));
}

}  // namespace
}  // namespace surveysync::report
