#pragma once
// What a visitor of the status page sent, and whether he may have an answer: the head of an HTTP request as values, the
// names that Host may have (a page on loopback is reached by foreign web sites through DNS that changes its mind), and
// the token. Pure; any thread.

#include <optional>
#include <string>
#include <string_view>

namespace surveysync::report {

struct WebRequest {
  std::string method, path, query;  ///< query without the question mark
  std::string host;                 ///< as sent, with its port
  std::string authorization;
  bool hostless = false;  ///< HTTP/1.0 without a Host, as simple monitors ask
};

/// Reads a head, up to but without the empty line. Empty when it is none of HTTP/1.x, or has several Hosts, or in 1.1
/// none.
std::optional<WebRequest> parse_request(std::string_view head);

/// Who may ask.
struct WebRules {
  std::string listen_host;   ///< as configured: a name, an address, or the one that means all of them
  std::string token_digest;  ///< sha256_hex of the token; empty: none is needed
};

/// Whether Host names loopback or the host we listen on; where we listen on all addresses, any address, but no other
/// name. The port does not matter: it is another one behind a tunnel.
bool host_allowed(std::string_view host, const WebRules& rules);
/// Whether the value of Authorization carries the token: "Bearer TOKEN", or "Basic" with it as the password. Takes as
/// long for a wrong one as for a nearly right one.
bool token_accepted(std::string_view authorization, const WebRules& rules);
/// The number of `name` in a query, when it is one from 1 to 3600; 0 otherwise.
int number_in_query(std::string_view query, std::string_view name);

}  // namespace surveysync::report
