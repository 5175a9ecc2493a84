#include "app/moment_argument.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/error.h"

namespace surveysync::app {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// Takes parts off the front of a text; fails once and for good.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  /// A number of exactly `digits` digits.
  int number(std::size_t digits) {
    int value = 0;
    if (rest_.size() < digits) return fail();
    for (const char c : rest_.substr(0, digits)) {
      if (c < '0' || c > '9') return fail();
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(digits);
    return value;
  }
  /// One of `characters`.
  char one_of(std::string_view characters) {
    if (!next_is(characters)) return static_cast<char>(fail());
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  /// Digits of a fraction of a second.
  microseconds fraction() {
    microseconds unit(seconds(1)), sum{0};
    std::size_t digits = 0;
    for (; next_is("0123456789"); ++digits, rest_.remove_prefix(1)) {
      unit /= 10;
      sum += unit * (rest_.front() - '0');
    }
    if (digits == 0) fail();
    return sum;
  }
  bool next_is(std::string_view characters) const {
    return !rest_.empty() && characters.find(rest_.front()) != std::string_view::npos;
  }
  bool at_end() const { return rest_.empty(); }
  bool sound() const { return sound_; }

 private:
  int fail() {
    sound_ = false;
    rest_ = {};
    return 0;
  }
  std::string_view rest_;
  bool sound_ = true;
};

/// "Z", "+01:00", or nothing: what local time is ahead of UTC.
std::optional<microseconds> read_offset(Reader& reader) {
  if (reader.at_end()) return microseconds(0);
  const char sign = reader.one_of("Zz+-");
  if (sign == 'Z' || sign == 'z') return microseconds(0);
  const int hour = reader.number(2);
  reader.one_of(":");
  const int minute = reader.number(2);
  if (!reader.sound() || hour > 23 || minute > 59) return std::nullopt;
  const microseconds ahead = hours(hour) + minutes(minute);
  return sign == '-' ? -ahead : ahead;
}

}  // namespace

std::optional<UtcTime> parse_moment(std::string_view text) {
  Reader reader(text);
  const int year = reader.number(4);
  reader.one_of("-");
  const int month = reader.number(2);
  reader.one_of("-");
  const int day = reader.number(2);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!reader.sound() || !date.ok()) return std::nullopt;
  const UtcTime midnight = std::chrono::sys_days(date);
  if (reader.at_end()) return midnight;
  reader.one_of("Tt ");
  const int hour = reader.number(2);
  reader.one_of(":");
  const int minute = reader.number(2);
  int second = 0;
  microseconds fraction{0};
  if (reader.next_is(":")) {
    reader.one_of(":");
    second = reader.number(2);
    if (reader.next_is(".")) {
      reader.one_of(".");
      fraction = reader.fraction();
    }
  }
  const std::optional<microseconds> ahead = read_offset(reader);
  if (!ahead || !reader.sound() || !reader.at_end() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return midnight + hours(hour) + minutes(minute) + seconds(second) + fraction - *ahead;
}

std::optional<UtcTime> moment_argument(std::string_view flag, const std::string& text) {
  if (text.empty()) return std::nullopt;
  const std::optional<UtcTime> moment = parse_moment(text);
  if (!moment) {
    throw Error(ErrorKind::config, fmt::format("{} \"{}\" is no time", flag, text),
                "like 2026-11-01, 2026-11-01T12:00 (UTC) or 2026-11-01T12:00:00-05:00");
  }
  return moment;
}

void require_order(const std::optional<UtcTime>& from, const std::optional<UtcTime>& until) {
  if (!from || !until || *from < *until) return;
  throw Error(ErrorKind::config,
              fmt::format("--from {} is not before --until {}", format_utc(*from), format_utc(*until)));
}

}  // namespace surveysync::app
