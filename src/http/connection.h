#pragma once
// One connection to the API: TCP, the proxy's CONNECT, TLS, and bytes both ways, all without blocking calls, so that
// one place (Patience) decides how long anything may take. Verification is strict and cannot be switched off: chain,
// host name by Poco, and the host once more in OpenSSL's own parameters. One thread at a time. Throws Error:
// unavailable, cancelled, config.

#include <Poco/Net/Context.h>
#include <Poco/Net/StreamSocket.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "http/patience.h"
#include "http/transport.h"

namespace surveysync::http {

struct Head;

/// An open connection.
class Connection {
 public:
  Connection(Poco::Net::StreamSocket socket, std::string peer);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() = default;

  /// Sends all of `bytes`.
  void write(std::string_view bytes, Patience& patience);
  /// Up to `size` bytes into `to`; 0 only when the other side ended properly.
  std::size_t read(char* to, std::size_t size, Patience& patience);
  /// Bytes read since the last call of begin_exchange.
  std::int64_t received() const { return received_; }
  void begin_exchange() { received_ = 0; }
  /// False when the other side has ended an idle connection, or sent what nobody asked for.
  bool is_quiet();
  const std::string& peer() const { return peer_; }
  /// When the certificate that the other side showed ends; empty without TLS.
  std::optional<UtcTime> certificate_until();

  SteadyTime usable_until{};  ///< for the pool

 private:
  Poco::Net::StreamSocket socket_;
  const std::string peer_;  // for messages
  std::int64_t received_ = 0;
};

/// Opens connections to one endpoint. Thread-safe.
class Connector {
 public:
  explicit Connector(TransportOptions options);
  /// A fresh connection, ready for a request. Tries each address of the host (or of the proxy) within the connect
  /// timeout.
  std::unique_ptr<Connection> connect(Patience& patience);
  /// Whether a proxy stands between, and the addresses of whoever is asked first: the proxy, or the host.
  bool uses_proxy() const { return proxy_.has_value(); }
  std::vector<std::string> next_addresses(Patience& patience) { return addresses(patience); }

 private:
  std::vector<std::string> addresses(Patience& patience);
  std::unique_ptr<Connection> connect_to(const std::string& address, Patience& patience) const;
  void open_tunnel(Connection& connection, const Secret& login, Patience& patience) const;
  std::string login_hint(const Head& head, const std::string& why) const;
  Poco::Net::StreamSocket secure(const Poco::Net::StreamSocket& plain, Patience& patience) const;
  const std::string& next_host() const { return proxy_ ? proxy_->host : options_.endpoint.host; }

  const TransportOptions options_;
  const std::string peer_;         // "api.alchemer.com:443"
  std::optional<Endpoint> proxy_;  // none for hosts that are exempt
  Poco::Net::Context::Ptr context_;
  std::mutex mutex_;
  std::string good_address_;  // the one that answered last is tried first
};

}  // namespace surveysync::http
