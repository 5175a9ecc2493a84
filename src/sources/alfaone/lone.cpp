#include "sources/alfaone/lone.h"

#include <fmt/format.h>

#include "base/error.h"
#include "sources/alfaone/decode.h"
#include "sources/alfaone/list.h"

namespace surveysync::sources::alfaone {
namespace {

constexpr int kNotFound = 404, kNotAllowed = 405, kGone = 410, kNotImplemented = 501;
// Assessments are asked for again in every run, but not twice in one.
constexpr std::chrono::minutes kSameRun{2};
// Enough for every revoked invite of a large account: such an invite never changes again.
constexpr std::size_t kMostKept = 20'000;

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

bool lacks(std::string_view raw, std::string_view camel) {
  try {
    const auto member = json::find_member(raw, camel);
    return !member || member->value == "null" || member->value == "\"\"";
  } catch (const Error&) {
    return false;  // a record that cannot be read is quarantined elsewhere
  }
}

bool has_member(std::string_view raw, std::string_view camel) {
  try {
    return json::find_member(raw, camel).has_value();
  } catch (const Error&) {
    return false;
  }
}

/// Of invites only revoked ones have more to show.
bool is_worth_asking(const Resource& resource, std::string_view item) {
  if (resource.detail.empty() || !lacks(item, resource.detail)) return false;
  return resource.stream != "invite" || scalar_of(item, "status", "status") == "revoked";
}

}  // namespace

std::string lone_path(const Resource& resource, const std::string& id) {
  return fmt::format("{}/{}", resource.path, http::percent_encode(id));
}

Lone ask_lone(http::Client& client, const Resource& resource, const std::string& id, http::Query query,
              const Scope& scope, const std::stop_token& stop) {
  http::Call call{lone_path(resource, id), std::move(query), scope, 0};
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

bool Details::is_fresh(const Resource& resource, const Kept& kept, const model::Hash& item) const {
  return kept.item == item && (resource.stream == "invite" || clock_.now() - kept.read_at < kSameRun);
}

std::optional<std::string> Details::fuller(const Resource& resource, std::string_view item, const Scope& scope,
                                           const std::stop_token& stop, std::int64_t& requests) {
  if (!is_worth_asking(resource, item)) return std::nullopt;
  const std::string id = id_of(item, resource);
  if (id.empty()) return std::nullopt;
  const std::string path = lone_path(resource, id);
  const model::Hash hash = model::hash_of(item);
  {
    const std::lock_guard lock(mutex_);
    if (vain_[resource.stream]) return std::nullopt;
    const auto kept = kept_.find(path);
    if (kept != kept_.end() && is_fresh(resource, kept->second, hash)) return kept->second.text;
  }
  Lone lone;
  try {
    lone = ask_lone(client_, resource, id, {}, scope, stop);
    requests += lone.requests;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::denied && error.kind() != ErrorKind::rejected) throw;
    ++requests;
  }
  const bool shows_more = lone.kind == Lone::Kind::present && has_member(lone.object, resource.detail);
  const std::lock_guard lock(mutex_);
  // Gone meanwhile: its entry in the list is the last that was seen of it.
  if (lone.kind == Lone::Kind::gone) return std::nullopt;
  if (!shows_more) {
    vain_[resource.stream] = true;
    return std::nullopt;
  }
  if (kept_.size() >= kMostKept) kept_.clear();
  Kept& kept = kept_[path];
  kept = {hash, clock_.now(), lone.body->original(lone.object).value_or(std::string(lone.object))};
  return kept.text;
}

}  // namespace surveysync::sources::alfaone
