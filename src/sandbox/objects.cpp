// The objects of v5: which path shows what.
#include <fmt/format.h>

#include <algorithm>

#include "sandbox/call.h"
#include "sandbox/envelope.h"

namespace surveysync::sandbox {
namespace {

Reply success(std::string body) {
  Reply out;
  out.body = std::move(body);
  return out;
}

template <typename Write>
std::string written(const Write& write) {
  std::string out;
  JsonWriter json(out, JsonWriter::Style::wire);
  write(json);
  return out;
}

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

template <typename Item>
std::vector<Item> slice(const std::vector<Item>& all, const Paging& paging) {
  const std::size_t first = std::min(paging.first(), all.size());
  const std::size_t last = std::min(first + static_cast<std::size_t>(paging.size), all.size());
  return {all.begin() + static_cast<std::ptrdiff_t>(first), all.begin() + static_cast<std::ptrdiff_t>(last)};
}

void sort_rows(std::vector<Row>& rows, std::string_view order) {
  const bool down = order.starts_with('-');
  if (down) order.remove_prefix(1);
  const auto by = order == "date_submitted" ? &Row::submitted : order == "date_updated" ? &Row::updated : nullptr;
  if (by == nullptr) return;
  std::stable_sort(rows.begin(), rows.end(),
                   [&](const Row& a, const Row& b) { return down ? b.*by < a.*by : a.*by < b.*by; });
}

}  // namespace

Reply Vendor::route(Call& call) {
  if (call.parts.empty()) return refusal(404, "Not Found");
  if (call.parts[0] == "survey") {
    if (call.parts.size() == 1) return survey_list(call);
    return survey_object(call, call.id(1));
  }
  return other_object(call);
}

Reply Vendor::other_object(Call& call) const {
  const std::string& object = call.parts[0];
  if (object == "account") {
    return success(single_envelope(
        R"({"id":644416,"organization":"Sandbox","contact_phone":"","reseller":"0","sso":[],"date_created":"2015-01-01 00:00:00"})"));
  }
  if (object == "domain" || object == "surveytheme" || object == "contactcustomfield")
    return success(R"({"result_ok":true,"data":[]})");
  if (object == "contactlist") return success(R"({"result_ok":true,"page":1,"results_per_page":50,"data":[]})");
  if (object == "accountuser" || object == "accountteams")
    return success(paged_envelope(read_paging(call.query, spec_.page_cap), 0, {}, {}));
  return refusal(404, "Method not implemented");
}

Reply Vendor::survey_list(Call& call) {
  Paging paging = read_paging(call.query, spec_.page_cap);
  const Filters filters = read_filters(call.query);
  if (!paging.valid || filters.broken) return refusal(400, "Invalid parameter");
  std::vector<SurveyView> views = account_.surveys(call.now);
  if (call.fault("ignore-filter") == nullptr) {
    std::erase_if(views,
                  [&](const SurveyView& view) { return !survey_passes(account_, *view.definition, filters.all); });
  }
  if (call.fault("same-page") != nullptr) paging.page = 1;
  std::vector<std::string> records;
  for (const SurveyView& view : slice(views, paging)) {
    records.push_back(
        written([&](JsonWriter& out) { write_survey_item(out, *view.definition, view.counts, account_.region()); }));
  }
  spoil_records(records, call.faults);
  return success(paged_envelope(paging, static_cast<std::int64_t>(views.size()), records, call.faults));
}

Reply Vendor::survey_object(Call& call, std::int64_t survey) {
  const auto view = account_.survey(survey, call.now);
  if (!view) return refusal(404, "Survey not found");
  const SurveyDef& definition = *view->definition;
  if (call.parts.size() == 2) {
    const bool meta = call.query.get("metaonly").value_or("") == "true";
    return success(single_envelope(written([&](JsonWriter& out) {
      write_survey_detail(out, definition, view->counts, account_.region(),
                          meta ? SurveyPart::meta_only : SurveyPart::everything);
    })));
  }
  const std::string& object = call.parts[2];
  if (object == "surveyresponse") return response_object(call, survey);
  if (object == "surveyquestion") return question_object(call, definition);
  if (object == "surveystatistic") return statistics(call, *view);
  if (object == "surveypage") {
    std::vector<std::string> records;
    for (const PageDef& page : definition.pages) {
      if (call.parts.size() > 3 && page.id != call.id(3)) continue;
      records.push_back(written([&](JsonWriter& out) { write_page(out, definition, page); }));
    }
    if (call.parts.size() == 3) return success(structure_envelope(records));
    return records.empty() ? refusal(404, "Page not found") : success(single_envelope(records[0]));
  }
  if (object == "quotas") return success(R"({"result_ok":true,"quotas":[]})");
  if (object == "surveyreport") return refusal(200, "No reports found");
  if (object == "surveycampaign") return success(paged_envelope(read_paging(call.query, spec_.page_cap), 0, {}, {}));
  return refusal(404, "Method not implemented");
}

Reply Vendor::question_object(Call& call, const SurveyDef& survey) {
  const std::vector<const QuestionDef*> questions = listed_questions(survey);
  const auto text = [&](const QuestionDef& question) {
    return written([&](JsonWriter& out) { write_question(out, survey, question, QuestionView::list); });
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
    records.push_back(written([&](JsonWriter& out) { write_option(out, option, OptionView::alone); }));
  }
  if (call.parts.size() == 5) return success(structure_envelope(records));
  return records.empty() ? refusal(404, "Option not found") : success(single_envelope(records[0]));
}

Reply Vendor::statistics(Call& call, const SurveyView& view) {
  if (view.counts.empty()) return refusal(200, "No statistics for this survey");
  std::vector<std::string> records;
  for (const QuestionDef* question : listed_questions(*view.definition)) {
    if (const auto only = call.query.get("surveyquestion"); only && *only != std::to_string(question->id)) continue;
    records.push_back(written([&](JsonWriter& out) {
      out.begin_object().key("id").number(question->id).key("type").text(question->type);
      if (!question->options.empty()) {
        out.key("breakdown").begin_array();
        for (const OptionDef& option : question->options) {
          out.begin_object()
              .key("label")
              .text(option.value)
              .key("percentage")
              .text("25.0")
              .key("count")
              .text("2")
              .end_object();
        }
        out.end_array().key("total responses").text(fmt::format("{}", view.counts.complete)).key("average").text("");
      }
      out.end_object();
    }));
  }
  return success(structure_envelope(records));
}

Reply Vendor::response_object(Call& call, std::int64_t survey) {
  if (call.parts.size() == 3) return response_list(call, survey);
  if (call.parts.size() == 4) return one_response(call, survey, call.id(3));
  return refusal(404, "Method not implemented");
}

Reply Vendor::response_list(Call& call, std::int64_t survey) {
  Paging paging = capped(read_paging(call.query, spec_.page_cap), call.fault("cap-page"));
  Filters filters = read_filters(call.query);
  if (!paging.valid || filters.broken) return refusal(400, "Invalid parameter");
  if (const Fault* refused = call.fault("refuse-filter"); refused != nullptr && names_field(filters.all, *refused))
    return refusal(static_cast<int>(refused->number("code", 400)), refused->text("message", "Invalid filter"));
  if (const Fault* ignored = call.fault("ignore-filter")) ignore_fields(filters.all, *ignored);
  if (const Fault* shifted = call.fault("shift-filter")) shift_times(filters.all, *shifted);
  std::vector<Row> rows = account_.rows(survey, call.now);
  auto total = static_cast<std::int64_t>(rows.size());
  if (!filters.all.empty()) {
    std::erase_if(rows, [&](const Row& row) { return !row_passes(account_, survey, row, filters.all); });
  }
  if (call.fault("ignore-order") == nullptr) sort_rows(rows, call.query.get("order_by").value_or(""));
  if (call.fault("total-ignores-filter") == nullptr) total = static_cast<std::int64_t>(rows.size());
  if (const Fault* hidden = call.fault("hide-row")) {
    std::erase_if(rows, [&](const Row& row) { return row.id == hidden->number("response", 0); });
  }
  if (call.fault("same-page") != nullptr) paging.page = 1;
  const WireStyle style{&account_.region(), &account_.updated(), call.fault("no-date-updated") == nullptr,
                        call.fault("new-field") != nullptr, call.fault("type-drift") != nullptr};
  std::vector<std::string> records;
  for (const Row& row : slice(rows, paging)) {
    records.push_back(written([&](JsonWriter& out) { write_response(out, account_.response(survey, row), style); }));
  }
  spoil_records(records, call.faults);
  return success(paged_envelope(paging, total, records, call.faults));
}

// How a deleted response answers is not known: it differs here by its id, so that a client meets all the ways.
Reply Vendor::one_response(Call& call, std::int64_t survey, std::int64_t response) {
  const auto row = account_.row(survey, response, call.now);
  if (!row) return refusal(404, "Response not found");
  if (row->deleted && row->id % 4 == 0) return refusal(404, "Response not found");
  if (row->deleted && row->id % 4 == 1) return refusal(200, "Response not found");
  if (row->deleted && row->id % 4 == 2) return success(R"({"result_ok":true,"data":null})");
  const WireStyle style{&account_.region(), &account_.updated(), call.fault("no-date-updated") == nullptr,
                        call.fault("new-field") != nullptr, call.fault("type-drift") != nullptr};
  return success(
      single_envelope(written([&](JsonWriter& out) { write_response(out, account_.response(survey, *row), style); })));
}

}  // namespace surveysync::sandbox
