#pragma once
// Where a complete pass over a list with numbered pages stands, and which page to ask for next. The pass goes from the
// last page to the first: a record deleted meanwhile moves the others toward the pages that are still unread. Each page
// overlaps the one read before by at least one record where the list ascends by numeric id, and the seam is checked: a
// record that appeared below (restored, or shown late) moves others up, past the edge, and the pass climbs back for
// them. A long list is divided by giving its lower half to another worker; the upper one ends where it meets the lower
// one's highest id. Pure; the position is text between calls.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace surveysync::sources {

/// Rows [floor, remaining) of the vendor's order are still unread.
struct PagePosition {
  /// `low` of a pass that begins at the end of the list: its first page must reach that end.
  static constexpr std::int64_t kTop = std::numeric_limits<std::int64_t>::max();

  std::int64_t remaining = 0, floor = 0;
  std::int64_t low = kTop;  ///< lowest id read so far; -1: unknown (a lower half's first page, ids without order)
  std::int64_t until = -1;  ///< the pass ends with the page that holds this id or a lower one; -1: at `floor`
  int climbs = 0;           ///< times in a row that a seam did not hold
  bool ordered = true;      ///< ids ascended on every page so far
  int stalls = 0;           ///< pages in a row that began with `low` again

  /// "remaining/floor/low/until/climbs/ordered/stalls".
  std::string text() const;
  static std::optional<PagePosition> parse(std::string_view text);
  /// The rows below the middle as a position of their own.
  PagePosition lower_half() const { return {remaining - (remaining - floor) / 2, floor, -1, until, 0, ordered, 0}; }
};

/// One page as the vendor numbers them: 1-based, `size` rows each.
struct PageNumber {
  std::int64_t page = 1, size = 1;
  std::int64_t first_row() const { return (page - 1) * size; }
  bool operator==(const PageNumber&) const = default;
};

/// The page that holds the last unread row and, where ids are ordered and something was read, at least one row above
/// it. Its size is at most `page_size` and not below four fifths of it, the one that repeats least; other sizes only at
/// the beginning of the list, and where a `page_size` of a few rows leaves no choice.
PageNumber next_page(const PagePosition& position, int page_size);

/// How many rows that page must hold when the vendor counts `total`.
std::int64_t expected_rows(const PageNumber& page, std::int64_t total);

/// What one page showed.
struct PageSeen {
  PageNumber number;
  std::int64_t total = 0, rows = 0;        ///< the vendor's count; rows on the page, null entries included
  std::int64_t lowest = -1, highest = -1;  ///< ids; -1 when none
  bool ascending = true;
};
/// What is left after that page; nothing at the end of the pass. A seam that does not hold leads up again. Throws
/// Error(malformed) after too many climbs, and for the same page again.
std::optional<PagePosition> after_page(const PagePosition& position, const PageSeen& seen);

}  // namespace surveysync::sources
