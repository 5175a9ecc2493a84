#include "sources/alfaone/list.h"

#include <fmt/format.h>

namespace surveysync::sources::alfaone {
namespace {

constexpr std::size_t kLongestId = 200;

json::Splitter& worker_splitter() {
  thread_local json::Splitter splitter;  // keeps its index memory from page to page; one a worker
  return splitter;
}

bool is_bare_array(std::string_view& body) {
  if (body.starts_with("\xEF\xBB\xBF")) body.remove_prefix(3);
  const std::size_t at = body.find_first_not_of(" \t\r\n");
  return at != std::string_view::npos && body[at] == '[';
}

/// The bare array under the name that the splitter looks for.
std::string wrapped(std::string_view name, std::string_view array) {
  return fmt::format("{{\"{}\":{}}}", name, array);
}

json::Envelope split(const std::string& body, const Resource& resource, std::string_view path) {
  json::Envelope envelope;
  for (const std::string_view name : resource.wrappers) {
    envelope = worker_splitter().split(body, name);
    if (envelope.list_found) return envelope;
  }
  throw Error(ErrorKind::malformed,
              fmt::format("reading {}: the answer has no list \"{}\"", path, resource.wrappers.front()));
}

void read_pagination(const json::Envelope& envelope, List& list) {
  for (const auto& [name, raw] : envelope.members) {
    if (name != "pagination" && name != "meta") continue;
    json::Document document;
    const json::Value pagination = document.parse_copy(raw);
    if (!pagination.is_object()) continue;
    list.paged = true;
    list.total = pagination["total"].as_int();
    list.page = pagination["page"].as_int();
    list.limit = pagination["limit"].as_int();
  }
}

}  // namespace

List read_list(http::Reply& reply, const Resource& resource, std::string_view path) {
  std::string_view sent = reply.body;
  const bool bare = is_bare_array(sent);
  List list{Body(bare ? wrapped(resource.wrappers.front(), sent) : std::move(reply.body)), {}, 0, false, {}, {}, {}};
  const json::Envelope envelope = split(*list.body.text, resource, path);
  for (const std::string_view record : envelope.records) {
    if (record == "null")
      ++list.holes;
    else
      list.records.push_back(record);
  }
  read_pagination(envelope, list);
  if (list.paged && !list.total)
    throw Error(ErrorKind::malformed, fmt::format("reading {}: the pagination has no total", path));
  if (list.paged && *list.total < 0)
    throw Error(ErrorKind::malformed, fmt::format("reading {}: the vendor counts {} records", path, *list.total));
  return list;
}

std::string scalar_of(std::string_view raw, std::string_view camel, std::string_view snake) {
  try {
    auto member = json::find_member(raw, camel);
    if (!member && snake != camel) member = json::find_member(raw, snake);
    if (!member || member->value.empty() || member->value == "null") return {};
    const char first = member->value.front();
    return first == '{' || first == '[' ? std::string() : json::plain_text(member->value);
  } catch (const Error&) {
    return {};  // a record that cannot be read is quarantined elsewhere
  }
}

std::string id_of(std::string_view raw, const Resource& resource) {
  std::string id = scalar_of(raw, "id", "_id");
  if (id.empty()) id = scalar_of(raw, std::string(resource.stream) + "Id", std::string(resource.stream) + "_id");
  const bool usable = id.size() <= kLongestId && id.find_first_of(std::string_view("/\0", 2)) == std::string::npos;
  return usable ? id : std::string();
}

}  // namespace surveysync::sources::alfaone
