#include "sources/numbered_pages.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/error.h"

namespace surveysync::sources {
namespace {

// Climbs in a row that lead to no lower id. Each is twice as high as the one before.
constexpr int kClimbs = 20;
constexpr int kHighestStep = 12;
// Pages in a row that begin with the id that the pass has already reached, although they lie below it: once or twice
// records were deleted just so; three times the vendor repeats itself.
constexpr int kStalls = 3;

/// Reads a field up to the next slash and drops both. Empty when it is no number.
std::optional<std::int64_t> take_number(std::string_view& text) {
  const std::size_t end = std::min(text.find('/'), text.size());
  const std::string_view digits = text.substr(0, end);
  std::int64_t value = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || stop != digits.data() + digits.size()) return std::nullopt;
  text.remove_prefix(std::min(end + 1, text.size()));
  return value;
}

/// The page number of size `size` that holds row `row`.
PageNumber page_with(std::int64_t row, std::int64_t size) {
  return {row / size + 1, size};
}

/// A page that ends behind row `last` and begins before row `unread` is a candidate; the one that ends soonest wins.
struct Choice {
  std::int64_t unread, last;
  std::optional<PageNumber> best;

  void consider(std::int64_t size) {
    const PageNumber page = page_with(last, size);
    if (page.first_row() > unread) return;
    if (!best || page.page * page.size < best->page * best->size) best = page;
  }
};

bool is_asked_for_in_vain(const PagePosition& position, const PageSeen& seen) {
  return seen.lowest >= 0 && seen.lowest == position.low && seen.number.first_row() < position.remaining;
}

PagePosition climbed(PagePosition position, const PageSeen& seen) {
  if (++position.climbs > kClimbs) {
    throw Error(ErrorKind::malformed,
                fmt::format("the pages do not meet: {} was read, and page {} of {} ends with record {}",
                            position.low == PagePosition::kTop ? "nothing" : fmt::format("record {}", position.low),
                            seen.number.page, seen.number.size, seen.highest),
                "records came back all the while, or the list is not in order; it is read again in the next run");
  }
  const std::int64_t step = seen.number.size << std::min(position.climbs - 1, kHighestStep);
  position.remaining = std::min(seen.number.first_row() + seen.number.size + step, seen.total);
  return position;
}

}  // namespace

std::string PagePosition::text() const {
  return fmt::format("{}/{}/{}/{}/{}/{}/{}", remaining, floor, low, until, climbs, ordered ? 1 : 0, stalls);
}

std::optional<PagePosition> PagePosition::parse(std::string_view text) {
  std::array<std::int64_t, 7> fields{};
  if (std::ranges::count(text, '/') != static_cast<std::ptrdiff_t>(fields.size()) - 1) return std::nullopt;
  for (std::int64_t& field : fields) {
    const auto number = take_number(text);
    if (!number) return std::nullopt;
    field = *number;
  }
  const auto [remaining, floor, low, until, climbs, ordered, stalls] = fields;
  if (remaining < 0 || floor < 0 || low < -1 || until < -1 || climbs < 0 || climbs > kClimbs || ordered < 0 ||
      ordered > 1 || stalls < 0 || stalls > kStalls) {
    return std::nullopt;
  }
  return PagePosition{remaining, floor, low, until, static_cast<int>(climbs), ordered == 1, static_cast<int>(stalls)};
}

PageNumber next_page(const PagePosition& position, int page_size) {
  const std::int64_t most = std::max(1, page_size), rows = std::max<std::int64_t>(position.remaining, 1);
  const bool seamed = position.ordered && position.low >= 0;
  const bool first = !seamed || position.low == PagePosition::kTop;
  if (!position.ordered || (first && rows <= most)) return {(rows + most - 1) / most, most};
  if (seamed && rows < most) return {1, rows + 1};
  Choice choice{rows - 1, first ? rows - 1 : rows, {}};
  for (std::int64_t size = most; size >= std::max<std::int64_t>(1, (4 * most + 4) / 5); --size)
    choice.consider(size);
  // Small pages whose sizes all divide the row: a smaller one, else a larger.
  for (std::int64_t size = most - 1; !choice.best && size >= 2; --size)
    choice.consider(size);
  for (std::int64_t size = most + 1; !choice.best; ++size)
    choice.consider(size);
  return *choice.best;
}

std::int64_t expected_rows(const PageNumber& page, std::int64_t total) {
  return std::clamp<std::int64_t>(total - page.first_row(), 0, page.size);
}

std::optional<PagePosition> after_page(const PagePosition& position, const PageSeen& seen) {
  PagePosition left = position;
  left.remaining = std::min(seen.number.first_row(), seen.total);
  if (!seen.ascending) left.ordered = false;
  if (!left.ordered) {
    left.low = -1;
    return left.remaining <= left.floor ? std::nullopt : std::optional(left);
  }
  // Also when it shows fewer rows than the vendor counts: there are no pages behind it.
  const bool reaches_the_end = seen.number.first_row() + seen.number.size >= seen.total;
  const bool unknown = seen.rows > 0 && seen.lowest < 0;  // records without ids: nothing to see a seam by
  if (position.low >= 0 && !reaches_the_end && !unknown && seen.highest < position.low) return climbed(position, seen);
  if (is_asked_for_in_vain(position, seen)) {
    if (++left.stalls >= kStalls) {
      throw Error(ErrorKind::malformed,
                  fmt::format("page {} of {} begins with record {} like the pages read before it", seen.number.page,
                              seen.number.size, seen.lowest),
                  "the vendor repeats a page; the list is read again in the next run");
    }
  } else {
    left.stalls = 0;
  }
  if (unknown) left.low = -1;
  if (seen.lowest >= 0 && (left.low < 0 || seen.lowest < left.low)) {
    left.low = seen.lowest;
    left.climbs = 0;
  }
  // Where the halves of a list meet is known by the id: rows move across the floor when records below it are deleted.
  const bool by_id = left.until >= 0 && left.low >= 0;
  const bool met = by_id ? left.low <= left.until || left.remaining <= 0 : left.remaining <= left.floor;
  return met ? std::nullopt : std::optional(left);
}

}  // namespace surveysync::sources
