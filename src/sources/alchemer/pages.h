#pragma once
// Where a complete pass over one survey's responses stands, and which page to ask for next. The pass goes from the last
// page to the first: a response deleted meanwhile moves the others toward the pages that are still unread, so none is
// passed over. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace surveysync::sources::alchemer {

/// Rows [floor, remaining) of the vendor's order are still unread.
struct PagePosition {
  std::int64_t remaining = 0, floor = 0;
  std::string previous_first;  ///< raw id of the first record of the page before: the same page again is an error

  /// "remaining/floor/previous_first".
  std::string text() const;
  static std::optional<PagePosition> parse(std::string_view text);
};

/// One page as the vendor numbers them: 1-based, `size` rows each.
struct PageNumber {
  std::int64_t page, size;
  std::int64_t first_row() const { return (page - 1) * size; }
};

/// The page that holds the last unread row.
PageNumber last_unread_page(const PagePosition& position, int page_size);

/// How many rows that page must hold when the vendor counts `total`.
std::int64_t expected_rows(const PageNumber& page, std::int64_t total);

/// What is left after that page was read and the vendor counted `total`; nothing at the end of the pass.
std::optional<PagePosition> after_page(const PagePosition& position, const PageNumber& page, std::int64_t total,
                                       std::string first_id);

}  // namespace surveysync::sources::alchemer
