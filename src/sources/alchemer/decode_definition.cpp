#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "sources/alchemer/decode.h"
#include "sources/alchemer/decode_cells.h"
#include "sources/alchemer/decode_context.h"
#include "sources/alchemer/tables.h"
#include "sources/alchemer/text.h"

namespace surveysync::sources::alchemer {

namespace {

using json::Value;
using model::Cell;

constexpr std::array<std::string_view, 6> kSurveyStatuses = {"Launched", "Closed", "Archived",
                                                             "Deleted",  "Draft",  "In Design"};
constexpr std::array<std::string_view, 3> kBaseTypes = {"Question", "Action", "Decorative"};

std::int64_t key_at(const model::Record& record, std::size_t i) {
  return std::get<std::int64_t>(record.key.at(i));
}

Cell title_cell(Value title, const Place& place, CellMaker& make) {
  const std::string text = title_text(title, place.language);
  return text.empty() ? Cell() : make.keep_cell(text);
}

/// Survey titles are no HTML by design, but markup and entities were seen in them.
Cell survey_title(Value title, CellMaker& make) {
  const std::string_view text = title.text();
  if (text.find_first_of("<&") == std::string_view::npos) return make.text(title, "title");
  const std::string plain = plain_text(text);
  return plain.empty() ? Cell() : make.keep_cell(plain);
}

/// "1,234" and "2" as numbers, the rest as sent; pairs [name, count] of old versions as members.
void append_numbers(std::string& out, Value value) {
  if (value.is_object()) {
    out += '{';
    bool first = true;
    for (const json::Member& member : value.members()) {
      out += first ? "" : ",";
      first = false;
      out += json::quote(member.key) + ":";
      append_numbers(out, member.value);
    }
    out += '}';
    return;
  }
  const auto is_digits = [](std::string_view digits) {
    return !digits.empty() && std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
  };
  std::string number(value.is_string() ? value.text() : "");
  std::erase(number, ',');
  const std::size_t point = number.find('.');
  const std::string_view whole = std::string_view(number).substr(0, point);
  const bool leading_zero = whole.size() > 1 && whole.front() == '0';
  const bool is_number = is_digits(whole) && !leading_zero &&
                         (point == std::string::npos || is_digits(std::string_view(number).substr(point + 1)));
  out += is_number ? std::string_view(number) : value.raw();
}

Cell statistics(Value value, CellMaker& make) {
  if (value.is_blank()) return {};
  std::string out;
  if (value.is_array() && value.items().front().size() == 2) {
    out = "{";
    for (const Value& pair : value.items()) {
      if (pair.items().size() != 2) continue;
      out += (out.size() > 1 ? "," : "") + json::quote(pair.items()[0].text()) + ":";
      append_numbers(out, pair.items()[1]);
    }
    out += '}';
  } else {
    append_numbers(out, value);
  }
  return make.keep_cell(out);
}

/// One id, several ids, or objects with an id.
Cell team_ids(Value team, CellMaker& make) {
  std::vector<Cell> ids;
  const auto add = [&](Value value) {
    const std::optional<std::int64_t> id = value.is_object() ? value["id"].as_int() : value.as_int();
    if (id && *id != 0) ids.push_back(Cell::of(*id));  // "0" was the old way to say none
    if (!id) make.notice("team", "no id", value);
  };
  if (team.is_blank()) return {};
  if (team.is_array() || (team.is_object() && team["id"].is_absent())) {
    for_each_child(team, [&](std::string_view, Value one) { add(one); });
  } else {
    add(team);
  }
  return ids.empty() ? Cell() : Cell::of(make.batch().keep_list(ids));
}

Cell languages(Value value, CellMaker& make) {
  std::vector<Cell> names;
  const auto add = [&](Value name) {
    const Cell text = make.text(name, "languages");
    if (!text.is_null()) names.push_back(text);
  };
  if (value.is_array() || value.is_object()) {
    for_each_child(value, [&](std::string_view, Value name) { add(name); });
  } else {
    add(value);
  }
  return names.empty() ? Cell() : Cell::of(make.batch().keep_list(names));
}

void decode_survey(Value survey, const model::Record& record, const Zones& zones, model::RowBatch& rows) {
  json::Document context_document;
  const Value listed = record.context.empty() ? Value() : context_document.parse_copy(record.context);
  const auto either = [&](std::string_view name) { return survey[name].is_blank() ? listed[name] : survey[name]; };
  CellMaker make(rows, record.payload, "survey");
  const std::span<Cell> row = rows.add_row(table::kSurvey, std::size(kSurveyColumns));
  row[cell(kSurveyColumns, "survey_id")] = Cell::of(key_at(record, 0));
  row[cell(kSurveyColumns, "title")] = survey_title(either("title"), make);
  row[cell(kSurveyColumns, "internal_title")] = make.text_or_empty(survey["internal_title"], "internal_title");
  row[cell(kSurveyColumns, "type")] = make.text(either("type"), "type");
  row[cell(kSurveyColumns, "status")] = make.text(either("status"), "status");
  row[cell(kSurveyColumns, "created_at")] = Cell::of(make.date(either("created_on"), zones.account));
  row[cell(kSurveyColumns, "modified_at")] = Cell::of(make.date(either("modified_on"), zones.account));
  row[cell(kSurveyColumns, "team_ids")] = team_ids(either("team"), make);
  row[cell(kSurveyColumns, "languages")] = languages(survey["languages"], make);
  row[cell(kSurveyColumns, "statistics")] = statistics(either("statistics"), make);
  const std::string_view status = either("status").text();
  if (!status.empty() && std::ranges::find(kSurveyStatuses, status) == kSurveyStatuses.end()) {
    make.new_value("status", status);
  }
}

void decode_page(Value page, const model::Record& record, const Place& place, model::RowBatch& rows) {
  CellMaker make(rows, record.payload, "page");
  const std::span<Cell> row = rows.add_row(table::kPage, std::size(kPageColumns));
  row[cell(kPageColumns, "survey_id")] = Cell::of(key_at(record, 0));
  row[cell(kPageColumns, "page_id")] = Cell::of(key_at(record, 1));
  row[cell(kPageColumns, "title")] = title_cell(page["title"], place, make);
  row[cell(kPageColumns, "titles")] = make.verbatim(page["title"]);
  row[cell(kPageColumns, "position")] = Cell::of(place.position);
}

void decode_question(Value question, const model::Record& record, const Place& place, model::RowBatch& rows) {
  CellMaker make(rows, record.payload, "question");
  const std::span<Cell> row = rows.add_row(table::kQuestion, std::size(kQuestionColumns));
  row[cell(kQuestionColumns, "survey_id")] = Cell::of(key_at(record, 0));
  row[cell(kQuestionColumns, "question_id")] = Cell::of(key_at(record, 1));
  row[cell(kQuestionColumns, "parent_question_id")] = Cell::of(place.parent_question_id);
  row[cell(kQuestionColumns, "page_id")] = Cell::of(place.page_id);
  row[cell(kQuestionColumns, "position")] = Cell::of(place.position);
  row[cell(kQuestionColumns, "base_type")] = make.text(question["base_type"], "base_type");
  row[cell(kQuestionColumns, "type")] = make.text(question["type"], "type");
  row[cell(kQuestionColumns, "title")] = title_cell(question["title"], place, make);
  row[cell(kQuestionColumns, "titles")] = make.verbatim(question["title"]);
  row[cell(kQuestionColumns, "shortname")] = make.text_or_empty(question["shortname"], "shortname");
  row[cell(kQuestionColumns, "varname")] = make.verbatim(question["varname"]);
  row[cell(kQuestionColumns, "properties")] = make.verbatim(question["properties"]);
  const std::string_view base = question["base_type"].text();
  if (!base.empty() && std::ranges::find(kBaseTypes, base) == kBaseTypes.end()) make.new_value("base_type", base);
}

void decode_option(Value option, const model::Record& record, const Place& place, model::RowBatch& rows) {
  CellMaker make(rows, record.payload, "option");
  const std::span<Cell> row = rows.add_row(table::kOption, std::size(kOptionColumns));
  row[cell(kOptionColumns, "survey_id")] = Cell::of(key_at(record, 0));
  row[cell(kOptionColumns, "question_id")] = Cell::of(key_at(record, 1));
  row[cell(kOptionColumns, "option_id")] = Cell::of(key_at(record, 2));
  row[cell(kOptionColumns, "position")] = Cell::of(place.position);
  row[cell(kOptionColumns, "title")] = title_cell(option["title"], place, make);
  row[cell(kOptionColumns, "titles")] = make.verbatim(option["title"]);
  row[cell(kOptionColumns, "value")] = make.text_or_empty(option["value"], "value");
}

}  // namespace

void decode_definition(json::Document& document, const model::Record& record, const Zones& zones,
                       model::RowBatch& rows) {
  Place place;
  if (record.table != table::kSurvey) place = Place::read(document, record.context);
  const Value value = document.parse(record.payload);
  if (!value.is_object()) throw Error(ErrorKind::malformed, "definition is no object");
  switch (record.table) {
    case table::kSurvey:
      return decode_survey(value, record, zones, rows);
    case table::kPage:
      return decode_page(value, record, place, rows);
    case table::kQuestion:
      return decode_question(value, record, place, rows);
    case table::kOption:
      return decode_option(value, record, place, rows);
    default:
      throw Error(ErrorKind::bug, fmt::format("stream survey has no table {}", record.table));
  }
}

}  // namespace surveysync::sources::alchemer
