#include "app/json_writer.h"

#include <fmt/format.h>

#include "base/json.h"

namespace surveysync::app {

JsonWriter& JsonWriter::raw(std::string_view text) {
  if (!first_ && !after_key_) text_ += ',';
  text_ += text;
  first_ = after_key_ = false;
  return *this;
}

JsonWriter& JsonWriter::open(char bracket) {
  raw(std::string_view(&bracket, 1));
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  text_ += bracket;
  first_ = after_key_ = false;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  raw("");
  text_ += fmt::format("\"{}\":", name);
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  std::string quoted = json::quote(text);
  json::Repair::apply(quoted);  // broken UTF-8 becomes U+FFFD
  return raw(quoted);
}

JsonWriter& JsonWriter::value(std::int64_t number) {
  return raw(fmt::format("{}", number));
}
JsonWriter& JsonWriter::value(double number) {
  return raw(fmt::format("{}", number));
}
JsonWriter& JsonWriter::value(bool truth) {
  return raw(truth ? "true" : "false");
}
JsonWriter& JsonWriter::value(UtcTime time) {
  return raw("\"" + format_utc(time) + "\"");
}
JsonWriter& JsonWriter::null() {
  return raw("null");
}

std::string base64(std::string_view bytes) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    unsigned group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8U | (at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    }
    for (std::size_t digit = 0; digit < 4; ++digit) {
      const bool padding = digit > bytes.size() - at;
      result += padding ? '=' : kDigits[group >> (18 - 6 * digit) & 63U];
    }
  }
  return result;
}

}  // namespace surveysync::app
