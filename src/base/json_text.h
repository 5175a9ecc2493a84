#pragma once
// Escapes and UTF-8, byte by byte. Private to base/json*.cpp. Pure functions, any thread, nothing thrown.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace surveysync::json {

/// U+FFFD as UTF-8.
inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// Four hex digits at `at`; empty if there are none.
std::optional<std::uint32_t> hex4(std::string_view text, std::size_t at);
inline bool is_high_surrogate(std::uint32_t unit) {
  return unit >= 0xD800 && unit <= 0xDBFF;
}
inline bool is_low_surrogate(std::uint32_t unit) {
  return unit >= 0xDC00 && unit <= 0xDFFF;
}

/// Writes `code` (no surrogate, at most 0x10FFFF) as UTF-8 to `out`; the bytes written, 1 to 4.
std::size_t put_utf8(std::uint32_t code, char* out);

/// Unescapes the inside of a string literal to `out`, which has room for body.size() bytes; the size, or empty for a
/// bad escape. A lone surrogate becomes U+FFFD.
std::optional<std::size_t> unescape(std::string_view body, char* out);

/// How many bytes at the start of `text` are one sound UTF-8 sequence; 0 if they are none. `bad` is then the length of
/// the maximal part that one U+FFFD replaces (Unicode 15, 3.9), at least 1.
std::size_t utf8_sequence(std::string_view text, std::size_t& bad);

}  // namespace surveysync::json
