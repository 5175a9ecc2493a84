#pragma once
// Where the reading of one list stands that goes from its first row to its last: lists of objects are in no promised
// order, and some tell no total. Pages overlap by a row: when that row has gone, rows were deleted above and others
// moved up past us, so the cursor steps back a page. Pure values.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sources/numbered_pages.h"

namespace surveysync::sources::alchemer {

/// What one page of the list showed.
struct ListSeen {
  PageNumber number;
  std::span<const std::int64_t> ids;  ///< in their order; 0 for rows without one
  std::int64_t rows = 0;              ///< null entries included
  std::optional<std::int64_t> total;
  bool unpaged = false;  ///< everything comes at once, unless a total says otherwise
};

struct ListCursor {
  std::int64_t offset = 0;           ///< rows above are read
  std::int64_t size = 0;             ///< of pages, at most; 0: as large as may be
  std::int64_t seam = 0, first = 0;  ///< ids of the last and the first row of the page before; 0: unknown
  int climbs = 0;                    ///< steps back so far

  /// The page to ask for: it begins above `offset`, by a row at least where the seam is known.
  PageNumber next_page(int page_size) const;
  /// Whether there may be more behind that page; the cursor has moved. Throws Error(malformed) for the same page again.
  bool move(const ListSeen& seen, std::string_view path);

  std::string text() const;
  static std::optional<ListCursor> parse(std::string_view text);
};

}  // namespace surveysync::sources::alchemer
