#include "sources/alchemer/objects_list.h"

#include <fmt/format.h>

#include <algorithm>

#include "sources/alchemer/judge.h"

namespace surveysync::sources::alchemer {
namespace {

constexpr int kNotOffered[] = {404, 405, 410, 501};

bool is_object(std::string_view raw) {
  return raw.starts_with('{');
}

bool is_deleted(std::string_view raw) {
  const auto status = json::find_member(raw, "status");
  return status && status->value == R"("Deleted")";
}

/// `name`: in a keyed list, else empty.
ObjectItem item_of(std::string_view raw, std::string_view name) {
  ObjectItem item;
  item.raw = raw;
  if (!is_object(raw)) {
    item.mistake = "no object where one was due";
    return item;
  }
  try {
    const auto own = json::find_member(raw, "id");
    item.id = own ? json::int_of(own->value).value_or(0) : json::int_of(name).value_or(0);
    item.is_deleted = is_deleted(raw);
    if (item.id < 1) item.mistake = "an object without a numeric id above zero";
  } catch (const Error& error) {
    item.mistake = error.what();
  }
  return item;
}

void add_item(std::string_view raw, std::string_view name, ObjectList& list) {
  if (raw == "null")
    ++list.holes;
  else
    list.items.push_back(item_of(raw, name));
}

/// An object in the list's place: by id, or the only one.
void add_members(std::string_view object, ObjectList& list) {
  std::vector<json::RawMember> members;
  json::scan_members(object, members);
  const auto id = std::ranges::find_if(members, [](const auto& one) { return json::key_is(one.key, "id"); });
  if (id != members.end() && !is_object(id->value)) {
    add_item(object, {}, list);
    return;
  }
  for (const json::RawMember& member : members)
    add_item(member.value, member.key, list);
}

/// The refusal's judgement; nothing for an answer that does not say result_ok false, or is no JSON.
std::optional<http::Judgement> refusal_of(int status, std::string_view body) {
  if (body.size() > kJudgedBody) return std::nullopt;
  std::string text(body);
  json::Document document;
  try {
    json::Repair::apply(text);
    const json::Value root = document.parse_copy(text);
    if (!root.is_object() || root["result_ok"].as_bool().value_or(status < 300)) return std::nullopt;
    return judge_envelope(status, root["code"].text(), root["message"].text());
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// Neither about the key, nor a permission, the rate or the vendor's own trouble.
bool says_not_there(const http::Judgement& no) {
  if (no.refusal == http::Refusal::access) return false;
  if (no.kind == ErrorKind::rejected) return true;
  return no.kind == ErrorKind::denied && judge_envelope(200, "", no.message).kind == ErrorKind::rejected;
}

}  // namespace

NoList no_list(int status, std::string_view body, const ObjectKind& kind) {
  const auto refusal = refusal_of(status, body);
  if (std::ranges::find(kNotOffered, status) != std::end(kNotOffered))
    return !refusal || says_not_there(*refusal) ? NoList::not_offered : NoList::none;
  const bool may_refuse = kind.may_refuse || !kind.parent.empty();
  if (status == 200 && may_refuse && refusal && says_not_there(*refusal)) return NoList::empty;
  return NoList::none;
}

ObjectList read_object_list(http::Reply& reply, const ObjectKind& kind, std::string_view path) {
  List list = read_list_or_object(reply, path, kind.member);
  ObjectList out{std::move(list.body), {}, 0, list.total};
  if (list.flat) {
    add_item(*out.body.text, {}, out);
  } else if (list.envelope.list_is_object) {
    add_members(list.envelope.list, out);
  } else {
    out.holes = list.holes;
    for (const std::string_view raw : list.records)
      out.items.push_back(item_of(raw, {}));
  }
  if (kind.listing == Listing::single && out.items.size() != 1)
    throw Error(ErrorKind::malformed, fmt::format("reading {}: {} objects where one was due", path, out.items.size()));
  return out;
}

json::Value object_of(json::Value object, std::int64_t id) {
  if (!object["id"].is_absent()) return object;
  const json::Value below = object[std::to_string(id)];
  return below.is_object() ? below : object;
}

}  // namespace surveysync::sources::alchemer
