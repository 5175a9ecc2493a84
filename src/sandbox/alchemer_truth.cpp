// GET /truth/TABLE: what a correct loader holds now.
#include <fmt/format.h>

#include <algorithm>

#include "sandbox/alchemer.h"
#include "sandbox/statistics.h"
#include "sandbox/truth.h"

namespace surveysync::sandbox {

bool Alchemer::has_table(std::string_view name) const {
  for (const std::string_view table :
       {"survey", "page", "question", "option", "response", "answer", "id", "count", "statistic", "response_file"}) {
    if (table == name) return true;
  }
  return kind_named(name) != nullptr;
}

void Alchemer::truth(ChunkedBody& body, const std::string& table, const Query& query) const {
  const Seconds now = clock_.now();
  const std::string only = query.get("survey").value_or("");
  const Privacy privacy = query.get("privacy").value_or("") == "drop" ? Privacy::drop : Privacy::keep;
  const KindInfo* kind = kind_named(table);
  if (kind != nullptr && kind->keys.front() != "survey_id") truth_of_kind(body, *kind, {});
  for (const SurveyItem& item : account_.surveys(now)) {
    const std::int64_t survey = item.head.id;
    if (item.fate != SurveyFate::alive || (!only.empty() && only != std::to_string(survey))) continue;
    if (kind != nullptr && kind->keys.front() == "survey_id") truth_of_kind(body, *kind, {survey});
    if (table == "survey") truth_of_survey(body.text(), item.head, item.counts);
    if (table == "count") truth_of_count(body.text(), survey, account_.listed(survey, now));
    if (table == "page" || table == "question" || table == "option" || table == "statistic")
      truth_of_definition(body.text(), table, survey, now);
    if (table == "response" || table == "answer" || table == "id" || table == "response_file")
      truth_of_rows(body, table, survey, privacy);
    body.flush_if_large();
  }
}

void Alchemer::truth_of_definition(std::string& out, const std::string& table, std::int64_t survey, Seconds now) const {
  const auto view = account_.survey(survey, now);
  if (table == "page") truth_of_pages(out, *view->definition);
  if (table == "question") truth_of_questions(out, *view->definition);
  if (table == "option") truth_of_options(out, *view->definition);
  if (table != "statistic" || view->counts.empty()) return;
  for (const QuestionDef* question : listed_questions(*view->definition)) {
    truth_of_object(out, {{"survey_id", survey}, {"statistic_id", question->id}},
                    statistic_text(*question, view->counts));
  }
}

void Alchemer::truth_of_rows(ChunkedBody& body, const std::string& table, std::int64_t survey, Privacy privacy) const {
  const auto undated =
      vendor_.faults().standing("no-date-updated", fmt::format("/v5/survey/{}/surveyresponse", survey), survey);
  for (const Row& row : account_.rows(survey, clock_.now())) {
    if (table == "id") truth_of_id(body.text(), survey, row);
    if (table == "response") {
      truth_of_response(body.text(), survey, account_.response(survey, row), privacy,
                        has_updated(undated ? &*undated : nullptr, row));
    }
    if (table == "answer") truth_of_answers(body.text(), survey, account_.response(survey, row));
    if (table == "response_file") {
      truth_of_files(body.text(), survey, account_.response(survey, row), account_.spec().seed, vendor_.file_size());
    }
    body.flush_if_large();
  }
}

// Every object of a kind below `parents`, which may lack the middle of the path.
void Alchemer::truth_of_kind(ChunkedBody& body, const KindInfo& kind, const Path& parents) const {
  if (parents.size() + 1 < kind.keys.size()) {
    const Kind above = parents.empty() ? Kind::contact_list : Kind::campaign;
    for (const std::int64_t id : inventory_.ids(above, parents)) {
      Path deeper = parents;
      deeper.push_back(id);
      truth_of_kind(body, kind, deeper);
    }
    return;
  }
  for (const std::int64_t id : inventory_.ids(kind.kind, parents)) {
    Path path = parents;
    path.push_back(id);
    const auto fields = inventory_.find(kind.kind, path);
    if (!fields) continue;
    std::vector<TruthKey> keys;
    for (std::size_t i = 0; i < path.size(); ++i)
      keys.push_back({kind.keys[i], path[i]});
    truth_of_object(body.text(), keys, fields->json());
    body.flush_if_large();
  }
}

}  // namespace surveysync::sandbox
