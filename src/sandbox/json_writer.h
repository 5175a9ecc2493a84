#pragma once
// Writes JSON text in two handwritings: the wire's (PHP json_encode: escaped slashes, \uXXXX for everything outside
// ASCII, no white space) and the truth's (UTF-8, with the repairs that a correct loader makes: U+2400 for NUL, U+FFFD
// for a lone surrogate). It only writes, and shares nothing with the product's reader. Texts are WTF-8: UTF-8 in which
// a lone surrogate may stand as three bytes, since the vendor sends such text. Not thread-safe; appends to a string
// that the caller owns.

#include <cstdint>
#include <string>
#include <string_view>

namespace surveysync::sandbox {

/// A lone high surrogate (U+D83D) as it stands in our texts.
inline constexpr std::string_view kLoneSurrogate = "\xED\xA0\xBD";

class JsonWriter {
 public:
  enum class Style : std::uint8_t { wire, truth };
  JsonWriter(std::string& out, Style style) : out_(&out), style_(style) {}

  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);
  JsonWriter& key(std::int64_t number) { return key(std::to_string(number)); }
  JsonWriter& text(std::string_view value);
  JsonWriter& number(std::int64_t value) { return raw(std::to_string(value)); }
  JsonWriter& boolean(bool value) { return raw(value ? "true" : "false"); }
  JsonWriter& null() { return raw("null"); }
  /// A value that is already JSON, or anything else that a fault wants to stand there.
  JsonWriter& raw(std::string_view json);

  Style style() const { return style_; }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate();
  void quote(std::string_view value);
  void append_code_point(std::uint32_t code);

  std::string* out_;
  Style style_;
  bool comma_ = false;
};

/// `value` as a loader may store it: NUL becomes U+2400, a lone surrogate U+FFFD.
std::string storable(std::string_view value);

}  // namespace surveysync::sandbox
