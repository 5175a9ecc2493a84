#include "app/human.h"

#include <fmt/format.h>

#include <algorithm>

namespace surveysync::app {
namespace {

/// One UTF-8 character: its code point and size. Broken bytes count as one character each.
struct Character {
  char32_t code;
  std::size_t size;
};

Character character_at(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t size = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (size == 1 || at + size > text.size()) return {lead, 1};
  char32_t code = lead & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i)
    code = code << 6U | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
  return {code, size};
}

std::size_t width_of(char32_t code) {
  const bool combining =
      (code >= 0x300 && code <= 0x36F) || code == 0x200B || code == 0x200D || (code >= 0xFE00 && code <= 0xFE0F);
  if (combining) return 0;
  const bool wide = (code >= 0x1100 && code <= 0x115F) || (code >= 0x2E80 && code <= 0xA4CF) ||
                    (code >= 0xAC00 && code <= 0xD7A3) || (code >= 0xF900 && code <= 0xFAFF) ||
                    (code >= 0xFE30 && code <= 0xFE6F) || (code >= 0xFF00 && code <= 0xFF60) ||
                    (code >= 0xFFE0 && code <= 0xFFE6) || (code >= 0x1F300 && code <= 0x1FAFF) ||
                    (code >= 0x20000 && code <= 0x3FFFD);
  return wide ? 2 : 1;
}

}  // namespace

std::string grouped(std::int64_t number) {
  std::string digits = fmt::format("{}", number);
  const std::size_t first = digits.starts_with('-') ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;)
    digits.insert(at -= 3, 1, ',');
  return digits;
}

std::string spoken(Duration time) {
  const double exact = std::chrono::duration<double>(time).count();
  if (exact < 9.95) return fmt::format("{:.1f} s", exact);
  const auto seconds = std::chrono::round<std::chrono::seconds>(time).count();
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  if (seconds < 48 * 3600) return fmt::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{} d {} h", seconds / 86400, seconds / 3600 % 24);
}

std::string ago(const std::optional<UtcTime>& time, UtcTime now) {
  if (!time) return "never";
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - *time).count();
  if (seconds < -5) return "in " + spoken(*time - now);
  if (seconds < 5) return "just now";
  if (seconds < 60) return fmt::format("{} s ago", seconds);
  if (seconds < 3600) return fmt::format("{} min ago", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{} h ago", seconds / 3600);
  return fmt::format("{} d ago", seconds / 86400);
}

std::string moment(const std::optional<UtcTime>& time) {
  if (!time) return "-";
  std::string text = format_utc(std::chrono::floor<std::chrono::seconds>(*time));
  text.pop_back();
  text[10] = ' ';
  return text;
}

std::string spoken_process(const std::string& identity) {
  const std::size_t host = identity.find(':'), begin = identity.find('/');
  const std::size_t end = begin == std::string::npos ? begin : identity.find('/', begin + 1);
  if (end == std::string::npos || host >= begin) return identity;
  return fmt::format("process {} on {}", identity.substr(begin + 1, end - begin - 1), identity.substr(0, host));
}

std::string shell_word(const std::string& text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("/._-:@%+=,").find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::ranges::all_of(text, plain)) return text;
  std::string quoted = "'";
  for (const char c : text)
    c == '\'' ? quoted += "'\\''" : quoted += c;
  return quoted + "'";
}

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Character character = character_at(text, at);
    columns += width_of(character.code);
    at += character.size;
  }
  return columns;
}

std::string shortened(std::string_view text, std::size_t columns) {
  if (columns_of(text) <= columns) return std::string(text);
  std::size_t used = 0, at = 0;
  while (at < text.size()) {
    const Character character = character_at(text, at);
    if (used + width_of(character.code) + 1 > columns) break;
    used += width_of(character.code);
    at += character.size;
  }
  return std::string(text.substr(0, at)) + "…";
}

std::string TextTable::text(std::size_t indent) const {
  std::vector<std::size_t> widths;
  for (const Heading& heading : headings_)
    widths.push_back(columns_of(heading.title));
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < widths.size() && i < row.size(); ++i)
      widths[i] = std::max(widths[i], columns_of(row[i]));
  }
  std::string result;
  const auto add_line = [&](const auto& cell_at, std::size_t count) {
    std::string line(indent, ' ');
    for (std::size_t i = 0; i < count; ++i) {
      const std::string& cell = cell_at(i);
      const std::string padding(widths[i] - columns_of(cell), ' ');
      line += headings_[i].align == Align::right ? padding + cell : cell + padding;
      line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    result += line + "\n";
  };
  add_line([&](std::size_t i) -> const std::string& { return headings_[i].title; }, headings_.size());
  for (const auto& row : rows_) {
    add_line([&](std::size_t i) -> const std::string& { return row[i]; }, std::min(row.size(), headings_.size()));
  }
  return result;
}

}  // namespace surveysync::app
