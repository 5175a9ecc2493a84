#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/json.h"
#include "base/json_index.h"
#include "base/json_text.h"

namespace surveysync::json {

namespace {

/// Records deeper than json::kMaxDepth cost only themselves (their decoder refuses them); this stops a page of
/// brackets.
constexpr std::size_t kMaxPageDepth = 1'000'000;

bool is_opening(char c) {
  return c == '{' || c == '[';
}
bool is_closing(char c) {
  return c == '}' || c == ']';
}
char closing_of(char open) {
  return open == '{' ? '}' : ']';
}

std::string_view unquoted(std::string_view raw) {
  if (raw.size() >= 2 && raw.front() == '"' && raw.back() == '"') return raw.substr(1, raw.size() - 2);
  return raw;
}

}  // namespace

std::string_view Envelope::scalar(std::string_view name) const {
  for (auto member = members.rbegin(); member != members.rend(); ++member) {
    if (member->first != name) continue;
    const std::string_view raw = member->second;
    return raw == "null" || is_opening(raw.front()) ? std::string_view() : unquoted(raw);
  }
  return {};
}

std::optional<std::int64_t> Envelope::integer(std::string_view name) const {
  const std::string_view text = scalar(name);
  return text.empty() ? std::nullopt : int_of(text);
}

struct Splitter::Impl {
  TokenIndex index;
  std::vector<char> open;  // closing brackets still due, innermost last
  std::size_t token = 0;

  char kind() const { return index.kind(token); }
  std::size_t here() const { return index.at(token); }

  Envelope split(std::string_view text, std::string_view list) {
    Envelope out;
    token = 0;
    index.build(text);
    expect('{', "object expected");
    if (kind() == '}') {
      ++token;
    } else {
      while (true) {
        read_member(list, out);
        if (kind() == '}') break;
        expect(',', "',' or '}' expected");
      }
      ++token;
    }
    if (token != index.size()) fail("bytes after the end of the text", here());
    index.shrink();
    return out;
  }

 private:
  void expect(char c, std::string_view what) {
    if (kind() != c) fail(token < index.size() ? what : "text is cut", here());
    ++token;
  }

  void read_member(std::string_view list, Envelope& out) {
    if (kind() != '"') fail(token < index.size() ? "member name expected" : "text is cut", here());
    const std::string_view key = index.string_body(token++);
    expect(':', "':' expected");
    if (key != list) {
      out.members.emplace_back(key, skip());
      return;
    }
    out.list_found = true;
    out.records.clear();  // a repeated member: the last one counts
    out.list_is_object = kind() == '{';
    const std::size_t begin = here();
    if (!is_opening(kind())) {
      out.list = skip();
      if (out.list != "null") fail(fmt::format("`{}` is neither list nor object", list), begin);
      return;
    }
    read_list(closing_of(kind()), out);
    out.list = index.text().substr(begin, here() + 1 - begin);
    ++token;
  }

  /// Ends on the closing bracket.
  void read_list(char closing, Envelope& out) {
    ++token;
    if (kind() == closing) return;
    while (true) {
      if (closing == '}') {
        if (kind() != '"') fail("member name expected", here());
        ++token;
        expect(':', "':' expected");
      }
      out.records.push_back(skip());
      if (kind() == closing) return;
      expect(',', "',' or the end of the list expected");
    }
  }

  /// Steps over one value; its slice.
  std::string_view skip() {
    if (token >= index.size()) fail("text is cut", here());
    const std::size_t begin = here();
    const char first = kind();
    if (!is_opening(first)) {
      if (is_closing(first) || first == ',' || first == ':') fail("value expected", begin);
      return index.scalar(token++);
    }
    open.clear();
    const std::size_t count = index.size();
    do {
      const char c = index.kind(token);
      if (is_opening(c)) {
        if (open.size() == kMaxPageDepth) fail("nested too deeply", here());
        open.push_back(closing_of(c));
      } else if (is_closing(c)) {
        if (open.back() != c) fail("brackets do not match", here());
        open.pop_back();
      }
      ++token;
    } while (!open.empty() && token < count);
    if (!open.empty()) fail("text is cut", index.text().size());
    return index.text().substr(begin, index.at(token - 1) + 1 - begin);
  }
};

Splitter::Splitter() : impl_(std::make_unique<Impl>()) {}
Splitter::~Splitter() = default;
Splitter::Splitter(Splitter&&) noexcept = default;
Splitter& Splitter::operator=(Splitter&&) noexcept = default;

Envelope Splitter::split(std::string_view text, std::string_view list) {
  return impl_->split(text, list);
}

namespace {

/// A cursor over the bytes of one object or array that needs no index.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  /// Hands each member to `visit` until that returns false.
  template <class Visit>
  void members(Visit visit) {
    skip_space();
    take('{');
    skip_space();
    if (peek() != '}') {
      while (true) {
        const std::size_t key = at_ + 1;
        if (peek() != '"') fail("member name expected", at_);
        skip_string();
        const std::string_view name = text_.substr(key, at_ - 1 - key);
        skip_space();
        take(':');
        skip_space();
        const std::size_t begin = at_;
        skip_value();
        if (!visit(RawMember{name, text_.substr(begin, at_ - begin)})) return;
        skip_space();
        if (peek() == '}') break;
        take(',');
        skip_space();
      }
    }
    finish();
  }

  /// Hands each element of an array to `visit`.
  template <class Visit>
  void elements(Visit visit) {
    skip_space();
    take('[');
    skip_space();
    while (peek() != ']') {
      const std::size_t begin = at_;
      skip_value();
      visit(text_.substr(begin, at_ - begin));
      skip_space();
      if (peek() == ']') break;
      take(',');
      skip_space();
    }
    finish();
  }

 private:
  /// Behind the closing bracket there must be nothing.
  void finish() {
    ++at_;
    skip_space();
    if (at_ != text_.size()) fail("bytes after the end of the text", at_);
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void take(char c) {
    if (peek() != c) fail(at_ < text_.size() ? "unexpected character" : "text is cut", at_);
    ++at_;
  }

  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_]))
      ++at_;
  }

  /// Eight bytes at a time until a quote or a backslash.
  void skip_string() {
    ++at_;
    while (true) {
      while (text_.size() - at_ >= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, text_.data() + at_, 8);
        const std::uint64_t hits = zero_bytes(word ^ repeat('"')) | zero_bytes(word ^ repeat('\\'));
        if (hits != 0) {
          if constexpr (std::endian::native == std::endian::little) {
            at_ += static_cast<std::size_t>(std::countr_zero(hits)) / 8;
          }
          break;
        }
        at_ += 8;
      }
      while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\')
        ++at_;
      if (at_ >= text_.size()) fail("text is cut inside a string", at_);
      if (text_[at_] == '"') break;
      at_ = std::min(at_ + 2, text_.size());
    }
    ++at_;
  }

  void skip_value() {
    if (!is_opening(peek())) {
      if (peek() == '"') return skip_string();
      const std::size_t begin = at_;
      while (at_ < text_.size() && text_[at_] != ',' && !is_closing(text_[at_]) && !is_space(text_[at_]))
        ++at_;
      if (at_ == begin) fail("value expected", at_);
      return;
    }
    std::size_t depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        skip_string();
        continue;
      }
      ++at_;
      if (is_opening(c)) ++depth;
      if (is_closing(c) && --depth == 0) return;
    }
    fail("text is cut", at_);
  }

  static constexpr std::uint64_t repeat(char c) { return 0x0101010101010101ULL * static_cast<unsigned char>(c); }
  /// High bit set in the lowest zero byte (and perhaps in later ones).
  static constexpr std::uint64_t zero_bytes(std::uint64_t word) {
    return (word - 0x0101010101010101ULL) & ~word & 0x8080808080808080ULL;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

void scan_members(std::string_view raw, std::vector<RawMember>& out) {
  out.clear();
  Scanner(raw).members([&](const RawMember& member) {
    out.push_back(member);
    return true;
  });
}

void scan_elements(std::string_view raw, std::vector<std::string_view>& out) {
  out.clear();
  Scanner(raw).elements([&](std::string_view element) { out.push_back(element); });
}

std::optional<RawMember> find_member(std::string_view raw, std::string_view name) {
  std::optional<RawMember> found;
  Scanner(raw).members([&](const RawMember& member) {
    if (key_is(member.key, name)) found = member;
    return !found;
  });
  return found;
}

bool key_is(std::string_view raw_key, std::string_view name) {
  if (raw_key == name) return true;
  if (raw_key.find('\\') == std::string_view::npos) return false;
  std::string plain(raw_key.size(), '\0');
  const std::optional<std::size_t> size = unescape(raw_key, plain.data());
  return size && std::string_view(plain.data(), *size) == name;
}

std::string plain_text(std::string_view raw) {
  if (raw.empty() || raw.front() != '"') return std::string(raw);
  if (raw.size() < 2 || raw.back() != '"') fail("text is cut inside a string", raw.size());
  std::string mended(raw);
  Repair::apply(mended);
  const std::string_view body = std::string_view(mended).substr(1, mended.size() - 2);
  std::string plain(body.size(), '\0');
  const std::optional<std::size_t> size = unescape(body, plain.data());
  if (!size) fail("no such escape", 0);
  plain.resize(*size);
  return plain;
}

}  // namespace surveysync::json
