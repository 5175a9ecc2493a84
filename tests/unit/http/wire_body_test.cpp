// Complete bodies or errors: every row of shared/reliability.md 2.1 and 2.2.
#include <functional>

#include "wire_fixture.h"

using namespace std::chrono_literals;

namespace surveysync::http {
namespace {

INSTANTIATE_TEST_SUITE_P(Http, Wire, testing::Values(false, true),
                         [](const auto& param) { return param.param ? "tls" : "plain"; });

std::string page(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 1;
  for (char& c : text)
    c = static_cast<char>('a' + ((state = state * 1664525 + 1013904223) >> 24) % 20);
  return text;
}

TEST_P(Wire, ReadsBodiesOfEverySize) {
  for (const std::size_t size : {0UL, 1UL, 63UL, 65'536UL, 65'537UL, 5'000'000UL}) {
    const std::string body = page(size);
    answer_always(with_length(body, "X-Thing:  a b \r\n"));
    for (int i = 0; i < 2; ++i) {
      const Response response = get();
      EXPECT_EQ(response.status, 200);
      EXPECT_TRUE(response.body == body) << size;
      EXPECT_GE(response.body.capacity(), size + 64);
      EXPECT_EQ(response.header("x-thing"), "a b");
      EXPECT_GT(response.wire_bytes, static_cast<std::int64_t>(size));
    }
    EXPECT_EQ(server->connections(), 1) << "kept alive";
  }
}

TEST_P(Wire, SendsWhatItShouldAndNothingElse) {
  std::string seen;
  serve([&](Peer& peer) {
    seen = peer.read_request();
    peer.send(with_length("{}"));
  });
  const Request request{"/v5/x?a=b", {{"x-api-key", "k"}, {"Accept", "text/plain"}}, "/v5/x"};
  transport().exchange(request, Deadline(clock, 10s), {});
  EXPECT_TRUE(seen.starts_with("GET /v5/x?a=b HTTP/1.1\r\nHost: " + options.endpoint.host + ":")) << seen;
  EXPECT_NE(seen.find("\r\nAccept-Encoding: gzip\r\n"), std::string::npos);
  EXPECT_NE(seen.find("\r\nx-api-key: k\r\n"), std::string::npos);
  EXPECT_NE(seen.find("\r\nAccept: text/plain\r\n"), std::string::npos);
  EXPECT_EQ(seen.find("application/json"), std::string::npos);
}

TEST_P(Wire, ReadsChunksHoweverTheyAreCut) {
  const std::string body = page(300'000);
  for (const std::size_t size : {1000UL, 65'536UL, 300'000UL}) {
    std::string text = head("Transfer-Encoding: chunked\r\n");
    for (std::size_t at = 0; at < body.size(); at += size) {
      const std::string part = body.substr(at, size);
      char line[64];
      std::snprintf(line, sizeof line, "%zX;ext=\"1\"\r\n", part.size());
      text += line + part + "\r\n";
    }
    text += "0\r\nX-Trailer: 1\r\n\r\n";
    answer_always(text);
    EXPECT_TRUE(get().body == body);
    EXPECT_TRUE(get().body == body);
    EXPECT_EQ(server->connections(), 1);
  }
  serve([](Peer& peer) {
    peer.read_request();
    for (const char c : head("Transfer-Encoding: chunked\r\n") + "4\r\nwiki\r\n5\r\npedia\r\n0\r\n\r\n")
      peer.send({&c, 1});
  });
  EXPECT_EQ(get().body, "wikipedia");
}

TEST_P(Wire, ReadsUntilTheEndWhereTheServerPromisesNothing) {
  const std::string body = page(3'000'000);
  answer_once(head("") + body);
  EXPECT_TRUE(get().body == body);
  EXPECT_TRUE(get().body == body);
  EXPECT_EQ(server->connections(), 2);
}

TEST_P(Wire, SkipsInterimAnswersAndAcceptsNone) {
  answer_once("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + with_length("ok"));
  EXPECT_EQ(get().body, "ok");
  answer_once("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(get().status, 204);
  std::string interim;
  for (int i = 0; i < 20; ++i)
    interim += "HTTP/1.1 100 Continue\r\n\r\n";
  answer_once(interim + with_length("ok"));
  EXPECT_EQ(fails().kind(), ErrorKind::malformed);
}

struct Fault {
  const char* name;
  std::string bytes;
  ErrorKind kind;
  bool drop = false;   // end without TLS's farewell
  bool reset = false;  // end by a TCP reset
};

const Fault kFaults[] = {
    {"short body, clean end", head("Content-Length: 100\r\n") + "half", ErrorKind::unavailable},
    {"short body, no farewell", head("Content-Length: 100\r\n") + "half", ErrorKind::unavailable, true},
    {"reset within the body", head("Content-Length: 100000\r\n") + page(68'458), ErrorKind::unavailable, false, true},
    {"last chunk missing", head("Transfer-Encoding: chunked\r\n") + "4\r\nwiki\r\n", ErrorKind::unavailable},
    {"last empty line missing", head("Transfer-Encoding: chunked\r\n") + "4\r\nwiki\r\n0\r\n", ErrorKind::unavailable},
    {"cut within a chunk", head("Transfer-Encoding: chunked\r\n") + "40\r\nwiki", ErrorKind::unavailable},
    {"garbage chunk size", head("Transfer-Encoding: chunked\r\n") + "zz\r\nwiki\r\n0\r\n\r\n", ErrorKind::malformed},
    {"garbage later chunk size", head("Transfer-Encoding: chunked\r\n") + "4\r\nwiki\r\nhello\r\n0\r\n\r\n",
     ErrorKind::malformed},
    {"negative chunk size", head("Transfer-Encoding: chunked\r\n") + "-4\r\nwiki\r\n0\r\n\r\n", ErrorKind::malformed},
    {"huge chunk size", head("Transfer-Encoding: chunked\r\n") + "ffffffffffffffff\r\nwiki\r\n0\r\n\r\n",
     ErrorKind::malformed},
    {"overflowing chunk size", head("Transfer-Encoding: chunked\r\n") + "1ffffffffffffffff\r\nwiki",
     ErrorKind::malformed},
    {"chunk longer than its size", head("Transfer-Encoding: chunked\r\n") + "2\r\nwiki\r\n0\r\n\r\n",
     ErrorKind::malformed},
    {"negative length", head("Content-Length: -5\r\n") + "wiki", ErrorKind::malformed},
    {"no number", head("Content-Length: 4x\r\n") + "wiki", ErrorKind::malformed},
    {"two lengths", head("Content-Length: 4\r\nContent-Length: 5\r\n") + "wikip", ErrorKind::malformed},
    {"list of lengths", head("Content-Length: 4, 5\r\n") + "wikip", ErrorKind::malformed},
    {"length and chunks", head("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n") + "4\r\nwiki\r\n0\r\n\r\n",
     ErrorKind::malformed},
    {"unknown coding", head("Transfer-Encoding: gzip, chunked\r\n") + "0\r\n\r\n", ErrorKind::malformed},
    {"too long", head("Content-Length: 99999999999\r\n") + "wiki", ErrorKind::malformed},
    {"nothing at all", "", ErrorKind::unavailable},
    {"reset before the answer", "", ErrorKind::unavailable, false, true},
    {"cut head", "HTTP/1.1 200 OK\r\nContent-Le", ErrorKind::unavailable},
    {"no HTTP", "SSH-2.0-OpenSSH\r\n\r\n", ErrorKind::malformed},
    {"HTTP/2 speaker", "HTTP/2 200\r\n\r\n", ErrorKind::malformed},
    {"nameless header", head("no colon here\r\n") + "", ErrorKind::malformed},
    {"folded header", head("X-A: b\r\n c\r\nContent-Length: 0\r\n"), ErrorKind::malformed},
    {"gzip cut, framing whole", with_length(gzip(page(9000)).substr(0, 3000), "Content-Encoding: gzip\r\n"),
     ErrorKind::malformed},
    {"gzip without trailer", with_length(gzip("wiki").substr(0, gzip("wiki").size() - 8), "Content-Encoding: gzip\r\n"),
     ErrorKind::malformed},
    {"gzip followed by garbage", with_length(gzip("wiki") + "garbage", "Content-Encoding: gzip\r\n"),
     ErrorKind::malformed},
    {"gzip that is none", with_length("{\"plain\":1}", "Content-Encoding: gzip\r\n"), ErrorKind::malformed},
    {"unknown encoding", with_length("wiki", "Content-Encoding: br\r\n"), ErrorKind::malformed},
};

TEST_P(Wire, FaultsAreErrorsAndAreRecoveredFrom) {
  for (const Fault& fault : kFaults) {
    SCOPED_TRACE(fault.name);
    serve([&](Peer& peer) {
      peer.read_request();
      peer.send(fault.bytes);
      if (fault.reset) peer.wait_gone(20ms);  // lets the bytes be read first
      if (fault.drop) peer.drop();
      if (fault.reset) peer.reset();
    });
    const Error error = fails();
    EXPECT_EQ(error.kind(), fault.kind) << error.what();
    EXPECT_FALSE(error.timed_out());
    EXPECT_NE(std::string(error.what()).find("/v5/x"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find(options.endpoint.host), std::string::npos) << error.what();
    expect_recovery();
  }
}

TEST_P(Wire, AnUnfinishedGzipChecksumIsNoticed) {
  std::string packed = gzip(page(100'000));
  packed[packed.size() - 6] = static_cast<char>(packed[packed.size() - 6] ^ 1);
  answer_once(with_length(packed, "Content-Encoding: gzip\r\n"));
  EXPECT_EQ(fails().kind(), ErrorKind::malformed);
}

TEST_P(Wire, InflatesAllMembersOfAGzipBody) {
  const std::string first = page(1000);
  const std::string second = page(2'000'000);
  const std::string packed = gzip(first) + gzip("") + gzip(second);
  for (const bool chunked : {false, true}) {
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", packed.size());
    answer_always(chunked ? head("Transfer-Encoding: chunked\r\nContent-Encoding: x-gzip\r\n") + size + packed +
                                "\r\n0\r\n\r\n"
                          : with_length(packed, "Content-Encoding: gzip\r\n"));
    for (int i = 0; i < 2; ++i) {
      const Response response = get();
      EXPECT_TRUE(response.body == first + second);
      EXPECT_GE(response.body.capacity(), response.body.size() + 64);
    }
    EXPECT_EQ(server->connections(), 1);
  }
}

TEST_P(Wire, ABodyMayBeAsLargeAsTheLimitAndNotLarger) {
  options.body_limit = 1 << 20;
  const std::string fits(1 << 20, 'x');
  for (const bool packed : {false, true}) {
    const auto send = [&](const std::string& body) {
      answer_always(packed ? with_length(gzip(body), "Content-Encoding: gzip\r\n") : with_length(body));
    };
    send(fits);
    EXPECT_EQ(get().body.size(), fits.size());
    send(fits + "x");
    const Error error = fails();
    EXPECT_EQ(error.kind(), ErrorKind::malformed);
    EXPECT_NE(error.hint().find("limits.body"), std::string::npos);
  }
  answer_always(with_length(gzip(std::string(200 << 20, '\0')), "Content-Encoding: gzip\r\n"));
  EXPECT_EQ(fails().kind(), ErrorKind::malformed) << "a bomb of 200 KB";
  serve([](Peer& peer) {
    peer.read_request();
    peer.send(head(""));
    const std::string block(1 << 16, 'x');
    while (!peer.wait_gone(0ms))
      peer.send(block);
  });
  EXPECT_EQ(fails().kind(), ErrorKind::malformed) << "without end";
}

TEST_P(Wire, HeadsHaveLimits) {
  std::string many;
  for (int i = 0; i < 20'000; ++i)
    many += "X-H: 1\r\n";
  answer_once(head(many) + "x");
  EXPECT_EQ(fails().kind(), ErrorKind::malformed);
  answer_once(head("X-Long: " + std::string(100'000, 'x') + "\r\n"));
  EXPECT_EQ(fails().kind(), ErrorKind::malformed);
  expect_recovery();
}

TEST_P(Wire, RedirectsAreResultsAndNotFollowed) {
  answer_once("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/steal\r\nContent-Length: 0\r\n\r\n");
  const Response response = get();
  EXPECT_EQ(response.status, 302);
  EXPECT_EQ(server->connections(), 1);
}

TEST_P(Wire, WhatWouldChangeTheRequestIsNotSent) {
  answer_always(with_length("{}"));
  for (const char* target : {"/a\r\nX: y", "/a b", "/a\x01", "no-slash", "", "/\x7f", "/\xC3\xA9"}) {
    const Request request{target, {}, "/a"};
    EXPECT_THROW(transport().exchange(request, Deadline(clock, 5s), {}), Error) << target;
  }
  for (const auto& [name, value] :
       Headers{{"x-api-key", "k\r\nX: y"}, {"x-api-key", "k\n"}, {"bad name", "v"}, {"x", std::string("\0", 1)}}) {
    const Request request{"/a", {{name, value}}, "/a"};
    EXPECT_THROW(transport().exchange(request, Deadline(clock, 5s), {}), Error) << name;
  }
  EXPECT_EQ(server->connections(), 0);
}

}  // namespace
}  // namespace surveysync::http
