// The Masker of base/secret.h: which forms of a secret are looked for, and how they are replaced.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/secret.h"

namespace surveysync {
namespace {

constexpr std::size_t kShortest = 6;
constexpr std::string_view kMask = "***";

enum class Letters { upper, lower };

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

std::string percent_encoded(std::string_view text, Letters letters) {
  std::string result;
  for (const char c : text) {
    if (is_unreserved(c)) {
      result += c;
    } else {
      const auto byte = static_cast<unsigned>(static_cast<unsigned char>(c));
      result += letters == Letters::upper ? fmt::format("%{:02X}", byte) : fmt::format("%{:02x}", byte);
    }
  }
  return result;
}

/// The base64 digits that are the same whatever comes before and after `text`, when `before` bytes precede it.
std::string base64_core(std::string_view text, std::size_t before, std::string_view alphabet) {
  const std::size_t first = (before * 8 + 5) / 6, last = (before + text.size()) * 8 / 6;
  const auto bit = [&](std::size_t index) -> unsigned {
    const auto byte = static_cast<unsigned char>(text[index / 8 - before]);
    return (byte >> (7 - index % 8)) & 1U;
  };
  std::string result;
  for (std::size_t digit = first; digit < last; ++digit) {
    unsigned value = 0;
    for (std::size_t index = digit * 6; index < digit * 6 + 6; ++index)
      value = value << 1U | bit(index);
    result += alphabet[value];
  }
  return result;
}

/// How the text looks inside a JSON string.
std::string json_escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\' || c == '/') result += '\\';
    result += c;
  }
  return result;
}

std::vector<std::string> forms_of(std::string_view text) {
  static constexpr std::string_view kStandard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  static constexpr std::string_view kUrl = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::vector<std::string> forms{std::string(text), percent_encoded(text, Letters::upper),
                                 percent_encoded(text, Letters::lower), json_escaped(text)};
  std::string quoted(text);  // JSON without the optional escape of the slash
  for (std::size_t at = 0; (at = quoted.find_first_of("\"\\", at)) != std::string::npos; at += 2)
    quoted.insert(at, 1, '\\');
  forms.push_back(quoted);
  for (const std::string_view alphabet : {kStandard, kUrl}) {
    for (std::size_t before = 0; before < 3; ++before) {
      const std::string core = base64_core(text, before, alphabet);
      if (core.size() < kShortest) continue;
      forms.push_back(core);
      forms.push_back(percent_encoded(core, Letters::upper));
      forms.push_back(percent_encoded(core, Letters::lower));
    }
  }
  return forms;
}

}  // namespace

void Masker::add(const Secret& secret) {
  if (secret.expose().size() < kShortest) return;
  std::vector<std::string> forms = forms_of(secret.expose());
  const std::lock_guard lock(mutex_);
  needles_.insert(needles_.end(), std::make_move_iterator(forms.begin()), std::make_move_iterator(forms.end()));
  // Longest first: a needle that is part of another must not break it up before it is found.
  std::sort(needles_.begin(), needles_.end(), [](const std::string& one, const std::string& two) {
    return one.size() != two.size() ? one.size() > two.size() : one < two;
  });
  needles_.erase(std::unique(needles_.begin(), needles_.end()), needles_.end());
}

void Masker::add(const Credential& credential) {
  for (const Secret& line : credential.lines)
    add(line);
}

std::string Masker::mask(std::string text) const {
  const std::lock_guard lock(mutex_);
  for (const std::string& needle : needles_) {
    for (std::size_t at = 0; (at = text.find(needle, at)) != std::string::npos; at += kMask.size()) {
      text.replace(at, needle.size(), kMask);
    }
  }
  return text;
}

}  // namespace surveysync
