#include "app/config_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/error.h"
#include "base/loopback.h"
#include "sync/agenda.h"

namespace surveysync::app {
namespace {

struct SizeUnit {
  std::string_view name;
  std::size_t bytes;
};
constexpr SizeUnit kSizeUnits[] = {{"GiB", 1UL << 30},
                                   {"MiB", 1UL << 20},
                                   {"KiB", 1UL << 10},
                                   {"GB", 1'000'000'000},
                                   {"MB", 1'000'000},
                                   {"kB", 1'000},
                                   {"B", 1}};

std::optional<int> parse_number(std::string_view text) {
  int number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || failure != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

struct Url {
  std::string_view scheme, host, port, path;
};

/// Splits a URL without user, query and fragment.
std::optional<Url> split_url(std::string_view text) {
  const std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos || text.find_first_of("?#@ \t\r\n") != std::string_view::npos)
    return std::nullopt;
  Url url;
  url.scheme = text.substr(0, scheme);
  text.remove_prefix(scheme + 3);
  const std::size_t slash = std::min(text.find('/'), text.size());
  url.path = text.substr(slash);
  text = text.substr(0, slash);
  const std::size_t bracket = text.rfind(']');
  const std::size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  url.host = text.substr(0, colon);
  if (colon != std::string_view::npos) {
    url.port = text.substr(colon + 1);
    const std::optional<int> port = parse_number(url.port);
    if (!port || *port < 1 || *port > 65535) return std::nullopt;
  }
  if (url.host.empty()) return std::nullopt;
  return url;
}

std::string percent_decoded(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    unsigned byte = 0;
    if (text[at] == '%' && at + 2 < text.size() &&
        std::from_chars(text.data() + at + 1, text.data() + at + 3, byte, 16).ptr == text.data() + at + 3) {
      result += static_cast<char>(byte);
      at += 2;
    } else {
      result += text[at];
    }
  }
  return result;
}

constexpr std::string_view kBlanks = " \t\n\v\f\r";  // libpq's
bool is_blank(char c) {
  return kBlanks.find(c) != std::string_view::npos;
}

bool is_password_key(std::string_view key) {
  return key == "password" || key == "sslpassword" || key == "passwd";
}

struct Span {
  std::size_t begin, size;
};

/// The @ that ends the user part, which begins at `start`. Passwords that were not encoded may hold @, ? and # (libpq
/// takes them) and / (it does not, but what was meant as a password is not to be shown): the last @ that can be meant.
std::size_t end_of_user(std::string_view uri, std::size_t start) {
  const std::size_t plain = uri.substr(0, uri.find_first_of("/?#", start)).rfind('@');
  if (plain != std::string_view::npos && plain >= start) return plain;
  const std::size_t later = uri.substr(0, uri.find('?', uri.find('/', start))).rfind('@');
  return later != std::string_view::npos && later >= start ? later : std::string_view::npos;
}

/// Where the passwords of postgresql://user:PASSWORD@host/db?password=PASSWORD stand.
std::vector<Span> uri_password_spans(std::string_view uri) {
  std::vector<Span> spans;
  const std::size_t start = uri.find("://") + 3;
  const std::size_t at = end_of_user(uri, start), colon = uri.find(':', start);
  if (at != std::string_view::npos && colon < at) spans.push_back({colon + 1, at - colon - 1});
  const std::size_t host = at == std::string_view::npos ? start : at;
  for (std::size_t mark = uri.find('?', host); mark != std::string_view::npos; mark = uri.find('&', mark + 1)) {
    const std::size_t equals = uri.find('=', mark);
    if (equals == std::string_view::npos) break;
    if (!is_password_key(percent_decoded(uri.substr(mark + 1, equals - mark - 1)))) continue;
    spans.push_back({equals + 1, std::min(uri.find('&', equals), uri.size()) - equals - 1});
  }
  return spans;
}

/// Where the passwords of "host=... password='...'" stand.
std::vector<Span> keyword_password_spans(std::string_view text) {
  std::vector<Span> spans;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t equals = text.find('=', at);
    if (equals == std::string_view::npos) break;
    std::string_view key = text.substr(at, equals - at);
    while (!key.empty() && is_blank(key.front()))
      key.remove_prefix(1);
    while (!key.empty() && is_blank(key.back()))
      key.remove_suffix(1);
    std::size_t begin = std::min(text.find_first_not_of(kBlanks, equals + 1), text.size());
    const bool quoted = begin < text.size() && text[begin] == '\'';
    if (quoted) ++begin;
    std::size_t end = begin;
    while (end < text.size() && (quoted ? text[end] != '\'' : !is_blank(text[end])))
      end += text[end] == '\\' ? 2U : 1U;
    end = std::min(end, text.size());
    if (is_password_key(key)) spans.push_back({begin, end - begin});
    at = end + 1;
  }
  return spans;
}

/// In ascending order, none within another. A text that is no URI to libpq may still be meant as one.
std::vector<Span> password_spans(std::string_view uri) {
  if (uri.starts_with("postgresql://") || uri.starts_with("postgres://")) return uri_password_spans(uri);
  std::vector<Span> found = keyword_password_spans(uri);
  // A scheme of another name: what stands before it is no keyword with its value.
  const std::size_t scheme = uri.find("://");
  if (scheme != std::string_view::npos && uri.substr(0, scheme).find('=') == std::string_view::npos) {
    const std::vector<Span> more = uri_password_spans(uri);
    found.insert(found.end(), more.begin(), more.end());
  }
  std::sort(found.begin(), found.end(), [](const Span& one, const Span& two) { return one.begin < two.begin; });
  std::vector<Span> spans;
  for (const Span& span : found) {
    if (spans.empty() || span.begin >= spans.back().begin + spans.back().size) {
      spans.push_back(span);
    } else {
      spans.back().size = std::max(spans.back().size, span.begin + span.size - spans.back().begin);
    }
  }
  return spans;
}

}  // namespace

std::optional<std::size_t> parse_size(std::string_view text) {
  std::size_t number = 0;
  const auto [rest, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc()) return std::nullopt;
  const std::string_view name(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
  for (const SizeUnit& unit : kSizeUnits) {
    if (unit.name != name) continue;
    if (number > SIZE_MAX / unit.bytes) return std::nullopt;
    return number * unit.bytes;
  }
  return std::nullopt;
}

std::string format_size(std::size_t bytes) {
  for (const SizeUnit& unit : kSizeUnits) {
    if (bytes != 0 && bytes % unit.bytes == 0) return fmt::format("{}{}", bytes / unit.bytes, unit.name);
  }
  return "0B";
}

std::string cron_mistake(std::string_view text) {
  try {
    const sync::Cron cron = sync::Cron::parse(std::string(text));
    if (cron.next(UtcTime(), "UTC")) return {};
    return fmt::format("\"{}\" does not come within ten years: there is no such day in these months", text);
  } catch (const Error& error) {
    return error.message();
  }
}

std::string timezone_mistake(std::string_view name) {
  namespace fs = std::filesystem;
  static const fs::path kZones = "/usr/share/zoneinfo";
  const bool plausible = !name.empty() && name.front() != '/' && name.find("..") == std::string_view::npos;
  std::error_code failure;
  if (plausible && (!fs::exists(kZones, failure) || fs::is_regular_file(kZones / name, failure))) return {};
  return fmt::format("\"{}\" is no time zone of this system; names look like \"America/New_York\" or \"UTC\"", name);
}

std::string base_url_mistake(std::string_view text) {
  const std::optional<Url> url = split_url(text);
  if (!url) return "must look like \"https://host[:port][/prefix]\", without user, query or fragment";
  if (url->scheme == "https") return {};
  if (url->scheme != "http") return "must begin with https://";
  if (is_loopback(url->host)) return {};
  return "http:// is accepted for loopback addresses only: the key would travel in clear text";
}

std::string proxy_mistake(std::string_view text) {
  if (text.find('@') != std::string_view::npos)
    return "a proxy's user and password do not belong into the configuration (a source's: proxy_auth = \"file:...\")";
  const std::optional<Url> url = split_url(text);
  if (url && url->scheme == "http" && (url->path.empty() || url->path == "/")) return {};
  return "must look like \"http://host:port\"";
}

std::string listen_mistake(std::string_view address, bool has_token) {
  const std::size_t colon = address.rfind(':');
  const std::optional<int> port =
      colon == std::string_view::npos ? std::nullopt : parse_number(address.substr(colon + 1));
  if (!port || *port > 65535 || colon == 0) return "must look like \"127.0.0.1:9187\" (\"\" switches the page off)";
  if (is_loopback(address.substr(0, colon)) || has_token) return {};
  return "the page is offered off loopback only with a token: status.token = \"file:...\"";
}

std::string mask_database_uri(std::string_view uri) {
  std::string shown(uri);
  const std::vector<Span> spans = password_spans(uri);
  for (auto span = spans.rbegin(); span != spans.rend(); ++span)
    shown.replace(span->begin, span->size, "***");
  return shown;
}

std::vector<std::string> database_passwords(std::string_view uri) {
  std::vector<std::string> passwords;
  for (const Span& span : password_spans(uri)) {
    const std::string_view written = uri.substr(span.begin, span.size);
    if (written.empty()) continue;
    passwords.emplace_back(written);
    if (std::string decoded = percent_decoded(written); decoded != written) passwords.push_back(std::move(decoded));
  }
  return passwords;
}

}  // namespace surveysync::app
