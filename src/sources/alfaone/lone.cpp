#include "sources/alfaone/lone.h"

#include <fmt/format.h>

#include "base/error.h"
#include "sources/alfaone/decode.h"
#include "sources/alfaone/list.h"

namespace surveysync::sources::alfaone {
namespace {

constexpr int kNotFound = 404, kNotAllowed = 405, kGone = 410, kNotImplemented = 501;

bool says_something(int status) {
  return status == kNotFound || status == kNotAllowed || status == kGone || status == kNotImplemented;
}

char first_byte(std::string_view body) {
  if (body.starts_with("\xEF\xBB\xBF")) body.remove_prefix(3);
  const std::size_t at = body.find_first_not_of(" \t\r\n");
  return at == std::string_view::npos ? '\0' : body[at];
}

/// The vendor's words in {"error":"..."}; empty when there are none.
std::string words_of(const std::string& body) {
  try {
    json::Document document;
    const json::Value error = document.parse_copy(body)["error"];
    return std::string(error.is_object() ? error["message"].text() : error.text()).substr(0, 120);
  } catch (const Error&) {
    return {};
  }
}

/// The object itself, or under the resource's name or "data".
json::Value unwrapped(json::Value root, const Resource& resource) {
  if (!root["id"].is_absent() || !root["_id"].is_absent()) return root;
  for (const std::string_view name : {resource.stream, std::string_view("data")})
    if (root[name].is_object()) return root[name];
  return root;
}

}  // namespace

std::string lone_path(const Resource& resource, const std::string& id) {
  return fmt::format("{}/{}", resource.path, http::percent_encode(id));
}

Lone ask_lone(http::Client& client, const Resource& resource, const std::string& id, http::Query query,
              const Scope& scope, const std::stop_token& stop, int attempts) {
  http::Call call{lone_path(resource, id), std::move(query), scope, 0, attempts};
  call.accepts = [](const http::Response& answer) { return says_something(answer.status); };
  http::Reply reply = client.get(call, stop);
  Lone lone;
  lone.requests = reply.attempts;
  lone.elapsed = reply.elapsed;
  lone.cached = reply.cached;
  lone.evidence = fmt::format("HTTP {}", reply.status);
  const char first = first_byte(reply.body);
  const bool about_the_record = reply.status == kNotFound || reply.status == kGone;
  if (about_the_record && (first == '{' || first == '\0')) {
    lone.kind = Lone::Kind::gone;
    const std::string words = words_of(reply.body);
    if (!words.empty()) lone.evidence += ": " + words;
    return lone;
  }
  if (says_something(reply.status)) {
    lone.evidence += first == '<' ? " with a web page" : "";
    return lone;
  }
  lone.body.emplace(std::move(reply.body));
  json::Document document;
  const json::Value object = unwrapped(document.parse(*lone.body->text), resource);
  const std::string found = object.is_object() ? id_of(object.raw(), resource) : std::string();
  if (found != id) {
    throw Error(ErrorKind::malformed, fmt::format("reading {}: the answer is about {}", call.path,
                                                  found.empty() ? "nothing with an id" : "record " + found));
  }
  lone.kind = Lone::Kind::present;
  lone.object = object.raw();
  return lone;
}

}  // namespace surveysync::sources::alfaone
