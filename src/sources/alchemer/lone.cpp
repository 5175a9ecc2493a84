#include "sources/alchemer/lone.h"

#include <fmt/format.h>

#include <vector>

#include "base/error.h"
#include "sources/alchemer/judge.h"

namespace surveysync::sources::alchemer {
namespace {

constexpr int kGoneStatuses[] = {404, 410};

bool is_gone_status(int status) {
  return std::ranges::find(kGoneStatuses, status) != std::end(kGoneStatuses);
}

/// The first byte that is neither a byte-order mark nor white space; 0 when there is none.
char first_byte(std::string_view body) {
  if (body.starts_with("\xEF\xBB\xBF")) body.remove_prefix(3);
  const std::size_t at = body.find_first_not_of(" \t\r\n");
  return at == std::string_view::npos ? '\0' : body[at];
}

/// A refusal's own words; nothing when it is about something else than the object.
std::optional<std::string> refused_as_gone(int status, json::Value root) {
  const json::Value code = root["code"];
  const http::Judgement no = judge_envelope(status, code.text(), root["message"].text());
  const bool about_the_object = code.as_int() == 404 || code.as_int() == 410 || is_gone_status(status);
  // "Permission denied" and the like decide whatever the number beside them.
  const http::Judgement words = judge_envelope(200, "", root["message"].text());
  if (no.kind == ErrorKind::rejected) return fmt::format("result_ok false: {}", no.message);
  if (no.kind == ErrorKind::denied && words.kind == ErrorKind::rejected && about_the_object)
    return fmt::format("{}: {}", is_gone_status(status) ? fmt::format("HTTP {}", status) : "result_ok false",
                       no.message);
  return std::nullopt;
}

}  // namespace

std::optional<std::string> says_gone(int status, std::string_view body) {
  const bool success = status >= 200 && status < 300;
  if (!success && !is_gone_status(status)) return std::nullopt;
  const char first = first_byte(body);
  if (first == '\0' && !success) return fmt::format("HTTP {}", status);
  if (first == '<' && !success) return std::string(kWebPage);
  if (first != '{' || (success && body.size() > kJudgedBody)) return std::nullopt;
  std::string text(body);
  json::Document document;
  json::Value root;
  try {
    json::Repair::apply(text);
    root = document.parse_copy(text);
  } catch (const Error&) {
    return std::nullopt;
  }
  if (!root["result_ok"].as_bool().value_or(true)) return refused_as_gone(status, root);
  if (!success) return fmt::format("HTTP {}", status);
  return lone_object(root).value.is_absent() ? std::optional<std::string>(kNoData) : std::nullopt;
}

LoneObject lone_object(json::Value root) {
  json::Value data = root["data"];
  if (data.is_absent() && !root["id"].is_absent()) return {root, true};
  if (data.is_array() && data.size() == 1) data = data.items().front();
  return data.is_object() && data.size() > 0 ? LoneObject{data, false} : LoneObject{};
}

std::string without_envelope(std::string_view raw) {
  std::vector<json::RawMember> members;
  json::scan_members(raw, members);
  std::string out = "{";
  for (const json::RawMember& member : members) {
    if (json::key_is(member.key, "result_ok")) continue;
    const auto begin = static_cast<std::size_t>(member.key.data() - 1 - raw.data());
    const auto end = static_cast<std::size_t>(member.value.data() + member.value.size() - raw.data());
    out.append(out.size() > 1 ? "," : "").append(raw.substr(begin, end - begin));
  }
  return out + "}";
}

}  // namespace surveysync::sources::alchemer
