// The lists and single objects of everything beside surveys' definitions and responses, each in its own envelope.
#include <fmt/format.h>

#include <algorithm>

#include "sandbox/call.h"
#include "sandbox/envelope.h"
#include "sandbox/inventory.h"

namespace surveysync::sandbox {
namespace {

enum class Envelope : std::uint8_t {
  one,        // a single object, never a list
  paged,      // total_count as text
  structure,  // everything at once, counts as numbers
  uncounted,  // paged, but nobody says how many
  keyed,      // data is an object by id
  quotas,     // the list is called quotas
};

struct Resource {
  std::string_view path;  // the names of the path; ids stand between them
  Kind kind;
  Envelope envelope;
  std::string_view missing;
};

constexpr Resource kResources[] = {
    {"account", Kind::account, Envelope::one, "Account not found"},
    {"accountuser", Kind::account_user, Envelope::paged, "User not found"},
    {"accountteams", Kind::team, Envelope::structure, "Team not found"},
    {"contactcustomfield", Kind::contact_custom_field, Envelope::keyed, "Field not found"},
    {"contactlist", Kind::contact_list, Envelope::uncounted, "List not found"},
    {"contactlist/contactlistcontact", Kind::contact, Envelope::uncounted, "Contact not found"},
    {"domain", Kind::domain, Envelope::keyed, "Domain not found"},
    {"surveytheme", Kind::theme, Envelope::keyed, "Theme not found"},
    {"sso", Kind::sso, Envelope::keyed, "Integration not found"},
    {"survey/surveycampaign", Kind::campaign, Envelope::paged, "Campaign not found"},
    {"survey/surveycampaign/surveycontact", Kind::campaign_contact, Envelope::paged, "Contact not found"},
    {"survey/surveycampaign/emailmessage", Kind::email_message, Envelope::paged, "Message not found"},
    {"survey/quotas", Kind::quota, Envelope::quotas, "Quota not found"},
    {"survey/surveyreport", Kind::report, Envelope::structure, "Report not found"},
};

const Resource* resource_of(const std::vector<std::string>& parts) {
  std::string path;
  for (std::size_t i = 0; i < parts.size(); i += 2)
    path += (i == 0 ? "" : "/") + parts[i];
  const auto* found =
      std::find_if(std::begin(kResources), std::end(kResources), [&](const auto& item) { return item.path == path; });
  return found == std::end(kResources) ? nullptr : found;
}

// The vendor's filters on users and campaigns compare texts; ssl is the only name that differs.
bool passes(const Fields& fields, const std::vector<Filter>& filters) {
  return std::all_of(filters.begin(), filters.end(), [&](const Filter& filter) {
    const std::string field = filter.field == "ssl" ? "SSL" : filter.field;
    return !fields.has(field) || filter.value == "all" || text_passes(filter, fields.plain(field));
  });
}

std::string uncounted_envelope(const Paging& paging, const std::string& data) {
  return fmt::format(R"({{"result_ok":true,"page":{},"results_per_page":{},"data":{}}})", paging.page_echo,
                     paging.size_echo, data);
}

std::string keyed_envelope(const std::vector<std::pair<std::int64_t, Fields>>& items, bool without_ids) {
  std::string map;
  for (auto [id, fields] : items) {
    if (without_ids) fields.erase("id");
    map += fmt::format("{}\"{}\":{}", map.empty() ? "" : ",", id, fields.json());
  }
  return fmt::format(R"({{"result_ok":true,"data":{}}})", map.empty() ? "[]" : "{" + map + "}");
}

}  // namespace

std::optional<Reply> Vendor::side_object(const Call& call) const {
  const Resource* resource = resource_of(call.parts);
  if (resource == nullptr) return std::nullopt;
  Path path;
  for (std::size_t i = 1; i < call.parts.size(); i += 2)
    path.push_back(call.id(i));
  const bool list = call.parts.size() % 2 == 1 && resource->envelope != Envelope::one;
  if (list) return side_list(call, resource->kind, path);
  if (resource->envelope == Envelope::one) path = {inventory_.ids(Kind::account, {}).front()};
  const auto found = inventory_.find(resource->kind, path);
  if (!found) {
    if (resource->kind == Kind::campaign && inventory_.removed(Kind::campaign, path))
      return success(R"({"result_ok":true,"data":null})");
    return refusal(404, resource->missing);
  }
  const Fields fields = alone(resource->kind, path, *found);
  if (resource->kind == Kind::quota) return success(R"({"result_ok":true,)" + fields.members() + "}");
  if (resource->kind == Kind::sso) return success(keyed_envelope({{path.back(), fields}}, false));
  return success(single_envelope(fields.json()));
}

Reply Vendor::side_list(const Call& call, Kind kind, const Path& parents) const {
  const Resource* resource =
      std::find_if(std::begin(kResources), std::end(kResources), [&](const auto& item) { return item.kind == kind; });
  Paging paging = capped(read_paging(call.query, spec_.page_cap), call.fault("cap-page"));
  const Filters filters = read_filters(call.query);
  if (!paging.valid || filters.broken) return refusal(400, "Invalid parameter");
  if (call.fault("same-page") != nullptr) paging.page = 1;
  std::vector<std::int64_t> ids = inventory_.ids(kind, parents);
  const auto path_of = [&](std::int64_t id) {
    Path path = parents;
    path.push_back(id);
    return path;
  };
  if (kind == Kind::report && ids.empty()) return refusal(200, "No reports found");
  const bool filtered =
      (kind == Kind::campaign || kind == Kind::account_user) && call.fault("ignore-filter") == nullptr;
  if (filtered && !filters.all.empty()) {
    std::erase_if(ids, [&](std::int64_t id) { return !passes(*inventory_.find(kind, path_of(id)), filters.all); });
  }
  const auto total = static_cast<std::int64_t>(ids.size());
  if (resource->envelope == Envelope::paged || resource->envelope == Envelope::uncounted) {
    const std::size_t first = std::min(paging.first(), ids.size());
    const std::size_t last = std::min(first + static_cast<std::size_t>(paging.size), ids.size());
    ids = {ids.begin() + static_cast<std::ptrdiff_t>(first), ids.begin() + static_cast<std::ptrdiff_t>(last)};
  }
  std::vector<std::pair<std::int64_t, Fields>> items;
  for (const std::int64_t id : ids) {
    if (auto fields = inventory_.find(kind, path_of(id))) items.emplace_back(id, std::move(*fields));
  }
  if (resource->envelope == Envelope::keyed) return success(keyed_envelope(items, call.fault("bare-keys") != nullptr));
  std::vector<std::string> records;
  records.reserve(items.size());
  for (const auto& item : items)
    records.push_back(item.second.json());
  spoil_records(records, call.faults);
  const std::string data = call.fault("null-data") != nullptr ? "null" : joined(records);
  switch (resource->envelope) {
    case Envelope::quotas:
      return success(fmt::format(R"({{"result_ok":true,"quotas":{}}})", data));
    case Envelope::uncounted:
      return success(uncounted_envelope(paging, data));
    case Envelope::structure:
      return success(structure_envelope(records));
    default:
      return success(paged_envelope(paging, total, records, call.faults));
  }
}

// The key may not do this one thing.
std::optional<Reply> Vendor::denied(const Call& call) {
  const Fault* fault = call.fault("denied");
  if (fault == nullptr) return std::nullopt;
  Reply out = refusal(static_cast<int>(fault->number("code", 403)), fault->text("message", "Permission Denied"));
  out.status = static_cast<int>(fault->number("inside", out.status));
  return out;
}

}  // namespace surveysync::sandbox
