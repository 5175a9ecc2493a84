#include "report/log_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace surveysync::report {
namespace {

/// Fields whose values are numbers or booleans by their declaration in base/event.h; all others are text, ids too.
constexpr std::array<std::string_view, 27> kBareFields = {
    "run_id",     "requests",        "inserted",     "updated",          "unchanged",
    "tombstoned", "quarantined",     "partitions",   "expected_records", "status",
    "bytes",      "cached",          "records",      "attempt",          "from",
    "to",         "balanced",        "total_before", "total_after",      "stored_live",
    "excluded",   "elapsed_seconds", "missing",      "stored",           "sources",
    "abandoned",  "request_id"};

bool is_bare(std::string_view field) {
  return std::find(kBareFields.begin(), kBareFields.end(), field) != kBareFields.end() || field.ends_with("_seconds");
}

/// Bytes of the UTF-8 character that begins at `at`; 0 when there is none.
std::size_t character_size(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) return 1;
  const std::size_t size = lead >= 0xC2 && lead <= 0xDF   ? 2
                           : lead >= 0xE0 && lead <= 0xEF ? 3
                           : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                          : 0;
  if (size == 0 || at + size > text.size()) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
  }
  const unsigned char second = byte(at + 1);
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool beyond = (lead == 0xED && second > 0x9F) || (lead == 0xF4 && second > 0x8F);
  return overlong || beyond ? 0 : size;
}

/// Characters that are not shown but change how others are: C1 controls, and those that turn the direction of a line.
bool steers(std::string_view character) {
  if (character.size() == 2) return character[0] == '\xC2' && static_cast<unsigned char>(character[1]) < 0xA0;
  return (character >= "\u2028" && character <= "\u202E") || (character >= "\u2066" && character <= "\u2069");
}

std::string json_text(std::string_view text) {
  std::string result = "\"";
  // printable() has made the text one line of sound UTF-8, so only these two are left to escape.
  for (const char c : printable(text)) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

std::string field_text(std::string_view value) {
  const std::string shown = printable(value);
  if (!shown.empty() && shown.find_first_of(" \"=") == std::string::npos) return shown;
  std::string quoted = "\"";
  for (const char c : shown) {
    if (c == '"') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

std::string_view colour_of(Severity severity) {
  switch (severity) {
    case Severity::debug:
      return "\033[2m";
    case Severity::info:
      return "\033[32m";
    case Severity::warning:
      return "\033[33m";
    case Severity::error:
      return "\033[1;31m";
  }
  return "";
}

/// Milliseconds always, so that lines align.
std::string time_text(UtcTime time) {
  const std::string text = format_utc(std::chrono::floor<std::chrono::milliseconds>(time));
  const std::size_t dot = text.find('.');
  std::string fraction = dot == std::string::npos ? "" : text.substr(dot + 1, text.size() - dot - 2);
  fraction.resize(3, '0');
  return text.substr(0, std::min(dot, text.size() - 1)) + "." + fraction + "Z";
}

}  // namespace

std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::debug:
      return "debug";
    case Severity::info:
      return "info";
    case Severity::warning:
      return "warning";
    case Severity::error:
      return "error";
  }
  return "";
}

std::string printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = character_size(text, at);
    const auto byte = static_cast<unsigned char>(text[at]);
    if (size == 0) {
      result += "\xEF\xBF\xBD";
    } else if (byte == '\n' || byte == '\r' || byte == '\t') {
      result += ' ';
    } else if (byte < 0x20 || byte == 0x7F) {
      result += fmt::format("<{:02x}>", byte);
    } else if (steers(text.substr(at, size))) {
      result += "\xEF\xBF\xBD";
    } else {
      result += text.substr(at, size);
    }
    at += std::max<std::size_t>(size, 1);
  }
  return result;
}

std::string text_line(const EventText& event, UtcTime time, Colours colours) {
  const std::string_view level = name_of(event.severity);
  const bool on = colours == Colours::on;
  return fmt::format("{} {}{:<7}{} {}", time_text(time), on ? colour_of(event.severity) : "", level,
                     on ? "\033[0m" : "", journal_line(event));
}

std::string journal_line(const EventText& event) {
  std::string line = fmt::format("{}  event={}", printable(event.message), event.name);
  for (const auto& [field, value] : event.fields)
    line += fmt::format(" {}={}", field, field_text(value));
  return line;
}

std::string json_line(const EventText& event, UtcTime time) {
  std::string line = fmt::format(R"({{"time":"{}","level":"{}","event":"{}","message":{})", time_text(time),
                                 name_of(event.severity), event.name, json_text(event.message));
  for (const auto& [field, value] : event.fields) {
    line += fmt::format(",\"{}\":{}", field, is_bare(field) ? value : json_text(value));
  }
  return line + "}";
}

}  // namespace surveysync::report
