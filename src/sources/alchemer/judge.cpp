#include "sources/alchemer/judge.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/json.h"

namespace surveysync::sources::alchemer {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool has(std::string_view text, std::string_view needle) {
  return text.find(needle) != std::string_view::npos;
}

/// The vendor's words for an operator: one line, printable. Not short yet: they may hold the key, and a cut key is one
/// that the masker does not know (http/client masks, then cuts).
std::string scrub(std::string_view message) {
  constexpr std::size_t kLongest = 8000;
  std::string out;
  for (const char c : message.substr(0, kLongest))
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  return out;
}

/// The first byte that is neither a byte-order mark nor white space; 0 when there is none.
char first_byte(std::string_view body) {
  if (body.starts_with("\xEF\xBB\xBF")) body.remove_prefix(3);
  const std::size_t at = body.find_first_not_of(" \t\r\n");
  return at == std::string_view::npos ? '\0' : body[at];
}

using http::Refusal;

struct Phrase {
  std::string_view words;
  ErrorKind kind;
  Refusal refusal = Refusal::none;
};
// Words that decide whatever the number beside them: the same text comes with several codes and statuses.
constexpr Phrase kPhrases[] = {
    {"invalid auth token", ErrorKind::unauthorized, Refusal::pair},
    {"login failed", ErrorKind::unauthorized, Refusal::pair},
    {"invalid api_token", ErrorKind::unauthorized, Refusal::never_valid},
    {"invalid credentials", ErrorKind::unauthorized, Refusal::pair},
    {"request limit", ErrorKind::throttled},
    {"requests per minute", ErrorKind::throttled},
    {"rate limit", ErrorKind::throttled},
    {"too many requests", ErrorKind::throttled},
    {"service currently unavailable", ErrorKind::unavailable},
    {"permission denied", ErrorKind::denied, Refusal::access},
    {"access denied", ErrorKind::denied, Refusal::access},
};
/// Refusals in other words: a key that is not valid is told without any, all words say what else it is.
Refusal refusal_of(ErrorKind kind, int code, int status, bool has_words) {
  if (kind == ErrorKind::unauthorized) return has_words ? Refusal::access : Refusal::pair;
  return kind == ErrorKind::denied && (code == 403 || status == 403) ? Refusal::access : Refusal::none;
}

constexpr std::string_view kRepeatRefused = "please wait for other requests";

ErrorKind kind_of_code(int code, ErrorKind otherwise) {
  switch (code) {
    case 401:
      return ErrorKind::unauthorized;
    case 403:
    case 404:
      return ErrorKind::denied;
    case 408:
    case 103:
    case 105:
      return ErrorKind::unavailable;
    case 429:
      return ErrorKind::throttled;
    default:
      return code >= 500 && code < 600 ? ErrorKind::unavailable : otherwise;
  }
}

}  // namespace

http::Judgement judge_envelope(int status, std::string_view code_text, std::string_view message) {
  http::Judgement judgement{false, ErrorKind::rejected, scrub(message), false};
  const std::string words = lower(message);
  if (has(words, kRepeatRefused)) {
    judgement.kind = ErrorKind::throttled;
    judgement.repeat_refused = true;
    return judgement;
  }
  for (const Phrase& phrase : kPhrases) {
    if (has(words, phrase.words)) {
      judgement.kind = phrase.kind;
      judgement.refusal = phrase.refusal;
      return judgement;
    }
  }
  int code = 0;
  std::from_chars(code_text.data(), code_text.data() + code_text.size(), code);
  judgement.kind = kind_of_code(code, kind_of_code(status, ErrorKind::rejected));
  judgement.refusal = refusal_of(judgement.kind, code, status, !judgement.message.empty());
  if (judgement.message.empty()) judgement.message = code ? "code " + std::to_string(code) : "no message";
  return judgement;
}

http::Judgement judge(const http::Response& response) {
  const char first = first_byte(response.body);
  const bool success = response.status >= 200 && response.status < 300;
  if (success && first == '\0') return {false, ErrorKind::unavailable, "an empty body", false};
  if (first == '<')
    return {false, ErrorKind::unavailable,
            "a web page where JSON was due (status " + std::to_string(response.status) + ")", false};
  if (success && first != '{') return {false, ErrorKind::unavailable, "no JSON object where one was due", false};
  if (success && response.body.size() > kJudgedBody) return {};
  if (first != '{') return {};  // the status alone decides (http/client)
  std::string body = response.body;
  json::Repair::apply(body);
  json::Document document;
  json::Value root;
  try {
    root = document.parse_copy(body);
  } catch (const Error&) {
    if (success) return {false, ErrorKind::malformed, "a body that is no complete JSON", false};
    return {};
  }
  const json::Value ok = root["result_ok"];
  if (success && root["data"].type() == json::Type::null && ok.as_bool().value_or(true)) {
    return {false, ErrorKind::unavailable, "null where data was due", false};  // seen to pass (vendor-api.md 1.3)
  }
  if (success && (ok.is_absent() || ok.as_bool().value_or(true))) return {};
  if (ok.is_absent() && root["message"].is_absent() && root["code"].is_absent()) return {};
  return judge_envelope(response.status, root["code"].text(), root["message"].text());
}

}  // namespace surveysync::sources::alchemer
