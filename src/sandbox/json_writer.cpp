#include "sandbox/json_writer.h"

#include <array>

namespace surveysync::sandbox {
namespace {

struct Decoded {
  std::uint32_t code;
  std::size_t length;
};

// Lenient on purpose: surrogates pass, anything that is no lead byte passes as itself.
Decoded decode(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return at + i < text.size() ? static_cast<std::uint32_t>(static_cast<unsigned char>(text[at + i])) : 0U;
  };
  const std::uint32_t lead = byte(0);
  if (lead < 0xC0) return {lead, 1};
  if (lead < 0xE0) return {((lead & 0x1FU) << 6) | (byte(1) & 0x3FU), 2};
  if (lead < 0xF0) return {((lead & 0x0FU) << 12) | ((byte(1) & 0x3FU) << 6) | (byte(2) & 0x3FU), 3};
  return {((lead & 0x07U) << 18) | ((byte(1) & 0x3FU) << 12) | ((byte(2) & 0x3FU) << 6) | (byte(3) & 0x3FU), 4};
}

void append_escape(std::string& out, std::uint32_t unit) {
  static constexpr char kDigits[] = "0123456789abcdef";
  out += "\\u";
  for (const unsigned shift : {12U, 8U, 4U, 0U})
    out.push_back(kDigits[(unit >> shift) & 15U]);
}

bool is_surrogate(std::uint32_t code) {
  return code >= 0xD800 && code <= 0xDFFF;
}

}  // namespace

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  out_->push_back(bracket);
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out_->push_back(bracket);
  comma_ = true;
  return *this;
}

void JsonWriter::separate() {
  if (comma_) out_->push_back(',');
  comma_ = true;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  quote(name);
  out_->push_back(':');
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::text(std::string_view value) {
  separate();
  quote(value);
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  out_->append(json);
  return *this;
}

void JsonWriter::quote(std::string_view value) {
  out_->push_back('"');
  for (std::size_t i = 0; i < value.size();) {
    const auto byte = static_cast<unsigned char>(value[i]);
    if (byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\' && byte != '/') {
      out_->push_back(value[i++]);
      continue;
    }
    const Decoded next = decode(value, i);
    append_code_point(next.code);
    i += next.length;
  }
  out_->push_back('"');
}

void JsonWriter::append_code_point(std::uint32_t code) {
  switch (code) {
    case '"':
      *out_ += "\\\"";
      return;
    case '\\':
      *out_ += "\\\\";
      return;
    case '/':
      *out_ += style_ == Style::wire ? "\\/" : "/";
      return;
    case '\b':
      *out_ += "\\b";
      return;
    case '\f':
      *out_ += "\\f";
      return;
    case '\n':
      *out_ += "\\n";
      return;
    case '\r':
      *out_ += "\\r";
      return;
    case '\t':
      *out_ += "\\t";
      return;
    default:
      break;
  }
  if (style_ == Style::truth) {
    if (code == 0) {
      *out_ += "\xE2\x90\x80";
    } else if (is_surrogate(code)) {
      *out_ += "\xEF\xBF\xBD";
    } else if (code < 0x20) {
      append_escape(*out_, code);
    } else if (code < 0x800) {
      out_->push_back(static_cast<char>(0xC0U | (code >> 6)));
      out_->push_back(static_cast<char>(0x80U | (code & 0x3FU)));
    } else if (code < 0x10000) {
      out_->push_back(static_cast<char>(0xE0U | (code >> 12)));
      out_->push_back(static_cast<char>(0x80U | ((code >> 6) & 0x3FU)));
      out_->push_back(static_cast<char>(0x80U | (code & 0x3FU)));
    } else {
      out_->push_back(static_cast<char>(0xF0U | (code >> 18)));
      out_->push_back(static_cast<char>(0x80U | ((code >> 12) & 0x3FU)));
      out_->push_back(static_cast<char>(0x80U | ((code >> 6) & 0x3FU)));
      out_->push_back(static_cast<char>(0x80U | (code & 0x3FU)));
    }
    return;
  }
  if (code < 0x10000) {
    append_escape(*out_, code);
  } else {
    append_escape(*out_, 0xD800U + ((code - 0x10000U) >> 10));
    append_escape(*out_, 0xDC00U + ((code - 0x10000U) & 0x3FFU));
  }
}

std::string storable(std::string_view value) {
  std::string out;
  for (std::size_t i = 0; i < value.size();) {
    const Decoded next = decode(value, i);
    if (next.code == 0) {
      out += "\xE2\x90\x80";
    } else if (is_surrogate(next.code)) {
      out += "\xEF\xBF\xBD";
    } else {
      out.append(value.substr(i, next.length));
    }
    i += next.length;
  }
  return out;
}

}  // namespace surveysync::sandbox
