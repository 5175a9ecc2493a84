#include "pg/binary.h"

namespace surveysync::pg {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD", kNulSymbol = "\xE2\x90\x80";

bool continues(std::string_view text, std::size_t at, unsigned char low = 0x80, unsigned char high = 0xBF) {
  if (at >= text.size()) return false;
  const auto byte = static_cast<unsigned char>(text[at]);
  return byte >= low && byte <= high;
}

/// Length of the well-formed character at `at` (Unicode table 3-7), 0 when there is none.
std::size_t character(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(text, at + 1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const unsigned char low = lead == 0xE0 ? 0xA0 : 0x80, high = lead == 0xED ? 0x9F : 0xBF;
    return continues(text, at + 1, low, high) && continues(text, at + 2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const unsigned char low = lead == 0xF0 ? 0x90 : 0x80, high = lead == 0xF4 ? 0x8F : 0xBF;
    return continues(text, at + 1, low, high) && continues(text, at + 2) && continues(text, at + 3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string storable(std::string_view text) {
  std::string sound;
  sound.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = character(text, at);
    if (size == 0) {
      sound += kReplacement;
      ++at;
    } else if (text[at] == '\0') {
      sound += kNulSymbol;
      ++at;
    } else {
      sound.append(text, at, size);
      at += size;
    }
  }
  return sound;
}

}  // namespace surveysync::pg
