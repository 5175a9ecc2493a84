#pragma once
// A PocoTransport against a fault server on loopback.

#include <gtest/gtest.h>
#include <zlib.h>

#include <memory>
#include <optional>

#include "base/error.h"
#include "http/transport.h"
#include "support/fault_server.h"

namespace surveysync::http {

inline std::string head(std::string_view headers) {
  return "HTTP/1.1 200 OK\r\n" + std::string(headers) + "\r\n";
}
inline std::string with_length(std::string_view body, const std::string& more = {}) {
  return head("Content-Length: " + std::to_string(body.size()) + "\r\n" + more) + std::string(body);
}

inline std::string gzip(std::string_view text) {
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&z, text.size()) + 64, '\0');
  std::string input(text);
  z.next_in = reinterpret_cast<Bytef*>(input.data());
  z.avail_in = static_cast<uInt>(input.size());
  z.next_out = reinterpret_cast<Bytef*>(packed.data());
  z.avail_out = static_cast<uInt>(packed.size());
  deflate(&z, Z_FINISH);
  packed.resize(z.total_out);
  deflateEnd(&z);
  return packed;
}

/// Tests run once over plain TCP and once over TLS.
class Wire : public testing::TestWithParam<bool> {
 protected:
  using Peer = test::FaultServer::Peer;

  void serve(test::FaultServer::Handler handler) {
    forget_transport();
    server.emplace(std::move(handler), GetParam() ? authority().issue() : nullptr);
    options.endpoint = Endpoint::parse(server->url());
    options.ca_file = authority().file();
  }
  /// Every connection: answers each request with the same bytes.
  void answer_always(std::string bytes) {
    serve([bytes = std::move(bytes)](Peer& peer) {
      while (!peer.read_request().empty())
        peer.send(bytes);
    });
  }
  /// Every connection: one request, these bytes, an orderly end.
  void answer_once(std::string bytes) {
    serve([bytes = std::move(bytes)](Peer& peer) {
      peer.read_request();
      peer.send(bytes);
    });
  }

  /// The next exchange goes through a new transport with the options as they are then.
  void forget_transport() { transport_.reset(); }
  PocoTransport& transport() {
    if (!transport_) transport_ = std::make_unique<PocoTransport>(options, clock);
    return *transport_;
  }
  Response get(Duration limit = std::chrono::seconds(20)) {
    return transport().exchange({"/v5/x?api_token=hush-hush", {}, "/v5/x"}, Deadline(clock, limit), stop.get_token());
  }
  Error fails(Duration limit = std::chrono::seconds(20)) {
    try {
      const Response response = get(limit);
      ADD_FAILURE() << "got " << response.status << " with " << response.body.size() << " bytes";
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find("hush-hush"), std::string::npos) << error.what();
      return error;
    }
    return Error(ErrorKind::bug, "no error");
  }
  /// After a failure the transport must work on.
  void expect_recovery() {
    const auto port = server->port();
    server.reset();
    server.emplace(
        [](Peer& peer) {
          while (!peer.read_request().empty())
            peer.send(with_length("fine"));
        },
        GetParam() ? authority().issue() : nullptr, "127.0.0.1", port);
    EXPECT_EQ(get().body, "fine");
  }

  static test::TestAuthority& authority() {
    static test::TestAuthority one;
    return one;
  }

  SystemClock clock;
  std::stop_source stop;
  TransportOptions options;
  std::optional<test::FaultServer> server;

 private:
  std::unique_ptr<PocoTransport> transport_;
};

}  // namespace surveysync::http
