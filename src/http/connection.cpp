#include "http/connection.h"

#include <Poco/DateTime.h>
#include <Poco/Exception.h>
#include <Poco/Net/SecureStreamSocket.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/X509Certificate.h>
#include <Poco/Timestamp.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>

#include "http/message.h"
#include "http/proxy_login.h"
#include "http/resolver.h"
#include "http/tls.h"

namespace surveysync::http {
namespace {

using Poco::Net::SecureStreamSocket;
using Poco::Net::SocketAddress;
using Poco::Net::StreamSocket;

int fit(std::size_t size) {
  return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max()));
}

bool names_host(std::string_view entry, const Endpoint& endpoint) {
  const std::size_t colon = entry.rfind(':');
  if (colon != std::string_view::npos && entry.find(':') == colon) {  // one colon: a port, not an IPv6 address
    if (parse_size(entry.substr(colon + 1)) != endpoint.port) return false;
    entry = entry.substr(0, colon);
  }
  if (entry == "*") return true;
  if (entry.starts_with("*.")) entry.remove_prefix(1);
  const std::string_view suffix = entry.starts_with('.') ? entry.substr(1) : entry;
  if (suffix.empty()) return false;
  const std::string_view host = endpoint.host;
  if (same_word(host, suffix)) return true;
  return host.size() > suffix.size() && same_word(host.substr(host.size() - suffix.size()), suffix) &&
         host[host.size() - suffix.size() - 1] == '.';
}

/// The host to which `options` want a proxy; none for loopback and for hosts that no_proxy names.
std::optional<Endpoint> proxy_of(const TransportOptions& options) {
  if (options.proxy.empty() || options.endpoint.scheme == "http") return std::nullopt;  // http is for loopback only
  for (const std::string& entry : options.no_proxy) {
    if (names_host(trimmed(entry), options.endpoint)) return std::nullopt;
  }
  return Endpoint::parse(options.proxy);
}

std::string host_and_port(const Endpoint& endpoint) {
  const bool bare = endpoint.host.find(':') == std::string::npos;
  return bare ? fmt::format("{}:{}", endpoint.host, endpoint.port)
              : fmt::format("[{}]:{}", endpoint.host, endpoint.port);
}

int descriptor_of(const StreamSocket& socket) {
  return socket.impl()->sockfd();
}

std::string text_of(const Poco::Exception& failure) {
  std::string text = failure.displayText();
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return text;
}

Error unavailable(std::string_view what, const std::string& peer, std::string_view why, std::string hint = {}) {
  return Error(ErrorKind::unavailable, fmt::format("{} {} failed: {}", what, peer, why), std::move(hint));
}

/// What a call on a socket that never blocks wants before it can be repeated; 0 when it is done.
short wanted_events(const StreamSocket& socket, int result, short plainly) {
  if (result >= 0) return 0;
  if (!socket.secure()) return plainly;
  return result == SecureStreamSocket::ERR_SSL_WANT_WRITE ? POLLOUT : POLLIN;
}

/// sendBytes, which throws where receiveBytes says -1: a plain socket whose buffer is full (Poco 1.11).
int send_bytes(StreamSocket& socket, std::string_view bytes) {
  try {
    return socket.sendBytes(bytes.data(), fit(bytes.size()));
  } catch (const Poco::IOException& failure) {
    if (failure.code() == EAGAIN) return -1;
    throw;
  }
}

StreamSocket open_tcp(const std::string& address, std::uint16_t port, Patience& patience) {
  StreamSocket socket;
  socket.connectNB(SocketAddress(address, port));
  patience.await(descriptor_of(socket), POLLOUT);
  if (const int failure = socket.impl()->socketError(); failure != 0) {
    throw Error(ErrorKind::unavailable, std::generic_category().message(failure));
  }
  socket.setNoDelay(true);
  return socket;
}

}  // namespace

Connection::Connection(StreamSocket socket, std::string peer) : socket_(std::move(socket)), peer_(std::move(peer)) {}

std::optional<UtcTime> Connection::certificate_until() {
  if (!socket_.secure()) return std::nullopt;
  try {
    const Poco::DateTime end = SecureStreamSocket(socket_).peerCertificate().expiresOn();
    return UtcTime(std::chrono::microseconds(end.timestamp().epochMicroseconds()));
  } catch (const Poco::Exception& failure) {
    throw Error(ErrorKind::unavailable, "the certificate cannot be read: " + text_of(failure));
  }
}

void Connection::write(std::string_view bytes, Patience& patience) {
  try {
    while (!bytes.empty()) {
      patience.check();
      ERR_clear_error();  // OpenSSL blames the next call for what an earlier one left in the thread's queue
      const int sent = send_bytes(socket_, bytes);
      if (const short events = wanted_events(socket_, sent, POLLOUT)) {
        patience.await(descriptor_of(socket_), events);
      } else {
        bytes.remove_prefix(static_cast<std::size_t>(sent));
      }
    }
  } catch (const Poco::Exception& failure) {
    throw unavailable("sending to", peer_, text_of(failure));
  }
}

std::size_t Connection::read(char* to, std::size_t size, Patience& patience) {
  try {
    for (;;) {
      patience.check();
      ERR_clear_error();
      const int got = socket_.receiveBytes(to, fit(size));
      if (const short events = wanted_events(socket_, got, POLLIN)) {
        patience.await(descriptor_of(socket_), events);
        continue;
      }
      received_ += got;
      return static_cast<std::size_t>(got);
    }
  } catch (const Poco::Exception& failure) {
    throw unavailable("reading from", peer_, text_of(failure));
  }
}

bool Connection::is_quiet() {
  try {
    char byte = 0;
    ERR_clear_error();
    return socket_.receiveBytes(&byte, 1) < 0;  // nothing to read, and not ended
  } catch (const Poco::Exception&) {
    return false;
  }
}

Connector::Connector(TransportOptions options)
    : options_(std::move(options)), peer_(host_and_port(options_.endpoint)), proxy_(proxy_of(options_)) {
  if (options_.endpoint.scheme == "https") context_ = make_client_context(options_.endpoint.host, options_.ca_file);
}

std::vector<std::string> Connector::addresses(Patience& patience) {
  std::vector<std::string> found = options_.resolve ? options_.resolve(next_host()) : resolve(next_host(), patience);
  const std::lock_guard lock(mutex_);
  if (const auto good = std::find(found.begin(), found.end(), good_address_); good != found.end()) {
    std::rotate(found.begin(), good, good + 1);
  }
  return found;
}

std::unique_ptr<Connection> Connector::connect(Patience& patience) {
  const SteadyTime until = patience.now() + options_.connect_timeout;
  std::vector<std::string> candidates = addresses(patience);
  std::string failures, hint;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const auto share =
        std::max(until - patience.now(), Duration::zero()) / static_cast<std::int64_t>(candidates.size() - i);
    try {
      Patience part(patience, share);
      part.now_doing("connecting to " + peer_);
      auto connection = connect_to(candidates[i], part);
      const std::lock_guard lock(mutex_);
      good_address_ = candidates[i];
      return connection;
    } catch (const Error& failure) {
      patience.check();
      failures += fmt::format("{}{}: {}", failures.empty() ? "" : "; ", candidates[i], failure.message());
      hint = failure.hint();
    }
  }
  throw unavailable("connecting to", peer_, failures.empty() ? "no address" : failures, hint);
}

std::unique_ptr<Connection> Connector::connect_to(const std::string& address, Patience& patience) const {
  try {
    Secret login;  // before anybody is bothered
    if (proxy_ && options_.proxy_login) login = options_.proxy_login->authorization();
    StreamSocket socket = open_tcp(address, proxy_ ? proxy_->port : options_.endpoint.port, patience);
    if (proxy_) {
      Connection tunnel(socket, host_and_port(*proxy_));
      open_tunnel(tunnel, login, patience);
    }
    if (context_) socket = secure(socket, patience);
    return std::make_unique<Connection>(socket, peer_);
  } catch (const Poco::Exception& failure) {
    throw Error(ErrorKind::unavailable, text_of(failure));
  }
}

void Connector::open_tunnel(Connection& connection, const Secret& login, Patience& patience) const {
  // The proxy's own login, where it has one; never the key.
  const std::string who = login.empty() ? "" : fmt::format("Proxy-Authorization: {}\r\n", login.expose());
  connection.write(fmt::format("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n{1}\r\n", peer_, who), patience);
  std::string answer;
  while (answer.find("\r\n\r\n") == std::string::npos) {
    char bytes[4096];
    const std::size_t got = connection.read(bytes, sizeof bytes, patience);
    answer.append(bytes, got);
    if (got == 0 || answer.size() > kHeadLimit) {
      throw Error(ErrorKind::unavailable,
                  fmt::format("the proxy {} did not answer as a proxy does", connection.peer()));
    }
  }
  const Head head = parse_head(answer);
  if (head.status / 100 == 2 && answer.ends_with("\r\n\r\n")) return;
  const std::string why = fmt::format("{} {}", head.status, head.reason);
  throw Error(ErrorKind::unavailable,
              fmt::format("the proxy {} refused to connect to {}: {}", connection.peer(), peer_, why),
              head.status == 407 ? login_hint(head, why) : "");
}

/// What to do about a proxy that asks who we are.
std::string Connector::login_hint(const Head& head, const std::string& why) const {
  const std::string_view ways = find_header(head.headers, "Proxy-Authenticate");
  const bool knows_basic = ways.empty() || same_word(ways.substr(0, ways.find(' ')), "Basic");
  if (!knows_basic)
    return "the proxy wants a login of another kind than Basic: let it exempt this host, or put one between that "
           "logs in for it";
  if (options_.proxy_login) return options_.proxy_login->refused(why);
  return "the proxy wants a login: give the source proxy_auth = \"file:...\" beside proxy, a file (mode 0600) with "
         "one line \"user:password\"";
}

StreamSocket Connector::secure(const StreamSocket& plain, Patience& patience) const {
  const std::string& host = options_.endpoint.host;
  static_cast<void>(take_refusal());
  try {
    // The name goes into the handshake (SNI); addresses do not belong there.
    SecureStreamSocket socket = SecureStreamSocket::attach(plain, is_numeric(host) ? std::string() : host, context_);
    for (;;) {
      patience.check();
      ERR_clear_error();
      const int result = socket.completeHandshake();
      const short events = wanted_events(socket, result, POLLIN);
      if (events == 0) break;
      patience.await(descriptor_of(socket), events);
    }
    socket.verifyPeerCertificate(host);
    return socket;
  } catch (const Poco::Exception& failure) {
    const std::string refusal = take_refusal();
    if (refusal.empty()) throw Error(ErrorKind::unavailable, "TLS failed: " + text_of(failure));
    throw Error(ErrorKind::unavailable, fmt::format("the certificate of {} was refused: {}", host, refusal));
  }
}

}  // namespace surveysync::http
