#include "sandbox/zone.h"

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace surveysync::sandbox {
namespace {

constexpr Seconds kFirst = 631152000;  // 1990
constexpr Seconds kLast = 2840140800;  // 2060

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return std::nullopt;
  int value = 0;
  const char* begin = text.data() + at;
  const auto [end, error] = std::from_chars(begin, begin + count, value);
  if (error != std::errc() || end != begin + count) return std::nullopt;
  return value;
}

// What may stand behind the digits: offset in seconds east of Greenwich.
std::optional<int> written_offset(std::string_view tail) {
  if (tail == "Z" || tail == "UTC" || tail == "GMT") return 0;
  if (tail == "EST") return -5 * 3600;
  if (tail == "EDT") return -4 * 3600;
  if (tail.size() < 5 || (tail[0] != '+' && tail[0] != '-')) return std::nullopt;
  const auto hours = digits(tail, 1, 2);
  const auto minutes = digits(tail, tail[3] == ':' ? 4 : 3, 2);
  if (!hours || !minutes) return std::nullopt;
  const int seconds = *hours * 3600 + *minutes * 60;
  return tail[0] == '-' ? -seconds : seconds;
}

}  // namespace

Zone::Zone(const std::string& name) {
  try {
    const date::time_zone* zone = date::locate_zone(name);
    for (Seconds at = kFirst; at < kLast;) {
      const date::sys_info info = zone->get_info(date::sys_seconds(std::chrono::seconds(at)));
      const Seconds end = std::min<Seconds>(kLast, info.end.time_since_epoch().count());
      const bool joined =
          !spans_.empty() && spans_.back().offset == info.offset.count() && spans_.back().suffix == info.abbrev;
      if (joined) {
        spans_.back().end = end;
      } else {
        spans_.push_back({at, end, info.offset.count(), info.abbrev});
      }
      at = end;
    }
  } catch (const std::exception&) {
    throw Error(ErrorKind::config, fmt::format("unknown time zone {}", name),
                "use a name like America/New_York or UTC");
  }
}

const Zone::Span& Zone::span(Seconds instant) const {
  const auto after = std::upper_bound(spans_.begin(), spans_.end(), instant,
                                      [](Seconds value, const Span& item) { return value < item.begin; });
  return after == spans_.begin() ? spans_.front() : *(after - 1);
}

Seconds Zone::wall(Seconds instant) const {
  return instant + span(instant).offset;
}

std::string Zone::local(Seconds instant) const {
  return wall_text(wall(instant));
}

std::string Zone::local_with_suffix(Seconds instant) const {
  const Span& here = span(instant);
  return fmt::format("{} {}", wall_text(instant + here.offset), here.suffix);
}

std::vector<Seconds> Zone::transitions(Seconds from, Seconds until) const {
  std::vector<Seconds> out;
  for (const Span& item : spans_) {
    if (item.begin >= from && item.begin < until && item.begin != spans_.front().begin) out.push_back(item.begin);
  }
  return out;
}

bool Zone::repeated(Seconds instant) const {
  const Span& here = span(instant);
  const Seconds shown = instant + here.offset;
  for (const Seconds other : {instant - 3600, instant + 3600}) {
    if (wall(other) == shown) return true;
  }
  return false;
}

std::string utc_iso(Seconds instant) {
  std::string out = wall_text(instant);
  out[10] = 'T';
  out.push_back('Z');
  return out;
}

std::string wall_text(Seconds wall) {
  const date::sys_seconds time{std::chrono::seconds(wall)};
  const auto day = date::floor<date::days>(time);
  const date::year_month_day ymd(day);
  const Seconds rest = (time - day).count();
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", static_cast<int>(ymd.year()),
                     static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()), rest / 3600, rest / 60 % 60,
                     rest % 60);
}

std::optional<WrittenTime> parse_written_time(std::string_view text) {
  const auto year = digits(text, 0, 4);
  const auto month = digits(text, 5, 2);
  const auto day = digits(text, 8, 2);
  if (!year || !month || !day || text[4] != '-' || text[7] != '-') return std::nullopt;
  const date::year_month_day ymd{date::year{*year}, date::month{static_cast<unsigned>(*month)},
                                 date::day{static_cast<unsigned>(*day)}};
  if (!ymd.ok()) return std::nullopt;
  Seconds wall = date::sys_seconds(date::sys_days(ymd)).time_since_epoch().count();
  if (text.size() == 10) return WrittenTime{wall, std::nullopt};
  const auto hour = digits(text, 11, 2);
  const auto minute = digits(text, 14, 2);
  const auto second = digits(text, 17, 2);
  if (!hour || !minute || !second || (text[10] != ' ' && text[10] != 'T')) return std::nullopt;
  wall += *hour * 3600 + *minute * 60 + *second;
  std::string_view tail = text.substr(19);
  if (!tail.empty() && tail[0] == '.') {
    tail.remove_prefix(std::min(tail.find_first_not_of("0123456789", 1), tail.size()));
  }
  if (!tail.empty() && tail[0] == ' ') tail.remove_prefix(1);
  if (tail.empty()) return WrittenTime{wall, std::nullopt};
  const auto offset = written_offset(tail);
  if (!offset) return std::nullopt;
  return WrittenTime{wall, wall - *offset};
}

}  // namespace surveysync::sandbox
