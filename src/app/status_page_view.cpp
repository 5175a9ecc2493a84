// From what the database says to what the page draws.
#include <algorithm>
#include <set>

#include "app/human.h"
#include "app/status_feed.h"
#include "app/status_view.h"
#include "store/overview.h"

namespace surveysync::app {
namespace {

constexpr int kRuns = 10, kDays = 30;

report::FourClocks clocks_of(const store::ClockRow& row) {
  return {row.last_attempt, row.last_success, row.last_certified, row.newest_change};
}

report::Proof proof_of(const std::optional<bool>& balanced) {
  if (!balanced) return report::Proof::none;
  return *balanced ? report::Proof::balanced : report::Proof::unbalanced;
}

/// `by_list`: what surveys hold is certified with lists of the account.
report::SurveyView survey_view(const StatusSurvey& survey, bool by_list) {
  report::Proof proof = by_list ? report::Proof::by_list : proof_of(survey.clocks.balanced);
  if (survey.deleted)
    proof = report::Proof::deleted;
  else if (!survey.clocks.followed)
    proof = report::Proof::not_followed;
  return {survey.clocks.partition,
          survey.clocks.title,
          clocks_of(survey.clocks),
          survey.clocks.stored_live,
          proof,
          survey.error};
}

/// A source stands as its worst part that is followed and at the vendor.
report::Proof proof_of(const report::SourceView& source, const store::ClockRow& row) {
  report::Proof worst = report::Proof::none;
  const auto take = [&](report::Proof proof) {
    if (proof == report::Proof::unbalanced || (proof == report::Proof::balanced && worst == report::Proof::none))
      worst = proof;
  };
  for (const report::SurveyView& survey : source.surveys)
    take(survey.proof);
  for (const report::ListView& list : source.lists)
    take(list.proof);
  return worst == report::Proof::none ? proof_of(row.balanced) : worst;
}

report::SourceView source_view(const StatusSource& status, const SourceConfig* config) {
  report::SourceView source;
  source.name = status.source;
  source.configured = status.configured;
  source.clocks = clocks_of(status.clocks);
  source.stored = status.clocks.stored_live;
  source.reads = status.fallback;
  source.worked_by = spoken_process(status.worked_by);
  if (status.next_run) {
    source.next_run = status.next_run->at;
    source.next_reason = status.next_run->reason;
  }
  if (config != nullptr) source.stale_after = config->sync.stale_after;
  const bool by_list = !status.lists.empty() && std::ranges::none_of(status.surveys, [](const StatusSurvey& survey) {
    return survey.clocks.balanced.has_value();
  });
  for (const StatusSurvey& survey : status.surveys)
    source.surveys.push_back(survey_view(survey, by_list));
  for (const store::ListRow& list : status.lists)
    source.lists.push_back({list.stream, list.stored_live, list.total, proof_of(list.balanced), list.last_certified});
  source.proof = proof_of(source, status.clocks);
  return source;
}

report::IncidentView incident_view(store::Incident& incident) {
  return {incident.key,     incident.rule,     incident.source,    incident.severity,
          incident.verdict, incident.evidence, incident.next_step, incident.opened_at};
}

}  // namespace

std::shared_ptr<const report::DatabaseView> look_for_page(const Config& config, pg::Connection& connection,
                                                          const Clock& clock) {
  const SteadyTime began = clock.now();
  auto view = std::make_shared<report::DatabaseView>();
  store::Overview overview(connection);
  view->taken_at = clock.utc_now();
  Status status = look_at_status(config, connection);
  for (const StatusSource& source : status.sources)
    view->sources.push_back(source_view(source, config.find(source.source)));
  for (store::KeyRecord& key : store::KeyBook(connection).records("")) {
    const auto source = std::ranges::find(view->sources, key.source, &report::SourceView::name);
    if (source != view->sources.end())
      source->keys.push_back(
          {key.slot, key.fingerprint, key.verdict, key.first_used_at, key.last_good_at, key.refused_at});
  }
  for (report::SourceView& source : view->sources)  // the one in use first
    std::ranges::sort(source.keys, std::greater(), &report::KeyView::slot);
  for (store::Incident& incident : store::Incidents(connection).open_ones())
    view->incidents.push_back(incident_view(incident));
  std::ranges::stable_partition(view->incidents, [](const auto& incident) { return incident.severity == "critical"; });
  for (store::RunRow& run : store::History(connection).runs("", kRuns)) {
    const auto source = std::ranges::find(status.sources, run.source, &StatusSource::source);
    const bool newest = source != status.sources.end() && source->last_run && source->last_run->run_id == run.run_id;
    const std::string error = newest ? source->last_trouble : run.error;
    view->runs.push_back(
        {run.run_id, run.source, run.kind, run.outcome, error, run.started_at, run.finished_at, run.counts});
  }
  view->budgets = std::move(status.budgets);
  for (store::DayRow& day : overview.days(kDays))
    view->days.push_back({std::move(day.day), day.inserted, day.updated});
  view->sources_json = sources_json(status.sources);
  while (view->sources_json.ends_with('\n'))
    view->sources_json.pop_back();
  view->took = clock.now() - began;
  return view;
}

}  // namespace surveysync::app
