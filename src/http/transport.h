#pragma once
// One request, one response, one deadline. Hides Poco Net and closes the holes measured in Poco 1.11
// (shared/reliability.md 2): short and cut bodies, chunk garbage, gzip members and bombs, doubled time-outs, drip
// feeds, stale keep-alive, one address only, lax host checks. Transport is a virtual seam: PocoTransport in the
// product, ScriptedTransport in tests. Thread-safe: each exchange takes an idle connection or opens one. Throws Error:
// cancelled, unavailable, malformed, config.

#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "base/time.h"

namespace surveysync::http {

class ProxyLogin;
using Headers = std::vector<std::pair<std::string, std::string>>;

/// What goes out. `target` (path and query) and header values may hold secrets: never log them; `display` is for logs.
struct Request {
  std::string target;  ///< "/v5/survey?api_token=..."; percent-encoded, no control characters
  Headers headers;
  std::string display;            ///< the path only
  std::string method = "GET";     ///< or "POST"
  std::string body = {};          ///< of a POST
  std::string content_type = {};  ///< of the body
};

/// What came back, complete: the body has been checked against every length the server promised, and inflated.
struct Response {
  int status = 0;
  Headers headers;
  std::string body;  ///< capacity is at least size + json::kPadding
  Duration elapsed{};
  std::int64_t wire_bytes = 0;
  /// The value of the first header with this name (any case); empty if absent.
  std::string_view header(std::string_view name) const;
};

class Transport {
 public:
  virtual ~Transport() = default;
  /// Performs one request. A GET is sent a second time where a kept connection turned out to be dead; a POST never is.
  /// Ends by `deadline` and on stop, whatever the server does. HTTP error statuses are results, not
  /// errors.
  virtual Response exchange(const Request& request, const Deadline& deadline, const std::stop_token& stop) = 0;
};

/// Where and how to connect.
struct Endpoint {
  std::string scheme = "https";  ///< "http" for loopback only (checked by configuration)
  std::string host;
  std::uint16_t port = 443;
  std::string prefix;  ///< path before the API's own, without trailing slash
  /// Parses "https://host[:port][/prefix]". Throws Error(config).
  static Endpoint parse(std::string_view url);
  /// "https://host:port/prefix".
  std::string display() const;
};

struct TransportOptions {
  Endpoint endpoint;
  std::string ca_file;                                ///< replaces the system's store when not empty
  std::string proxy;                                  ///< "http://host:port" or empty
  std::shared_ptr<ProxyLogin> proxy_login = nullptr;  ///< where the proxy asks for one
  std::vector<std::string> no_proxy = {};
  Duration connect_timeout = std::chrono::seconds(10);
  std::size_t body_limit = 64UL << 20;  ///< after inflating
  std::size_t idle_connections = 16;
  /// Numeric addresses of a host, in the order to try them; the system's resolver when empty.
  std::function<std::vector<std::string>(const std::string& host)> resolve;
};

class PocoTransport final : public Transport {
 public:
  PocoTransport(TransportOptions options, Clock& clock);
  ~PocoTransport() override;
  Response exchange(const Request& request, const Deadline& deadline, const std::stop_token& stop) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace surveysync::http
