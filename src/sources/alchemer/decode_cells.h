#pragma once
// What this vendor's values need beyond sources/cells.h: its dates, its sets of names, its lists that are objects or
// arrays. Private to the decoders of this folder. One batch belongs to one thread.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/json.h"
#include "sources/alchemer/dates.h"
#include "sources/cells.h"

namespace surveysync::sources::alchemer {

/// A small fixed set of names, found by hash. `find` gives the position in the list it was made of, or npos.
class NameSet {
 public:
  static constexpr std::size_t npos = static_cast<std::size_t>(-1);
  explicit NameSet(std::span<const std::string_view> names);
  std::size_t find(std::string_view name) const;
  bool contains(std::string_view name) const { return find(name) != npos; }

 private:
  static std::size_t hash(std::string_view name);
  static constexpr std::size_t kSlots = 256;
  std::span<const std::string_view> names_;
  std::array<std::uint8_t, kSlots> slots_{};  // position + 1; 0: free
};

/// Cells of this vendor's values.
class CellMaker : public sources::CellMaker {
 public:
  using sources::CellMaker::CellMaker;
  /// NULL and the flag "date" when the text is no date; NULL when blank.
  std::optional<UtcTime> date(json::Value value, const Zone& zone, std::optional<UtcTime> not_before = std::nullopt);
};

/// Calls `visit(key, child)` for each member of an object or element of an array (key empty): PHP sends either.
template <class Visit>
void for_each_child(json::Value value, Visit visit) {
  for (const json::Member& member : value.members())
    visit(member.key, member.value);
  for (const json::Value& item : value.items())
    visit(std::string_view(), item);
}

}  // namespace surveysync::sources::alchemer
