#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "sources/alchemer/decode.h"
#include "sources/alchemer/decode_answers.h"
#include "sources/alchemer/decode_cells.h"
#include "sources/alchemer/tables.h"

namespace surveysync::sources::alchemer {

namespace {

using json::Value;
using model::Cell;

// All outer fields known (vendor-api.md 1.10); `Field` names their places.
constexpr std::array<std::string_view, 26> kFields = {
    "id",           "contact_id", "status",        "is_test_data", "date_submitted", "date_started",
    "date_updated", "session_id", "language",      "link_id",      "url_variables",  "ip_address",
    "user_agent",   "referer",    "response_time", "data_quality", "longitude",      "latitude",
    "dma",          "country",    "city",          "region",       "postal",         "comments",
    "survey_data",  "survey_id"};
const NameSet& field_names() {
  static const NameSet kSet(kFields);
  return kSet;
}
constexpr std::array<std::string_view, 4> kStatuses = {"Complete", "Partial", "Disqualified", "Deleted"};

consteval std::size_t field(std::string_view name) {
  for (std::size_t i = 0; i < kFields.size(); ++i) {
    if (kFields[i] == name) return i;
  }
  throw "no such field";  // reached at compile time only
}

using FieldValues = std::array<Value, kFields.size()>;

FieldValues read_fields(Value response, CellMaker& make) {
  FieldValues values;
  for (const json::Member& member : response.members()) {
    const std::size_t at = field_names().find(member.key);
    if (at == NameSet::npos) {
      make.new_field(member.key, member.value);
    } else {
      values[at] = member.value;
    }
  }
  return values;
}

/// {name: value}, whether it came as text, as {key, value, type}, as {value}, or as a list of such.
Cell url_variables(Value variables, CellMaker& make) {
  if (variables.is_absent() || variables.type() == json::Type::null) return {};
  if (!variables.is_object() && !variables.is_array() && !variables.is_blank()) {
    make.notice("url_variables", type_name(variables.type()), variables);
    return {};
  }
  std::string out = "{";
  std::size_t number = 0;
  for_each_child(variables, [&](std::string_view key, Value variable) {
    ++number;
    std::string name(key);
    Value value = variable;
    if (variable.is_object()) {
      value = variable["value"];
      if (value.is_absent()) {
        make.notice("url_variables", "object without value", variable);
        value = variable;
      }
      if (variables.is_array()) name = variable["key"].text();
    }
    if (name.empty() && variables.is_array()) name = std::to_string(number - 1);
    out += out.size() > 1 ? "," : "";
    out += json::quote(name) + ":";
    out += value.is_absent() ? std::string_view("null") : value.raw();
  });
  return make.keep_cell(out + "}");
}

struct Ids {
  std::int64_t survey, response;
};

Ids ids_of(const model::Record& record, Value id) {
  const Ids ids{std::get<std::int64_t>(record.key.at(0)), std::get<std::int64_t>(record.key.at(1))};
  if (id.as_int() != ids.response) {
    throw Error(ErrorKind::malformed, fmt::format("response {} says that its id is {}", ids.response, id.raw()));
  }
  return ids;
}

/// The three dates. Where one has no suffix and falls into the repeated hour, the one before it settles which is meant:
/// the session begins when the response does.
void fill_dates(std::span<Cell> row, const FieldValues& fields, const Zones& zones, CellMaker& make) {
  const auto session = session_second(fields[field("session_id")].text());
  const auto started = make.date(fields[field("date_started")], zones.account, session);
  const auto submitted = make.date(fields[field("date_submitted")], zones.account, started ? started : session);
  const Value updated = fields[field("date_updated")];
  static const Zone kUtc("UTC");
  row[cell(kResponseColumns, "date_started")] = Cell::of(started);
  row[cell(kResponseColumns, "date_submitted")] = Cell::of(submitted);
  row[cell(kResponseColumns, "date_updated")] =
      Cell::of(make.date(updated, zones.updated.known() ? zones.updated : kUtc, submitted));
}

/// Texts as sent, "" too; but an id that is "" is none.
void fill_texts(std::span<Cell> row, const FieldValues& fields, CellMaker& make) {
  struct Text {
    std::size_t cell, field;
    std::string_view name;
  };
  static constexpr std::array kTexts = {
      Text{cell(kResponseColumns, "status"), field("status"), "status"},
      Text{cell(kResponseColumns, "session_id"), field("session_id"), "session_id"},
      Text{cell(kResponseColumns, "language"), field("language"), "language"},
      Text{cell(kResponseColumns, "comments"), field("comments"), "comments"},
      Text{cell(kResponseColumns, "ip_address"), field("ip_address"), "ip_address"},
      Text{cell(kResponseColumns, "user_agent"), field("user_agent"), "user_agent"},
      Text{cell(kResponseColumns, "referer"), field("referer"), "referer"},
      Text{cell(kResponseColumns, "country"), field("country"), "country"},
      Text{cell(kResponseColumns, "region"), field("region"), "region"},
      Text{cell(kResponseColumns, "city"), field("city"), "city"},
      Text{cell(kResponseColumns, "postal"), field("postal"), "postal"},
  };
  for (const Text& text : kTexts)
    row[text.cell] = make.text_or_empty(fields[text.field], text.name);
  row[cell(kResponseColumns, "contact_id")] = make.text(fields[field("contact_id")], "contact_id");
  row[cell(kResponseColumns, "link_id")] = make.text(fields[field("link_id")], "link_id");
  const std::string_view status = fields[field("status")].text();
  if (!status.empty() && std::ranges::find(kStatuses, status) == kStatuses.end()) make.new_value("status", status);
}

}  // namespace

void decode_response(json::Document& document, const model::Record& record, const Zones& zones, model::RowBatch& rows) {
  const Value response = document.parse(record.payload);
  if (!response.is_object()) throw Error(ErrorKind::malformed, "response is no object");
  CellMaker make(rows, record.payload, "response");
  const FieldValues fields = read_fields(response, make);
  const Ids ids = ids_of(record, fields[field("id")]);

  const std::span<Cell> row = rows.add_row(table::kResponse, std::size(kResponseColumns));
  row[cell(kResponseColumns, "survey_id")] = Cell::of(ids.survey);
  row[cell(kResponseColumns, "response_id")] = Cell::of(ids.response);
  fill_texts(row, fields, make);
  fill_dates(row, fields, zones, make);
  row[cell(kResponseColumns, "is_test_data")] = make.boolean(fields[field("is_test_data")], "is_test_data");
  row[cell(kResponseColumns, "response_time_seconds")] = make.int32(fields[field("response_time")], "response_time");
  row[cell(kResponseColumns, "url_variables")] = url_variables(fields[field("url_variables")], make);
  row[cell(kResponseColumns, "data_quality")] = make.verbatim(fields[field("data_quality")]);
  row[cell(kResponseColumns, "latitude")] = make.numeric(fields[field("latitude")], "latitude");
  row[cell(kResponseColumns, "longitude")] = make.numeric(fields[field("longitude")], "longitude");

  CellMaker make_answers(rows, record.payload, "survey_data");
  AnswerDecoder(make_answers, ids.survey, ids.response).decode(fields[field("survey_data")]);
}

}  // namespace surveysync::sources::alchemer
