// The two requests for a token, and the listener that waits for the browser between them.
#include "http/oauth1_token.h"

#include <Poco/Net/StreamSocket.h>
#include <gtest/gtest.h>

#include <future>

#include "base/error.h"
#include "http/callback_listener.h"
#include "support/recording_observer.h"
#include "support/scripted_transport.h"

namespace surveysync::http {
namespace {

using namespace std::chrono_literals;
using test::answer;

class Door : public testing::Test {
 protected:
  Door() {
    consumer.lines.emplace_back("consumer-key");
    consumer.lines.emplace_back("consumer-secret");
    consumer.fingerprint = "0123abcd";
  }
  OAuthToken request() {
    return door.request("/head/oauth/request_token", consumer, "http://127.0.0.1:1/callback", {});
  }
  Error fails() {
    try {
      request();
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "no error";
    return Error(ErrorKind::bug, "no error");
  }
  static std::string header(const Request& request) { return request.headers.at(0).second; }

  test::ManualClock clock{test::ManualClock::Mode::automatic};
  test::ScriptedTransport transport{&clock};
  test::RecordingObserver observer;
  Masker masker;
  Credential consumer;
  OAuthDoor door{{"us", "file:/us.consumer", Endpoint::parse("https://api.example"), 10s, nullptr},
                 transport,
                 masker,
                 observer,
                 clock};
};

TEST_F(Door, BothSteps) {
  transport.then(answer(200,
                        "oauth_token=temp%2Fkey&oauth_token_secret=temp-secret&oauth_callback_confirmed=true&"
                        "xoauth_token_ttl=3600\n"));
  transport.then(answer(200, "oauth_token=the-token&oauth_token_secret=the-secret"));
  const OAuthToken temporary = request();
  EXPECT_EQ(temporary.key.expose(), "temp/key");
  EXPECT_EQ(temporary.lasts, Duration(3600s));
  const OAuthToken token = door.exchange("/head/oauth/access_token", consumer, temporary, "the verifier", {});
  EXPECT_EQ(token.key.expose(), "the-token");
  EXPECT_EQ(token.secret.expose(), "the-secret");
  EXPECT_FALSE(token.lasts);
  const auto sent = transport.requests();
  EXPECT_EQ(sent[0].method, "POST");
  EXPECT_NE(header(sent[0]).find("oauth_callback=\"http%3A%2F%2F127.0.0.1%3A1%2Fcallback\""), std::string::npos);
  EXPECT_NE(header(sent[1]).find("oauth_verifier=\"the%20verifier\""), std::string::npos);
  EXPECT_NE(header(sent[1]).find("oauth_token=\"temp%2Fkey\""), std::string::npos);
  for (const Request& one : sent)
    EXPECT_EQ(header(one).find("-secret"), std::string::npos);
  EXPECT_EQ(masker.mask("temp-secret the-secret"), "*** ***");
}

TEST_F(Door, AnObjectIsReadToo) {
  transport.then(
      answer(200, R"({"oauth_token":"t-o-k-e-n","oauth_token_secret":"s-e-c-r-e-t","xoauth_token_ttl":60})"));
  const OAuthToken token = request();
  EXPECT_EQ(token.key.expose(), "t-o-k-e-n");
  EXPECT_EQ(token.lasts, Duration(60s));
}

TEST_F(Door, GetsWhereNobodyPosts) {
  transport.then(answer(405, "{}")).then(answer(200, "oauth_token=a-token&oauth_token_secret=a-secret"));
  request();
  EXPECT_EQ(transport.requests().at(1).method, "GET");
}

TEST_F(Door, TheClockIsCorrected) {
  transport.then(answer(400, "oauth_problem=timestamp_refused", {{"Date", "Sun, 06 Nov 2033 08:49:37 GMT"}}));
  transport.then(answer(200, "oauth_token=a-token&oauth_token_secret=a-secret"));
  request();
  EXPECT_NE(header(transport.requests().at(1)).find("oauth_timestamp=\"20148797"), std::string::npos)
      << header(transport.requests().at(1));
  EXPECT_EQ(observer.count<event::ClockCorrected>(), 1U);
}

TEST_F(Door, Refusals) {
  struct Case {
    Response response;
    ErrorKind kind;
    const char* words;
  };
  const Case cases[] = {
      {answer(401, "oauth_problem=consumer_key_unknown"), ErrorKind::unauthorized, "mistyped"},
      {answer(401, "oauth_problem=signature_invalid"), ErrorKind::unauthorized, "signature_refused"},
      {answer(200, "oauth_problem=signature_invalid"), ErrorKind::unauthorized, "signature_refused"},
      {answer(200, "<html>sign in</html>"), ErrorKind::unavailable, "HTML"},
      {answer(200, "hello"), ErrorKind::malformed, "without a token"},
      {answer(200, "oauth_token=a-token"), ErrorKind::malformed, "no secret"},
      {answer(200, "oauth_token=a%0Atoken&oauth_token_secret=a-secret"), ErrorKind::malformed, "odd token"},
      {answer(500, ""), ErrorKind::unavailable, "500"},
  };
  for (const Case& one : cases) {
    transport.then(one.response);
    const Error error = fails();
    EXPECT_EQ(error.kind(), one.kind) << error.what();
    EXPECT_NE(std::string(error.what()).find(one.words), std::string::npos) << error.what();
  }
}

TEST(Form, IsDecoded) {
  const Query form = parse_form("a=1&b=x+y%21&&c&=d&e=%zz&f==");
  const Query expected{{"a", "1"}, {"b", "x y!"}, {"c", ""}, {"", "d"}, {"e", "%zz"}, {"f", "="}};
  EXPECT_EQ(form, expected);
}

TEST(CallbackQuery, OnlyOurTokenCounts) {
  EXPECT_TRUE(read_callback("oauth_token=ours&oauth_verifier=v", "ours")->allowed);
  EXPECT_EQ(read_callback("oauth_verifier=v%2B1&oauth_token=ours", "ours")->verifier, "v+1");
  EXPECT_FALSE(read_callback("oauth_token=theirs&oauth_verifier=v", "ours"));
  EXPECT_FALSE(read_callback("oauth_verifier=v", "ours"));
  EXPECT_FALSE(read_callback("", "ours"));
  EXPECT_FALSE(read_callback("denied=ours", "ours")->allowed);
  EXPECT_FALSE(read_callback("oauth_problem=user_refused", "ours")->allowed);
  EXPECT_EQ(read_callback("oauth_token=ours&oauth_problem=user_refused", "ours")->why, "user_refused");
  EXPECT_FALSE(read_callback("oauth_token=theirs&oauth_problem=user_refused", "ours"));
}

class Listener : public testing::Test {
 protected:
  Poco::Net::StreamSocket visit(const std::string& text) {
    const std::string url = listener.url();
    const std::size_t colon = url.rfind(':');
    const std::string port = url.substr(colon + 1, url.find('/', colon) - colon - 1);
    Poco::Net::StreamSocket socket(Poco::Net::SocketAddress("127.0.0.1:" + port));
    socket.setReceiveTimeout(Poco::Timespan(10, 0));
    std::string sent = text;
    if (const std::size_t at = sent.find("PORT"); at != std::string::npos) sent.replace(at, 4, port);
    socket.sendBytes(sent.data(), static_cast<int>(sent.size()));
    return socket;
  }
  static std::string read(Poco::Net::StreamSocket socket) {
    std::string text;
    char buffer[4096];
    for (int size = 0; (size = socket.receiveBytes(buffer, sizeof buffer)) > 0;)
      text.append(buffer, static_cast<std::size_t>(size));
    return text;
  }
  std::string refused(const std::string& text) {
    auto socket = visit(text);
    auto reply = std::async(std::launch::async, [&] { return read(socket); });
    EXPECT_FALSE(listener.wait("ours", Deadline(clock, 400ms), {}));
    return reply.get();
  }

  SystemClock clock;
  CallbackListener listener{0, clock};
};

TEST_F(Listener, TakesTheCallback) {
  auto idle = visit("");  // browsers open connections that they never use
  auto socket = visit("GET /callback?oauth_token=ours&oauth_verifier=v%21 HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n");
  const auto callback = listener.wait("ours", Deadline(clock, 10s), {});
  ASSERT_TRUE(callback);
  EXPECT_EQ(callback->verifier, "v!");
  const std::string reply = read(socket);
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 OK\r\n")) << reply;
  EXPECT_NE(reply.find("You can close this window"), std::string::npos);
}

TEST_F(Listener, RefusesEverythingElse) {
  const std::string good = " HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n";
  EXPECT_NE(refused("GET /favicon.ico" + good).find(" 404 "), std::string::npos);
  EXPECT_NE(refused("POST /callback?oauth_token=ours" + good).find(" 405 "), std::string::npos);
  EXPECT_NE(refused("GET /callback?oauth_token=theirs" + good).find(" 400 "), std::string::npos);
  EXPECT_NE(
      refused("GET /callback?oauth_token=ours&oauth_verifier=v HTTP/1.1\r\nHost: evil.example\r\n\r\n").find(" 404 "),
      std::string::npos);
  EXPECT_NE(refused("rubbish\r\n\r\n").find(" 400 "), std::string::npos);
  EXPECT_NE(refused(std::string(10'000, 'x')).find(" 400 "), std::string::npos);
}

TEST_F(Listener, EndsOnStopAndInTime) {
  EXPECT_FALSE(listener.wait("ours", Deadline(clock, 50ms), {}));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(listener.wait("ours", Deadline(clock, 10s), stop.get_token()), Error);
}

TEST_F(Listener, APortThatIsTakenIsAClearError) {
  const std::string url = listener.url();
  const auto port = static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
  try {
    CallbackListener second(port, clock);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config);
    EXPECT_NE(error.hint().find("--port"), std::string::npos);
  }
}

}  // namespace
}  // namespace surveysync::http
