#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "app/agenda_question.h"
#include "app/assembly.h"
#include "app/capability_text.h"
#include "app/history_json.h"
#include "app/human.h"
#include "app/verbs.h"
#include "report/log_line.h"
#include "sources/source.h"
#include "store/requests.h"

namespace surveysync::app {
namespace {

using Align = TextTable::Align;
constexpr std::size_t kNoteColumns = 60;

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
    auto found = std::find_if(sources.begin(), sources.end(),
                              [&](const StatusSource& known) { return known.source == row.source; });
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
  for (StatusSource& source : sources)
    newest_of_surveys(source);
  return sources;
}

/// What the last run said of each survey that it could not work.
void add_last_run(StatusSource& source, store::History& history) {
  const std::vector<store::RunRow> runs = history.runs(source.source, 1);
  if (runs.empty()) return;
  source.last_run = runs.front();
  for (const store::RunStreamRow& row : history.run_streams(source.last_run->run_id)) {
    if (row.error.empty()) continue;
    const auto found = std::ranges::find_if(
        source.surveys, [&](const StatusSurvey& survey) { return survey.clocks.partition == row.partition; });
    if (found != source.surveys.end()) found->error = row.error;
  }
}

/// When each survey was last asked about. A survey that was deleted at the vendor stands nowhere any more.
void add_standing(StatusSource& source, store::Ledger& ledger) {
  std::map<std::string, bool> stands;
  for (const store::PartitionState& state : ledger.states(source.source)) {
    const store::Standing& standing = state.standing;
    stands[state.partition] |= standing.total >= 0 || !standing.hint.empty() || state.open_pass;
    const auto found = std::ranges::find_if(
        source.surveys, [&](const StatusSurvey& survey) { return survey.clocks.partition == state.partition; });
    if (found == source.surveys.end()) continue;
    found->probed_at = std::max(found->probed_at, standing.probed_at);
    found->swept_at = std::max(found->swept_at, standing.swept_at);
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

/// What the daemon and its keys are about.
void add_service(StatusSource& source, const SourceConfig* config, pg::Connection& connection, UtcTime now) {
  for (store::KeyRecord& key : store::KeyBook(connection).records(source.source))
    if (key.slot == "secret" && !key.verdict.empty()) source.refused = std::move(key);
  for (store::Incident& incident : store::Incidents(connection).open_ones())
    if (incident.source == source.source) source.incidents.push_back(std::move(incident));
  source.worked_by = store::Requests(connection).holder(source.source).value_or("");
  store::History history(connection);
  if (config != nullptr) source.next_run = sync::next_run(agenda_question(*config, history, now));
}

std::string service_text(const StatusSource& source, UtcTime now) {
  std::string text;
  const auto line = [&](std::string_view name, const std::string& value) {
    text += fmt::format("  {:<16}{}\n", name, report::printable(value));
  };
  if (!source.worked_by.empty()) line("worked by", source.worked_by);
  if (source.next_run && source.worked_by.empty() && !source.refused) {
    line("next run", fmt::format("{} UTC ({}, {}; where a daemon runs)", moment(source.next_run->at),
                                 ago(source.next_run->at, now), source.next_run->reason));
  }
  if (source.refused) {
    line("key", fmt::format("{} is refused ({}) since {}", source.refused->fingerprint, source.refused->verdict,
                            moment(source.refused->refused_at)));
    line("next step", source.refused->next_step);
  }
  for (const store::Incident& incident : source.incidents)
    line("incident", fmt::format("{} since {}: {}", incident.key, moment(incident.opened_at), incident.evidence));
  return text;
}

std::string verdict(const StatusSurvey& survey) {
  const store::ClockRow& clocks = survey.clocks;
  if (survey.deleted) return "deleted at the vendor";
  if (!clocks.followed) return "not followed";
  if (!clocks.balanced) return "no certificate yet";
  return *clocks.balanced ? "balanced" : "NOT BALANCED";
}

/// The first line of what went wrong, or that it was not asked about for longer than it should.
std::string survey_note(const StatusSurvey& survey, const StatusSource& source, UtcTime now) {
  if (!survey.error.empty())
    return shortened(report::printable(survey.error.substr(0, survey.error.find('\n'))), kNoteColumns);
  const bool watched = survey.clocks.followed && !survey.deleted && survey.probed_at;
  if (watched && now - *survey.probed_at > source.probe_all)
    return fmt::format("not probed since {} UTC", moment(survey.probed_at));
  return {};
}

std::string learned_text(const StatusSource& source, UtcTime now) {
  if (source.capabilities.empty()) return {};
  std::string text =
      fmt::format("  {:<16}{}\n", "reads", source.fallback.empty() ? "changes by their date" : source.fallback);
  std::string_view title = "learned";
  for (const model::Capability& capability : source.capabilities) {
    text += fmt::format("  {:<16}{}\n", title, capability_line(capability, now));
    title = "";
  }
  return text;
}

std::string source_text(const StatusSource& source, UtcTime now) {
  std::string text = source.source;
  if (!source.configured) text += " (no longer configured)";
  if (!source.last_run) return text + ": has never run\n";
  const store::RunRow& run = *source.last_run;
  text += fmt::format(": last run {} {}, {}\n", run.run_id, run.outcome.empty() ? "is running" : run.outcome,
                      ago(run.finished_at ? run.finished_at : std::optional(run.started_at), now));
  if (!run.error.empty()) text += fmt::format("  error           {}\n", run.error);
  const auto clock = [&](std::string_view name, const std::optional<UtcTime>& time) {
    text +=
        fmt::format("  {:<16}{}\n", name, time ? fmt::format("{} UTC ({})", moment(time), ago(time, now)) : "never");
  };
  clock("last attempt", source.clocks.last_attempt);
  clock("last success", source.clocks.last_success);
  clock("last certified", source.clocks.last_certified);
  clock("newest change", source.clocks.newest_change);
  text += service_text(source, now);
  text += learned_text(source, now);
  TextTable table({{"SURVEY"},
                   {"TITLE"},
                   {"RESPONSES", Align::right},
                   {"CERTIFICATE"},
                   {"ATTEMPT", Align::right},
                   {"SUCCESS", Align::right},
                   {"CERTIFIED", Align::right},
                   {"PROBED", Align::right},
                   {"NEWEST CHANGE", Align::right},
                   {"NOTE"}});
  for (const StatusSurvey& survey : source.surveys) {
    const store::ClockRow& clocks = survey.clocks;
    table.add({clocks.partition, shortened(report::printable(clocks.title), 40), grouped(clocks.stored_live),
               verdict(survey), ago(clocks.last_attempt, now), ago(clocks.last_success, now),
               ago(clocks.last_certified, now), ago(survey.probed_at, now), ago(clocks.newest_change, now),
               survey_note(survey, source, now)});
  }
  return text + (table.empty() ? "" : "\n" + table.text(2));
}

int run_status(Program& program, bool json) {
  program.start_log();
  const auto connection = program.open_database();
  store::History history(*connection);
  store::Ledger ledger(*connection);
  std::vector<StatusSource> sources = collect(program.config(), history);
  for (StatusSource& source : sources) {
    add_last_run(source, history);
    add_standing(source, ledger);
    add_capabilities(source, program.config().find(source.source), ledger);
    add_service(source, program.config().find(source.source), *connection, ledger.now());
  }
  if (json) {
    program.print(status_json(sources));
    return 0;
  }
  std::string text;
  for (const StatusSource& source : sources)
    text += (text.empty() ? "" : "\n") + source_text(source, program.clock().utc_now());
  program.print(text.empty() ? "no sources are configured\n" : text);
  return 0;
}

}  // namespace

void add_status_verb(CLI::App& app, Program& program, Action& action) {
  CLI::App* const verb = app.add_subcommand("status", "How fresh every survey is, and whether it is proven complete");
  verb->footer(
      "Four clocks for each source and survey: the last attempt, the last success, the last certificate that\n"
      "balanced, and the newest change seen at the vendor. Also what was learned of the account and how changes are\n"
      "read there, when each survey was last probed, what the last run could not do, when the next one is due, who "
      "works\n"
      "the source now, a refused key, and open incidents.\n"
      "\nExamples:\n  surveysync status\n  surveysync status --json | jq '.sources[].surveys[] | select(.balanced | "
      "not)'");
  const auto json = std::make_shared<bool>(false);
  verb->add_flag("--json", *json, "print JSON");
  verb->callback([&program, &action, json] { action = [&program, json] { return run_status(program, *json); }; });
}

}  // namespace surveysync::app
