// The JSON room on any bytes: what is mended can be found again, Document accepts exactly strict JSON, its tree agrees
// with the cheap readers (Splitter, scan_members), and make_storable leaves nothing that PostgreSQL refuses.
#include <algorithm>

#include "base/json.h"
#include "fuzz/support/check.h"
#include "fuzz/support/oracle.h"

namespace surveysync::fuzz {
namespace {

using json::Value;

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_within(std::string_view part, std::string_view whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

/// Every value is a slice of the text, and says the same when read alone.
void check_value(Value value, std::string_view text, json::Document& alone, int& budget) {
  if (--budget < 0) return;
  SURVEYSYNC_PROMISE(is_within(value.raw(), text));
  SURVEYSYNC_PROMISE(is_sound_utf8(value.text()));
  const Value again = alone.parse_copy(value.raw());
  SURVEYSYNC_PROMISE(again.type() == value.type() && again.text() == value.text() && again.size() == value.size());
  if (value.is_string()) {
    const std::string quoted = json::quote(value.text());
    SURVEYSYNC_PROMISE(alone.parse_copy(quoted).text() == value.text(), quoted);
  }
  if (value.type() == json::Type::number) SURVEYSYNC_PROMISE(value.as_int() == json::int_of(value.raw()));
  for (const json::Member& member : value.members())
    check_value(member.value, text, alone, budget);
  for (const Value& item : value.items())
    check_value(item, text, alone, budget);
}

/// The reader without an index finds the same members.
void check_scan(Value object) {
  std::vector<json::RawMember> members;
  json::scan_members(object.raw(), members);
  SURVEYSYNC_PROMISE(members.size() == object.members().size());
  for (std::size_t i = 0; i < members.size(); ++i) {
    const json::Member& member = object.members()[i];
    SURVEYSYNC_PROMISE(members[i].value == member.value.raw());
    SURVEYSYNC_PROMISE(json::key_is(members[i].key, member.key));
    const auto first = std::ranges::find(object.members(), member.key, &json::Member::key);
    const auto found = json::find_member(object.raw(), member.key);
    SURVEYSYNC_PROMISE(found && found->value.data() == first->value.raw().data());
  }
}

/// The splitter finds the same records, members and scalars.
void check_split(Value root, std::string_view text) {
  static json::Splitter splitter;  // as in the product, one for all pages
  json::Envelope envelope;
  const bool split = accepts([&] { envelope = splitter.split(text, "data"); });
  bool escaped = false;  // names with escapes are other names to the splitter
  std::size_t lists = 0;
  for (const json::Member& member : root.members()) {
    escaped = escaped || !is_within(member.key, text);
    if (member.key != "data") continue;
    ++lists;
    if (!member.value.is_array() && !member.value.is_object() && member.value.type() != json::Type::null) lists = 1000;
  }
  if (escaped || !root.is_object() || lists > 1) return;
  SURVEYSYNC_PROMISE(split);
  const Value list = root["data"];
  SURVEYSYNC_PROMISE(envelope.list_found == !list.is_absent());
  SURVEYSYNC_PROMISE(envelope.list == list.raw());
  SURVEYSYNC_PROMISE(envelope.list_is_object == list.is_object());
  SURVEYSYNC_PROMISE(envelope.records.size() == list.size());
  SURVEYSYNC_PROMISE(envelope.members.size() + lists == root.size());
  for (std::size_t i = 0; i < envelope.records.size(); ++i) {
    const Value record = list.is_object() ? list.members()[i].value : list.items()[i];
    SURVEYSYNC_PROMISE(envelope.records[i] == record.raw());
  }
  for (const auto& [name, raw] : envelope.members)
    SURVEYSYNC_PROMISE(envelope.integer(name) == root[name].as_int() || root[name].text() != envelope.scalar(name));
}

void check_storable(Value root, std::string_view text, int depth) {
  const json::Storable storable = json::make_storable(text);
  SURVEYSYNC_PROMISE(storable.altered.has_value() == (storable.nul || storable.surrogate));
  if (!storable.altered) return;
  const std::string& sound = *storable.altered;
  SURVEYSYNC_PROMISE(sound.capacity() >= sound.size() + json::kPadding);
  SURVEYSYNC_PROMISE(sound.size() == text.size() && is_strict_json(sound, depth), sound);
  SURVEYSYNC_PROMISE(!json::make_storable(sound).altered, sound);
  static json::Document document;
  SURVEYSYNC_PROMISE(document.parse(sound).size() == root.size());
}

void check_document(std::string_view bytes) {
  const Padded text(bytes);
  static json::Document document, alone;
  Value root;
  const bool parsed = accepts([&] { root = document.parse(text.view()); });
  SURVEYSYNC_PROMISE(parsed == is_strict_json(bytes, json::kMaxDepth));
  if (!parsed) return;
  int budget = 200;
  check_value(root, text.view(), alone, budget);
  if (root.is_object()) check_scan(root);
  check_split(root, text.view());
  check_storable(root, text.view(), json::kMaxDepth);
}

void check_any(std::string_view bytes) {
  std::vector<json::RawMember> members;
  accepts([&] { json::scan_members(bytes, members); });
  accepts([&] { json::find_member(bytes, "id"); });
  const json::Storable storable = json::make_storable(bytes);
  if (storable.altered) SURVEYSYNC_PROMISE(!json::make_storable(*storable.altered).altered);
  SURVEYSYNC_PROMISE(json::is_utf8(bytes) == is_sound_utf8(bytes));
  static json::Splitter splitter;  // as in the product, one for all pages
  const Padded text(bytes);
  accepts([&] { splitter.split(text.view(), "data"); });
}

void check_repair(std::string_view bytes) {
  std::string body(bytes);
  json::Repair repair;
  if (!accepts([&] { repair = json::Repair::apply(body); })) return;
  SURVEYSYNC_PROMISE(is_sound_utf8(body));
  SURVEYSYNC_PROMISE(body.capacity() >= body.size() + json::kPadding);
  std::string again = body;
  SURVEYSYNC_PROMISE(!json::Repair::apply(again).altered() || body.starts_with(kByteOrderMark));
  if (!repair.altered()) SURVEYSYNC_PROMISE(body == bytes);
  std::string_view sent = bytes;
  if (sent.starts_with(kByteOrderMark)) sent.remove_prefix(kByteOrderMark.size());
  SURVEYSYNC_PROMISE(repair.original(body, body).value_or(body) == sent);
  check_document(body);
}

}  // namespace
}  // namespace surveysync::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace surveysync::fuzz;
  const std::string_view bytes = view_of(data, size);
  check_any(bytes);
  check_document(bytes);
  check_repair(bytes);
  return 0;
}
