// The objects of v5: which path shows what.
#include <fmt/format.h>

#include <algorithm>

#include "sandbox/call.h"
#include "sandbox/envelope.h"
#include "sandbox/statistics.h"

namespace surveysync::sandbox {
namespace {

template <typename Item>
std::vector<Item> slice(const std::vector<Item>& all, const Paging& paging) {
  const std::size_t first = std::min(paging.first(), all.size());
  const std::size_t last = std::min(first + static_cast<std::size_t>(paging.size), all.size());
  return {all.begin() + static_cast<std::ptrdiff_t>(first), all.begin() + static_cast<std::ptrdiff_t>(last)};
}

}  // namespace

Reply Vendor::route(Call& call) {
  if (call.parts.empty()) return refusal(404, "Not Found");
  if (call.parts[0] == "survey") {
    if (call.parts.size() == 1) return survey_list(call);
    return survey_object(call, call.id(1));
  }
  if (auto found = side_object(call)) return *found;
  return refusal(404, "Method not implemented");
}

Reply Vendor::survey_list(Call& call) {
  Paging paging = capped(read_paging(call.query, spec_.page_cap), call.fault("cap-page"));
  const Filters filters = read_filters(call.query);
  if (!paging.valid || filters.broken) return refusal(400, "Invalid parameter");
  std::vector<SurveyItem> items = account_.surveys(call.now);
  if (call.fault("ignore-filter") == nullptr) {
    std::erase_if(items, [&](const SurveyItem& item) { return !survey_passes(account_, item.head, filters.all); });
  }
  if (call.fault("same-page") != nullptr) paging.page = 1;
  std::vector<std::string> records;
  for (const SurveyItem& item : slice(items, paging)) {
    records.push_back(
        json_text([&](JsonWriter& out) { write_survey_item(out, item.head, item.counts, account_.region()); }));
  }
  spoil_records(records, call.faults);
  return success(paged_envelope(paging, static_cast<std::int64_t>(items.size()), records, call.faults));
}

// A survey that the key may no longer see, although the list still shows it; nothing when it may.
std::optional<Reply> Vendor::forbidden(const Call& call) const {
  const Fault* fault = call.fault("forbidden");
  if (fault == nullptr) return std::nullopt;
  const bool list = call.parts.size() == 3 && call.parts[2] == "surveyresponse";
  if (list && fault->text("lists", "refused") == "empty")
    return success(paged_envelope(read_paging(call.query, spec_.page_cap), 0, {}, {}));
  Reply out = refusal(static_cast<int>(fault->number("code", 403)), fault->text("message", "Permission denied"));
  out.status = static_cast<int>(fault->number("inside", out.status));
  return out;
}

// A deleted survey, for which only its own GET may still have something to say.
Reply Vendor::deleted_survey(const Call& call, const SurveyView& view) const {
  if (view.fate == SurveyFate::absent) return refusal(404, "Survey not found");
  if (view.fate == SurveyFate::null) return success(R"({"result_ok":true,"data":null})");
  if (call.parts.size() == 2) return survey_detail(call, view);
  const bool list = call.parts.size() == 3 && call.parts[2] == "surveyresponse";
  if (list) return success(paged_envelope(read_paging(call.query, spec_.page_cap), 0, {}, {}));
  return refusal(404, "Survey not found");
}

Reply Vendor::survey_detail(const Call& call, const SurveyView& view) const {
  const bool meta = call.query.get("metaonly").value_or("") == "true";
  return success(single_envelope(json_text([&](JsonWriter& out) {
    write_survey_detail(out, *view.definition, view.counts, account_.region(),
                        meta ? SurveyPart::meta_only : SurveyPart::everything);
  })));
}

Reply Vendor::survey_object(Call& call, std::int64_t survey) {
  if (auto refused = forbidden(call)) return *refused;
  const auto view = account_.survey(survey, call.now);
  if (!view) return refusal(404, "Survey not found");
  if (view->fate != SurveyFate::alive) return deleted_survey(call, *view);
  const SurveyDef& definition = *view->definition;
  if (call.parts.size() == 2) return survey_detail(call, *view);
  const std::string& object = call.parts[2];
  if (object == "surveyresponse") return response_object(call, survey);
  if (object == "surveyquestion") return question_object(call, definition);
  if (object == "surveystatistic") return statistics(call, *view);
  if (object == "surveypage") {
    std::vector<std::string> records;
    for (const PageDef& page : definition.pages) {
      if (call.parts.size() > 3 && page.id != call.id(3)) continue;
      records.push_back(json_text([&](JsonWriter& out) { write_page(out, definition, page); }));
    }
    if (call.parts.size() == 3) return success(structure_envelope(records));
    return records.empty() ? refusal(404, "Page not found") : success(single_envelope(records[0]));
  }
  if (auto found = side_object(call)) return *found;
  return refusal(404, "Method not implemented");
}

Reply Vendor::question_object(Call& call, const SurveyDef& survey) {
  const std::vector<const QuestionDef*> questions = listed_questions(survey);
  const auto text = [&](const QuestionDef& question) {
    return json_text([&](JsonWriter& out) { write_question(out, survey, question, QuestionView::list); });
  };
  if (call.parts.size() == 3) {
    std::vector<std::string> records;
    for (const QuestionDef* question : questions)
      records.push_back(text(*question));
    spoil_records(records, call.faults);
    return success(structure_envelope(records));
  }
  const auto found =
      std::find_if(questions.begin(), questions.end(), [&](const QuestionDef* item) { return item->id == call.id(3); });
  if (found == questions.end()) return refusal(404, "Question not found");
  if (call.parts.size() == 4) return success(single_envelope(text(**found)));
  if (call.parts[4] != "surveyoption") return refusal(404, "Method not implemented");
  std::vector<std::string> records;
  for (const OptionDef& option : (*found)->options) {
    if (call.parts.size() > 5 && option.id != call.id(5)) continue;
    records.push_back(json_text([&](JsonWriter& out) { write_option(out, option, OptionView::alone); }));
  }
  if (call.parts.size() == 5) return success(structure_envelope(records));
  return records.empty() ? refusal(404, "Option not found") : success(single_envelope(records[0]));
}

}  // namespace surveysync::sandbox
