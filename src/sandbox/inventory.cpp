#include "sandbox/inventory.h"

#include <fmt/format.h>

#include <algorithm>

#include "sandbox/random.h"

namespace surveysync::sandbox {
namespace {

std::uint64_t u64(std::int64_t value) {
  return static_cast<std::uint64_t>(value);
}

// The field that carries an object's name, and the one that tells when it was changed; empty: none.
struct Labels {
  std::string_view name, modified;
};
Labels labels_of(Kind kind) {
  switch (kind) {
    case Kind::account:
      return {"organization", ""};
    case Kind::account_user:
      return {"username", ""};
    case Kind::team:
      return {"team_name", ""};
    case Kind::contact_list:
      return {"list_name", "date_modified"};
    case Kind::contact:
    case Kind::campaign_contact:
      return {"last_name", ""};
    case Kind::domain:
      return {"domain", ""};
    case Kind::sso:
      return {"name", "dModified"};
    case Kind::campaign:
      return {"name", "date_modified"};
    case Kind::email_message:
      return {"subject", "date_modified"};
    default:
      return {"name", ""};
  }
}

}  // namespace

const std::vector<KindInfo>& kinds() {
  static const std::vector<KindInfo> all{
      {Kind::account, "account", {"account_id"}},
      {Kind::account_user, "account_user", {"account_user_id"}},
      {Kind::team, "team", {"team_id"}},
      {Kind::contact_custom_field, "contact_custom_field", {"contact_custom_field_id"}},
      {Kind::contact_list, "contact_list", {"contact_list_id"}},
      {Kind::contact, "contact", {"contact_list_id", "contact_id"}},
      {Kind::domain, "domain", {"domain_id"}},
      {Kind::theme, "theme", {"theme_id"}},
      {Kind::sso, "sso", {"sso_id"}},
      {Kind::campaign, "campaign", {"survey_id", "campaign_id"}},
      {Kind::campaign_contact, "campaign_contact", {"survey_id", "campaign_id", "campaign_contact_id"}},
      {Kind::email_message, "email_message", {"survey_id", "campaign_id", "email_message_id"}},
      {Kind::quota, "quota", {"survey_id", "quota_id"}},
      {Kind::report, "report", {"survey_id", "report_id"}}};
  return all;
}

const KindInfo& info_of(Kind kind) {
  return kinds()[static_cast<std::size_t>(kind)];
}

const KindInfo* kind_named(std::string_view table) {
  const auto found =
      std::find_if(kinds().begin(), kinds().end(), [&](const auto& item) { return item.table == table; });
  return found == kinds().end() ? nullptr : &*found;
}

// Ids without gaps: a first one and how many. Those of campaigns are the same in every survey, so that only the whole
// path names one.
std::pair<std::int64_t, std::int64_t> Inventory::drawn_range(Kind kind, const Path& parents) const {
  Draw draw({spec_.seed, 0x1DE5, static_cast<std::uint64_t>(kind), parents.empty() ? 0 : u64(parents[0]),
             parents.size() > 1 ? u64(parents[1]) : 0});
  const auto between = [&](std::int64_t least, std::int64_t most) {
    return least + draw.below(std::max<std::int64_t>(1, most - least + 1));
  };
  switch (kind) {
    case Kind::account:
      return {644416, 1};
    case Kind::account_user:
      return {183830, spec_.users};
    case Kind::team:
      return {644416, 3};
    case Kind::contact_custom_field:
      return {1, spec_.custom_fields};
    case Kind::contact_list:
      return {1, spec_.lists};
    case Kind::contact:
      return {100000000 + draw.below(40000), between(spec_.list_contacts_min, spec_.list_contacts_max)};
    case Kind::domain:
      return {7001, 2};
    case Kind::theme:
      return {310001, 2};
    case Kind::sso:
      return {123, 1};
    case Kind::campaign:
      return {9000000, spec_.campaigns};
    case Kind::campaign_contact:
    case Kind::email_message: {
      // Links are sent to nobody; every second campaign is one.
      const bool email = parents.size() == 2 && parents[1] % 2 == 1;
      if (!email) return {1, 0};
      if (kind == Kind::email_message) return {500000 + draw.below(1000) * 10, spec_.messages};
      return {100000000 + draw.below(40000), between(spec_.contacts_min, spec_.contacts_max)};
    }
    case Kind::quota:
      return {1, spec_.quotas};
    case Kind::report:
      return {2416835, !parents.empty() && parents[0] % 2 == 1 ? 1 : 0};
  }
  return {1, 0};
}

bool Inventory::drawn(Kind kind, const Path& path) const {
  const auto [first, count] = drawn_range(kind, Path(path.begin(), path.end() - 1));
  return path.back() >= first && path.back() < first + count;
}

Fields Inventory::make(Kind kind, const Path& path) const {
  const ObjectDraft draft{spec_.seed, spec_.anchor, region_, path};
  switch (kind) {
    case Kind::contact_list:
    case Kind::contact:
    case Kind::contact_custom_field:
    case Kind::campaign_contact:
      return make_contact_object(kind, draft);
    case Kind::campaign:
    case Kind::email_message:
    case Kind::quota:
    case Kind::report:
      return make_survey_object(kind, draft);
    default:
      return make_account_object(kind, draft);
  }
}

// `gone`: the removed ones instead of those that are there.
std::vector<std::int64_t> Inventory::ids_locked(Kind kind, const Path& parents, bool gone) const {
  std::vector<std::int64_t> out;
  if (!gone) {
    const auto [first, count] = drawn_range(kind, parents);
    for (std::int64_t i = 0; i < count; ++i)
      out.push_back(first + i);
  }
  const auto below = [&](const Key& key) {
    return key.first == kind && std::equal(parents.begin(), parents.end(), key.second.begin());
  };
  for (auto item = made_.lower_bound({kind, parents}); item != made_.end() && below(item->first); ++item) {
    const std::int64_t id = item->first.second.back();
    if (item->second.removed == gone && (gone || item->second.added)) out.push_back(id);
    if (!gone && item->second.removed) std::erase(out, id);
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::optional<Fields> Inventory::find_locked(Kind kind, const Path& path) const {
  // Below what is gone there is nothing.
  if (kind == Kind::campaign_contact || kind == Kind::email_message) {
    if (!find_locked(Kind::campaign, {path[0], path[1]})) return std::nullopt;
  }
  if (kind == Kind::contact && !find_locked(Kind::contact_list, {path[0]})) return std::nullopt;
  const auto found = made_.find({kind, path});
  if (found != made_.end() && found->second.removed) return std::nullopt;
  if (found != made_.end() && found->second.fields) return found->second.fields;
  const bool there = drawn(kind, path) || (found != made_.end() && found->second.added);
  return there ? std::optional(make(kind, path)) : std::nullopt;
}

std::vector<std::int64_t> Inventory::ids(Kind kind, const Path& parents) const {
  const std::lock_guard lock(mutex_);
  if ((kind == Kind::campaign_contact || kind == Kind::email_message) && !find_locked(Kind::campaign, parents))
    return {};
  if (kind == Kind::contact && !find_locked(Kind::contact_list, parents)) return {};
  return ids_locked(kind, parents, false);
}

std::optional<Fields> Inventory::find(Kind kind, const Path& path) const {
  const std::lock_guard lock(mutex_);
  return find_locked(kind, path);
}

bool Inventory::removed(Kind kind, const Path& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = made_.find({kind, path});
  return found != made_.end() && found->second.removed;
}

std::int64_t Inventory::next_id(Kind kind, const Path& parents) const {
  const auto [first, count] = drawn_range(kind, parents);
  std::int64_t out = first + count;
  for (const bool gone : {false, true}) {
    const auto all = ids_locked(kind, parents, gone);
    if (!all.empty()) out = std::max(out, all.back() + 1);
  }
  return out;
}

// Parents that were not named are drawn among those that have something to change, or can have something added.
std::optional<Path> Inventory::settle_parents(const ObjectChange& change) const {
  Path out = change.parents;
  const std::size_t needed = info_of(change.kind).keys.size() - 1;
  out.resize(needed);
  if (needed == 0 || out.back() != 0) return out;
  if (out[0] == 0 && needed > 1) return std::nullopt;  // no survey
  const Kind above = needed == 1 ? Kind::contact_list : Kind::campaign;
  if (needed == 1 && change.kind != Kind::contact) return std::nullopt;
  Path fitting;
  for (const std::int64_t id : ids_locked(above, Path(out.begin(), out.end() - 1), false)) {
    out.back() = id;
    const bool gone = change.op == ObjectChange::Op::restore;
    if (change.op == ObjectChange::Op::add || !ids_locked(change.kind, out, gone).empty()) fitting.push_back(id);
  }
  if (fitting.empty()) return std::nullopt;
  out.back() = Draw({spec_.seed, 0xAB0, changes_}).pick(fitting);
  return out;
}

void Inventory::alter(Kind kind, const Path& path, const ObjectChange& change, Seconds now) {
  Made& made = made_[{kind, path}];
  using Op = ObjectChange::Op;
  if (change.op == Op::remove && !change.as_status) {
    made.removed = true;
    return;
  }
  if (change.op == Op::restore) made.removed = false;
  if (change.op == Op::add) {
    made = {};
    made.added = true;
  }
  Fields fields = made.fields ? *made.fields : make(kind, path);
  const Labels labels = labels_of(kind);
  const bool touched = change.op != Op::add && change.op != Op::restore;
  if (change.op == Op::remove) fields.text("status", "Deleted");
  if (change.op == Op::edit && !change.set && change.unset.empty())
    fields.text(labels.name, fmt::format("edited {} \xE2\x80\x93 n\xC2\xB0 {}", info_of(kind).table, changes_));
  if (touched && !labels.modified.empty()) fields.text(labels.modified, region_->local(now));
  if (change.set) fields.merge(*change.set);
  for (const std::string& name : change.unset)
    fields.erase(name);
  made.fields = std::move(fields);
}

ObjectsChanged Inventory::change(const ObjectChange& change, Seconds now) {
  const std::lock_guard lock(mutex_);
  using Op = ObjectChange::Op;
  ++changes_;
  const auto parents = settle_parents(change);
  if (!parents) return {};
  ObjectsChanged out{*parents, {}};
  const auto at = [&](std::int64_t id) {
    Path path = *parents;
    path.push_back(id);
    return path;
  };
  if (change.op == Op::add) {
    for (std::int64_t i = 0; i < change.count; ++i) {
      const std::int64_t id = change.id != 0 ? change.id : next_id(change.kind, *parents);
      alter(change.kind, at(id), change, now);
      out.ids.push_back(id);
      if (change.id != 0) break;
    }
    return out;
  }
  std::vector<std::int64_t> fitting = ids_locked(change.kind, *parents, change.op == Op::restore);
  if (change.id != 0) std::erase_if(fitting, [&](std::int64_t id) { return id != change.id; });
  Draw draw({spec_.seed, 0xC4A6, changes_});
  for (std::int64_t i = 0; i < change.count && !fitting.empty(); ++i) {
    const std::size_t chosen = draw.index(fitting.size());
    out.ids.push_back(fitting[chosen]);
    fitting.erase(fitting.begin() + static_cast<std::ptrdiff_t>(chosen));
  }
  std::sort(out.ids.begin(), out.ids.end());
  for (const std::int64_t id : out.ids)
    alter(change.kind, at(id), change, now);
  return out;
}

}  // namespace surveysync::sandbox
