#include "sources/cells.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace surveysync::sources {

namespace {

constexpr std::size_t kMostNotices = 20;  // of one record: a record that is odd all over is one oddity
constexpr std::size_t kSample = 80;
constexpr std::size_t kLongestName = 40;

/// A name that may stand in a notice: the vendor's words, not a respondent's.
bool is_plain_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto fit = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ' '; };
  return !name.empty() && name.size() <= kLongestName && letter(name.front()) && std::ranges::all_of(name, fit);
}

std::string masked(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kSample / 2)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= '0' && byte <= '9') {
      out += '9';
    } else if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') {
      out += 'x';
    } else if (byte < 0x80) {
      out += c;
    } else if (byte >= 0xC0) {
      out += 'x';  // one for each character beyond ASCII
    }
  }
  return out;
}

/// A decimal number as PostgreSQL's numeric reads it, of a sane length.
bool is_decimal(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  if (text.empty() || text.size() > kLongest) return false;
  if (text.front() == '-' || text.front() == '+') text.remove_prefix(1);
  bool digit = false, point = false;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      digit = true;
    } else if (c == '.' && !point) {
      point = true;
    } else {
      return false;
    }
  }
  return digit;
}

}  // namespace

std::string_view type_name(json::Type type) {
  switch (type) {
    case json::Type::absent:
      return "absent";
    case json::Type::null:
      return "null";
    case json::Type::boolean:
      return "boolean";
    case json::Type::number:
      return "number";
    case json::Type::string:
      return "string";
    case json::Type::array:
      return "array";
    case json::Type::object:
      return "object";
  }
  return "unknown";
}

std::string scrub(json::Value value) {
  switch (value.type()) {
    case json::Type::string:
      return '"' + masked(value.text()) + '"';
    case json::Type::array:
      return value.size() == 0 ? "[]" : fmt::format("[{}, ...] ({})", type_name(value.items()[0].type()), value.size());
    case json::Type::object: {
      std::string out = "{";
      for (const json::Member& member : value.members()) {
        if (out.size() > kSample) break;
        out += fmt::format("{}{}: {}", out.size() > 1 ? ", " : "",
                           is_plain_name(member.key) ? member.key : masked(member.key), type_name(member.value.type()));
      }
      return out + "}";
    }
    default:
      return masked(value.raw());
  }
}

model::Cell CellMaker::text(json::Value value, std::string_view field) {
  return value.is_blank() ? model::Cell() : text_or_empty(value, field);
}

model::Cell CellMaker::text_or_empty(json::Value value, std::string_view field) {
  if (value.is_string()) return keep_cell(value.text());
  if (value.is_blank()) return {};
  if (value.is_array() || value.is_object()) {
    notice(field, type_name(value.type()), value);
    return {};
  }
  return keep_cell(value.text());
}

model::Cell CellMaker::verbatim(json::Value value) {
  const json::Type type = value.type();
  return type == json::Type::absent || type == json::Type::null ? model::Cell() : model::Cell::of(value.raw());
}

model::Cell CellMaker::int64(json::Value value, std::string_view field) {
  if (value.is_blank()) return {};
  const std::optional<std::int64_t> number = value.as_int();
  if (!number) notice(field, "no integer", value);
  return model::Cell::of(number);
}

model::Cell CellMaker::int32(json::Value value, std::string_view field) {
  const model::Cell cell = int64(value, field);
  if (cell.is_null() || cell.integer() == static_cast<std::int32_t>(cell.integer())) return cell;
  notice(field, "no integer", value);
  return {};
}

model::Cell CellMaker::boolean(json::Value value, std::string_view field) {
  if (value.is_blank()) return {};
  const std::optional<bool> truth = value.as_bool();
  if (!truth) notice(field, "no boolean", value);
  return model::Cell::of(truth);
}

model::Cell CellMaker::numeric(json::Value value, std::string_view field) {
  if (value.is_blank()) return {};
  if (is_decimal(value.text())) return keep_cell(value.text());
  notice(field, "no number", value);
  return {};
}

model::Cell CellMaker::date(json::Value value, std::optional<UtcTime> read) {
  if (value.is_blank()) return {};
  if (!read) flag("date");
  return model::Cell::of(read);
}

model::Cell CellMaker::texts(json::Value value, std::string_view field) {
  std::vector<model::Cell> cells;
  const auto add = [&](json::Value one) {
    const model::Cell cell = text(one, field);
    if (!cell.is_null()) cells.push_back(cell);
  };
  if (!value.is_array()) add(value);
  for (const json::Value& one : value.items())
    add(one);
  // An empty list was sent as one; nothing at all was not.
  return cells.empty() && !value.is_array() ? model::Cell() : model::Cell::of(batch_.keep_list(cells));
}

std::string_view CellMaker::keep(std::string_view text) {
  const std::less_equal<const char*> not_after;
  const bool inside = not_after(payload_.data(), text.data()) &&
                      not_after(text.data() + text.size(), payload_.data() + payload_.size());
  return inside ? text : batch_.keep(text);
}

void CellMaker::notice(std::string_view field, std::string_view what, json::Value sample) {
  add_notice(fmt::format("{}.{}: {}", subject_, field, what), scrub(sample));
}

void CellMaker::new_field(std::string_view name, json::Value sample) {
  add_notice(is_plain_name(name) ? fmt::format("{}.field: new field `{}`", subject_, name)
                                 : fmt::format("{}.field: new fields with odd names", subject_),
             scrub(sample));
}

void CellMaker::new_value(std::string_view field, std::string_view text) {
  add_notice(is_plain_name(text) ? fmt::format("{}.{}: new value `{}`", subject_, field, text)
                                 : fmt::format("{}.{}: new values with odd names", subject_, field),
             masked(text));
}

void CellMaker::add_notice(std::string what, std::string sample) {
  if (batch_.notices.size() >= kMostNotices) return;
  if (std::ranges::find(batch_.notices, what, &model::RowBatch::Notice::what) != batch_.notices.end()) return;
  batch_.notices.push_back({std::move(what), std::move(sample)});
}

void CellMaker::flag(std::string_view name) {
  if (std::ranges::find(batch_.flags, name) == batch_.flags.end()) batch_.flags.emplace_back(name);
}

}  // namespace surveysync::sources
