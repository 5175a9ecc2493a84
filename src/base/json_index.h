#pragma once
// Where the tokens of a JSON text begin: simdjson's first stage, and nothing else of it. Private to base/json*.cpp.
// The walk over the tokens is ours, because it must keep raw slices and number tokens, and simdjson's on-demand front
// would be compiled without vector instructions on plain amd64, while this stage picks its code at run time. An index
// belongs to one thread and keeps its memory. Throws Error(malformed).

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/error.h"

namespace surveysync::json {

inline bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

inline std::string_view trim_end(std::string_view text) {
  while (!text.empty() && is_space(text.back()))
    text.remove_suffix(1);
  return text;
}

/// Throws Error(malformed): "json: <what> at byte <at>".
[[noreturn]] void fail(std::string_view what, std::size_t at);

/// The token starts of one text. Checks UTF-8, control characters in strings, and that the last string is closed.
class TokenIndex {
 public:
  TokenIndex();
  ~TokenIndex();
  TokenIndex(TokenIndex&&) noexcept;
  TokenIndex& operator=(TokenIndex&&) noexcept;

  /// Indexes `text`, which must outlive the use of this object. Throws Error(malformed), also for an empty text.
  void build(std::string_view text);
  /// Gives memory back that only an unusually large text needed.
  void shrink();

  std::size_t size() const { return size_; }
  std::string_view text() const { return text_; }
  /// Offset of token `i`; the length of the text for i == size().
  std::size_t at(std::size_t i) const { return starts_[i]; }
  /// First character of token `i`; 0 behind the last one.
  char kind(std::size_t i) const { return i < size_ ? text_[starts_[i]] : '\0'; }
  /// The bytes of a scalar or a string that begins at token `i`.
  std::string_view scalar(std::size_t i) const {
    return trim_end(text_.substr(starts_[i], starts_[i + 1] - starts_[i]));
  }
  /// The bytes of the string token `i` between its quotes. Throws Error(malformed) if it is no whole string.
  std::string_view string_body(std::size_t i) const {
    const std::string_view token = scalar(i);
    if (token.size() < 2 || token.front() != '"' || token.back() != '"') fail("string expected", starts_[i]);
    return token.substr(1, token.size() - 2);
  }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::string_view text_;
  const std::uint32_t* starts_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace surveysync::json
