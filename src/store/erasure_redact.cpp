#include "store/erasure_redact.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace surveysync::store {
namespace {

// Deeper than any record: what lies below is not looked at.
constexpr int kDeepest = 60;

bool speaks_of_mail(std::string_view raw_key) {
  std::string name(raw_key);
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c; });
  return name.find("mail") != std::string::npos;
}

/// Appends the slices of objects in `raw` that describe an erased person, in the order of their places.
void find_persons(std::string_view raw, int depth, const IsErasedAddress& is_erased,
                  std::vector<std::string_view>& found) {
  if (depth > kDeepest || raw.empty()) return;
  if (raw.front() == '[') {
    std::vector<std::string_view> elements;
    json::scan_elements(raw, elements);
    for (const std::string_view element : elements)
      find_persons(element, depth + 1, is_erased, found);
  }
  if (raw.front() != '{') return;
  std::vector<json::RawMember> members;
  json::scan_members(raw, members);
  const bool is_person =
      depth > 0 && std::ranges::any_of(members, [&](const json::RawMember& member) {
        return member.value.starts_with('"') && speaks_of_mail(member.key) && is_erased(json::plain_text(member.value));
      });
  if (is_person) {
    found.push_back(raw);
    return;
  }
  for (const json::RawMember& member : members)
    find_persons(member.value, depth + 1, is_erased, found);
}

}  // namespace

std::optional<std::string> without_persons(std::string_view raw, const IsErasedAddress& is_erased) {
  if (raw.find('@') == std::string_view::npos && raw.find("\\u0040") == std::string_view::npos) return std::nullopt;
  std::vector<std::string_view> found;
  try {
    find_persons(raw, 0, is_erased, found);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::malformed) throw;
    return std::nullopt;
  }
  if (found.empty()) return std::nullopt;
  std::string out;
  const char* from = raw.data();
  for (const std::string_view slice : found) {
    out.append(from, slice.data()).append("null");
    from = slice.data() + slice.size();
  }
  return out.append(from, raw.data() + raw.size());
}

}  // namespace surveysync::store
