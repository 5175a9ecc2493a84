#include "sources/alfaone/unread.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "model/stream.h"

namespace surveysync::sources::alfaone {
namespace {

// Records of a page that its lower neighbour may show: one can be deleted meanwhile, hardly all.
constexpr std::size_t kEdges = 3;
// Climbs, each twice as high as the one before, until the list counts as without order.
constexpr int kClimbs = 8;
// Pages in a row that begin alike although lower rows were asked for: once or twice records were deleted just so.
constexpr int kStalls = 3;
constexpr std::size_t kMarkBytes = 4;
// Pages below this have too few sizes to choose from.
constexpr std::int64_t kLeastLaned = 30;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

template <class Number>
bool read_number(std::string_view digits, Number& into) {
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), into);
  return error == std::errc() && end == digits.data() + digits.size();
}

bool meets(const Unread& unread, const Shown& shown) {
  return std::ranges::any_of(unread.edges,
                             [&](const std::string& edge) { return std::ranges::count(shown.marks, edge) > 0; });
}

/// The rows above the page that did not meet what was read.
Unread climbed(Unread unread, const Shown& shown) {
  const std::int64_t step = shown.number.size << (unread.climbs - 1);
  unread.remaining = std::min(shown.number.first_row() + shown.number.size + step, shown.total);
  return unread;
}

}  // namespace

std::string Unread::text() const {
  return fmt::format("u/{}/{}/{}/{}/{}/{}/{}", remaining, floor, lowest, climbs, stalls, seamless ? 1 : 0,
                     fmt::join(edges, ","));
}

std::optional<Unread> Unread::parse(std::string_view text) {
  const std::vector<std::string_view> fields = split(text, '/');
  Unread unread;
  int seamless = 0;
  if (fields.size() != 8 || fields[0] != "u" || !read_number(fields[1], unread.remaining) ||
      !read_number(fields[2], unread.floor) || !read_number(fields[3], unread.lowest) ||
      !read_number(fields[4], unread.climbs) || !read_number(fields[5], unread.stalls) ||
      !read_number(fields[6], seamless)) {
    return std::nullopt;
  }
  const bool sound = unread.remaining >= -1 && unread.floor >= 0 && unread.lowest >= 0 && unread.climbs >= 0 &&
                     unread.climbs <= kClimbs && unread.stalls >= 0 && unread.stalls <= kStalls && seamless >= 0 &&
                     seamless <= 1;
  if (!sound) return std::nullopt;
  unread.seamless = seamless == 1;
  if (!fields[7].empty()) {
    for (const std::string_view edge : split(fields[7], ','))
      unread.edges.emplace_back(edge);
  }
  return unread;
}

std::string mark_of(std::string_view key_text) {
  const model::Hash hash = model::hash_of(key_text);
  std::string mark;
  for (std::size_t i = 0; i < kMarkBytes; ++i)
    mark += fmt::format("{:02x}", hash[i]);
  return mark;
}

PageNumber next_page(const Unread& unread, int page_size, int lane) {
  const std::int64_t rows = std::max<std::int64_t>(unread.remaining, 1), most = std::max(1, page_size);
  const bool overlaps = !unread.seamless && !unread.edges.empty();
  const std::int64_t last = overlaps ? rows : rows - 1;  // that the page must hold, beside row rows - 1
  std::optional<PageNumber> best;
  const auto consider = [&](std::int64_t size) {
    const PageNumber page{last / size + 1, size};
    if (page.first_row() > rows - 1 || size % kLanes != lane || most < kLeastLaned) return;
    if (!best || page.page * size < best->page * best->size) best = page;
  };
  const std::int64_t least = last < most ? last + 1 : (4 * most + 4) / 5;
  for (std::int64_t size = most; size >= least; --size)
    consider(size);
  if (best) return *best;
  PagePosition position;
  position.remaining = rows;
  position.ordered = !unread.seamless;
  if (!unread.edges.empty()) position.low = 0;
  return sources::next_page(position, page_size);
}

std::optional<Unread> after_page(const Unread& unread, const Shown& shown) {
  Unread left = unread;
  // Also when it shows fewer rows than the vendor counts: there are no pages behind it.
  const bool reaches_the_end = shown.number.first_row() + shown.number.size >= shown.total;
  const bool tells = !unread.seamless && !unread.edges.empty() && !shown.marks.empty();
  if (tells && !reaches_the_end && !meets(unread, shown)) {
    if (++left.climbs <= kClimbs) return climbed(std::move(left), shown);
    left.climbs = 0;
    left.seamless = true;
  }
  left.remaining = std::min(shown.number.first_row(), shown.total);
  const bool in_vain = !unread.edges.empty() && !shown.marks.empty() && unread.edges.front() == shown.marks.front() &&
                       shown.number.first_row() < unread.remaining;
  left.stalls = in_vain ? left.stalls + 1 : 0;
  if (left.stalls >= kStalls) {
    throw Error(ErrorKind::malformed,
                fmt::format("page {} of {} begins like the pages read before it", shown.number.page, shown.number.size),
                "the vendor repeats a page; the list is read again in the next run");
  }
  left.edges.assign(shown.marks.begin(),
                    shown.marks.begin() + static_cast<std::ptrdiff_t>(std::min(kEdges, shown.marks.size())));
  if (left.remaining < left.lowest) {
    left.lowest = left.remaining;
    left.climbs = 0;
  }
  return left.remaining <= left.floor ? std::nullopt : std::optional(left);
}

}  // namespace surveysync::sources::alfaone
