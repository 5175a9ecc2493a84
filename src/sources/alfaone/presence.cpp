// Single records and assessments: there, gone, or not for us. And records that were stored before, read again.
#include <fmt/format.h>

#include "sources/alfaone/alfaone_source.h"

namespace surveysync::sources::alfaone {
namespace {

using model::Page;

// A whole list that was read to see whether a record is in it tells the same of the next record for this long.
constexpr std::chrono::seconds kListed{30};

std::string brief(const Error& error) {
  return error.http_status() >= 300 ? fmt::format("HTTP {}: {}", error.http_status(), error.message())
                                    : error.message();
}

std::string id_in(const model::Key& key) {
  const auto* text = std::get_if<std::string>(&key.back());
  return text != nullptr ? *text : model::key_text({key.back()});
}

}  // namespace

Found AlfaOneSource::find(const model::StreamSpec& stream, const model::Partition& partition, const model::Key& key,
                          const Scope& scope, const std::stop_token& stop) {
  const Resource& resource = resource_of(stream.name);
  Found found;
  try {
    if (!stream.of_account) return find_listed(resource, partition, key, scope, stop);
    Lone lone = ask_lone(context_.client, resource, id_in(key), {}, scope, stop);
    found.page.requests = lone.requests;
    found.page.elapsed = lone.elapsed;
    found.page.cached = lone.cached;
    found.evidence = lone.evidence;
    if (lone.kind == Lone::Kind::present) {
      found.presence = Presence::present;
      // As its list shows it, where the record alone says nothing that is kept.
      const bool as_listed = !resource.only_alone.empty() && scalar_of(lone.object, "status", "status") != "revoked";
      Body body = as_listed ? Body(without_members(lone.object, resource.only_alone)) : std::move(*lone.body);
      const std::string_view raw = as_listed ? std::string_view(*body.text) : lone.object;
      key_record(resource, privacy_, rules_of(resource), {raw, body.original(raw), ""}, found.page);
      found.page.texts.insert(found.page.texts.begin(), std::move(body.text));
    } else if (!resource.lone_documented) {
      return find_listed(resource, partition, key, scope, stop);  // this may be how it says that it cannot be asked
    } else {
      found.presence = lone.kind == Lone::Kind::gone ? Presence::gone : Presence::refused;
    }
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::denied && error.kind() != ErrorKind::rejected) throw;
    found.presence = Presence::refused;
    found.evidence = brief(error);
  }
  return found;
}

/// By its list, read whole: for what cannot be asked for alone. Throws Error(denied) where the list is refused.
Found AlfaOneSource::find_listed(const Resource& resource, const model::Partition& partition, const model::Key& key,
                                 const Scope& scope, const std::stop_token& stop) {
  const std::string id = id_in(key);
  const bool of_account = partition.name.empty();
  Question question{resource, std::string(resource.path), {}, scope};
  if (!of_account) question.path = lone_path(resource_of("assessment"), partition.name) + question.path;
  Found found;
  found.presence = Presence::gone;
  found.evidence = "not in the list, which was read again";
  {
    const std::lock_guard lock(mutex_);
    const auto listed = listed_.find(question.path);
    const bool fresh = listed != listed_.end() && context_.clock.now() - listed->second.read_at < kListed;
    if (fresh && !listed->second.ids.contains(id)) return found;
  }
  Whole whole = lister_.read_whole(question, stop);
  found.page.requests = whole.requests;
  std::set<std::string> ids;
  for (std::size_t i = 0; i < whole.records.size(); ++i) {
    const std::string one = id_of(whole.records[i], resource);
    ids.insert(one);
    if (one != id) continue;
    found.presence = Presence::present;
    found.evidence = "in the list";
    const Body& body = whole.lists[whole.list_of[i]].body;
    key_record(resource, privacy_, rules_of(resource),
               {whole.records[i], body.original(whole.records[i]), of_account ? std::string() : partition.name},
               found.page);
  }
  for (List& list : whole.lists)
    found.page.texts.insert(found.page.texts.begin(), std::move(list.body.text));
  const std::lock_guard lock(mutex_);
  listed_[question.path] = {context_.clock.now(), std::move(ids)};
  return found;
}

Found AlfaOneSource::find_partition(const std::string& name, const Scope& scope, const std::stop_token& stop) {
  Found found = find(stream_specs().front(), {}, {name}, scope, stop);
  found.page = {};
  return found;
}

Page AlfaOneSource::reread(const model::StreamSpec& stream, const model::Partition& partition,
                           const std::string& raw) const {
  Page page;
  Body body{std::string(raw)};
  const Resource& resource = resource_of(stream.name);
  const std::string_view text = *body.text;
  key_record(resource, privacy_, rules_of(resource),
             {text, body.original(text), stream.of_account ? std::string() : partition.name}, page);
  page.texts.insert(page.texts.begin(), std::move(body.text));
  return page;
}

std::optional<std::string> AlfaOneSource::protect(const model::StreamSpec& stream,
                                                  const model::Partition& /*partition*/, const std::string& raw) const {
  const MemberRules rules = privacy_rules(resource_of(stream.name), privacy_);
  if (rules.keeps_all() || is_withheld(raw)) return std::nullopt;
  std::optional<KeyedDigest> digest;
  if (privacy_.digest) digest = privacy_.digest->for_stored();
  try {
    return rewrite(raw, rules, digest ? &*digest : nullptr);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::malformed) throw;
    return withheld(raw);
  }
}

}  // namespace surveysync::sources::alfaone
