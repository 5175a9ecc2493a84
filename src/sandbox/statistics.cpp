// surveystatistic: counts of a survey's answers, question by question. The counts are made up from the survey's own
// totals; what matters is the shapes: texts with commas, names with a space, and items that carry nothing.
#include <fmt/format.h>

#include <algorithm>

#include "sandbox/call.h"
#include "sandbox/envelope.h"
#include "sandbox/random.h"
#include "sandbox/statistics.h"

namespace surveysync::sandbox {
namespace {

std::string with_commas(std::int64_t value) {
  std::string out = std::to_string(value);
  for (int at = static_cast<int>(out.size()) - 3; at > 0; at -= 3)
    out.insert(static_cast<std::size_t>(at), ",");
  return out;
}

void write_breakdown(JsonWriter& out, const QuestionDef& question, std::int64_t total) {
  const auto options = static_cast<std::int64_t>(question.options.size());
  out.key("breakdown").begin_array();
  for (std::int64_t i = 0; i < options; ++i) {
    const std::int64_t count = total / options + (i < total % options ? 1 : 0);
    const std::int64_t permille = total == 0 ? 0 : (count * 1000 + total / 2) / total;
    out.begin_object().key("label").text(question.options[static_cast<std::size_t>(i)].value);
    out.key("percentage").text(fmt::format("{}.{}", permille / 10, permille % 10));
    out.key("count").text(with_commas(count)).end_object();
  }
  out.end_array();
}

}  // namespace

std::vector<const QuestionDef*> listed_questions(const SurveyDef& survey) {
  std::vector<const QuestionDef*> out;
  for (const PageDef& page : survey.pages) {
    for (const QuestionDef& question : page.questions) {
      if (question.deleted) continue;
      out.push_back(&question);
      for (const QuestionDef& row : question.rows)
        out.push_back(&row);
    }
  }
  return out;
}

std::string statistic_text(const QuestionDef& question, const Statistics& counts) {
  return json_text([&](JsonWriter& out) {
    out.begin_object().key("id").number(question.id).key("type").text(question.type);
    const bool answerable = question.kind != QuestionKind::decoration && question.kind != QuestionKind::action;
    if (answerable) {
      const std::int64_t total = counts.complete + counts.partial;
      if (!question.options.empty()) write_breakdown(out, question, total);
      out.key("total responses").text(with_commas(total));
      if (question.kind == QuestionKind::nps || question.kind == QuestionKind::slider) {
        out.key("sum").text(with_commas(total * 7)).key("average").text("7.0").key("stdDev").text("1.25");
        out.key("min").text("0").key("max").text("10");
      } else {
        out.key("sum").number(0).key("average").text("").key("stdDev").text("0").key("min").text("").key("max").text(
            "");
      }
    }
    out.end_object();
  });
}

Reply Vendor::statistics(const Call& call, const SurveyView& view) const {
  if (view.counts.empty()) return refusal(200, "No statistics for this survey");
  std::vector<std::string> records;
  const auto question = call.query.get("surveyquestion"), page = call.query.get("surveypage");
  for (const QuestionDef* item : listed_questions(*view.definition)) {
    if (question && *question != std::to_string(item->id)) continue;
    if (page && *page != std::to_string(item->page_id)) continue;
    records.push_back(statistic_text(*item, view.counts));
  }
  spoil_records(records, call.faults);
  return success(structure_envelope(records));
}

}  // namespace surveysync::sandbox
