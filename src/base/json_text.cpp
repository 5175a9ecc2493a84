#include "base/json_text.h"

#include <cstring>

#include "base/json.h"

namespace surveysync::json {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The character of a one-letter escape; 0 if there is none.
char simple_escape(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/':
      return c;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return '\0';
  }
}

}  // namespace

std::optional<std::uint32_t> hex4(std::string_view text, std::size_t at) {
  if (at > text.size() || text.size() - at < 4) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) return std::nullopt;
    value = value * 16 + static_cast<std::uint32_t>(digit);
  }
  return value;
}

std::size_t put_utf8(std::uint32_t code, char* out) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
  if (code < 0x80) {
    out[0] = static_cast<char>(code);
    return 1;
  }
  if (code < 0x800) {
    out[0] = static_cast<char>(0xC0 | (code >> 6));
    out[1] = tail(0);
    return 2;
  }
  if (code < 0x10000) {
    out[0] = static_cast<char>(0xE0 | (code >> 12));
    out[1] = tail(6);
    out[2] = tail(0);
    return 3;
  }
  out[0] = static_cast<char>(0xF0 | (code >> 18));
  out[1] = tail(12);
  out[2] = tail(6);
  out[3] = tail(0);
  return 4;
}

std::optional<std::size_t> unescape(std::string_view body, char* out) {
  char* to = out;
  std::size_t at = 0;
  while (at < body.size()) {
    const void* found = std::memchr(body.data() + at, '\\', body.size() - at);
    const std::size_t stop =
        found == nullptr ? body.size() : static_cast<std::size_t>(static_cast<const char*>(found) - body.data());
    std::memcpy(to, body.data() + at, stop - at);
    to += stop - at;
    at = stop;
    if (at == body.size()) break;
    if (at + 1 == body.size()) return std::nullopt;
    const char letter = body[at + 1];
    at += 2;
    if (letter != 'u') {
      const char plain = simple_escape(letter);
      if (plain == '\0') return std::nullopt;
      *to++ = plain;
      continue;
    }
    const std::optional<std::uint32_t> unit = hex4(body, at);
    if (!unit) return std::nullopt;
    at += 4;
    std::uint32_t code = *unit;
    if (is_high_surrogate(code) && at + 1 < body.size() && body[at] == '\\' && body[at + 1] == 'u') {
      const std::optional<std::uint32_t> low = hex4(body, at + 2);
      if (low && is_low_surrogate(*low)) {
        code = 0x10000 + ((code - 0xD800) << 10) + (*low - 0xDC00);
        at += 6;
      }
    }
    if (is_high_surrogate(code) || is_low_surrogate(code)) code = 0xFFFD;
    to += put_utf8(code, to);
  }
  return static_cast<std::size_t>(to - out);
}

std::size_t utf8_sequence(std::string_view text, std::size_t& bad) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  bad = 1;
  // The first continuation byte has a narrower range where the sequence would be overlong, a surrogate or above
  // U+10FFFF.
  std::size_t size = 0;
  unsigned low = 0x80, high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    size = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    size = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    size = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return 0;
  }
  for (std::size_t i = 1; i < size; ++i) {
    if (i >= text.size() || byte(i) < low || byte(i) > high) {
      bad = i;
      return 0;
    }
    low = 0x80;
    high = 0xBF;
  }
  return size;
}

std::string quote(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  out.reserve(text.size() + 2);
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\\u00";
          out += kHex[static_cast<unsigned char>(c) >> 4];
          out += kHex[static_cast<unsigned char>(c) & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
  return out;
}

}  // namespace surveysync::json
