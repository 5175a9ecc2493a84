#include "sources/alchemer/list_cursor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/error.h"

namespace surveysync::sources::alchemer {
namespace {

// The vendor's default: nobody cuts pages shorter, so a shorter one is the last.
constexpr std::int64_t kSurelyFull = 50;
// Steps back in one list: then its rows move faster than we read, and it is read on as it comes.
constexpr int kClimbs = 20;

}  // namespace

PageNumber ListCursor::next_page(int page_size) const {
  const std::int64_t most = std::max<std::int64_t>(2, size > 0 ? std::min<std::int64_t>(size, page_size) : page_size);
  if (offset == 0) return {1, most};
  const std::int64_t row = seam > 0 ? offset - 1 : offset;
  PageNumber best{row / most + 1, most};
  for (std::int64_t smaller = most; smaller >= std::max<std::int64_t>(2, most * 4 / 5); --smaller) {
    const PageNumber page{row / smaller + 1, smaller};
    if (page.page * page.size > best.page * best.size) best = page;
  }
  return best;
}

bool ListCursor::move(const ListSeen& seen, std::string_view path) {
  const std::int64_t before = offset;
  const bool met = seam == 0 || std::ranges::find(seen.ids, seam) != seen.ids.end();
  const std::int64_t begins = seen.ids.empty() ? 0 : seen.ids.front();
  if (begins > 0 && begins == first && seen.ids.size() > 1 && seen.number.page > 1 && seam > 0)
    throw Error(ErrorKind::malformed, fmt::format("reading {}: the same page again", path),
                "the vendor repeats a page; the list is read again in the next run");
  if (!met && seen.rows > 0 && climbs < kClimbs) {
    ++climbs;
    offset = std::max<std::int64_t>(0, before - seen.number.size);
    seam = first = 0;
    return true;
  }
  offset = std::max(before, seen.number.first_row() + seen.rows);
  first = begins;
  seam = seen.ids.empty() ? 0 : seen.ids.back();
  if (seen.rows == 0 || offset == before) return false;
  if (seen.total) {
    if (offset >= *seen.total) return false;
  } else if (seen.unpaged || seen.rows < std::min(kSurelyFull, seen.number.size)) {
    return false;
  }
  // A page that came short with more behind it: the vendor's pages are no larger.
  if (seen.rows < seen.number.size) size = seen.rows;
  return true;
}

std::string ListCursor::text() const {
  return fmt::format("{}/{}/{}/{}/{}", offset, size, seam, first, climbs);
}

std::optional<ListCursor> ListCursor::parse(std::string_view text) {
  std::array<std::int64_t, 5> fields{};
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), fields[i]);
    if (error != std::errc() || fields[i] < 0) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (i + 1 == fields.size()) break;
    if (!text.starts_with('/')) return std::nullopt;
    text.remove_prefix(1);
  }
  if (!text.empty() || fields[4] > kClimbs) return std::nullopt;
  return ListCursor{fields[0], fields[1], fields[2], fields[3], static_cast<int>(fields[4])};
}

}  // namespace surveysync::sources::alchemer
