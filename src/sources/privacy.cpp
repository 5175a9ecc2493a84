#include "sources/privacy.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/json.h"

namespace surveysync::sources {
namespace {

constexpr std::string_view kNull = "null";
constexpr std::string_view kWithheld = "withheld: ";
constexpr std::string_view kNumberOrWord = "+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The member's name without escapes.
std::string name_of(std::string_view raw_key) {
  if (raw_key.find('\\') == std::string_view::npos) return std::string(raw_key);
  return json::plain_text(fmt::format("\"{}\"", raw_key));
}

bool is_structure(std::string_view raw_value) {
  return !raw_value.empty() && (raw_value.front() == '{' || raw_value.front() == '[');
}

bool is_string(std::string_view raw_value) {
  return raw_value.size() >= 2 && raw_value.front() == '"' && raw_value.back() == '"';
}

/// {"key":..., "value":..., "type":...}: how a variable with a name is sent.
bool is_named_value(const std::vector<json::RawMember>& members) {
  return std::ranges::any_of(members, [](const json::RawMember& member) { return json::key_is(member.key, "value"); });
}

class Hasher {
 public:
  explicit Hasher(const KeyedDigest& digest) : digest_(digest) {}

  void collect(std::string_view raw, std::vector<Edit>& edits, int depth = 0) const {
    require_value(raw);
    if (is_blank_value(raw)) return;
    if (!is_structure(raw)) {
      edits.push_back({raw, hashed_scalar(raw, digest_)});
      return;
    }
    if (depth == json::kMaxDepth) throw Error(ErrorKind::malformed, "nested too deeply");
    if (raw.front() == '[') {
      std::vector<std::string_view> elements;
      json::scan_elements(raw, elements);
      for (const std::string_view element : elements)
        collect(element, edits, depth + 1);
      return;
    }
    std::vector<json::RawMember> members;
    json::scan_members(raw, members);
    const bool named = is_named_value(members);
    for (const json::RawMember& member : members) {
      const bool stays = named && (json::key_is(member.key, "key") || json::key_is(member.key, "type"));
      if (!stays || is_structure(member.value)) collect(member.value, edits, depth + 1);
    }
  }

 private:
  const KeyedDigest& digest_;
};

}  // namespace

Treatment treatment_of(std::string_view word) {
  if (word == "keep" || word == "off") return Treatment::keep;
  if (word == "drop") return Treatment::drop;
  if (word == "hash") return Treatment::hash;
  throw Error(ErrorKind::config, fmt::format("\"{}\" is no rule of privacy", word), "write keep, drop or hash");
}

Treatment Privacy::of(const std::string& group) const {
  const auto found = fields.find(group);
  return found == fields.end() ? Treatment::keep : treatment_of(found->second);
}

bool Privacy::hashes() const {
  const auto says_hash = [](const auto& rule) { return rule.second == "hash"; };
  return std::ranges::any_of(fields, says_hash) || std::ranges::any_of(questions, says_hash);
}

void Privacy::require_sound() const {
  for (const auto& rules : {fields, questions}) {
    for (const auto& [what, word] : rules)
      treatment_of(word);
  }
  if (hashes() && digest == nullptr) throw Error(ErrorKind::config, "privacy says hash, but there is no privacy key");
}

std::string Privacy::text(const std::set<std::string>& only) const {
  std::string dropped, hashed;
  const auto add = [&](std::string_view prefix, const std::string& what, const std::string& word) {
    const Treatment treatment = treatment_of(word);
    if (treatment == Treatment::drop) dropped += fmt::format(" {}{}", prefix, what);
    if (treatment == Treatment::hash) hashed += fmt::format(" {}{}", prefix, what);
  };
  for (const auto& [group, word] : fields) {
    if (only.contains(group)) add("", group, word);
  }
  for (const auto& [question, word] : questions)
    add("question ", question, word);
  std::string text;
  if (!dropped.empty()) text += ", without" + dropped;
  if (!hashed.empty()) text += fmt::format(", hashed{} by key {}", hashed, digest ? digest->fingerprint() : "none");
  return text;
}

MemberRules& MemberRules::treat(const std::vector<std::string>& names, Treatment treatment) {
  for (const std::string& name : names)
    named_[name] = treatment;
  return *this;
}

MemberRules& MemberRules::treat_numbers(const std::vector<std::string>& names, Treatment treatment) {
  return treat(names, treatment == Treatment::keep ? Treatment::keep : Treatment::drop);
}

MemberRules& MemberRules::others(Treatment treatment) {
  others_ = treatment;
  return *this;
}

bool MemberRules::keeps_all() const {
  return others_ == Treatment::keep &&
         std::ranges::all_of(named_, [](const auto& rule) { return rule.second == Treatment::keep; });
}

Treatment MemberRules::of_raw(std::string_view raw_key) const {
  const bool plain = raw_key.find('\\') == std::string_view::npos;
  const auto found = plain ? named_.find(raw_key) : named_.find(name_of(raw_key));
  return found == named_.end() ? others_ : found->second;
}

std::string edited(std::string_view raw, const std::vector<Edit>& edits) {
  std::string out;
  std::size_t copied = 0;
  for (const Edit& edit : edits) {
    const auto begin = static_cast<std::size_t>(edit.slice.data() - raw.data());
    out.append(raw.substr(copied, begin - copied)).append(edit.text);
    copied = begin + edit.slice.size();
  }
  return out.append(raw.substr(copied));
}

void collect_edits(std::string_view raw, const MemberRules& rules, const KeyedDigest* digest,
                   std::vector<Edit>& edits) {
  thread_local std::vector<json::RawMember> members;  // keeps its memory from record to record
  json::scan_members(raw, members);
  for (const json::RawMember& member : members) {
    require_value(member.value);
    switch (rules.of_raw(member.key)) {
      case Treatment::keep:
        break;
      case Treatment::drop:
        if (member.value != kNull) edits.push_back({member.value, std::string(kNull)});
        break;
      case Treatment::hash:
        if (digest == nullptr) throw Error(ErrorKind::bug, "a value is to be hashed without a key");
        Hasher(*digest).collect(member.value, edits);
        break;
    }
  }
}

std::optional<std::string> rewrite(std::string_view raw, const MemberRules& rules, const KeyedDigest* digest) {
  if (rules.keeps_all()) return std::nullopt;
  std::vector<Edit> edits;
  collect_edits(raw, rules, digest, edits);
  return edits.empty() ? std::nullopt : std::optional(edited(raw, edits));
}

std::string hashed(std::string_view raw_value, const KeyedDigest& digest) {
  std::vector<Edit> edits;
  Hasher(digest).collect(raw_value, edits);
  return edited(raw_value, edits);
}

std::string hashed_scalar(std::string_view raw_value, const KeyedDigest& digest) {
  if (is_blank_value(raw_value)) return std::string(raw_value);
  return fmt::format("\"{}\"", digest.hex(json::plain_text(raw_value)));
}

bool is_blank_value(std::string_view raw_value) {
  return raw_value.empty() || raw_value == kNull || raw_value == "\"\"" || raw_value == "[]" || raw_value == "{}";
}

void require_value(std::string_view raw_value) {
  if (is_structure(raw_value) || is_string(raw_value)) return;
  if (raw_value.empty() || raw_value.find_first_not_of(kNumberOrWord) != std::string_view::npos)
    throw Error(ErrorKind::malformed, "a value is neither text nor number");
}

bool is_withheld(std::string_view stored) {
  return stored.starts_with(kWithheld);
}

std::string withheld(std::string_view raw) {
  return fmt::format("{}{} bytes that the privacy rules could not be applied to", kWithheld, raw.size());
}

std::string withheld_reason(std::string_view reason) {
  return fmt::format("{}; its bytes are withheld, since the privacy rules cannot be applied to what is no sound JSON",
                     reason);
}

}  // namespace surveysync::sources
