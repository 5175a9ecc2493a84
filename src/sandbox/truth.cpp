#include "sandbox/truth.h"

#include <fmt/format.h>

namespace surveysync::sandbox {
namespace {

// One line: an object of named columns.
class Line {
 public:
  explicit Line(std::string& out) : out_(&out), json_(out, JsonWriter::Style::truth) { json_.begin_object(); }
  ~Line() {
    json_.end_object();
    out_->push_back('\n');
  }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  JsonWriter& column(std::string_view name) { return json_.key(name); }
  void number(std::string_view name, std::int64_t value) { json_.key(name).number(value); }
  void number(std::string_view name, const std::optional<std::int64_t>& value) {
    json_.key(name);
    value ? json_.number(*value) : json_.null();
  }
  void text(std::string_view name, const std::optional<std::string>& value) {
    json_.key(name);
    value ? json_.text(*value) : json_.null();
  }
  // An id that PHP sends as "" is none.
  void filled(std::string_view name, const std::optional<std::string>& value) {
    text(name, value && value->empty() ? std::nullopt : value);
  }
  void time(std::string_view name, Seconds at) { json_.key(name).text(utc_iso(at)); }
  void raw(std::string_view name, std::string_view json) { json_.key(name).raw(json); }
  // A numeric column: the digits as sent; nothing for "" and null.
  void decimal(std::string_view name, const std::optional<std::string>& value) {
    json_.key(name).raw(value && !value->empty() ? *value : "null");
  }

 private:
  std::string* out_;
  JsonWriter json_;
};

// The readable title: the survey's first language, without markup.
std::optional<std::string> readable(const Title& title) {
  if (title.form != Title::Form::by_language || title.texts.empty()) return std::nullopt;
  return title.texts.front().plain;
}

void statistics(Line& line, const Statistics& counts) {
  JsonWriter& json = line.column("statistics");
  if (counts.empty()) {
    json.null();
    return;
  }
  json.begin_object();
  const std::pair<std::string_view, std::int64_t> items[] = {
      {"Partial", counts.partial}, {"Complete", counts.complete},       {"Disqualified", counts.disqualified},
      {"Deleted", counts.deleted}, {"", counts.with_blank_key ? 1 : 0}, {"TestData", counts.test}};
  for (const auto& [name, count] : items) {
    if (count > 0) json.key(name).number(count);
  }
  json.end_object();
}

struct Place {
  std::int64_t survey, parent;
  int position;
};

void question_line(std::string& out, const QuestionDef& question, const Place& place) {
  Line line(out);
  line.number("survey_id", place.survey);
  line.number("question_id", question.id);
  line.number("parent_question_id", place.parent == 0 ? std::nullopt : std::optional(place.parent));
  line.number("page_id", question.page_id);
  line.number("position", place.position);
  line.text("base_type", question.base_type);
  line.text("type", question.type);
  line.text("title", readable(question.title));
  write_title(line.column("titles"), question.title);
  line.text("shortname", question.shortname);
  line.raw("varname", question.varname);
  line.raw("properties", question.properties);
}

void option_lines(std::string& out, std::int64_t survey, const QuestionDef& question) {
  int position = 0;
  for (const OptionDef& option : question.options) {
    Line line(out);
    line.number("survey_id", survey);
    line.number("question_id", question.id);
    line.number("option_id", option.id);
    line.number("position", ++position);
    line.text("title", readable(option.title));
    write_title(line.column("titles"), option.title);
    line.text("value", option.value);
  }
}

// One row of alchemer.answer; what is not set is null.
struct AnswerRow {
  std::string item;
  std::optional<std::int64_t> row_id, option_id, rank;
  std::optional<std::string> answer, original_answer, option_title, comment;
  bool is_other = false;
  std::string_view type;
  bool shown = true;
};

class AnswerLines {
 public:
  AnswerLines(std::string& out, std::int64_t survey, std::int64_t response)
      : out_(&out), survey_(survey), response_(response) {}
  void entry(const Entry& entry);

 private:
  void choices(const Entry& entry);
  void cells(const Entry& entry);
  AnswerRow start(const Entry& entry) const {
    AnswerRow row;
    row.type = entry.type;
    row.shown = entry.shown;
    return row;
  }
  void write(const Entry& entry, const AnswerRow& row);

  std::string* out_;
  std::int64_t survey_, response_;
};

void AnswerLines::entry(const Entry& entry) {
  AnswerRow own = start(entry);
  bool has_own = false;
  switch (entry.shape) {
    case AnswerShape::none:
      break;
    case AnswerShape::scalar:
      own.option_id = entry.answer_id;
      own.is_other = entry.is_other;
      [[fallthrough]];
    case AnswerShape::signature:
    case AnswerShape::raw:
      own.answer = entry.answer;
      own.original_answer = entry.original_answer;
      has_own = true;
      break;
    case AnswerShape::options:
    case AnswerShape::ranking:
      choices(entry);
      break;
    case AnswerShape::rows:
    case AnswerShape::cells:
      cells(entry);
      break;
    case AnswerShape::heat_map:
      for (const Dot& dot : entry.dots) {
        AnswerRow row = start(entry);
        row.item = std::to_string(dot.id);
        row.answer = dot.answer;
        row.comment = dot.comment;
        write(entry, row);
      }
      break;
  }
  own.comment = entry.comments;
  if (has_own || entry.comments) write(entry, own);
}

void AnswerLines::choices(const Entry& entry) {
  for (const Choice& choice : entry.choices) {
    AnswerRow row = start(entry);
    row.item = std::to_string(choice.sku);
    row.option_id = choice.sku;
    row.option_title = choice.title;
    if (entry.shape == AnswerShape::ranking) {
      row.rank = choice.rank;
    } else if (choice.value_sent) {
      row.answer = choice.value;
    }
    write(entry, row);
  }
}

void AnswerLines::cells(const Entry& entry) {
  const bool two_levels = entry.shape == AnswerShape::cells;
  for (const Cell& cell : entry.cells) {
    if (!cell.answer) continue;
    AnswerRow row = start(entry);
    row.item = two_levels ? fmt::format("{}/{}", cell.row, cell.sku) : std::to_string(cell.row);
    row.row_id = cell.row;
    row.option_id = two_levels ? std::optional(cell.sku) : cell.answer_id;
    row.answer = cell.answer;
    row.type = cell.type;
    if (two_levels) row.shown = cell.shown;
    write(entry, row);
  }
}

void AnswerLines::write(const Entry& entry, const AnswerRow& row) {
  Line line(*out_);
  line.number("survey_id", survey_);
  line.number("response_id", response_);
  line.number("question_id", entry.question_id);
  line.text("item", row.item);
  line.number("parent_question_id", entry.parent);
  line.number("row_id", row.row_id);
  line.number("option_id", row.option_id);
  line.text("answer", row.answer);
  line.text("original_answer", row.original_answer);
  line.text("option_title", row.option_title);
  line.number("rank", row.rank);
  line.column("shown").boolean(row.shown);
  line.column("is_other").boolean(row.is_other);
  line.text("comment", row.comment);
  line.text("type", std::string(row.type));
  line.number("page_id", entry.page_id);
}

}  // namespace

void truth_of_survey(std::string& out, const SurveyHead& survey, const Statistics& counts) {
  Line line(out);
  line.number("survey_id", survey.id);
  line.text("title", survey.title);
  line.text("internal_title", survey.internal_title);
  line.text("type", survey.type);
  line.text("status", survey.status);
  line.time("created_at", survey.created);
  line.time("modified_at", survey.modified);
  JsonWriter& teams = line.column("team_ids").begin_array();
  for (const std::int64_t team : survey.teams)
    teams.number(team);
  teams.end_array();
  JsonWriter& languages = line.column("languages").begin_array();
  for (const std::string& language : survey.languages)
    languages.text(language);
  languages.end_array();
  statistics(line, counts);
}

void truth_of_pages(std::string& out, const SurveyDef& survey) {
  int position = 0;
  for (const PageDef& page : survey.pages) {
    Line line(out);
    line.number("survey_id", survey.id);
    line.number("page_id", page.id);
    line.text("title", readable(page.title));
    write_title(line.column("titles"), page.title);
    line.number("position", ++position);
  }
}

void truth_of_questions(std::string& out, const SurveyDef& survey) {
  for (const PageDef& page : survey.pages) {
    int position = 0;
    for (const QuestionDef& question : page.questions) {
      if (question.deleted) continue;
      question_line(out, question, {survey.id, 0, ++position});
      int row_position = 0;
      for (const QuestionDef& row : question.rows)
        question_line(out, row, {survey.id, question.id, ++row_position});
    }
  }
}

void truth_of_options(std::string& out, const SurveyDef& survey) {
  for (const PageDef& page : survey.pages) {
    for (const QuestionDef& question : page.questions) {
      if (question.deleted) continue;
      option_lines(out, survey.id, question);
      for (const QuestionDef& row : question.rows)
        option_lines(out, survey.id, row);
    }
  }
}

void truth_of_response(std::string& out, std::int64_t survey, const Response& response, Privacy privacy, bool dated) {
  const bool keep = privacy == Privacy::keep;
  const auto personal = [keep](const std::optional<std::string>& value) { return keep ? value : std::nullopt; };
  Line line(out);
  line.number("survey_id", survey);
  line.number("response_id", response.row.id);
  line.text("status", std::string(status_name(response.row.status)));
  line.column("is_test_data").boolean(response.row.test);
  line.time("date_submitted", response.row.submitted);
  line.time("date_started", response.row.started);
  line.text("date_updated", dated ? std::optional(utc_iso(response.row.updated)) : std::nullopt);
  line.text("session_id", response.session_id);
  line.text("language", response.language);
  line.text("link_id", response.link_id);
  line.filled("contact_id", response.contact_id);
  line.number("response_time_seconds", response.response_time);
  JsonWriter& variables = line.column("url_variables").begin_object();
  for (const auto& [name, value] : response.url_variables)
    variables.key(name).text(value);
  variables.end_object();
  line.raw("data_quality", response.data_quality);
  line.text("comments", response.comments);
  line.text("ip_address", personal(response.ip_address));
  line.text("user_agent", personal(response.user_agent));
  line.text("referer", response.referer);
  line.text("country", personal(response.country));
  line.text("region", personal(response.region));
  line.text("city", personal(response.city));
  line.text("postal", personal(response.postal));
  line.decimal("latitude", personal(response.latitude));
  line.decimal("longitude", personal(response.longitude));
}

void truth_of_id(std::string& out, std::int64_t survey, const Row& row) {
  Line line(out);
  line.number("survey_id", survey);
  line.number("response_id", row.id);
  line.text("status", std::string(status_name(row.status)));
  line.time("date_updated", row.updated);
}

void truth_of_count(std::string& out, std::int64_t survey, std::size_t listed) {
  Line line(out);
  line.number("survey_id", survey);
  line.number("responses", static_cast<std::int64_t>(listed));
}

void truth_of_answers(std::string& out, std::int64_t survey, const Response& response) {
  AnswerLines lines(out, survey, response.row.id);
  for (const Entry& entry : response.entries)
    lines.entry(entry);
}

}  // namespace surveysync::sandbox
