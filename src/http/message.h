#pragma once
// The heads of HTTP/1.1 messages: what we write, what we accept, and how the body behind a head is delimited (RFC 9110,
// 9112). Stricter than Poco's parser where leniency lost data: one Content-Length only, no second meaning, limits on
// everything. Pure functions, any thread. Throws Error(malformed) for answers, Error(config) for requests.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "http/transport.h"

namespace surveysync::http {

inline constexpr std::size_t kHeadLimit = 64UL << 10;
inline constexpr std::size_t kHeaderCountLimit = 200;

/// Status line and headers of an answer.
struct Head {
  int minor_version = 1;  ///< of HTTP/1.x
  int status = 0;
  std::string reason;
  Headers headers;
};

/// How the body behind a head ends.
struct Framing {
  enum class Kind { none, length, chunked, until_close };
  Kind kind = Kind::none;
  std::size_t length = 0;  ///< for Kind::length
};

/// The value of the first header called `name` (any case); empty if absent.
std::string_view find_header(const Headers& headers, std::string_view name);
/// Equal but for the case of ASCII letters.
bool same_word(std::string_view left, std::string_view right);
/// Without blanks around it.
std::string_view trimmed(std::string_view text);
/// `text` as a non-negative number of digits only; empty if it is none or too large.
std::optional<std::size_t> parse_size(std::string_view text, int base = 10);

/// Refuses whatever would change the meaning of the head it is written into: control characters and blanks. Throws
/// Error(config).
void check_request(const Request& request);
/// The head of a request, with Host, Accept, Accept-Encoding, User-Agent, and what a body needs.
std::string request_head(const Request& request, const Endpoint& endpoint);
/// Reads the head in `text` (with or without its empty line). Throws Error(malformed).
Head parse_head(std::string_view text);
/// How the body ends. Throws Error(malformed) where the server contradicts itself.
Framing framing_of(const Head& head);
/// Whether another request may follow on the same connection.
bool keeps_alive(const Head& head);
/// What the server said about how long it keeps an idle connection ("Keep-Alive: timeout=5").
std::optional<Duration> idle_limit(const Head& head);

}  // namespace surveysync::http
