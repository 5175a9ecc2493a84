#include "sources/alchemer/dates.h"

#include <date/tz.h>
#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/error.h"

namespace surveysync::sources::alchemer {

namespace {

constexpr int kFirstYear = 1970, kLastYear = 2200;
constexpr std::chrono::minutes kSlack{1};

struct Abbreviation {
  std::string_view text;
  int minutes;
};
constexpr std::array kAbbreviations = {
    Abbreviation{"EST", -300}, Abbreviation{"EDT", -240},  Abbreviation{"UTC", 0},     Abbreviation{"GMT", 0},
    Abbreviation{"Z", 0},      Abbreviation{"BST", 60},    Abbreviation{"WET", 0},     Abbreviation{"WEST", 60},
    Abbreviation{"CET", 60},   Abbreviation{"CEST", 120},  Abbreviation{"EET", 120},   Abbreviation{"EEST", 180},
    Abbreviation{"AEST", 600}, Abbreviation{"AEDT", 660},  Abbreviation{"ACST", 570},  Abbreviation{"ACDT", 630},
    Abbreviation{"AWST", 480}, Abbreviation{"NZST", 720},  Abbreviation{"NZDT", 780},  Abbreviation{"CST", -360},
    Abbreviation{"CDT", -300}, Abbreviation{"MST", -420},  Abbreviation{"MDT", -360},  Abbreviation{"PST", -480},
    Abbreviation{"PDT", -420}, Abbreviation{"AKST", -540}, Abbreviation{"AKDT", -480}, Abbreviation{"HST", -600},
    Abbreviation{"AST", -240}, Abbreviation{"ADT", -180},  Abbreviation{"NST", -210},  Abbreviation{"NDT", -150},
};

/// Reads exactly `count` digits at the front of `text` and drops them; -1 if they are none.
int take_digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return -1;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

/// "+01:00", "-0500", "+10".
std::optional<std::int32_t> numeric_offset(std::string_view text) {
  const bool west = take(text, '-');
  if (!west && !take(text, '+')) return std::nullopt;
  const int hours = take_digits(text, 2);
  take(text, ':');
  const int minutes = text.empty() ? 0 : take_digits(text, 2);
  if (hours < 0 || hours > 15 || minutes < 0 || minutes > 59 || !text.empty()) return std::nullopt;
  const std::int32_t seconds = (hours * 60 + minutes) * 60;
  return west ? -seconds : seconds;
}

/// A fraction of a second; digits beyond microseconds are cut. False when there is none behind the point.
bool take_fraction(std::string_view& text, std::int64_t& micros) {
  if (!take(text, '.')) return true;
  std::size_t digits = 0;
  std::int64_t scale = 100'000;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits, scale /= 10) {
    micros += (text[digits] - '0') * scale;
  }
  text.remove_prefix(digits);
  return digits > 0;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ')
    text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ')
    text.remove_suffix(1);
  return text;
}

}  // namespace

Zone::Zone(std::string_view name) {
  if (name.empty()) return;
  try {
    zone_ = date::locate_zone(name);
  } catch (const std::exception&) {
    throw Error(ErrorKind::config, fmt::format("the time-zone database has no zone \"{}\"", name),
                "install the package tzdata");
  }
}

std::string Zone::name() const {
  return zone_ == nullptr ? std::string() : zone_->name();
}

void Zones::take_over(std::span<const model::Capability> capabilities) {
  for (const model::Capability& capability : capabilities) {
    try {
      const bool told = capability.value != kUnknown;
      if (capability.name == "account_zone" && told) account = Zone(capability.value);
      if (capability.name == "updated_zone") updated = told ? Zone(capability.value) : Zone();
    } catch (const Error&) {
      continue;  // learned on a machine with another database: what is assumed stays
    }
  }
}

Zones zones_of_region(std::string_view region) {
  if (region == "eu") return {Zone("UTC"), Zone()};
  if (region == "au") return {Zone("Australia/Sydney"), Zone()};
  return {Zone("America/New_York"), Zone()};
}

std::optional<Stamp> parse_stamp(std::string_view text) {
  text = trimmed(text);
  const int year = take_digits(text, 4);
  if (year < kFirstYear || year > kLastYear || !take(text, '-')) return std::nullopt;
  const int month = take_digits(text, 2);
  if (month < 1 || !take(text, '-')) return std::nullopt;
  const int day = take_digits(text, 2);
  if (day < 1 || !(take(text, ' ') || take(text, 'T'))) return std::nullopt;
  const int hour = take_digits(text, 2);
  if (hour < 0 || hour > 23 || !take(text, ':')) return std::nullopt;
  const int minute = take_digits(text, 2);
  if (minute < 0 || minute > 59) return std::nullopt;
  Stamp stamp;
  int second = 0;
  if (take(text, ':')) {
    second = take_digits(text, 2);
    if (second < 0 || second > 59 || !take_fraction(text, stamp.micros)) return std::nullopt;
  }
  const date::year_month_day civil{date::year(year), date::month(static_cast<unsigned>(month)),
                                   date::day(static_cast<unsigned>(day))};
  if (!civil.ok()) return std::nullopt;
  const std::int64_t days = date::sys_days(civil).time_since_epoch().count();
  stamp.local_seconds = days * 86'400 + hour * 3'600 + minute * 60 + second;

  text = trimmed(text);
  if (text.empty()) return stamp;
  if (const auto offset = numeric_offset(text)) {
    stamp.offset_seconds = offset;
    return stamp;
  }
  for (const Abbreviation& abbreviation : kAbbreviations) {
    if (text != abbreviation.text) continue;
    stamp.offset_seconds = abbreviation.minutes * 60;
    stamp.suffix = text;
    return stamp;
  }
  return std::nullopt;
}

std::optional<UtcTime> to_utc(const Stamp& stamp, const Zone& zone, std::optional<UtcTime> not_before) {
  const auto read = [&](std::chrono::seconds offset) {
    return UtcTime(std::chrono::seconds(stamp.local_seconds) - offset + std::chrono::microseconds(stamp.micros));
  };
  if (stamp.offset_seconds) return read(std::chrono::seconds(*stamp.offset_seconds));
  if (!zone.known()) return std::nullopt;
  const date::local_seconds local{std::chrono::seconds(stamp.local_seconds)};
  const date::local_info info = zone.get()->get_info(local);
  const UtcTime first = read(info.first.offset);
  if (info.result != date::local_info::ambiguous || !not_before) return first;
  return first + kSlack >= *not_before ? first : read(info.second.offset);
}

std::optional<UtcTime> session_second(std::string_view session_id) {
  const std::size_t end = session_id.find('_');
  if (end == std::string_view::npos || end < 9 || end > 10) return std::nullopt;
  std::int64_t seconds = 0;
  const auto [stop, failure] = std::from_chars(session_id.data(), session_id.data() + end, seconds);
  if (failure != std::errc() || stop != session_id.data() + end || seconds <= 0) return std::nullopt;
  return UtcTime(std::chrono::seconds(seconds));
}

}  // namespace surveysync::sources::alchemer
