#include "report/alert_json.h"

#include "report/log_line.h"

namespace surveysync::report {

void JsonText::separate() {
  if (!first_ && !after_key_) text_ += ',';
  first_ = false;
  after_key_ = false;
}

JsonText& JsonText::open(char bracket) {
  separate();
  text_ += bracket;
  first_ = true;
  return *this;
}

JsonText& JsonText::close(char bracket) {
  text_ += bracket;
  first_ = false;
  return *this;
}

JsonText& JsonText::key(std::string_view name) {
  value(name);
  text_ += ':';
  after_key_ = true;
  return *this;
}

JsonText& JsonText::value(std::string_view text) {
  separate();
  text_ += '"';
  // Line by line: printable() would make one line of it.
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    for (const char c : printable(text.substr(begin, end - begin))) {
      if (c == '"' || c == '\\') text_ += '\\';
      text_ += c;
    }
    if (end < text.size()) text_ += "\\n";
    begin = end + 1;
  }
  text_ += '"';
  return *this;
}

JsonText& JsonText::maybe(std::string_view name, std::string_view text) {
  if (!text.empty()) return field(name, text);
  key(name).separate();
  text_ += "null";
  return *this;
}

}  // namespace surveysync::report
