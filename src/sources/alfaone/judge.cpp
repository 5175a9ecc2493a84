#include "sources/alfaone/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/json.h"

namespace surveysync::sources::alfaone {
namespace {

using http::Judgement;
using http::Refusal;

constexpr std::string_view kLive = "ak_live_", kTest = "ak_test_";
constexpr std::size_t kKeyCharacters = 32;
// An answer above this is a list, whatever stands in it.
constexpr std::size_t kJudgedBody = 16UL * 1024;

struct Phrase {
  std::string_view words;
  ErrorKind kind;
  Refusal refusal = Refusal::none;
};
// Words that decide whatever the status beside them. The first that fits counts.
constexpr Phrase kPhrases[] = {
    {"api key is required", ErrorKind::unauthorized, Refusal::absent},
    {"api key has expired", ErrorKind::unauthorized, Refusal::expired},
    {"api key has been revoked", ErrorKind::unauthorized, Refusal::revoked},
    {"invalid api key", ErrorKind::unauthorized, Refusal::invalid},
    {"rate limit exceeded", ErrorKind::throttled},
    {"too many requests", ErrorKind::throttled},
};

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// One line, printable. Not short yet: http/client masks, then cuts.
std::string printable(std::string_view text) {
  constexpr std::size_t kLongest = 8000;
  std::string out;
  for (const char c : text.substr(0, kLongest))
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  return out;
}

Judgement failure(ErrorKind kind, std::string message, Refusal refusal = Refusal::none) {
  return {false, kind, std::move(message), false, refusal};
}

ErrorKind kind_of(int status) {
  switch (status) {
    case 401:
      return ErrorKind::unauthorized;
    case 403:
    case 404:
    case 405:
    case 410:
      return ErrorKind::denied;
    case 408:
      return ErrorKind::unavailable;
    case 429:
      return ErrorKind::throttled;
    default:
      return status >= 500 ? ErrorKind::unavailable : ErrorKind::rejected;
  }
}

Judgement judge_words(int status, std::string_view text) {
  const std::string words = lower(text);
  for (const Phrase& phrase : kPhrases)
    if (words.find(phrase.words) != std::string::npos) return failure(phrase.kind, printable(text), phrase.refusal);
  const ErrorKind kind = kind_of(status);
  const bool about_access = kind == ErrorKind::unauthorized || status == 403;
  return failure(kind, printable(text), about_access ? Refusal::access : Refusal::none);
}

/// The first byte that is neither a byte-order mark nor white space; 0 when there is none.
char first_byte(std::string_view body) {
  if (body.starts_with("\xEF\xBB\xBF")) body.remove_prefix(3);
  const std::size_t at = body.find_first_not_of(" \t\r\n");
  return at == std::string_view::npos ? '\0' : body[at];
}

std::string_view prefix_for(std::string_view environment) {
  return environment == "test" ? kTest : kLive;
}

bool is_key_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
}

}  // namespace

Judgement judge(const http::Response& response) {
  const char first = first_byte(response.body);
  const bool success = response.status >= 200 && response.status < 300;
  if (success && first == '\0') return failure(ErrorKind::unavailable, "an empty body");
  if (first == '<')
    return failure(ErrorKind::unavailable, fmt::format("a web page where JSON was due (status {})", response.status));
  if (success && first != '{' && first != '[')
    return failure(ErrorKind::unavailable, "no JSON object where one was due");
  if ((success && response.body.size() > kJudgedBody) || (first != '{' && !success)) return {};
  std::string body = response.body;
  json::Document document;
  json::Value root;
  try {
    json::Repair::apply(body);
    root = document.parse_copy(body);
  } catch (const Error&) {
    return success ? failure(ErrorKind::malformed, "a body that is no complete JSON") : Judgement{};
  }
  const json::Value error = root["error"];
  if (error.is_blank()) return {};  // fine, or the status alone decides
  const json::Value words = error.is_object() ? error["message"] : error;
  return judge_words(response.status, words.text());
}

std::string key_mistake(const Credential& key, const std::string& environment) {
  const std::string_view text = key.lines.empty() ? std::string_view() : std::string_view(key.lines.front().expose());
  const bool live = text.starts_with(kLive), test = text.starts_with(kTest);
  if (!live && !test)
    return fmt::format("a key of this vendor begins with {} or {}, and this one does not", kLive, kTest);
  if (!environment.empty() && !text.starts_with(prefix_for(environment))) {
    return fmt::format("this is a {} key, and environment = \"{}\" wants one that begins with {}",
                       live ? "live" : "test", environment, prefix_for(environment));
  }
  const std::string_view rest = text.substr(kLive.size());
  if (rest.size() != kKeyCharacters) {
    return fmt::format("a key of this vendor has {} characters behind {}, and this one has {}", kKeyCharacters,
                       text.substr(0, kLive.size()), rest.size());
  }
  if (!std::ranges::all_of(rest, is_key_character))
    return "this key holds characters that no key of this vendor has: was it copied whole, and nothing else with it?";
  return {};
}

std::string key_warning(const Credential& key, const std::string& environment) {
  const bool test = !key.lines.empty() && std::string_view(key.lines.front().expose()).starts_with(kTest);
  if (!test || environment == "test") return {};
  return "this is a test key (ak_test_), and nothing says that this is a test: set environment = \"test\", or use a "
         "live key";
}

}  // namespace surveysync::sources::alfaone
