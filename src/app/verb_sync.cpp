#include <fmt/format.h>

#include <algorithm>

#include "app/lanes.h"
#include "app/suggest.h"
#include "app/sync_summary.h"
#include "app/tidy.h"
#include "app/verbs.h"
#include "sync/run.h"

namespace surveysync::app {
namespace {

struct SyncFlags {
  std::vector<std::string> sources, surveys;
  bool dry_run = false, no_wait = false;
};

int run_sync(Program& program, const SyncFlags& flags) {
  const std::vector<const SourceConfig*> chosen = choose_sources_to_work(program.config(), flags.sources);
  const std::set<std::string> surveys = chosen_surveys(flags.surveys, chosen.size(), "sync");
  Lanes lanes(program, chosen);
  for (Lane& lane : lanes.all())
    lane.job.only = surveys;
  if (flags.dry_run) lanes.rehearse();
  const std::vector<sync::RunReport> reports =
      lanes.carry([&](Lane& lane, const store::OpenSession& open, const std::stop_token& stop) {
        sync::RunReport report = run_or_ask(lanes.hand(lane, open, stop), lane.job, !flags.no_wait);
        if (!flags.dry_run)
          forget_old(open, program.config(), lane.config->name, kSlicesAfterRun, program.observers(), stop);
        return report;
      });
  if (flags.dry_run) {
    for (const sync::RunReport& report : reports)
      program.print(changes_text(report) + "\n");
  }
  program.print(summary_text(reports));
  if (flags.dry_run) program.print("this was a dry run: everything was rolled back\n");
  return conclude(program, lanes, reports);
}

}  // namespace

std::vector<const SourceConfig*> choose_sources(const Config& config, const std::vector<std::string>& names) {
  std::vector<const SourceConfig*> chosen;
  std::vector<std::string> known;
  for (const SourceConfig& source : config.sources)
    known.push_back(source.name);
  for (const std::string& name : names.empty() ? known : names) {
    const SourceConfig* const source = config.find(name);
    if (source == nullptr) throw unknown_name("source", name, known);
    if (std::find(chosen.begin(), chosen.end(), source) == chosen.end()) chosen.push_back(source);
  }
  return chosen;
}

void add_sync_verb(CLI::App& app, Program& program, Action& action) {
  CLI::App* const verb = app.add_subcommand("sync", "Make the database equal to the vendor, now");
  verb->footer(
      "Asks every followed survey of the named sources (default: all) that may have changed, stores what is new or\n"
      "changed, marks what was deleted, and ends with a certificate for each survey it looked at. Stop it whenever\n"
      "you like: it goes on where it was. `surveysync plan` says beforehand what it will take.\n"
      "\nExamples:\n  surveysync sync\n  surveysync sync us eu\n  surveysync sync us --survey 8611799 --survey "
      "8611800\n  surveysync sync --dry-run");
  const auto flags = std::make_shared<SyncFlags>();
  verb->add_option("SOURCE", flags->sources, "names of sources as configured; default: all");
  verb->add_option("--survey", flags->surveys, "only this survey; may be repeated")->expected(1)->take_all();
  verb->add_flag("--dry-run", flags->dry_run,
                 "really fetch and merge, print what would change and whether it would balance, then roll back");
  verb->add_flag("--no-wait", flags->no_wait, kNoWaitHelp);
  verb->callback([&program, &action, flags] { action = [&program, flags] { return run_sync(program, *flags); }; });
}

}  // namespace surveysync::app
