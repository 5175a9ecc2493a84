// A POST, as the alert webhook sends it: complete, once, under the rules of every exchange.
#include <atomic>

#include "http/message.h"
#include "wire_fixture.h"

using namespace std::chrono_literals;

namespace surveysync::http {
namespace {

class Post : public Wire {
 protected:
  Response post(const std::string& body, Duration limit = 20s) {
    Request request{"/hook?key=hush-hush", {}, "/hook"};
    request.method = "POST";
    request.body = body;
    return transport().exchange(request, Deadline(clock, limit), stop.get_token());
  }
};
INSTANTIATE_TEST_SUITE_P(Http, Post, testing::Bool());

/// Peer::read_request keeps what it read beyond the head, so the head is cut here.
std::pair<std::string, std::string> read_post(test::FaultServer::Peer& peer) {
  std::string bytes;
  while (bytes.find("\r\n\r\n") == std::string::npos) {
    const std::string more = peer.receive();
    if (more.empty()) return {};
    bytes += more;
  }
  const std::size_t end = bytes.find("\r\n\r\n") + 4;
  const std::string head = bytes.substr(0, end);
  std::string body = bytes.substr(end);
  const std::size_t length = std::stoul(head.substr(head.find("Content-Length: ") + 16));
  while (body.size() < length) {
    const std::string more = peer.receive();
    if (more.empty()) break;
    body += more;
  }
  return {head, body};
}

TEST_P(Post, BodyAndHeadArriveWhole) {
  const std::string sent = "{\"text\":\"" + std::string(300'000, 'x') + "\"}";
  std::string head, got;
  serve([&](Peer& peer) {
    std::tie(head, got) = read_post(peer);
    peer.send(with_length("fine"));
  });
  EXPECT_EQ(post(sent).body, "fine");
  server.reset();
  EXPECT_TRUE(head.starts_with("POST /hook?key=hush-hush HTTP/1.1\r\n")) << head;
  EXPECT_NE(head.find("Content-Type: application/json\r\n"), std::string::npos);
  EXPECT_EQ(got, sent);
}

TEST_P(Post, NothingIsSentTwice) {
  std::atomic<int> posts{0};
  serve([&](Peer& peer) {
    if (!read_post(peer).first.empty()) ++posts;
    peer.reset();  // taken, and no answer
  });
  EXPECT_THROW(post("{}"), Error);
  EXPECT_EQ(posts, 1);
}

TEST_P(Post, AKeptConnectionIsNotTrusted) {
  std::atomic<int> posts{0};
  serve([&](Peer& peer) {
    if (peer.number() == 1) {
      peer.read_request();
      peer.send(with_length("fine"));
      peer.read_request();  // ends it without a word if anything comes
      return;
    }
    if (!read_post(peer).first.empty()) ++posts;
    peer.send(with_length("fine"));
  });
  EXPECT_EQ(get().body, "fine");
  EXPECT_EQ(post("{}").body, "fine");
  EXPECT_EQ(posts, 1);
}

TEST_P(Post, ADeadlineEndsIt) {
  serve([](Peer& peer) {
    while (!peer.receive().empty()) {
    }
  });
  try {
    post(std::string(8 << 20, 'x'), 200ms);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_TRUE(error.timed_out()) << error.what();
    EXPECT_NE(std::string(error.what()).find("POST /hook"), std::string::npos) << error.what();
    EXPECT_EQ(std::string(error.what()).find("hush-hush"), std::string::npos);
  }
}

TEST(PostHead, WhatWouldChangeItsMeaningIsRefused) {
  Request request{"/hook", {}, "/hook"};
  request.method = "POST";
  request.content_type = "text/plain\r\nX: y";
  EXPECT_THROW(check_request(request), Error);
  request.content_type.clear();
  EXPECT_NO_THROW(check_request(request));
  request.method = "PUT";
  EXPECT_THROW(check_request(request), Error);
  request.method = "GET";
  request.body = "{}";
  EXPECT_THROW(check_request(request), Error);
}

}  // namespace
}  // namespace surveysync::http
