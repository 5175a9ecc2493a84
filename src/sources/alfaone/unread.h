#pragma once
// Where a backward pass over a list with numbered pages stands when its ids have no order: uuids, listed by a date.
// Like PagePosition (numbered_pages.h), but the seam between two pages is seen by the records themselves: each page
// overlaps the one read before, and must show one of its first records. Where it does not, rows have moved and the pass
// climbs back; where nothing is in order, it goes on without seams and leaves the judgement to the certificate. Pure;
// the position is text between calls.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sources/numbered_pages.h"

namespace surveysync::sources::alfaone {

/// Rows [floor, remaining) of the vendor's order are still unread.
struct Unread {
  std::int64_t remaining = -1;  ///< -1: nobody has counted yet
  std::int64_t floor = 0;
  std::int64_t lowest = std::numeric_limits<std::int64_t>::max();  ///< that `remaining` was so far
  int climbs = 0;                                                  ///< since `lowest` was reached
  int stalls = 0;                       ///< pages in a row that began with the record that the page before began with
  bool seamless = false;                ///< seams do not hold: the list has no order that lasts
  std::vector<std::string> edges = {};  ///< marks of the first records of the page read last; none at the beginning

  /// "u/remaining/floor/lowest/climbs/stalls/seamless/edge,edge": nothing else than letters, digits, commas, slashes.
  std::string text() const;
  static std::optional<Unread> parse(std::string_view text);
};

/// A record's name for seams: short, letters and digits.
std::string mark_of(std::string_view key_text);

/// So many passes in turn ask by pages of sizes that the others do not use.
inline constexpr int kLanes = 3;
/// The page that holds the last unread row and, once something was read, a row above it. `lane`: of this pass, from 0;
/// tiny pages know no lanes.
PageNumber next_page(const Unread& unread, int page_size, int lane);

/// What one page showed.
struct Shown {
  PageNumber number;
  std::int64_t total = 0;
  std::vector<std::string> marks;  ///< of its records, in their order
};
/// What is left after that page; nothing at the end of the pass. Throws Error(malformed) when the vendor repeats a
/// page.
std::optional<Unread> after_page(const Unread& unread, const Shown& shown);

}  // namespace surveysync::sources::alfaone
