#include "app/status_view.h"

#include <algorithm>
#include <map>

#include "app/agenda_question.h"
#include "app/assembly.h"
#include "app/capability_text.h"
#include "sources/source.h"
#include "store/overview.h"
#include "store/requests.h"

namespace surveysync::app {
namespace {

/// The newest change of a source is that of its surveys, where the database has none of its own.
void newest_of_surveys(StatusSource& source) {
  for (const StatusSurvey& survey : source.surveys) {
    source.clocks.newest_change = std::max(source.clocks.newest_change, survey.clocks.newest_change);
  }
}

/// What the database knows, in the order of the configuration; sources that are no longer configured come last.
std::vector<StatusSource> collect(const Config& config, store::History& history) {
  std::vector<StatusSource> sources;
  for (const SourceConfig& configured : config.sources) {
    StatusSource source;
    source.source = configured.name;
    sources.push_back(std::move(source));
  }
  for (store::ClockRow& row : history.clocks()) {
    auto found = std::ranges::find(sources, row.source, &StatusSource::source);
    if (found == sources.end()) {
      sources.emplace_back();
      found = std::prev(sources.end());
      found->source = row.source;
      found->configured = found->clocks.followed = false;
    }
    const SourceConfig* const configured = config.find(row.source);
    const bool followed = configured != nullptr &&
                          sources::Following{{}, configured->include, configured->exclude}.follows(row.partition);
    if (row.partition.empty()) {
      row.followed = configured != nullptr;
      found->clocks = std::move(row);
    } else {
      row.followed = row.followed && followed;
      found->surveys.push_back({std::move(row)});
    }
  }
  for (store::ListRow& list : history.lists()) {
    const auto found = std::ranges::find(sources, list.source, &StatusSource::source);
    if (found != sources.end()) found->lists.push_back(std::move(list));
  }
  for (StatusSource& source : sources)
    newest_of_surveys(source);
  return sources;
}

/// By the survey's id: there may be thousands.
std::map<std::string_view, StatusSurvey*> by_id(StatusSource& source) {
  std::map<std::string_view, StatusSurvey*> surveys;
  for (StatusSurvey& survey : source.surveys)
    surveys.emplace(survey.clocks.partition, &survey);
  return surveys;
}

/// What the last run said of each survey that it could not work.
void add_last_run(StatusSource& source, store::History& history) {
  const std::vector<store::RunRow> runs = history.runs(source.source, 1);
  if (runs.empty()) return;
  source.last_run = runs.front();
  const auto surveys = by_id(source);
  source.last_trouble = source.last_run->error.substr(0, source.last_run->error.find('\n'));
  for (store::RunStreamRow& row : history.run_streams(source.last_run->run_id)) {
    const auto found = surveys.find(row.partition);
    if (!row.error.empty() && found != surveys.end()) found->second->error = std::move(row.error);
  }
}

/// When each survey was last asked about. A survey that was deleted at the vendor stands nowhere any more.
void add_standing(StatusSource& source, store::Ledger& ledger) {
  const auto surveys = by_id(source);
  std::map<std::string, bool> stands;
  for (const store::PartitionState& state : ledger.states(source.source)) {
    const store::Standing& standing = state.standing;
    stands[state.partition] |= standing.total >= 0 || !standing.hint.empty() || state.open_pass;
    const auto found = surveys.find(state.partition);
    if (found == surveys.end()) continue;
    StatusSurvey& survey = *found->second;
    survey.probed_at = std::max(survey.probed_at, standing.probed_at);
    survey.swept_at = std::max(survey.swept_at, standing.swept_at);
  }
  for (StatusSurvey& survey : source.surveys)
    survey.deleted = survey.clocks.last_certified && !stands[survey.clocks.partition];
}

void add_capabilities(StatusSource& source, const SourceConfig* config, store::Ledger& ledger) {
  const std::vector<model::Capability> all = ledger.capabilities(source.source);
  source.capabilities = told_capabilities(all);
  if (config == nullptr) return;
  source.probe_all = config->sync.probe_all;
  if (!source.capabilities.empty()) source.fallback = fallback_text(abilities_of(*config, all), all);
}

/// One for each account, in the order of the configuration.
std::vector<report::BudgetView> budgets_of(const Config& config, store::Overview& overview) {
  const std::vector<store::BudgetRow> rows = overview.budgets();
  std::vector<report::BudgetView> budgets;
  for (const SourceConfig& source : config.sources) {
    const std::string account = source.type + "/" + source.account;
    const auto known = std::ranges::find(budgets, account, &report::BudgetView::account);
    if (known != budgets.end()) {
      known->sources.push_back(source.name);
      continue;
    }
    const http::LimiterOptions pacing = account_pacing(source, config);
    report::BudgetView budget{account, {source.name}, pacing.requests, source.limits.vendor_limit, pacing.window, {},
                              {}};
    const auto row = std::ranges::find(rows, account, &store::BudgetRow::account);
    if (row != rows.end()) {
      budget.booked_until = row->next_free_at;
      budget.resting_until = row->rest_until;
    }
    budgets.push_back(std::move(budget));
  }
  return budgets;
}

/// What the daemon and its keys are about.
void add_service(StatusSource& source, const SourceConfig* config, pg::Connection& connection, UtcTime now) {
  for (store::KeyRecord& key : store::KeyBook(connection).records(source.source))
    if (key.slot == "secret" && !key.verdict.empty()) source.refused = std::move(key);
  source.worked_by = store::Requests(connection).holder(source.source).value_or("");
  store::History history(connection);
  if (config != nullptr) source.next_run = sync::next_run(agenda_question(*config, history, now));
}

/// Those of a source stand with it, the critical ones first.
void add_incidents(Status& status, std::vector<store::Incident> open) {
  std::ranges::stable_partition(open, [](const store::Incident& incident) { return incident.severity == "critical"; });
  for (store::Incident& incident : open) {
    const auto source = std::ranges::find(status.sources, incident.source, &StatusSource::source);
    (source == status.sources.end() ? status.incidents : source->incidents).push_back(std::move(incident));
  }
}

}  // namespace

Status look_at_status(const Config& config, pg::Connection& connection) {
  store::History history(connection);
  store::Ledger ledger(connection);
  const UtcTime now = ledger.now();
  Status status;
  status.sources = collect(config, history);
  for (StatusSource& source : status.sources) {
    const SourceConfig* const configured = config.find(source.source);
    add_last_run(source, history);
    add_standing(source, ledger);
    add_capabilities(source, configured, ledger);
    add_service(source, configured, connection, now);
  }
  add_incidents(status, store::Incidents(connection).open_ones());
  store::Overview overview(connection);
  status.budgets = budgets_of(config, overview);
  return status;
}

}  // namespace surveysync::app
