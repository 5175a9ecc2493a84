#pragma once
// One object of the vendor as a list of named values in the order in which they are sent, each already JSON in the
// vendor's handwriting. Values; any thread.

#include <Poco/JSON/Object.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/json_writer.h"

namespace surveysync::sandbox {

class Fields {
 public:
  explicit Fields(JsonWriter::Style style) : style_(style) {}

  Fields& text(std::string_view name, std::string_view value);
  Fields& number(std::string_view name, std::int64_t value) { return raw(name, std::to_string(value)); }
  Fields& boolean(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }
  Fields& null(std::string_view name) { return raw(name, "null"); }
  /// Empty: null.
  Fields& text_or_null(std::string_view name, const std::optional<std::string>& value);
  /// `json`: a value as it is to be sent. Replaces the value of a name that is there.
  Fields& raw(std::string_view name, std::string json);
  /// Sets what `from` names, appending new names.
  void merge(const Poco::JSON::Object& from);
  /// Sets all that `over` has.
  void overlay(const Fields& over);
  void erase(std::string_view name);
  /// The names in order.
  std::vector<std::string> names() const;

  bool has(std::string_view name) const;
  /// The JSON of a value; empty when there is none.
  std::string_view value(std::string_view name) const;
  /// The characters of a plain text, number or boolean as filters compare them; nothing for null and what is absent.
  std::optional<std::string> plain(std::string_view name) const;
  /// {"name":value,...}
  std::string json() const;
  /// The same without braces.
  std::string members() const;
  JsonWriter::Style style() const { return style_; }

 private:
  JsonWriter::Style style_;
  std::vector<std::pair<std::string, std::string>> items_;
};

/// Parses an object and keeps the order of its names. Throws Poco exceptions; an empty text is an empty object.
Poco::JSON::Object::Ptr parse_ordered(const std::string& text);

}  // namespace surveysync::sandbox
