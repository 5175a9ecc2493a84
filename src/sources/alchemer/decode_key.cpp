#include <fmt/format.h>

#include "base/error.h"
#include "sources/alchemer/decode.h"
#include "sources/record_text.h"

namespace surveysync::sources::alchemer {

namespace {

/// A response, or what came in its place, on its way to a record.
struct Keying {
  std::int64_t id = 0;  ///< the vendor counts from 1: a row of any other id would stand for nothing
  std::string reason;   ///< why it cannot be keyed
  RecordText text;
  bool withheld = false;  ///< the rules could not be applied
};

void read_id(std::string_view raw, Keying& keying) {
  try {
    if (const auto member = json::find_member(raw, "id")) keying.id = json::int_of(member->value).value_or(0);
    if (keying.id < 1) keying.reason = "response without a numeric id above zero";
  } catch (const Error& error) {
    keying.reason = error.what();
  }
}

/// `raw` after the rules into `into`, where they alter it. False when they cannot be applied.
bool protect(std::string_view raw, std::int64_t survey_id, const PrivacyRules& rules, std::optional<std::string>& into,
             std::string& why) {
  try {
    if (auto altered = apply_privacy(raw, survey_id, rules)) into = std::move(altered);
    return true;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::malformed) throw;
    why = error.what();
    if (!rules.only_drops_plain_fields()) return false;
    if (auto altered = blank_anywhere(raw, rules)) into = std::move(altered);
    return true;
  }
}

}  // namespace

std::optional<std::string> SliceOrigin::original(std::string_view slice) const {
  if (repair == nullptr || body == nullptr || !repair->altered()) return std::nullopt;
  return repair->original(*body, slice);
}

void key_response(std::string_view raw, std::int64_t survey_id, const PrivacyRules& rules, const SliceOrigin& origin,
                  model::Page& out) {
  Keying keying;
  RecordText& text = keying.text;
  text.original = origin.original(raw);
  read_id(raw, keying);
  std::string why;
  keying.withheld = !protect(raw, survey_id, rules, text.altered, why) ||
                    (text.original && !protect(*text.original, survey_id, rules, text.original, why));
  if (keying.withheld) {
    const std::string key = keying.id < 1 ? raw_key(raw, out) : model::key_text({survey_id, keying.id});
    out.quarantined.push_back({key, withheld_reason(keying.reason.empty() ? why : keying.reason), withheld(raw)});
    return;
  }
  if (keying.id < 1) {
    quarantine(text.original  ? *text.original
               : text.altered ? *text.altered
                              : std::string(raw),
               std::move(keying.reason), out);
    return;
  }
  add_record({.table = 0, .key = {survey_id, keying.id}}, raw, std::move(text), out);
}

}  // namespace surveysync::sources::alchemer
