#include "http/advice.h"

#include <algorithm>
#include <array>

#include "http/message.h"

namespace surveysync::http {
namespace {

using std::chrono::seconds;
constexpr Duration kAbsurd = std::chrono::hours(24);
// Dates beyond are no clock's. Differences between those within fit a Duration, which holds 292 years.
constexpr std::size_t kFirstYear = 1970, kLastYear = 2199, kLastSecond = 7'258'118'399;

/// Seconds written as a whole number or with a fraction, as some servers do.
std::optional<Duration> parse_seconds(std::string_view text) {
  const std::size_t point = text.find('.');
  const auto whole = parse_size(text.substr(0, point));
  if (!whole || *whole > 100'000'000'000'000U) return std::nullopt;
  if (point != std::string_view::npos && !parse_size(text.substr(point + 1))) return std::nullopt;
  // A year is far beyond all that is waited for, and keeps the arithmetic below overflow.
  const auto fraction = seconds(point == std::string_view::npos ? 0 : 1);
  return std::min<std::size_t>(*whole, 31'536'000) * seconds(1) + fraction;
}

std::optional<Duration> retry_after(std::string_view text, UtcTime server_now) {
  std::optional<Duration> wait = parse_seconds(text);
  if (!wait) {
    if (const auto date = parse_http_date(text)) wait = *date - server_now;
  }
  if (!wait || *wait <= Duration::zero() || *wait > kAbsurd) return std::nullopt;
  return wait;
}

/// The number of `name` in a structured value such as `"default";r=50;t=30` or `limit=100, remaining=50, reset=30`.
std::string_view parameter(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(",;"), text.size());
    const std::string_view part = trimmed(text.substr(0, end));
    const std::size_t equals = part.find('=');
    if (equals != std::string_view::npos && same_word(trimmed(part.substr(0, equals)), name)) {
      return trimmed(part.substr(equals + 1));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

struct RateHint {
  std::string_view limit, remaining, reset;
};

RateHint rate_hint(const Response& response) {
  if (const std::string_view combined = response.header("RateLimit"); !combined.empty()) {
    const auto either = [&](std::string_view long_name, std::string_view short_name) {
      const std::string_view value = parameter(combined, long_name);
      return value.empty() ? parameter(combined, short_name) : value;
    };
    return {either("limit", "q"), either("remaining", "r"), either("reset", "t")};
  }
  for (const std::string prefix : {"RateLimit-", "X-RateLimit-"}) {
    const std::string_view remaining = response.header(prefix + "Remaining");
    if (!remaining.empty()) return {response.header(prefix + "Limit"), remaining, response.header(prefix + "Reset")};
  }
  return {};
}

/// Seconds until the reset, which some servers write as a point in time (seconds or milliseconds since 1970).
std::optional<Duration> until_reset(std::string_view text, UtcTime server_now) {
  constexpr std::size_t kEpochSeconds = 1'000'000'000;
  constexpr std::size_t kEpochMillis = 1'000'000'000'000;
  const auto number = parse_size(text.substr(0, text.find('.')));
  if (!number || *number < kEpochSeconds) return parse_seconds(text);
  const std::size_t epoch = *number >= kEpochMillis ? *number / 1000 : *number;
  if (epoch > kLastSecond) return std::nullopt;
  return UtcTime(seconds(epoch)) - server_now;
}

}  // namespace

std::optional<UtcTime> parse_http_date(std::string_view text) {
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::string_view value = trimmed(text);
  if (value.size() != 29 || !value.ends_with(" GMT") || value[3] != ',' || value[19] != ':' || value[22] != ':') {
    return std::nullopt;
  }
  const auto month = std::find(kMonths.begin(), kMonths.end(), value.substr(8, 3));
  const auto day = parse_size(value.substr(5, 2));
  const auto year = parse_size(value.substr(12, 4));
  const auto hour = parse_size(value.substr(17, 2));
  const auto minute = parse_size(value.substr(20, 2));
  const auto second = parse_size(value.substr(23, 2));
  if (month == kMonths.end() || !day || !year || !hour || !minute || !second) return std::nullopt;
  if (*year < kFirstYear || *year > kLastYear) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return UtcTime(std::chrono::sys_days(date)) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         seconds(*second);
}

Advice read_advice(const Response& response, UtcTime now) {
  Advice advice;
  advice.date = parse_http_date(response.header("Date"));
  const UtcTime server_now = advice.date.value_or(now);
  advice.retry_after = retry_after(trimmed(response.header("Retry-After")), server_now);
  advice.running_low = !response.header("X-SG-Warning").empty();
  const RateHint hint = rate_hint(response);
  const auto remaining = parse_size(hint.remaining);
  if (!remaining) return advice;
  const auto limit = parse_size(hint.limit);
  if (limit && *remaining < *limit / 10) advice.running_low = true;
  if (*remaining > 0) return advice;
  const auto reset = until_reset(hint.reset, server_now);
  if (reset && *reset > Duration::zero() && *reset <= kLongestAdvice) advice.exhausted = reset;
  return advice;
}

}  // namespace surveysync::http
