#pragma once
// What the simulated account consists of: plain values, as the vendor's database would hold them. wire.h renders them
// as the API does, truth.h as a correct loader must store them; neither is derived from the other. Texts are WTF-8 (see
// json_writer.h).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/zone.h"

namespace surveysync::sandbox {

/// One text in one language: as typed by the survey's author, and what a reader sees of it.
struct LocalText {
  std::string language, html, plain;
};

/// A title as PHP keeps it: a map by language, which is [] or {} when empty.
struct Title {
  enum class Form : std::uint8_t { by_language, empty_array, empty_object };
  Form form = Form::by_language;
  std::vector<LocalText> texts;  ///< the survey's first language first
  bool as_number = false;        ///< the texts are digits and stand as bare numbers
  const LocalText* in(std::string_view language) const;
};

struct OptionDef {
  std::int64_t id;
  Title title;
  std::string value;
  std::string properties;  ///< JSON, or "null"
  bool is_other = false;
};

enum class QuestionKind : std::uint8_t {
  decoration,
  action,
  radio,
  menu,
  checkbox,
  textbox,
  essay,
  nps,
  hidden,
  file,
  table,
  table_row,
  group,
  group_row,
  rated_grid,
  rated_row,
  multi_textbox,
  multi_row,
  matrix,
  matrix_row,
  rank,
  signature,
  heat_map,
  slider,
  image_select,
  odd_object,
  odd_array,
  conjoint,
};

struct QuestionDef {
  std::int64_t id = 0;
  std::int64_t page_id = 0;
  QuestionKind kind = QuestionKind::decoration;
  std::string base_type, type;
  Title title;
  std::optional<std::string> shortname;
  std::string varname, properties;  ///< JSON
  std::optional<bool> has_deps, comment;
  std::vector<OptionDef> options;
  std::vector<QuestionDef> rows;
  bool deleted = false;  ///< gone from the definition, alive in old responses
};

struct PageDef {
  std::int64_t id;
  Title title;
  std::string description, properties;  ///< JSON
  std::vector<QuestionDef> questions;   ///< deleted ones included
};

/// What the survey list shows of a survey.
struct SurveyHead {
  std::int64_t id = 0;
  std::string title, internal_title, type, status;
  Seconds created = 0, modified = 0;
  std::vector<std::int64_t> teams;
  std::vector<std::string> languages;
};

struct SurveyDef : SurveyHead {
  std::vector<PageDef> pages;
};

/// The counts of survey.statistics.
struct Statistics {
  std::int64_t complete = 0, partial = 0, disqualified = 0, deleted = 0, test = 0;
  bool with_blank_key = false;  ///< the vendor's "" entry
  bool empty() const { return complete + partial + disqualified + deleted + test == 0; }
};

enum class Status : std::uint8_t { complete, partial, disqualified };
std::string_view status_name(Status status);

/// What must be remembered of a response; everything else is drawn again from (seed, survey, id) when asked for.
struct Row {
  std::int64_t id = 0;
  Seconds started = 0, submitted = 0, updated = 0;
  std::uint16_t edits = 0;
  std::uint8_t definition = 0;  ///< the definition's version when it started
  Status status = Status::complete;
  bool test = false, deleted = false, without_answers = false;
  bool touched = false;  ///< a change moved date_updated
  bool operator==(const Row&) const = default;
};

/// A chosen or ranked option.
struct Choice {
  std::int64_t sku;
  std::string title;
  std::optional<std::string> value;
  bool value_sent = true;
  std::int64_t rank = 0;
};

/// A row (sku 0) or a cell of a composite question.
struct Cell {
  std::int64_t row, sku;
  std::string type, question;
  std::optional<std::string> answer;
  std::optional<std::int64_t> answer_id;
  bool entry_is_null = false;
  bool shown = true;
};

struct Dot {
  std::int64_t id, x, y;
  std::optional<std::string> answer, comment;
};

enum class AnswerShape : std::uint8_t { none, scalar, options, rows, cells, ranking, signature, heat_map, raw };

/// One entry of survey_data.
struct Entry {
  std::int64_t question_id = 0, page_id = 0;
  std::string type, question;
  bool shown = true;
  std::optional<std::int64_t> parent;
  AnswerShape shape = AnswerShape::none;
  std::string answer;  ///< scalar's text, signer's name, or raw JSON
  bool bare_number = false;
  std::optional<std::int64_t> answer_id;
  bool is_other = false, answer_id_as_text = false;
  std::optional<std::string> original_answer, comments;
  std::vector<Choice> choices;
  std::vector<Cell> cells;
  std::vector<Dot> dots;
};

enum class UrlForm : std::uint8_t { empty_array, plain, key_value_type, value_only };

struct Response {
  Row row;
  std::string session_id, language;
  std::optional<std::string> link_id;
  std::string contact_id;
  UrlForm url_form = UrlForm::empty_array;
  std::vector<std::pair<std::string, std::string>> url_variables;
  std::string data_quality;  ///< JSON
  std::optional<std::string> comments, referer;
  std::string ip_address, user_agent;
  std::optional<std::string> country, region, city, postal, latitude, longitude, dma;
  std::optional<std::int64_t> response_time;
  bool nulls_sent = true;      ///< unanswered leaves carry "answer":null (2026), else no key at all (2017)
  std::vector<Entry> entries;  ///< ascending question id
};

}  // namespace surveysync::sandbox
