#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "sources/alchemer/decode.h"
#include "sources/alchemer/decode_record.h"

namespace surveysync::sources::alchemer {

namespace {

using json::RawMember;

constexpr std::string_view kRemoved = "null";
constexpr std::array<std::string_view, 7> kGeo = {"country",  "region",    "city", "postal",
                                                  "latitude", "longitude", "dma"};

bool is_dropped(std::string_view name, const PrivacyRules& rules) {
  if (name == "ip_address") return !rules.ip_address;
  if (name == "user_agent") return !rules.user_agent;
  if (name == "referer") return !rules.referer;
  return !rules.geo && std::ranges::find(kGeo, name) != kGeo.end();
}

bool is_dropped_key(std::string_view raw_key, const PrivacyRules& rules) {
  if (raw_key.find('\\') == std::string_view::npos) return is_dropped(raw_key, rules);
  const auto matches = [&](std::string_view name) { return is_dropped(name, rules) && json::key_is(raw_key, name); };
  return matches("ip_address") || matches("user_agent") || matches("referer") || std::ranges::any_of(kGeo, matches);
}

/// Cuts the dropped values out of `raw`, whose members were found. Empty when there are none.
std::optional<std::string> cut_values(std::string_view raw, const std::vector<RawMember>& members,
                                      const PrivacyRules& rules) {
  std::optional<std::string> out;
  std::size_t copied = 0;
  for (const RawMember& member : members) {
    if (member.value == kRemoved || !is_dropped_key(member.key, rules)) continue;
    if (!out) out.emplace().reserve(raw.size() + 8 * kRemoved.size());
    const auto begin = static_cast<std::size_t>(member.value.data() - raw.data());
    out->append(raw.substr(copied, begin - copied)).append(kRemoved);
    copied = begin + member.value.size();
  }
  if (out) out->append(raw.substr(copied));
  return out;
}

/// For a text that is no sound object: every string or word behind such a name goes, wherever it stands.
std::optional<std::string> blank_anywhere(std::string_view raw, const PrivacyRules& rules) {
  std::string out(raw);
  bool changed = false;
  for (const std::string_view name :
       {"ip_address", "user_agent", "referer", "country", "region", "city", "postal", "latitude", "longitude", "dma"}) {
    if (!is_dropped(name, rules)) continue;
    const std::string needle = fmt::format("\"{}\"", name);
    for (std::size_t at = out.find(needle); at != std::string::npos; at = out.find(needle, at)) {
      at += needle.size();
      const std::size_t begin = out.find_first_not_of(" \t\r\n:", at);
      if (begin == std::string::npos) break;
      std::size_t end = begin;
      if (out[begin] == '"') {
        for (++end; end < out.size() && out[end] != '"'; ++end)
          end += out[end] == '\\' ? 1U : 0U;
        end = std::min(end + 1, out.size());
      } else {
        end = std::min(out.find_first_of(",}]", begin), out.size());
      }
      out.replace(begin, end - begin, kRemoved);
      changed = true;
    }
  }
  return changed ? std::optional(std::move(out)) : std::nullopt;
}

std::vector<RawMember>& worker_members() {
  thread_local std::vector<RawMember> members;  // keeps its memory from record to record
  return members;
}

}  // namespace

std::string PrivacyRules::text() const {
  if (keeps_all()) return {};
  std::string text = ", without";
  if (!ip_address) text += " ip_address";
  if (!user_agent) text += " user_agent";
  if (!geo) text += " geo";
  if (!referer) text += " referer";
  return text;
}

PrivacyRules PrivacyRules::parse(const std::map<std::string, std::string>& rules) {
  PrivacyRules out;
  for (const auto& [group, word] : rules) {
    bool* const keep = group == "ip_address"   ? &out.ip_address
                       : group == "user_agent" ? &out.user_agent
                       : group == "geo"        ? &out.geo
                       : group == "referer"    ? &out.referer
                                               : nullptr;
    if (keep == nullptr) continue;
    if (word != "keep" && word != "drop") {
      throw Error(ErrorKind::config, fmt::format("privacy of {} is \"{}\"", group, word), "write keep or drop");
    }
    *keep = word == "keep";
  }
  return out;
}

std::optional<std::string> apply_privacy(std::string_view raw, const PrivacyRules& rules) {
  if (rules.keeps_all()) return std::nullopt;
  std::vector<RawMember>& members = worker_members();
  try {
    json::scan_members(raw, members);
  } catch (const Error&) {
    return blank_anywhere(raw, rules);
  }
  return cut_values(raw, members, rules);
}

std::optional<std::string> SliceOrigin::original(std::string_view slice) const {
  if (repair == nullptr || body == nullptr || !repair->altered()) return std::nullopt;
  return repair->original(*body, slice);
}

void key_response(std::string_view raw, std::int64_t survey_id, const PrivacyRules& rules, const SliceOrigin& origin,
                  model::Page& out) {
  RecordText text;
  text.original = origin.original(raw);
  std::int64_t id = 0;  // the vendor counts from 1: a row of any other id would stand for nothing
  std::string reason;
  try {
    if (const auto member = json::find_member(raw, "id")) id = json::int_of(member->value).value_or(0);
    if (id < 1) reason = "response without a numeric id above zero";
    text.altered = apply_privacy(raw, rules);
  } catch (const Error& error) {
    reason = error.what();
    text.altered = apply_privacy(raw, rules);
  }
  if (text.original) {
    if (auto cut = apply_privacy(*text.original, rules)) text.original = std::move(cut);
  }
  if (id < 1) {
    quarantine(text.original  ? *text.original
               : text.altered ? *text.altered
                              : std::string(raw),
               std::move(reason), out);
    return;
  }
  add_record({.table = 0, .key = {survey_id, id}}, raw, std::move(text), out);
}

}  // namespace surveysync::sources::alchemer
