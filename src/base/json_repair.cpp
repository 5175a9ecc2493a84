#include <algorithm>
#include <cstring>

#include "base/json.h"
#include "base/json_index.h"
#include "base/json_text.h"

namespace surveysync::json {

namespace {

/// Above this a body is rubbish (a compressed file, another encoding), and mending it would cost more memory than it is
/// worth.
constexpr std::size_t kMostEdits = 200'000;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// Whether any byte is below 0x20 (white space of pretty-printed text included), eight at a time.
bool has_control(std::string_view text) {
  constexpr std::uint64_t kLow = 0x0101010101010101ULL;
  constexpr std::uint64_t kHigh = 0x8080808080808080ULL;
  std::size_t at = 0;
  std::uint64_t found = 0;
  for (; at + 8 <= text.size() && found == 0; at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    found = (word - kLow * 0x20) & ~word & kHigh;
  }
  if (found != 0) return true;
  for (; at < text.size(); ++at) {
    if (static_cast<unsigned char>(text[at]) < 0x20) return true;
  }
  return false;
}

std::string escaped_control(char c) {
  const std::string literal = quote(std::string_view(&c, 1));
  return literal.substr(1, literal.size() - 2);
}

}  // namespace

Repair Repair::apply(std::string& body) {
  Repair repair;
  if (std::string_view(body).starts_with(kByteOrderMark)) {
    body.erase(0, kByteOrderMark.size());
    repair.add(0, 0, std::string(kByteOrderMark));
  }
  if (!is_utf8(body) || has_control(body)) repair.rewrite(body);
  body.reserve(body.size() + kPadding);
  return repair;
}

void Repair::rewrite(std::string& body) {
  std::string out;
  out.reserve(body.size() + kPadding + 256);
  const std::size_t edits_before = edits_.size();
  bool in_string = false;
  const auto replace = [&](std::size_t at, std::size_t size, std::string_view by) {
    add(out.size(), by.size(), body.substr(at, size));
    out += by;
  };
  for (std::size_t at = 0; at < body.size();) {
    const char c = body[at];
    if (static_cast<unsigned char>(c) >= 0x80) {
      std::size_t bad = 0;
      const std::size_t size = utf8_sequence(std::string_view(body).substr(at), bad);
      if (size == 0) {
        replace(at, bad, in_string ? kReplacement : " ");
        at += bad;
      } else {
        out.append(body, at, size);
        at += size;
      }
      continue;
    }
    if (static_cast<unsigned char>(c) < 0x20 && (in_string || !is_space(c))) {
      replace(at, 1, in_string ? escaped_control(c) : " ");
      ++at;
      continue;
    }
    out += c;
    ++at;
    if (c == '"') in_string = !in_string;
    // The escaped character is copied unseen, unless it needs repair itself.
    if (c == '\\' && in_string && at < body.size() && (body[at] == '"' || body[at] == '\\')) out += body[at++];
  }
  if (edits_.size() != edits_before) body = std::move(out);
}

void Repair::add(std::size_t at, std::size_t size, std::string original) {
  if (edits_.size() == kMostEdits) fail("too many bytes that are no text", at);
  edits_.push_back({at, size, std::move(original)});
}

std::optional<std::string> Repair::original(std::string_view body, std::string_view slice) const {
  const auto begin = static_cast<std::size_t>(slice.data() - body.data());
  const std::size_t end = begin + slice.size();
  auto edit = std::ranges::lower_bound(edits_, begin, {}, &Edit::at);
  // What was dropped before the first byte of the slice is no part of it.
  while (edit != edits_.end() && edit->at == begin && edit->size == 0)
    ++edit;
  if (edit == edits_.end() || edit->at >= end) return std::nullopt;
  std::string out;
  out.reserve(slice.size());
  std::size_t at = begin;
  for (; edit != edits_.end() && edit->at < end; ++edit) {
    out.append(body.substr(at, edit->at - at));
    out += edit->original;
    at = edit->at + edit->size;
  }
  if (at < end) out.append(body.substr(at, end - at));
  return out;
}

namespace {

/// The next escape of four hex digits in `raw` from `at` on; npos if there is none. Escaped backslashes are stepped
/// over.
std::size_t find_unicode_escape(std::string_view raw, std::size_t at) {
  while (at < raw.size()) {
    const void* found = std::memchr(raw.data() + at, '\\', raw.size() - at);
    if (found == nullptr) return std::string_view::npos;
    at = static_cast<std::size_t>(static_cast<const char*>(found) - raw.data());
    if (at + 1 < raw.size() && raw[at + 1] == 'u') return at;
    at += 2;
  }
  return std::string_view::npos;
}

}  // namespace

Storable make_storable(std::string_view raw) {
  constexpr std::size_t kEscape = 6;  // \uXXXX
  Storable out;
  const auto put = [&](std::size_t at, std::string_view digits) {
    if (!out.altered) {
      out.altered.emplace();
      out.altered->reserve(raw.size() + kPadding);
      out.altered->assign(raw);
    }
    out.altered->replace(at + 2, digits.size(), digits);
  };
  std::size_t at = find_unicode_escape(raw, 0);
  while (at != std::string_view::npos) {
    const std::optional<std::uint32_t> unit = hex4(raw, at + 2);
    std::size_t next = at + 2;
    if (unit) {
      next = at + kEscape;
      if (*unit == 0) {
        put(at, "2400");
        out.nul = true;
      } else if (is_high_surrogate(*unit)) {
        const bool paired = next + 1 < raw.size() && raw[next] == '\\' && raw[next + 1] == 'u' &&
                            is_low_surrogate(hex4(raw, next + 2).value_or(0));
        if (paired) {
          next += kEscape;
        } else {
          put(at, "fffd");
          out.surrogate = true;
        }
      } else if (is_low_surrogate(*unit)) {
        put(at, "fffd");
        out.surrogate = true;
      }
    }
    at = find_unicode_escape(raw, next);
  }
  return out;
}

}  // namespace surveysync::json
