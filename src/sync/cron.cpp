// Cron: the grammar of a schedule, and the walk over the days of a zone to its next time.
#include <date/tz.h>
#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/error.h"
#include "sync/agenda.h"

namespace surveysync::sync {
namespace {

constexpr int kYearsAhead = 10;
constexpr std::string_view kShape =
    "a schedule has five fields (minute, hour, day of month, month, day of week), or is @hourly, @daily, @midnight, "
    "@weekly, @monthly, @yearly, @annually";

struct Field {
  std::string_view name;
  int first, last;
  std::array<std::string_view, 12> words;  ///< names of `first`, `first` + 1, ...
};
constexpr std::array<Field, 5> kFields = {{
    {"minute", 0, 59, {}},
    {"hour", 0, 23, {}},
    {"day of month", 1, 31, {}},
    {"month", 1, 12, {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
    {"day of week", 0, 7, {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
}};
constexpr int kSundayAgain = 7;

struct Nickname {
  std::string_view name, fields;
};
constexpr Nickname kNicknames[] = {
    {"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
    {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"},
};

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || failure != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find_first_of(separators);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<int> value_of(std::string_view text, const Field& field) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  for (std::size_t i = 0; i < field.words.size() && !lower.empty(); ++i) {
    if (field.words[i] == lower) return field.first + static_cast<int>(i);
  }
  const std::optional<int> value = number(text);
  return value && *value >= field.first && *value <= field.last ? value : std::nullopt;
}

/// The bits of "*", "5", "1-5", "*/15" or "1-30/2"; nothing when the text is none of them. A step behind a single value
/// means different things to different crons, so it is refused.
std::optional<std::uint64_t> bits_of_part(std::string_view text, const Field& field) {
  const std::vector<std::string_view> step = split(text, "/");
  if (step.size() > 2) return std::nullopt;
  const int width = step.size() == 2 ? number(step[1]).value_or(0) : 1;
  if (width < 1) return std::nullopt;
  std::optional<int> first = field.first, last = field.last;
  if (step[0] != "*") {
    const std::vector<std::string_view> range = split(step[0], "-");
    if (range.size() > 2 || (range.size() == 1 && step.size() == 2)) return std::nullopt;
    first = value_of(range.front(), field);
    last = value_of(range.back(), field);
    if (last == 0 && first > 0 && field.last == kSundayAgain) last = kSundayAgain;  // sat-sun
  }
  if (!first || !last || *first > *last) return std::nullopt;
  std::uint64_t bits = 0;
  for (int value = *first; value <= *last; value += std::min(width, 64))
    bits |= std::uint64_t{1} << value;
  return bits;
}

std::uint64_t bits_of(std::string_view text, const Field& field) {
  std::uint64_t bits = 0;
  for (const std::string_view part : split(text, ",")) {
    const std::optional<std::uint64_t> more = bits_of_part(part, field);
    if (!more) {
      throw Error(ErrorKind::config,
                  fmt::format("\"{}\" is no {} ({} to {})", part, field.name, field.first, field.last),
                  "a value, a range like 1-5, * or a range with a step like */15 or 1-30/2, or several with commas");
    }
    bits |= *more;
  }
  return bits;
}

const date::time_zone& zone_named(const std::string& name) {
  try {
    return *date::locate_zone(name);
  } catch (const std::exception&) {
    throw Error(ErrorKind::config, fmt::format("\"{}\" is no time zone of this system", name),
                "names look like \"America/New_York\" or \"UTC\"; the package tzdata holds them");
  }
}

/// The first moment of a wall-clock time behind `after`: of two the first one only, unless `both` count; or the end of
/// the gap that swallows it.
std::optional<UtcTime> moment_of(date::local_seconds wall, const date::time_zone& zone, UtcTime after, bool both) {
  const date::local_info info = zone.get_info(wall);
  const bool swallowed = info.result == date::local_info::nonexistent;
  const UtcTime first(swallowed ? info.first.end.time_since_epoch() : wall.time_since_epoch() - info.first.offset);
  if (first > after) return first;
  if (!both || info.result != date::local_info::ambiguous) return std::nullopt;
  const UtcTime second(wall.time_since_epoch() - info.second.offset);
  return second > after ? std::optional(second) : std::nullopt;
}

template <class Bits>
bool has(Bits bits, unsigned bit) {
  return (bits >> bit & 1U) != 0;
}

}  // namespace

Cron Cron::parse(const std::string& text) {
  std::string_view fields_text = text;
  for (const Nickname& nickname : kNicknames) {
    if (nickname.name == text) fields_text = nickname.fields;
  }
  std::vector<std::string_view> fields = split(fields_text, " \t");
  std::erase(fields, std::string_view());
  if (fields.size() != kFields.size()) throw Error(ErrorKind::config, std::string(kShape));
  std::array<std::uint64_t, 5> bits{};
  for (std::size_t i = 0; i < kFields.size(); ++i)
    bits[i] = bits_of(fields[i], kFields[i]);
  Cron cron;
  cron.minutes_ = bits[0];
  cron.hours_ = static_cast<std::uint32_t>(bits[1]);
  cron.days_ = static_cast<std::uint32_t>(bits[2]);
  cron.months_ = static_cast<std::uint32_t>(bits[3]);
  cron.weekdays_ = static_cast<std::uint32_t>(bits[4] | bits[4] >> kSundayAgain);
  cron.any_hour_ = fields[1].front() == '*';
  cron.any_day_ = fields[2].front() == '*';
  cron.any_weekday_ = fields[4].front() == '*';
  return cron;
}

std::optional<UtcTime> Cron::next(UtcTime after, const std::string& zone_name) const {
  const date::time_zone& zone = zone_named(zone_name);
  const auto second = std::chrono::floor<std::chrono::seconds>(after);
  const date::sys_seconds instant(second.time_since_epoch());
  const date::local_days today = date::floor<date::days>(zone.to_local(instant));
  const date::local_days end = today + date::days(kYearsAhead * 366);
  for (date::local_days day = today; day < end; day += date::days(1)) {
    const date::year_month_day civil(day);
    if (!has(months_, static_cast<unsigned>(civil.month()))) continue;
    const bool by_day = has(days_, static_cast<unsigned>(civil.day()));
    const bool by_weekday = has(weekdays_, date::weekday(day).c_encoding());
    if (any_day_ || any_weekday_ ? !(by_day && by_weekday) : !(by_day || by_weekday)) continue;
    for (unsigned hour = 0; hour < 24; ++hour) {
      if (!has(hours_, hour)) continue;
      std::optional<UtcTime> soonest;  // in an hour that comes twice a later minute may come sooner
      for (unsigned minute = 0; minute < 60; ++minute) {
        if (!has(minutes_, minute)) continue;
        const date::local_seconds wall = day + std::chrono::hours(hour) + std::chrono::minutes(minute);
        const std::optional<UtcTime> moment = moment_of(wall, zone, after, any_hour_);
        if (moment && (!soonest || *moment < *soonest)) soonest = moment;
      }
      if (soonest) return soonest;
    }
  }
  return std::nullopt;
}

}  // namespace surveysync::sync
