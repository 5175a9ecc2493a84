#include "sources/alchemer/pages.h"

#include <algorithm>
#include <charconv>

namespace surveysync::sources::alchemer {

std::string PagePosition::text() const {
  return std::to_string(remaining) + "/" + std::to_string(floor) + "/" + previous_first;
}

std::optional<PagePosition> PagePosition::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::size_t second = slash == std::string_view::npos ? slash : text.find('/', slash + 1);
  if (second == std::string_view::npos) return std::nullopt;
  PagePosition position;
  const auto number = [](std::string_view digits, std::int64_t& into) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), into);
    return error == std::errc() && end == digits.data() + digits.size() && into >= 0;
  };
  if (!number(text.substr(0, slash), position.remaining) ||
      !number(text.substr(slash + 1, second - slash - 1), position.floor)) {
    return std::nullopt;
  }
  position.previous_first = text.substr(second + 1);
  return position;
}

PageNumber last_unread_page(const PagePosition& position, int page_size) {
  const std::int64_t size = std::max(1, page_size);
  return {std::max<std::int64_t>(1, (position.remaining + size - 1) / size), size};
}

std::int64_t expected_rows(const PageNumber& page, std::int64_t total) {
  return std::clamp<std::int64_t>(total - page.first_row(), 0, page.size);
}

std::optional<PagePosition> after_page(const PagePosition& position, const PageNumber& page, std::int64_t total,
                                       std::string first_id) {
  const std::int64_t left = std::min(page.first_row(), total);
  if (left <= position.floor) return std::nullopt;
  return PagePosition{left, position.floor, std::move(first_id)};
}

}  // namespace surveysync::sources::alchemer
