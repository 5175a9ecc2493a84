#include "sources/alchemer/decode_cells.h"

namespace surveysync::sources::alchemer {

NameSet::NameSet(std::span<const std::string_view> names) : names_(names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::size_t slot = hash(names[i]);
    while (slots_[slot] != 0)
      slot = (slot + 1) % kSlots;
    slots_[slot] = static_cast<std::uint8_t>(i + 1);
  }
}

std::size_t NameSet::hash(std::string_view name) {
  if (name.empty()) return 0;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(name[i]); };
  return (name.size() * 37 + byte(0) * 5U + byte(name.size() - 1) * 3U + byte(name.size() / 2)) % kSlots;
}

std::size_t NameSet::find(std::string_view name) const {
  for (std::size_t slot = hash(name); slots_[slot] != 0; slot = (slot + 1) % kSlots) {
    if (names_[slots_[slot] - 1U] == name) return slots_[slot] - 1U;
  }
  return npos;
}

std::optional<UtcTime> CellMaker::date(json::Value value, const Zone& zone, std::optional<UtcTime> not_before) {
  if (value.is_blank()) return std::nullopt;
  const std::optional<Stamp> stamp = parse_stamp(value.text());
  const std::optional<UtcTime> time = stamp ? to_utc(*stamp, zone, not_before) : std::nullopt;
  if (!time) flag("date");
  return time;
}

}  // namespace surveysync::sources::alchemer
