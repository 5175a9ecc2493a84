#include "sources/alchemer/wide_definitions.h"

#include <algorithm>
#include <tuple>

#include "base/json.h"

namespace surveysync::sources::alchemer {
namespace {

using json::Value;

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c & ~32) : c; });
  return out;
}

bool is_true(Value value) {
  return value.text() == "true" || value.text() == "1" || value.raw() == "true";
}

std::int64_t number(Value value) {
  return value.as_int().value_or(0);
}

/// "number" and the like, however the vendor's versions call it.
std::string kind_of(const WideQuestion& question, Value properties) {
  for (const std::string& name :
       {question.type, upper(properties["subtype"].text()), upper(properties["map_key"].text())}) {
    if (name == "NUMBER" || name == "NUMERIC" || name == "PERCENT" || name == "SLIDER" || name == "CONT_SUM")
      return "NUMBER";
    if (name == "DATE" || name == "DATEPICKER" || name == "DATE_PICKER") return "DATE";
  }
  return {};
}

/// The author chose how dates are written: only where it is said that the day comes first it does.
bool day_first(Value properties) {
  for (const char* name : {"date_format", "dateformat", "date-format", "inputmask", "format"}) {
    const std::string format =
        upper(properties[name].is_object() ? properties[name]["mask"].text() : properties[name].text());
    if (format.starts_with("D")) return true;
  }
  return false;
}

WideQuestion read_question(Value row) {
  WideQuestion question;
  question.id = number(row["question_id"]);
  question.position = number(row["position"]);
  question.parent = row["parent_question_id"].as_int();
  question.base_type = upper(row["base_type"].text());
  question.type = upper(row["type"].text());
  question.kind = kind_of(question, row["properties"]);
  question.day_first = day_first(row["properties"]);
  question.title = row["title"].text();
  question.shortname = row["shortname"].text();
  question.comment = is_true(row["payload"]["comment"]);
  question.deleted = !row["deleted_at"].is_blank();
  return question;
}

WideOption read_option(Value row) {
  WideOption option;
  option.id = number(row["option_id"]);
  option.position = number(row["position"]);
  option.title = row["title"].text();
  option.value = row["value"].text();
  option.other = is_true(row["payload"]["properties"]["other"]);
  option.deleted = !row["deleted_at"].is_blank();
  return option;
}

/// {"10001": "own_car", "10391-other": ""}.
void name_options(WideQuestion& question, Value varname) {
  for (const json::Member& member : varname.members()) {
    const std::string id(member.key.substr(0, member.key.find('-')));
    for (WideOption& option : question.options) {
      if (std::to_string(option.id) != id) continue;
      if (member.key.ends_with("-other")) {
        option.other = true;
      } else {
        option.name = member.value.text();
      }
    }
  }
}

auto order_of(const WideQuestion& question) {
  return std::tuple(question.deleted, question.page_position, question.position, question.id);
}

struct Reading {
  std::map<std::int64_t, WideQuestion> questions;
  std::map<std::int64_t, std::int64_t> pages, page_of;
  std::map<std::int64_t, std::vector<WideOption>> options;
  std::vector<std::pair<std::int64_t, std::string>> varnames;

  void read(const model::WideDefinition& definition) {
    json::Document document;
    const Value row = document.parse_copy(definition.row);
    if (definition.table == "page") pages[number(row["page_id"])] = number(row["position"]);
    if (definition.table == "option") options[number(row["question_id"])].push_back(read_option(row));
    if (definition.table != "question") return;
    WideQuestion question = read_question(row);
    page_of[question.id] = number(row["page_id"]);
    if (row["varname"].is_object()) varnames.emplace_back(question.id, row["varname"].raw());
    questions.emplace(question.id, std::move(question));
  }
};

}  // namespace

std::vector<WideQuestion> read_wide_definitions(const std::vector<model::WideDefinition>& definitions) {
  Reading reading;
  for (const model::WideDefinition& definition : definitions)
    reading.read(definition);
  for (auto& [id, question] : reading.questions) {
    question.options = std::move(reading.options[id]);
    std::ranges::sort(question.options, {},
                      [](const WideOption& o) { return std::tuple(o.deleted, o.position, o.id); });
    question.page_position = reading.pages[reading.page_of[id]];
  }
  for (const auto& [id, text] : reading.varnames) {
    json::Document document;
    name_options(reading.questions.at(id), document.parse_copy(text));
  }
  // Rows into their grids, innermost first: ids of rows are behind those of their grid or before it.
  std::vector<WideQuestion> top;
  std::map<std::int64_t, std::vector<std::int64_t>> children;
  for (const auto& [id, question] : reading.questions) {
    const bool has_parent = question.parent && *question.parent != id && reading.questions.contains(*question.parent);
    if (has_parent) children[*question.parent].push_back(id);
  }
  const auto build = [&](const auto& self, std::int64_t id, int depth) -> WideQuestion {
    WideQuestion question = reading.questions.at(id);
    for (const std::int64_t child : depth < 4 ? children[id] : std::vector<std::int64_t>())
      question.rows.push_back(self(self, child, depth + 1));
    std::ranges::sort(question.rows, {}, order_of);
    return question;
  };
  for (const auto& [id, question] : reading.questions) {
    const bool has_parent = question.parent && *question.parent != id && reading.questions.contains(*question.parent);
    if (!has_parent) top.push_back(build(build, id, 0));
  }
  std::ranges::sort(top, {}, order_of);
  return top;
}

}  // namespace surveysync::sources::alchemer
