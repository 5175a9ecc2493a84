#include "sources/alchemer/objects_decode.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "sources/alchemer/decode_cells.h"

namespace surveysync::sources::alchemer {
namespace {

using json::Value;
using model::Cell;

constexpr std::size_t npos = static_cast<std::size_t>(-1);

std::size_t field_at(const ObjectKind& kind, std::string_view name) {
  const auto found = std::ranges::find_if(kind.fields, [&](const ObjectField& field) {
    return field.name == name || (!field.also.empty() && field.also == name);
  });
  return found == kind.fields.end() ? npos : static_cast<std::size_t>(found - kind.fields.begin());
}

/// Ids of the object and of what it belongs to: they are in the key.
bool is_known(const ObjectKind& kind, std::string_view name) {
  if (name == "id" || name == "_type" || name == "_subtype") return true;
  if (name == "survey_id" || name == "surveyID") return kind.of_survey;
  return kind.stream == "account_user" && (name == "api_key" || name == "api_secret");
}

/// PHP's ways of saying that there is no number or date.
bool is_nothing(Value value) {
  return value.is_blank() || (value.type() == json::Type::boolean && value.text() == "false");
}

/// "1,234,567.8" without its commas; the text itself where they stand elsewhere.
std::string without_commas(std::string_view text) {
  const std::size_t end = std::min(text.find('.'), text.size());
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != ',') {
      out += text[i];
    } else if (i == 0 || i > end || (end - i) % 4 != 0) {
      return std::string(text);
    }
  }
  return out;
}

class FieldReader {
 public:
  FieldReader(CellMaker& make, const Zones& zones) : make_(make), zones_(zones) {}

  Cell read(Value value, const ObjectField& field) {
    switch (field.as) {
      case As::text:
        return make_.text_or_empty(value, field.name);
      case As::integer:
      case As::number:
        return number(value, field);
      case As::boolean:
        return make_.boolean(value, field.name);
      case As::date:
        return is_nothing(value) || value.text() == "N/A" ? Cell() : Cell::of(make_.date(value, zones_.account));
      case As::structure:
        return make_.verbatim(value);
    }
    return {};
  }

 private:
  Cell number(Value value, const ObjectField& field) {
    if (is_nothing(value)) return {};
    const std::string quoted = json::quote(without_commas(value.text()));
    const bool plain = !value.is_string() || value.text().find(',') == std::string_view::npos;
    const Value sent = plain ? value : commas_.parse_copy(quoted);
    return field.as == As::integer ? make_.int64(sent, field.name) : make_.numeric(sent, field.name);
  }

  CellMaker& make_;
  const Zones& zones_;
  json::Document commas_;
};

/// {name: value} of fields that have no column.
class Others {
 public:
  void add(std::string_view name, Value value) {
    text_ += text_.empty() ? "{" : ",";
    text_ += fmt::format("{}:{}", json::quote(name), value.raw());
  }
  Cell cell(CellMaker& make) { return text_.empty() ? Cell() : make.keep_cell(text_ + "}"); }

 private:
  std::string text_;
};

}  // namespace

void fill_key(std::span<Cell> row, const model::Key& key, model::RowBatch& rows) {
  for (std::size_t i = 0; i < key.size(); ++i) {
    const auto* number = std::get_if<std::int64_t>(&key[i]);
    row[i] =
        number != nullptr ? Cell::of(*number) : Cell::of(rows.keep(std::string_view(std::get<std::string>(key[i]))));
  }
}

void decode_object(json::Document& document, const model::Record& record, const ObjectKind& kind, const Zones& zones,
                   model::RowBatch& rows) {
  const Value object = document.parse(record.payload);
  if (!object.is_object()) throw Error(ErrorKind::malformed, fmt::format("{} is no object", kind.stream));
  const Value id = object["id"];
  const std::int64_t own = std::get<std::int64_t>(record.key.back());
  if (!id.is_absent() && id.as_int() != own)
    throw Error(ErrorKind::malformed, fmt::format("{} {} says that its id is {}", kind.stream, own, id.raw()));

  CellMaker make(rows, record.payload, kind.stream);
  FieldReader fields(make, zones);
  const std::size_t keys = record.key.size();
  const std::span<Cell> row = rows.add_row(0, keys + kind.fields.size() + (kind.others.empty() ? 0 : 1));
  fill_key(row, record.key, rows);
  Others others;
  for (const json::Member& member : object.members()) {
    const std::size_t at = field_at(kind, member.key);
    if (at != npos) {
      const bool twice = !kind.fields[at].also.empty() && row[keys + at].type() != Cell::Type::null;
      if (!twice) row[keys + at] = fields.read(member.value, kind.fields[at]);
    } else if (!is_known(kind, member.key)) {
      kind.others.empty() ? make.new_field(member.key, member.value) : others.add(member.key, member.value);
    }
  }
  if (!kind.others.empty()) row[row.size() - 1] = others.cell(make);
}

}  // namespace surveysync::sources::alchemer
