#include "report/web_words.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/log_line.h"

namespace surveysync::report {
namespace {

using std::chrono::duration_cast;
using std::chrono::seconds;

bool continues(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
}

std::string_view entity(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return {};
  }
}

}  // namespace

std::string html(std::string_view text) {
  std::string plain(text);
  std::replace_if(
      plain.begin(), plain.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  std::string out;
  for (const char c : printable(plain)) {
    const std::string_view escaped = entity(c);
    if (escaped.empty())
      out += c;
    else
      out += escaped;
  }
  return out;
}

std::string json_quoted(std::string_view text) {
  std::string out = "\"";
  while (true) {
    const std::size_t end = text.find('\n');
    for (const char c : printable(text.substr(0, end))) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    if (end == std::string_view::npos) return out + '"';
    out += "\\n";
    text.remove_prefix(end + 1);
  }
}

std::string with_commas(std::int64_t number) {
  std::string digits = std::to_string(number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string rounded(std::int64_t number) {
  const auto shown = [](double value, std::string_view unit) {
    const std::string text = fmt::format("{:.1f}", value);
    return (text.ends_with(".0") ? text.substr(0, text.size() - 2) : text) + std::string(unit);
  };
  if (number >= 1'000'000) return shown(static_cast<double>(number) / 1e6, "\u202FM");
  if (number >= 1'000) return shown(static_cast<double>(number) / 1e3, "\u202Fk");
  return std::to_string(number);
}

std::string spoken_time(Duration time) {
  const std::int64_t total = std::max<std::int64_t>(0, duration_cast<seconds>(time).count());
  if (total == 0 && time > Duration::zero())
    return fmt::format("{} ms", duration_cast<std::chrono::milliseconds>(time).count());
  const std::int64_t days = total / 86400, hours = total / 3600 % 24, minutes = total / 60 % 60;
  const auto two = [](std::int64_t large, const char* unit, std::int64_t small, const char* smaller) {
    return small == 0 ? fmt::format("{} {}", large, unit) : fmt::format("{} {} {} {}", large, unit, small, smaller);
  };
  if (days > 0) return two(days, "d", hours, "h");
  if (hours > 0) return two(hours, "h", minutes, "min");
  if (minutes > 0) return two(minutes, "min", minutes < 10 ? total % 60 : 0, "s");
  return fmt::format("{} s", total);
}

std::string since(UtcTime time, UtcTime now) {
  const Duration age = now - time;
  if (age >= Duration::zero() && age < seconds(2)) return "just now";
  return age < Duration::zero() ? "in " + spoken_time(-age) : spoken_time(age) + " ago";
}

std::string to_minute(UtcTime time) {
  std::string text = format_utc(std::chrono::floor<seconds>(time)).substr(0, 16);
  text[10] = ' ';
  return text + " UTC";
}

std::string time_element(const std::optional<UtcTime>& time, UtcTime now, std::string_view never) {
  if (!time) return fmt::format("<span class=\"never\">{}</span>", html(never));
  const std::string exact = format_utc(std::chrono::floor<seconds>(*time));
  return fmt::format("<time datetime=\"{}\" title=\"{}\">{}</time>", exact, exact, since(*time, now));
}

std::string first_words(std::string_view text, std::size_t bytes) {
  text = text.substr(0, text.find('\n'));
  if (text.size() <= bytes) return std::string(text);
  std::size_t end = bytes;
  while (end > 0 && continues(text, end))
    --end;
  return std::string(text.substr(0, end)) + "…";
}

}  // namespace surveysync::report
