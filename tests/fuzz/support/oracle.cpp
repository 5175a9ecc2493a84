#include "fuzz/support/oracle.h"

#include <algorithm>
#include <cstdint>

namespace surveysync::fuzz {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

class StrictReader {
 public:
  StrictReader(std::string_view text, int depth) : text_(text), most_(depth) {}

  bool whole() {
    blanks();
    if (!value(1)) return false;
    blanks();
    return at_ == text_.size();
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
      ++at_;
  }
  bool word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return false;
    at_ += expected.size();
    return true;
  }

  bool value(int depth) {
    switch (peek()) {
      case '{':
        return depth <= most_ && members(depth);
      case '[':
        return depth <= most_ && items(depth);
      case '"':
        return string();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }

  bool members(int depth) {
    take('{');
    blanks();
    if (take('}')) return true;
    do {
      blanks();
      if (!string()) return false;
      blanks();
      if (!take(':')) return false;
      blanks();
      if (!value(depth + 1)) return false;
      blanks();
    } while (take(','));
    return take('}');
  }

  bool items(int depth) {
    take('[');
    blanks();
    if (take(']')) return true;
    do {
      blanks();
      if (!value(depth + 1)) return false;
      blanks();
    } while (take(','));
    return take(']');
  }

  bool string() {
    if (!take('"')) return false;
    while (at_ < text_.size()) {
      const auto c = static_cast<unsigned char>(text_[at_++]);
      if (c == '"') return true;
      if (c < 0x20) return false;
      if (c == '\\' && !escape()) return false;
    }
    return false;
  }

  bool escape() {
    const char c = peek();
    ++at_;
    if (c != 'u') return c != '\0' && std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char digit = peek();
      if (!is_digit(digit) && !(digit >= 'a' && digit <= 'f') && !(digit >= 'A' && digit <= 'F')) return false;
    }
    return true;
  }

  bool digits() {
    const std::size_t begin = at_;
    while (is_digit(peek()))
      ++at_;
    return at_ > begin;
  }

  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      return digits();
    }
    return true;
  }

  std::string_view text_;
  int most_;
  std::size_t at_ = 0;
};

}  // namespace

bool is_sound_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto lead = static_cast<unsigned char>(text[at++]);
    if (lead < 0x80) continue;
    const int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (lead < 0xC2 || lead > 0xF4) return false;
    std::uint32_t code = lead & (0x3FU >> more);
    for (int i = 0; i < more; ++i, ++at) {
      if (at >= text.size() || (static_cast<unsigned char>(text[at]) & 0xC0U) != 0x80U) return false;
      code = code << 6U | (static_cast<unsigned char>(text[at]) & 0x3FU);
    }
    const std::uint32_t least = more == 1 ? 0x80 : more == 2 ? 0x800 : 0x10000;
    if (code < least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return false;
  }
  return true;
}

bool is_storable_text(std::string_view text) {
  return text.find('\0') == std::string_view::npos && is_sound_utf8(text);
}

bool is_strict_json(std::string_view text, int depth) {
  return is_sound_utf8(text) && StrictReader(text, depth).whole();
}

std::optional<std::string> plain_decimal(std::string_view token, int most) {
  bool negative = false;
  std::size_t at = 0;
  if (!token.empty() && (token[0] == '-' || token[0] == '+')) negative = token[at++] == '-';
  std::string whole, fraction;
  while (at < token.size() && is_digit(token[at]))
    whole += token[at++];
  if (at < token.size() && token[at] == '.') {
    ++at;
    while (at < token.size() && is_digit(token[at]))
      fraction += token[at++];
  }
  if (whole.empty() && fraction.empty()) return std::nullopt;
  int exponent = 0;
  if (at < token.size() && (token[at] == 'e' || token[at] == 'E')) {
    ++at;
    bool down = false;
    if (at < token.size() && (token[at] == '-' || token[at] == '+')) down = token[at++] == '-';
    if (at == token.size()) return std::nullopt;
    for (; at < token.size() && is_digit(token[at]); ++at) {
      exponent = exponent * 10 + (token[at] - '0');
      if (exponent > most) return std::nullopt;
    }
    if (down) exponent = -exponent;
  }
  if (at != token.size()) return std::nullopt;
  const auto shift = static_cast<std::size_t>(exponent < 0 ? -exponent : exponent);
  if (exponent > 0) {
    fraction.append(shift - std::min(shift, fraction.size()), '0');
    whole += fraction.substr(0, shift);
    fraction.erase(0, shift);
  } else {
    whole.insert(0, shift - std::min(shift, whole.size()), '0');
    fraction.insert(0, whole.substr(whole.size() - shift));
    whole.erase(whole.size() - shift);
  }
  whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size()));
  if (whole.empty() && fraction.find_first_not_of('0') == std::string::npos) negative = false;
  return (negative ? "-" : "") + (whole.empty() ? "0" : whole) + (fraction.empty() ? "" : "." + fraction);
}

}  // namespace surveysync::fuzz
