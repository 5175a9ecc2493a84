#include "report/web_request.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "base/sha256.h"

namespace surveysync::report {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

/// Up to `separator`, which is taken too.
std::string_view take(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return taken;
}

/// A host without its port and brackets, in small letters.
std::string name_of_host(std::string_view host) {
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    if (end == std::string_view::npos) return {};
    host = host.substr(1, end - 1);
  } else if (std::ranges::count(host, ':') <= 1) {
    host = host.substr(0, host.find(':'));
  }
  std::string name;
  std::ranges::transform(host, std::back_inserter(name), lower);
  if (name.ends_with('.')) name.pop_back();
  return name;
}

bool is_address(const std::string& name) {
  in6_addr buffer{};
  return ::inet_pton(AF_INET, name.c_str(), &buffer) == 1 || ::inet_pton(AF_INET6, name.c_str(), &buffer) == 1;
}

bool is_loopback_name(const std::string& name) {
  in_addr four{};
  if (::inet_pton(AF_INET, name.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24U) == 127U;
  return name == "localhost" || name == "::1";
}

/// RFC 4648; empty for what is none.
std::string from_base64(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int have = 0;
  for (const char c : text) {
    if (c == '=') break;
    const int digit = c >= 'A' && c <= 'Z'   ? c - 'A'
                      : c >= 'a' && c <= 'z' ? c - 'a' + 26
                      : c >= '0' && c <= '9' ? c - '0' + 52
                      : c == '+'             ? 62
                      : c == '/'             ? 63
                                             : -1;
    if (digit < 0) return {};
    bits = (bits << 6U | static_cast<std::uint32_t>(digit)) & 0xFFFFFFU;
    have += 6;
    if (have < 8) continue;
    have -= 8;
    out += static_cast<char>(bits >> static_cast<unsigned>(have) & 0xFFU);
  }
  return out;
}

/// Method, target and version.
bool read_first_line(std::string_view line, WebRequest& request, std::string_view& authority) {
  request.method = take(line, ' ');
  std::string_view target = take(line, ' ');
  if (!line.starts_with("HTTP/1.") || line.size() != 8 || request.method.empty()) return false;
  if (target.starts_with("http://")) {  // as proxies write it
    target.remove_prefix(7);
    const std::size_t end = std::min(target.find_first_of("/?"), target.size());
    authority = target.substr(0, end);
    target.remove_prefix(end);
  }
  if (!authority.empty() && !target.starts_with('/')) target = "/";
  if (!target.starts_with('/')) return false;
  request.hostless = line == "HTTP/1.0";
  request.path = take(target, '?');
  request.query = target;
  return true;
}

}  // namespace

std::optional<WebRequest> parse_request(std::string_view head) {
  WebRequest request;
  std::string_view authority;
  std::string_view first = take(head, '\n');
  if (first.ends_with('\r')) first.remove_suffix(1);
  if (!read_first_line(first, request, authority)) return std::nullopt;
  int hosts = 0;
  while (!head.empty()) {
    std::string_view line = take(head, '\n');
    const std::string_view name = take(line, ':');
    if (same_word(name, "host")) {
      request.host = trimmed(line);
      ++hosts;
    } else if (same_word(name, "authorization")) {
      request.authorization = trimmed(line);
    }
  }
  if (hosts > 1 || (hosts == 0 && !request.hostless)) return std::nullopt;
  request.hostless = hosts == 0;
  if (!authority.empty()) request.host = authority;
  return request;
}

bool host_allowed(std::string_view host, const WebRules& rules) {
  const std::string name = name_of_host(host), ours = name_of_host(rules.listen_host);
  if (name.empty()) return false;
  if (is_loopback_name(name) || name == ours) return true;
  const bool everywhere = ours == "0.0.0.0" || ours == "::";
  return everywhere && is_address(name);
}

bool token_accepted(std::string_view authorization, const WebRules& rules) {
  if (rules.token_digest.empty()) return true;
  const std::string_view scheme = take(authorization, ' ');
  std::string token(trimmed(authorization));
  if (same_word(scheme, "basic")) {
    const std::string pair = from_base64(token);
    const std::size_t colon = pair.find(':');
    token = colon == std::string::npos ? "" : pair.substr(colon + 1);
  } else if (!same_word(scheme, "bearer")) {
    token.clear();
  }
  const std::string digest = sha256_hex(token);
  unsigned differences = digest.size() == rules.token_digest.size() ? 0U : 1U;
  for (std::size_t at = 0; at < std::min(digest.size(), rules.token_digest.size()); ++at)
    differences |= digest[at] == rules.token_digest[at] ? 0U : 1U;
  return differences == 0 && !token.empty();
}

int number_in_query(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    std::string_view value = take(query, '&');
    if (take(value, '=') != name) continue;
    int number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error == std::errc() && end == value.data() + value.size() && number >= 1 && number <= 3600) return number;
  }
  return 0;
}

}  // namespace surveysync::report
