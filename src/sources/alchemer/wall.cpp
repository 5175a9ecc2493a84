#include "sources/alchemer/wall.h"

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>

namespace surveysync::sources::alchemer {
namespace {

constexpr std::size_t kWallSize = 19;
constexpr std::chrono::hours kNearChange{2};

bool repeats(const date::time_zone* zone, std::int64_t wall) {
  return zone->get_info(date::local_seconds(std::chrono::seconds(wall))).result == date::local_info::ambiguous;
}

}  // namespace

bool is_wall(std::string_view text) {
  if (text.size() != kWallSize || text[10] != ' ') return false;
  const auto stamp = parse_stamp(text);
  return stamp && !stamp->offset_seconds;
}

std::int64_t wall_seconds(std::string_view text) {
  const auto stamp = parse_stamp(text);
  return stamp ? stamp->local_seconds : 0;
}

std::string wall_text(std::int64_t seconds) {
  const std::chrono::seconds whole(std::max<std::int64_t>(0, seconds));
  const auto day = std::chrono::floor<date::days>(whole);
  const date::year_month_day civil{date::sys_days(day)};
  const auto time = (whole - day).count();
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", static_cast<int>(civil.year()),
                     static_cast<unsigned>(civil.month()), static_cast<unsigned>(civil.day()), time / 3600,
                     time / 60 % 60, time % 60);
}

std::string moved(std::string_view text, Duration by) {
  return wall_text(wall_seconds(text) + std::chrono::floor<std::chrono::seconds>(by).count());
}

std::string wall_at(UtcTime at, const Zone& zone) {
  const auto second = std::chrono::floor<std::chrono::seconds>(at);
  const auto info = zone.get()->get_info(date::sys_seconds(second.time_since_epoch()));
  return wall_text((second.time_since_epoch() + info.offset).count());
}

Duration doubt_around(UtcTime at, const Zone& zone) {
  if (!zone.known()) return kZoneDoubt;
  const date::sys_seconds second(std::chrono::floor<std::chrono::seconds>(at).time_since_epoch());
  const auto info = zone.get()->get_info(second);
  const auto other = second - kNearChange < info.begin ? zone.get()->get_info(second - kNearChange)
                                                       : zone.get()->get_info(second + kNearChange);
  return std::chrono::abs(other.offset - info.offset);
}

bool is_repeated(std::string_view text, const Zone& zone) {
  const std::int64_t wall = wall_seconds(text);
  if (zone.known()) return repeats(zone.get(), wall);
  return std::ranges::any_of(zone_candidates(),
                             [&](const std::string_view name) { return repeats(Zone(name).get(), wall); });
}

}  // namespace surveysync::sources::alchemer
