#pragma once
// The small JSON that channels are sent: objects and arrays of texts in the order of the calls. Line breaks stay,
// other control characters are escaped, broken UTF-8 is replaced. The caller balances open and close.

#include <string>
#include <string_view>

namespace surveysync::report {

class JsonText {
 public:
  JsonText& open(char bracket);
  JsonText& close(char bracket);
  JsonText& key(std::string_view name);
  JsonText& value(std::string_view text);
  JsonText& field(std::string_view name, std::string_view text) { return key(name).value(text); }
  /// The same, null when the text is empty.
  JsonText& maybe(std::string_view name, std::string_view text);
  const std::string& text() const { return text_; }

 private:
  void separate();
  std::string text_;
  bool first_ = true, after_key_ = false;
};

}  // namespace surveysync::report
