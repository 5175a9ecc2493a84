// AlfaOne's API: keys, limit, both generations of lists.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "sandbox/alfaone.h"
#include "sandbox/call.h"
#include "sandbox/envelope.h"

namespace surveysync::sandbox {
namespace {

Reply refused(int status, std::string_view text) {
  Reply out;
  out.status = status;
  JsonWriter(out.body, JsonWriter::Style::truth).begin_object().key("error").text(text).end_object();
  return out;
}

constexpr std::string_view kTooMany = "Rate limit exceeded. Please try again later.";

std::string_view key_refusal(std::string_view state) {
  if (state == "missing") return "API key is required";
  if (state == "expired") return "API key has expired";
  if (state == "revoked") return "API key has been revoked";
  return "Invalid API key";
}

// Faults whose bodies speak this vendor's language; the others are shared.
std::optional<Reply> instead(const Fault& fault) {
  const int code = static_cast<int>(fault.number("code", 503));
  if (fault.kind == "401") return refused(401, key_refusal(fault.text("wording", "invalid")));
  if (fault.kind == "429") {
    Reply out = refused(static_cast<int>(fault.number("as", 429)), kTooMany);
    if (fault.args.contains("retry-after")) out.headers.emplace_back("Retry-After", fault.text("retry-after", "1"));
    return out;
  }
  if (fault.kind == "status" && fault.text("body", "json") == "json")
    return refused(code, fault.text("message", "Something went wrong"));
  if (fault.kind == "timeout500") return refused(static_cast<int>(fault.number("code", 500)), "Internal server error");
  if (fault.kind == "error200") return refused(200, fault.text("message", "Something went wrong"));
  return instead_of_answer(fault);
}

std::optional<std::int64_t> whole_number(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view plural(AlfaOneKind kind) {
  static constexpr std::string_view kNames[] = {"assessments", "questions", "invites", "members", "tags"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::optional<AlfaOneKind> kind_of(std::string_view name) {
  for (const AlfaOneKind kind : {AlfaOneKind::assessment, AlfaOneKind::invite, AlfaOneKind::member, AlfaOneKind::tag}) {
    if (plural(kind) == name) return kind;
  }
  return std::nullopt;
}

// The sort names of each list, the default first. They are in snake case although the fields are not.
std::vector<std::string_view> sorts_of(AlfaOneKind kind) {
  switch (kind) {
    case AlfaOneKind::invite:
      return {"sent_at", "status", "expires_at"};
    case AlfaOneKind::member:
      return {"created_at", "email"};
    case AlfaOneKind::tag:
      return {"created_at", "name"};
    case AlfaOneKind::question:
      return {"created_at", "updated_at"};
    default:
      return {"created_at", "updated_at", "name"};
  }
}

struct Page {
  std::int64_t page = 1, limit = 20;
  std::string sort;
  bool descending = true;
};

// A mistake in a parameter, or nothing.
std::optional<Reply> read_page(const Query& query, AlfaOneKind kind, Page& out) {
  const auto number = [&](std::string_view name, std::int64_t most, std::int64_t& into) {
    const auto text = query.get(name);
    if (!text) return true;
    const auto value = whole_number(*text);
    into = value.value_or(0);
    return into >= 1 && into <= most;
  };
  if (!number("page", 1000000000, out.page)) return refused(400, "Invalid page parameter");
  if (!number("limit", 100, out.limit)) return refused(400, "Invalid limit parameter: must be between 1 and 100");
  const auto known = sorts_of(kind);
  out.sort = query.get("sort").value_or(std::string(known.front()));
  if (std::find(known.begin(), known.end(), out.sort) == known.end()) return refused(400, "Invalid sort parameter");
  const std::string order = query.get("order").value_or("desc");
  if (order != "asc" && order != "desc") return refused(400, "Invalid order parameter");
  out.descending = order == "desc";
  return std::nullopt;
}

// Rows that compare equal stay in the order of their numbers, turned round with the rest.
void sort_things(std::vector<AlfaOneThing>& things, const Page& page, const AlfaOneStore& store) {
  const auto sort_by = [&](const auto& key) {
    std::stable_sort(things.begin(), things.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
  };
  if (page.sort == "expires_at") {
    sort_by([](const AlfaOneThing& thing) { return thing.expires; });
  } else if (page.sort == "updated_at") {
    sort_by([](const AlfaOneThing& thing) { return thing.updated; });
  } else if (page.sort == "status") {
    sort_by([](const AlfaOneThing& thing) { return stage_name(thing.stage); });
  } else if (page.sort == "name" || page.sort == "email") {
    sort_by([&](const AlfaOneThing& thing) {
      return store.render(thing, AlfaOneStore::View::list).plain(page.sort).value_or("");
    });
  } else {
    sort_by([](const AlfaOneThing& thing) { return thing.created; });
  }
  if (page.descending) std::reverse(things.begin(), things.end());
}

}  // namespace

struct AlfaOne::Call {
  const HttpRequest& request;
  Query query;
  std::vector<std::string> parts;  // below /api/v1
  std::vector<Fault> faults;
  Duration elapsed;
  const Fault* fault(std::string_view kind) const { return find_fault(faults, kind); }
};

Reply AlfaOne::answer(const HttpRequest& request, const std::stop_token& stop) {
  Call call{request, Query(request.query), {}, faults_.meet(request.path, 0), clock_.elapsed()};
  std::string_view path = request.path;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    if (end > 0) call.parts.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  requests_.begin(request, call.elapsed);
  limits_.note(request.target, call.elapsed);
  Duration wait = latency_;
  if (const Fault* slow = call.fault("slow")) wait += slow->time("ms", std::chrono::seconds(1));
  if (wait > Duration::zero()) clock_.real().wait_for(wait, stop);
  Reply reply = decide(call);
  for (const Fault& fault : call.faults) {
    if (fault.kind != "flat") spoil_reply(reply, fault);
  }
  requests_.end(request, reply.status, clock_.now());
  return reply;
}

Reply AlfaOne::decide(Call& call) {
  for (const Fault& fault : call.faults) {
    if (auto reply = instead(fault)) {
      if (fault.kind == "timeout500")
        resting_until_ = (call.elapsed + fault.time("rest", std::chrono::seconds(60))).count();
      return *reply;
    }
  }
  if (auto reply = refuse(call)) return *reply;
  if (!limits_.admit(call.elapsed).admitted) return refused(429, kTooMany);
  if (call.elapsed.count() < resting_until_) return refused(500, "Internal server error");
  if (const Fault* denied = call.fault("denied"))
    return refused(static_cast<int>(denied->number("code", 403)), denied->text("message", "Forbidden"));
  return route(call);
}

std::optional<Reply> AlfaOne::refuse(const Call& call) const {
  if (call.parts.size() < 3 || call.parts[0] != "api" || call.parts[1] != "v1") return refused(404, "Not found");
  if (call.request.method != "GET") return refused(405, "Method not allowed");
  const auto given = call.request.headers.find("x-api-key");
  if (given == call.request.headers.end() || given->second.empty()) return refused(401, key_refusal("missing"));
  const std::lock_guard lock(mutex_);
  const auto known =
      std::find_if(keys_.begin(), keys_.end(), [&](const Key& key) { return key.text == given->second; });
  if (known == keys_.end()) return refused(401, key_refusal("invalid"));
  return known->refusal.empty() ? std::nullopt : std::optional(refused(401, known->refusal));
}

Reply AlfaOne::route(const Call& call) const {
  const auto kind = kind_of(call.parts[2]);
  if (!kind) return refused(404, "Not found");
  if (call.parts.size() == 3) return list(call, *kind, 0);
  if (call.parts.size() == 4) return single(*kind, call.parts[3]);
  if (call.parts.size() == 5 && *kind == AlfaOneKind::assessment && call.parts[4] == "questions") {
    const auto assessment = store_.find(*kind, call.parts[3]);
    return assessment ? list(call, AlfaOneKind::question, assessment->number) : refused(404, "Assessment not found");
  }
  return refused(404, "Not found");
}

Reply AlfaOne::single(AlfaOneKind kind, const std::string& id) const {
  const auto found = store_.find(kind, id);
  if (!found) {
    std::string name(alfaone_table(kind));
    name[0] = static_cast<char>(name[0] - 'a' + 'A');
    return refused(404, name + " not found");
  }
  return success(store_.render(*found, AlfaOneStore::View::single).json());
}

Reply AlfaOne::list(const Call& call, AlfaOneKind kind, std::int64_t assessment) const {
  std::vector<AlfaOneThing> things = store_.all(kind);
  if (assessment != 0) std::erase_if(things, [&](const auto& thing) { return thing.assessment != assessment; });
  const bool paged = generation_ == 2;
  Page page;
  page.sort = sorts_of(kind).front();
  if (paged) {
    if (auto mistake = read_page(call.query, kind, page)) return *mistake;
    if (kind == AlfaOneKind::invite && call.fault("ignore-filter") == nullptr) {
      if (const auto of = call.query.get("assessmentId")) {
        const std::int64_t number = store_.number_of(AlfaOneKind::assessment, *of);
        std::erase_if(things, [&](const auto& thing) { return thing.assessment != number; });
      }
      if (const auto status = call.query.get("status"))
        std::erase_if(things, [&](const auto& thing) { return stage_name(thing.stage) != *status; });
    }
    if (call.fault("ignore-order") != nullptr)
      page = {page.page, page.limit, std::string(sorts_of(kind).front()), true};
    if (call.fault("same-page") != nullptr) page.page = 1;
    if (const Fault* cap = call.fault("cap-page")) page.limit = std::min(page.limit, cap->number("rows", 10));
  }
  sort_things(things, page, store_);
  auto total = static_cast<std::int64_t>(things.size());
  if (paged) {
    const std::size_t first = std::min(static_cast<std::size_t>((page.page - 1) * page.limit), things.size());
    const std::size_t last = std::min(first + static_cast<std::size_t>(page.limit), things.size());
    things = {things.begin() + static_cast<std::ptrdiff_t>(first), things.begin() + static_cast<std::ptrdiff_t>(last)};
  }
  std::vector<std::string> records;
  for (const AlfaOneThing& thing : things)
    records.push_back(store_.render(thing, AlfaOneStore::View::list).json());
  if (call.fault("new-field") != nullptr) {
    for (std::string& record : records)
      record.insert(1, R"("brandNew":{"a":1},)");
  }
  spoil_records(records, call.faults);
  const std::string data = call.fault("null-data") != nullptr ? "null" : joined(records);
  if (!paged) return success(fmt::format(R"({{"{}":{}}})", plural(kind), data));
  if (const Fault* lie = call.fault("lie-total")) total = std::max<std::int64_t>(0, total + lie->number("by", 1));
  return success(fmt::format(R"({{"{}":{},"pagination":{{"page":{},"limit":{},"total":{},"totalPages":{}}}}})",
                             plural(kind), data, page.page, page.limit, total, (total + page.limit - 1) / page.limit));
}

}  // namespace surveysync::sandbox
