#pragma once
// A window over the changes of one survey: where it stands, what to ask next, and whether the answer can be believed.
// The window moves its edge to the last stamp met, inclusive, and never pages deeper; but records of one second that no
// page holds are paged within that second, by id. Nothing is taken on trust: a filter, an order or a total that is
// ignored shows in the page. Pure; the position is text between calls.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "http/client.h"
#include "sources/alchemer/dates.h"

namespace surveysync::sources::alchemer {

/// Stamps are the vendor's wall stamps (wall.h).
struct WindowPosition {
  /// Pages within one second; page 0: none.
  struct Tie {
    std::int64_t page = 0, size = 0;
    std::int64_t total = 0;    ///< as the first page counted
    std::int64_t last_id = 0;  ///< of the page before
    std::int64_t read = 0;     ///< rows of the pages before
  };
  bool newest_first = false;
  std::string from;   ///< inclusive
  std::string until;  ///< exclusive; empty: no end
  std::string edge;   ///< ascending: what is left begins here; newest first: ends here; inclusive, empty: not yet moved
  Tie tie;

  /// "window:a/from/until/edge/page/size/total/last_id/read"; d for newest first.
  std::string text() const;
  static std::optional<WindowPosition> parse(std::string_view text);
};
inline constexpr std::string_view kWindowPrefix = "window:";

/// Conditions on date_updated, as the vendor writes them: {">=", "2026-01-01 00:00:00"}, ...
using Conditions = std::vector<std::pair<std::string, std::string>>;
http::Query filter_updated(const Conditions& conditions);
/// Filter and order of a position's question; the page number is 1, or the tie's.
http::Query window_query(const WindowPosition& position);

/// One record of a page.
struct Dated {
  std::int64_t id = 0;     ///< 0: none can be read
  std::string_view stamp;  ///< date_updated; empty when it is absent or not of the form that can be ordered
};
/// What one page showed.
struct WindowSeen {
  std::int64_t asked = 0, rows = 0;   ///< rows: null entries included
  std::optional<std::int64_t> total;  ///< of the filtered list, where totals count what the filter lets through
  std::int64_t uncapped = 0;          ///< pages of fewer rows are not cut short by the vendor
  std::span<const Dated> records;
};
/// `next`: nothing at the end of the window. `unreliable`: why the answer cannot be believed; then there is no next.
struct WindowStep {
  std::optional<WindowPosition> next;
  std::string unreliable;
};
/// `zone` of date_updated, where known.
WindowStep after_window_page(const WindowPosition& position, const WindowSeen& seen, const Zone& zone);

}  // namespace surveysync::sources::alchemer
