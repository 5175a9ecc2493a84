#include "sources/alchemer/list.h"

#include <fmt/format.h>

#include "sources/alchemer/judge.h"
#include "sources/alchemer/lone.h"
#include "sources/alchemer/wall.h"

namespace surveysync::sources::alchemer {
namespace {

json::Splitter& worker_splitter() {
  thread_local json::Splitter splitter;  // keeps its index memory from page to page; one a worker
  return splitter;
}

constexpr std::string_view kData = "data";

/// The answer split, with its list as `member`; refusals behind a 200 are thrown.
List open_list(http::Reply& reply, std::string_view path, std::string_view member) {
  List list{Body(std::move(reply.body)), {}, {}, 0, {}};
  list.envelope = worker_splitter().split(*list.body.text, member);
  const std::string_view ok = list.envelope.scalar("result_ok");
  if (ok == "false" || ok == "0") {
    const http::Judgement no =
        judge_envelope(reply.status, list.envelope.scalar("code"), list.envelope.scalar("message"));
    throw Error(no.kind, fmt::format("reading {}: the vendor said \"{}\"", path, no.message));
  }
  return list;
}

void take_rows(List& list) {
  for (const std::string_view record : list.envelope.records) {
    if (record == "null")
      ++list.holes;
    else
      list.records.push_back(record);
  }
  list.total = list.envelope.integer("total_count");
}

}  // namespace

Body::Body(std::string&& bytes)
    : text(std::make_unique<std::string>(std::move(bytes))), repair(json::Repair::apply(*text)) {
  text->reserve(text->size() + json::kPadding);
}

List read_list(http::Reply& reply, std::string_view path) {
  List list = open_list(reply, path, kData);
  if (!list.envelope.list_found)
    throw Error(ErrorKind::malformed, fmt::format("reading {}: the answer has no data", path));
  take_rows(list);
  return list;
}

List read_list_or_object(http::Reply& reply, std::string_view path, std::string_view member) {
  List list = open_list(reply, path, member);
  if (!list.envelope.list_found) list.envelope = worker_splitter().split(*list.body.text, kData);
  if (!list.envelope.list_found && list.envelope.scalar("id").empty())
    throw Error(ErrorKind::malformed, fmt::format("reading {}: the answer has no {}", path, member));
  if (!list.envelope.list_found) {
    list.flat = true;
    list.body = Body(without_envelope(*list.body.text));
    return list;
  }
  if (list.envelope.list == "null")  // seen to pass (vendor-api.md 1.3)
    throw Error(ErrorKind::unavailable, fmt::format("reading {}: null where {} was due", path, member));
  take_rows(list);
  return list;
}

std::string_view stamp_of(std::string_view raw) {
  try {
    const auto member = json::find_member(raw, "date_updated");
    if (!member || member->value.size() < 2 || member->value.front() != '"') return {};
    const std::string_view text = member->value.substr(1, member->value.size() - 2);
    return is_wall(text) ? text : std::string_view();
  } catch (const Error&) {
    return {};  // a record that cannot be read is quarantined elsewhere
  }
}

void note_newest(std::string_view stamp, const Zone& zone, model::Page& page) {
  if (stamp.empty() || stamp <= page.newest) return;
  page.newest = stamp;
  page.newest_at = to_utc(*parse_stamp(stamp), zone.known() ? zone : Zone("UTC"));
}

http::Query paging(std::int64_t page, std::int64_t size) {
  return {{"page", std::to_string(page)}, {"resultsperpage", std::to_string(size)}};
}

}  // namespace surveysync::sources::alchemer
