#include <fmt/format.h>

#include <algorithm>

#include "app/history_json.h"
#include "app/human.h"
#include "app/verbs.h"
#include "report/log_line.h"
#include "sources/source.h"

namespace surveysync::app {
namespace {

using Align = TextTable::Align;

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
  for (StatusSource& source : sources) {
    const std::vector<store::RunRow> runs = history.runs(source.source, 1);
    if (!runs.empty()) source.last_run = runs.front();
  }
  return sources;
}

std::string verdict(const store::ClockRow& clocks) {
  if (!clocks.followed) return "not followed";
  if (!clocks.balanced) return "no certificate yet";
  return *clocks.balanced ? "balanced" : "NOT BALANCED";
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
  TextTable table({{"SURVEY"},
                   {"TITLE"},
                   {"RESPONSES", Align::right},
                   {"CERTIFICATE"},
                   {"ATTEMPT", Align::right},
                   {"SUCCESS", Align::right},
                   {"CERTIFIED", Align::right},
                   {"NEWEST CHANGE", Align::right}});
  for (const StatusSurvey& survey : source.surveys) {
    const store::ClockRow& clocks = survey.clocks;
    table.add({clocks.partition, shortened(report::printable(clocks.title), 40), grouped(clocks.stored_live),
               verdict(clocks), ago(clocks.last_attempt, now), ago(clocks.last_success, now),
               ago(clocks.last_certified, now), ago(clocks.newest_change, now)});
  }
  return text + (table.empty() ? "" : "\n" + table.text(2));
}

int run_status(Program& program, bool json) {
  program.start_log();
  const auto connection = program.open_database();
  store::History history(*connection);
  const std::vector<StatusSource> sources = collect(program.config(), history);
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
      "balanced, and the newest change seen at the vendor.\n"
      "\nExamples:\n  surveysync status\n  surveysync status --json | jq '.sources[].surveys[] | select(.balanced | "
      "not)'");
  const auto json = std::make_shared<bool>(false);
  verb->add_flag("--json", *json, "print JSON");
  verb->callback([&program, &action, json] { action = [&program, json] { return run_status(program, *json); }; });
}

}  // namespace surveysync::app
