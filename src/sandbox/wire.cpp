#include "sandbox/wire.h"

#include <fmt/format.h>

namespace surveysync::sandbox {
namespace {

void optional_text(JsonWriter& out, std::string_view key, const std::optional<std::string>& value) {
  out.key(key);
  value ? out.text(*value) : out.null();
}

// Some surveys number their pages and questions by strings, as the documentation of 2026 prints them.
void write_id(JsonWriter& out, const SurveyHead& survey, std::int64_t id) {
  out.key("id");
  survey.id % 2 == 1 ? out.text(std::to_string(id)) : out.number(id);
}

std::string with_commas(std::int64_t value) {
  std::string out = std::to_string(value);
  for (int at = static_cast<int>(out.size()) - 3; at > 0; at -= 3)
    out.insert(static_cast<std::size_t>(at), ",");
  return out;
}

void write_count(JsonWriter& out, std::string_view key, std::int64_t value) {
  if (value == 0) return;
  out.key(key);
  value >= 1000 ? out.text(with_commas(value)) : out.number(value);
}

void write_survey_head(JsonWriter& out, const SurveyHead& survey, const Zone& region) {
  out.key("type").text(survey.type).key("status").text(survey.status);
  out.key("created_on").text(region.local(survey.created)).key("modified_on").text(region.local(survey.modified));
  out.key("title").text(survey.title);
}

void write_links(JsonWriter& out, const SurveyHead& survey) {
  out.key("links").begin_object();
  for (const std::string_view name : {"edit", "publish", "default", "campaign"}) {
    out.key(name).text(fmt::format("https://app.alchemer.com/{}/id/{}", name, survey.id));
  }
  out.end_object();
}

void write_flag(JsonWriter& out, std::string_view key, const std::optional<bool>& value) {
  out.key(key);
  value ? out.boolean(*value) : out.null();
}

void write_options(JsonWriter& out, const QuestionDef& question) {
  out.key("options").begin_array();
  for (const OptionDef& option : question.options)
    write_option(out, option, OptionView::in_question);
  out.end_array();
}

}  // namespace

void write_title(JsonWriter& out, const Title& title) {
  if (title.form != Title::Form::by_language || title.texts.empty()) {
    out.raw(title.form == Title::Form::empty_object ? "{}" : "[]");
    return;
  }
  out.begin_object();
  for (const LocalText& text : title.texts) {
    out.key(text.language);
    title.as_number ? out.raw(text.html) : out.text(text.html);
  }
  out.end_object();
}

void write_statistics(JsonWriter& out, const Statistics& counts) {
  if (counts.empty()) {
    out.null();
    return;
  }
  out.begin_object();
  write_count(out, "Partial", counts.partial);
  write_count(out, "Complete", counts.complete);
  write_count(out, "Disqualified", counts.disqualified);
  write_count(out, "Deleted", counts.deleted);
  if (counts.with_blank_key) out.key("").number(1);
  if (counts.test > 0) out.key("TestData").text(std::to_string(counts.test));
  out.end_object();
}

void write_survey_item(JsonWriter& out, const SurveyHead& survey, const Statistics& counts, const Zone& region) {
  out.begin_object().key("id").text(std::to_string(survey.id)).key("team");
  if (survey.teams.size() == 1) {
    out.text(std::to_string(survey.teams[0]));
  } else {
    out.begin_array();
    for (const std::int64_t team : survey.teams)
      out.text(std::to_string(team));
    out.end_array();
  }
  write_survey_head(out, survey, region);
  out.key("statistics");
  write_statistics(out, counts);
  write_links(out, survey);
  out.end_object();
}

void write_survey_detail(JsonWriter& out, const SurveyDef& survey, const Statistics& counts, const Zone& region,
                         SurveyPart part) {
  out.begin_object().key("id").text(std::to_string(survey.id)).key("team").begin_array();
  for (const std::int64_t team : survey.teams) {
    out.begin_object().key("id").text(std::to_string(team)).key("name").text(fmt::format("Team {}", team)).end_object();
  }
  out.end_array();
  write_survey_head(out, survey, region);
  out.key("forward_only").boolean(false).key("languages").begin_array();
  for (const std::string& language : survey.languages)
    out.text(language);
  out.end_array().key("internal_title").text(survey.internal_title).key("title_ml").begin_object();
  for (const std::string& language : survey.languages)
    out.key(language).text(survey.title);
  out.end_object().key("theme").text("0").key("blockby").text("NONE");
  out.key("statistics");
  write_statistics(out, counts);
  out.key("overall_quota").null().key("auto_close").null();
  write_links(out, survey);
  if (part == SurveyPart::everything) {
    out.key("pages").begin_array();
    for (const PageDef& page : survey.pages)
      write_page(out, survey, page);
    out.end_array();
  }
  out.end_object();
}

void write_page(JsonWriter& out, const SurveyDef& survey, const PageDef& page) {
  out.begin_object();
  write_id(out, survey, page.id);
  out.key("title");
  write_title(out, page.title);
  out.key("description").raw(page.description).key("properties").raw(page.properties).key("questions").begin_array();
  for (const QuestionDef& question : page.questions) {
    if (!question.deleted) write_question(out, survey, question, QuestionView::tree);
  }
  out.end_array().end_object();
}

void write_question(JsonWriter& out, const SurveyDef& survey, const QuestionDef& question, QuestionView view) {
  out.begin_object();
  write_id(out, survey, question.id);
  out.key("base_type").text(question.base_type).key("type").text(question.type).key("title");
  write_title(out, question.title);
  optional_text(out, "shortname", question.shortname);
  if (view == QuestionView::list) out.key("varname").raw(question.varname);
  out.key("description").raw("[]");
  write_flag(out, "has_showhide_deps", question.has_deps);
  write_flag(out, "comment", question.comment);
  out.key("properties").raw(question.properties);
  write_options(out, question);
  if (!question.rows.empty()) {
    out.key("sub_questions").begin_array();
    for (const QuestionDef& row : question.rows)
      write_question(out, survey, row, view);
    out.end_array();
  }
  out.end_object();
}

void write_option(JsonWriter& out, const OptionDef& option, OptionView view) {
  out.begin_object().key("id").number(option.id).key("title");
  write_title(out, option.title);
  out.key("value").text(option.value).key("properties").raw(option.properties);
  if (view == OptionView::alone) out.key("image").raw("[]");
  out.end_object();
}

}  // namespace surveysync::sandbox
