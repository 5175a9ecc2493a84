#pragma once
// Writes the JSON of --json: objects and arrays in the order of the calls, times as ISO 8601 in UTC, broken UTF-8
// replaced. Values only; the caller balances begin and end.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace surveysync::app {

class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
  JsonWriter& value(std::int64_t number);
  JsonWriter& value(double number);
  JsonWriter& value(bool truth);
  JsonWriter& value(UtcTime time);
  JsonWriter& null();
  template <class T>
  JsonWriter& value(const std::optional<T>& maybe) {
    return maybe ? value(*maybe) : null();
  }
  /// A key with its value.
  template <class T>
  JsonWriter& field(std::string_view name, const T& content) {
    return key(name).value(content);
  }
  /// A text that is null when empty.
  JsonWriter& text_or_null(std::string_view name, const std::string& text) {
    return text.empty() ? key(name).null() : field(name, text);
  }

  /// What was written, with a final newline.
  std::string done() { return text_ + "\n"; }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  JsonWriter& raw(std::string_view text);
  std::string text_;
  bool first_ = true, after_key_ = false;
};

/// RFC 4648 base64 with padding.
std::string base64(std::string_view bytes);

}  // namespace surveysync::app
