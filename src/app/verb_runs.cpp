#include <fmt/format.h>

#include <set>

#include "app/history_json.h"
#include "app/human.h"
#include "app/verbs.h"
#include "report/log_line.h"

namespace surveysync::app {
namespace {

using Align = TextTable::Align;

struct RunsFlags {
  bool json = false;
  std::string source;
  int limit = 20;
  std::int64_t run_id = 0;
};

std::string outcome_text(const std::string& outcome) {
  return outcome.empty() ? "running" : outcome;
}

std::string elapsed_text(UtcTime from, const std::optional<UtcTime>& to) {
  return to ? spoken(*to - from) : "-";
}

/// The first line of an error: tables show one line a row.
std::string first_line(const std::string& text) {
  return shortened(report::printable(text.substr(0, text.find('\n'))), 60);
}

int list_runs(Program& program, const RunsFlags& flags) {
  program.start_log();
  if (!flags.source.empty()) choose_sources(program.config(), {flags.source});
  const auto connection = program.open_database();
  store::History history(*connection);
  const std::vector<store::RunRow> runs = history.runs(flags.source, flags.limit);
  if (flags.json) {
    program.print(runs_json(runs));
    return 0;
  }
  TextTable table({{"RUN", Align::right},
                   {"SOURCE"},
                   {"KIND"},
                   {"OUTCOME"},
                   {"STARTED (UTC)"},
                   {"TOOK", Align::right},
                   {"NEW", Align::right},
                   {"UPDATED", Align::right},
                   {"UNCHANGED", Align::right},
                   {"DELETED", Align::right},
                   {"QUARANTINED", Align::right},
                   {"REQUESTS", Align::right},
                   {"ERROR"}});
  for (const store::RunRow& run : runs) {
    table.add({fmt::format("{}", run.run_id), run.source, run.kind, outcome_text(run.outcome), moment(run.started_at),
               elapsed_text(run.started_at, run.finished_at), grouped(run.counts.inserted), grouped(run.counts.updated),
               grouped(run.counts.unchanged), grouped(run.counts.tombstoned), grouped(run.counts.quarantined),
               grouped(run.counts.requests), first_line(run.error)});
  }
  program.print(table.empty() ? "no runs yet: `surveysync sync` makes the first\n" : table.text());
  return 0;
}

std::string run_head(const store::RunRow& run) {
  std::string text = fmt::format("run {} of {}: {} {}\n  started   {} UTC\n  finished  {}\n", run.run_id, run.source,
                                 run.kind, outcome_text(run.outcome), moment(run.started_at),
                                 run.finished_at ? fmt::format("{} UTC (took {})", moment(run.finished_at),
                                                               elapsed_text(run.started_at, run.finished_at))
                                                 : "not yet");
  text +=
      fmt::format("  rows      {} new, {} updated, {} unchanged, {} marked deleted, {} quarantined\n  requests  {}\n",
                  grouped(run.counts.inserted), grouped(run.counts.updated), grouped(run.counts.unchanged),
                  grouped(run.counts.tombstoned), grouped(run.counts.quarantined), grouped(run.counts.requests));
  if (!run.error.empty()) text += fmt::format("  error     {}\n", run.error);
  return text;
}

std::string streams_text(const std::vector<store::RunStreamRow>& streams) {
  TextTable table({{"STREAM"},
                   {"SURVEY"},
                   {"OUTCOME"},
                   {"NEW", Align::right},
                   {"UPDATED", Align::right},
                   {"UNCHANGED", Align::right},
                   {"DELETED", Align::right},
                   {"QUARANTINED", Align::right},
                   {"REQUESTS", Align::right},
                   {"ERROR"}});
  for (const store::RunStreamRow& row : streams) {
    table.add({row.stream, row.partition, outcome_text(row.outcome), grouped(row.counts.inserted),
               grouped(row.counts.updated), grouped(row.counts.unchanged), grouped(row.counts.tombstoned),
               grouped(row.counts.quarantined), grouped(row.counts.requests), first_line(row.error)});
  }
  return table.empty() ? "" : "\n" + table.text();
}

/// What had no room in the table, each once.
std::string errors_text(const std::vector<store::RunStreamRow>& streams) {
  constexpr std::size_t kMost = 10;
  std::set<std::string> told;
  std::string text;
  for (const store::RunStreamRow& row : streams) {
    const std::string line = report::printable(row.error.substr(0, row.error.find('\n')));
    if (line == first_line(row.error) || told.size() == kMost || !told.insert(line).second) continue;
    text += fmt::format("\n{} {}: {}\n", row.stream, row.partition, line);
  }
  return text;
}

std::string certificates_text(const std::vector<store::Certificate>& certificates) {
  TextTable table({{"STREAM"},
                   {"SURVEY"},
                   {"AS OF (UTC)"},
                   {"VENDOR BEFORE", Align::right},
                   {"VENDOR AFTER", Align::right},
                   {"STORED", Align::right},
                   {"QUARANTINED", Align::right},
                   {"EXCLUDED", Align::right},
                   {"VERDICT"}});
  for (const store::Certificate& row : certificates) {
    table.add({row.stream, row.partition.empty() ? "all" : row.partition, moment(row.as_of), grouped(row.total_before),
               grouped(row.total_after), grouped(row.stored_live), grouped(row.quarantined), grouped(row.excluded),
               row.balanced ? "balanced" : "NOT BALANCED"});
  }
  return table.empty() ? "" : "\n" + table.text();
}

int show_run(Program& program, const RunsFlags& flags) {
  program.start_log();
  const auto connection = program.open_database();
  store::History history(*connection);
  const std::optional<store::RunRow> run = history.run(flags.run_id);
  if (!run)
    throw Error(ErrorKind::config, fmt::format("there is no run {}", flags.run_id), "`surveysync runs` lists them");
  const std::vector<store::RunStreamRow> streams = history.run_streams(flags.run_id);
  const std::vector<store::Certificate> certificates = history.certificates(flags.run_id);
  program.print(flags.json
                    ? run_json(*run, streams, certificates)
                    : run_head(*run) + streams_text(streams) + errors_text(streams) + certificates_text(certificates));
  return 0;
}

}  // namespace

void add_run_verbs(CLI::App& app, Program& program, Action& action) {
  const auto flags = std::make_shared<RunsFlags>();
  CLI::App* const runs = app.add_subcommand("runs", "List the latest runs");
  runs->add_flag("--json", flags->json, "print JSON");
  runs->add_option("--source", flags->source, "only runs of this source");
  runs->add_option("--limit", flags->limit, "how many, newest first")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  runs->footer("Examples:\n  surveysync runs\n  surveysync runs --source us --limit 100 --json");
  runs->callback([&program, &action, flags] { action = [&program, flags] { return list_runs(program, *flags); }; });

  CLI::App* const run = app.add_subcommand("run", "Show one run");
  CLI::App* const show = run->add_subcommand("show", "One run with its streams and certificates");
  show->add_option("ID", flags->run_id, "the run's number, as `surveysync runs` lists it")->required();
  show->add_flag("--json", flags->json, "print JSON");
  show->footer("Example:\n  surveysync run show 42");
  show->callback([&program, &action, flags] { action = [&program, flags] { return show_run(program, *flags); }; });
}

}  // namespace surveysync::app
