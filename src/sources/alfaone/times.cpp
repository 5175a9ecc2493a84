#include "sources/alfaone/times.h"

#include <date/date.h>

namespace surveysync::sources::alfaone {
namespace {

/// Reads a text from its front. What does not fit leaves it as it is.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<int> digits(std::size_t count) {
    if (text_.size() < count) return std::nullopt;
    int number = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (text_[i] < '0' || text_[i] > '9') return std::nullopt;
      number = number * 10 + (text_[i] - '0');
    }
    text_.remove_prefix(count);
    return number;
  }
  bool take(char c) {
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool at_end() const { return text_.empty(); }

 private:
  std::string_view text_;
};

/// Microseconds of a fraction of any length; nothing when there are no digits.
std::optional<std::chrono::microseconds> fraction(Reader& reader) {
  std::int64_t micros = 0, unit = 100'000;
  bool any = false;
  while (const auto digit = reader.digits(1)) {
    micros += *digit * unit;
    unit /= 10;
    any = true;
  }
  return any ? std::optional(std::chrono::microseconds(micros)) : std::nullopt;
}

std::optional<UtcTime> day(Reader& reader) {
  const auto year = reader.digits(4);
  if (!year || !reader.take('-')) return std::nullopt;
  const auto month = reader.digits(2);
  if (!month || !reader.take('-')) return std::nullopt;
  const auto day = reader.digits(2);
  if (!day || *year < 1970 || *year > 2200) return std::nullopt;
  const date::year_month_day civil{date::year(*year), date::month(static_cast<unsigned>(*month)),
                                   date::day(static_cast<unsigned>(*day))};
  if (!civil.ok()) return std::nullopt;
  return UtcTime(date::sys_days(civil));
}

std::optional<std::chrono::microseconds> time_of_day(Reader& reader) {
  const auto hours = reader.digits(2);
  if (!hours || !reader.take(':')) return std::nullopt;
  const auto minutes = reader.digits(2);
  std::optional<int> seconds = 0;
  std::optional<std::chrono::microseconds> part(0);
  if (reader.take(':')) {
    seconds = reader.digits(2);
    if (reader.take('.') || reader.take(',')) part = fraction(reader);
  }
  if (!minutes || !seconds || !part || *hours > 24 || *minutes > 59 || *seconds > 60) return std::nullopt;
  if (*hours == 24 && (*minutes > 0 || *seconds > 0)) return std::nullopt;
  return std::chrono::hours(*hours) + std::chrono::minutes(*minutes) + std::chrono::seconds(*seconds) + *part;
}

/// East of Greenwich.
std::optional<std::chrono::minutes> offset(Reader& reader) {
  if (reader.at_end() || reader.take('Z') || reader.take('z')) return std::chrono::minutes(0);
  const bool west = reader.take('-');
  if (!west && !reader.take('+')) return std::nullopt;
  const auto hours = reader.digits(2);
  reader.take(':');
  const auto minutes = reader.at_end() ? std::optional(0) : reader.digits(2);
  if (!hours || !minutes || *hours > 15 || *minutes > 59) return std::nullopt;
  const auto east = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  return west ? -east : east;
}

}  // namespace

std::optional<UtcTime> parse_time(std::string_view text) {
  Reader reader(text);
  const auto date = day(reader);
  if (!date || reader.at_end()) return date;
  if (!reader.take('T') && !reader.take('t') && !reader.take(' ')) return std::nullopt;
  const auto time = time_of_day(reader);
  if (!time) return std::nullopt;
  reader.take(' ');
  const auto east = offset(reader);
  if (!east || !reader.at_end()) return std::nullopt;
  return *date + *time - *east;
}

}  // namespace surveysync::sources::alfaone
