#include "sources/alchemer/objects_key.h"

#include "base/error.h"
#include "sources/alchemer/contact_rules.h"
#include "sources/record_text.h"

namespace surveysync::sources::alchemer {
namespace {

/// Whether such a column can hold a digest.
bool holds_text(As as) {
  return as == As::text || as == As::structure;
}

/// `raw` after the rules into `into`, where they alter it. False, with a reason, when they cannot be applied.
bool protect(std::string_view raw, const MemberRules& rules, const Privacy& privacy, std::optional<std::string>& into,
             std::string& why) {
  try {
    if (auto altered = rewrite(raw, rules, privacy.digest.get())) into = std::move(altered);
    return true;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::malformed) throw;
    why = error.what();
    return false;
  }
}

}  // namespace

MemberRules object_rules(const ObjectKind& kind, const Privacy& privacy) {
  MemberRules rules;
  if (kind.of_people) {
    rules = contact_rules(privacy);
    const Treatment treatment = privacy.of("contacts");
    for (const ObjectField& field : kind.fields) {
      if (treatment == Treatment::hash && !holds_text(field.as) && rules.of_raw(field.name) == treatment)
        rules.treat_numbers({std::string(field.name)}, treatment);
    }
  }
  if (kind.stream == "account_user") rules.treat({"api_key", "api_secret"}, Treatment::drop);
  return rules;
}

void key_object(const ObjectItem& item, const ObjectKind& kind, const model::Key& parents, const Privacy& privacy,
                const SliceOrigin& origin, model::Page& out) {
  const MemberRules rules = object_rules(kind, privacy);
  RecordText text;
  text.original = origin.original(item.raw);
  std::string why;
  const bool sound = protect(item.raw, rules, privacy, text.altered, why) &&
                     (!text.original || protect(*text.original, rules, privacy, text.original, why));
  if (!sound) {
    out.quarantined.push_back(
        {raw_key(item.raw, out), withheld_reason(item.mistake.empty() ? why : item.mistake), withheld(item.raw)});
    return;
  }
  if (!item.mistake.empty()) {
    quarantine(text.original  ? *text.original
               : text.altered ? *text.altered
                              : std::string(item.raw),
               item.mistake, out);
    return;
  }
  model::Key key = parents;
  key.emplace_back(item.id);
  add_record({.table = 0, .key = std::move(key)}, item.raw, std::move(text), out);
}

}  // namespace surveysync::sources::alchemer
