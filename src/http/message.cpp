#include "http/message.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace surveysync::http {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || kOthers.find(c) != std::string_view::npos;
  });
}

bool is_control(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

/// Cuts the first line off `rest`.
std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

/// Calls `take` with every element of every header called `name`, split at commas.
template <typename Take>
void each_element(const Headers& headers, std::string_view name, const Take& take) {
  for (const auto& [key, value] : headers) {
    if (!same_word(key, name)) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      take(trimmed(rest.substr(0, comma)));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
}

void parse_status_line(std::string_view line, Head& head) {
  const bool known = line.starts_with("HTTP/1.") && line.size() >= 12 && (line[7] == '0' || line[7] == '1') &&
                     line[8] == ' ' && (line.size() == 12 || line[12] == ' ');
  const auto status = known ? parse_size(line.substr(9, 3)) : std::nullopt;
  if (!status || *status < 100 || *status > 599)
    throw Error(ErrorKind::malformed, "the answer does not begin as HTTP/1.1 does");
  head.minor_version = line[7] - '0';
  head.status = static_cast<int>(*status);
  if (line.size() > 13) head.reason = line.substr(13, 80);
  std::replace_if(head.reason.begin(), head.reason.end(), is_control, '?');
}

}  // namespace

bool same_word(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

std::optional<std::size_t> parse_size(std::string_view text, int base) {
  std::size_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data(), end, number, base);
  if (text.empty() || failure != std::errc() || rest != end) return std::nullopt;
  return number;
}

std::string_view find_header(const Headers& headers, std::string_view name) {
  const auto found =
      std::find_if(headers.begin(), headers.end(), [&](const auto& h) { return same_word(h.first, name); });
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

void check_request(const Request& request) {
  const auto unfit = [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f;
  };
  if (request.target.empty() || request.target.front() != '/' ||
      std::any_of(request.target.begin(), request.target.end(), unfit)) {
    throw Error(ErrorKind::config,
                "the request " + request.display + " was not sent: its address holds a blank or a control character",
                "look for a line break or a control character in the key file or in the base URL");
  }
  if ((request.method != "GET" && request.method != "POST") || (request.method == "GET" && !request.body.empty())) {
    throw Error(ErrorKind::bug, "the request " + request.display + " was not sent: only a POST has a body");
  }
  if (std::any_of(request.content_type.begin(), request.content_type.end(), is_control)) {
    throw Error(ErrorKind::bug, "the request " + request.display + " was not sent: its content type is none");
  }
  for (const auto& [name, value] : request.headers) {
    if (is_token(name) && std::none_of(value.begin(), value.end(), is_control)) continue;
    throw Error(ErrorKind::config,
                "the request " + request.display + " was not sent: a header holds a control character",
                "look for a line break or a control character in the key file");
  }
}

std::string request_head(const Request& request, const Endpoint& endpoint) {
  std::string host = endpoint.host.find(':') == std::string::npos ? endpoint.host : "[" + endpoint.host + "]";
  if (endpoint.port != (endpoint.scheme == "http" ? 80 : 443)) host += fmt::format(":{}", endpoint.port);
  Headers headers = {{"Host", host},
                     {"Accept", "application/json"},
                     {"Accept-Encoding", "gzip"},
                     {"User-Agent", "surveysync/" SURVEYSYNC_VERSION}};
  if (request.method == "POST") {
    headers.emplace_back("Content-Type", request.content_type.empty() ? "application/json" : request.content_type);
    headers.emplace_back("Content-Length", std::to_string(request.body.size()));
  }
  for (const auto& [name, value] : request.headers) {
    std::erase_if(headers, [&key = name](const auto& own) { return same_word(own.first, key); });
  }
  headers.insert(headers.end(), request.headers.begin(), request.headers.end());
  std::string text = request.method + " " + request.target + " HTTP/1.1\r\n";
  for (const auto& [name, value] : headers)
    text.append(name).append(": ").append(value).append("\r\n");
  return text + "\r\n";
}

Head parse_head(std::string_view text) {
  Head head;
  parse_status_line(take_line(text), head);
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line.empty()) break;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
      throw Error(ErrorKind::malformed, "the answer has a header line without a name");
    }
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (std::any_of(value.begin(), value.end(), is_control)) {
      throw Error(ErrorKind::malformed, "the answer has a control character in a header");
    }
    if (head.headers.size() == kHeaderCountLimit) {
      throw Error(ErrorKind::malformed, fmt::format("the answer has more than {} headers", kHeaderCountLimit));
    }
    head.headers.emplace_back(line.substr(0, colon), value);
  }
  return head;
}

Framing framing_of(const Head& head) {
  if (head.status < 200 || head.status == 204 || head.status == 304) return {};
  std::size_t codings = 0;
  std::size_t lengths = 0;
  bool chunked = false;
  Framing framing{Framing::Kind::until_close, 0};
  each_element(head.headers, "Transfer-Encoding", [&](std::string_view coding) {
    chunked = same_word(coding, "chunked");
    ++codings;
  });
  for (const auto& [name, value] : head.headers) {
    if (!same_word(name, "Content-Length")) continue;
    const auto length = parse_size(value);
    if (!length) throw Error(ErrorKind::malformed, "the answer's Content-Length is no length");
    framing = {Framing::Kind::length, *length};
    ++lengths;
  }
  if (lengths > 1) throw Error(ErrorKind::malformed, "the answer has two Content-Length headers");
  if (codings == 0) return framing;
  if (codings > 1 || !chunked) throw Error(ErrorKind::malformed, "the answer has an unknown Transfer-Encoding");
  if (lengths > 0) throw Error(ErrorKind::malformed, "the answer is chunked and has a Content-Length");
  return {Framing::Kind::chunked, 0};
}

bool keeps_alive(const Head& head) {
  bool close = head.minor_version == 0;
  each_element(head.headers, "Connection", [&](std::string_view word) {
    if (same_word(word, "close")) close = true;
    if (same_word(word, "keep-alive") && head.minor_version == 0) close = false;
  });
  return !close;
}

std::optional<Duration> idle_limit(const Head& head) {
  std::optional<Duration> limit;
  each_element(head.headers, "Keep-Alive", [&](std::string_view element) {
    const std::size_t equals = element.find('=');
    if (equals == std::string_view::npos || !same_word(trimmed(element.substr(0, equals)), "timeout")) return;
    const auto seconds = parse_size(trimmed(element.substr(equals + 1)));
    if (seconds && *seconds <= 86'400) limit = std::chrono::seconds(*seconds);
  });
  return limit;
}

}  // namespace surveysync::http
