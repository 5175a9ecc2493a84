#include "app/exit_code.h"
#include "app/forecast_text.h"
#include "app/lanes.h"
#include "app/sync_summary.h"
#include "app/verbs.h"

namespace surveysync::app {
namespace {

struct PlanFlags {
  std::string source;
  bool json = false;
};

int run_plan(Program& program, const PlanFlags& flags) {
  const std::vector<std::string> names = flags.source.empty() ? std::vector<std::string>() : std::vector{flags.source};
  Lanes lanes(program, choose_sources_to_work(program.config(), names));
  const store::OpenSession open = session_opener(program.connecting_config(), program.observers(), program.clock());
  const std::stop_token stop = program.stop();
  std::vector<SourceForecast> forecasts;
  std::vector<sync::RunReport> reports;  // of the planning: they decide how the verb ends
  for (Lane& lane : lanes.all()) {
    SourceForecast& source = forecasts.emplace_back();
    source.source = lane.job.source;
    sync::RunReport report = guarded(lane.job.source, [&] {
      source.forecast =
          sync::forecast(lane.job, lane.parts->source(), open, program.observers(), program.clock(), stop);
      source.takes = time_for(source.forecast.requests, account_pacing(*lane.config, program.config()));
      sync::RunReport good;
      good.source = lane.job.source;
      good.outcome = sync::Outcome::succeeded;
      return good;
    });
    source.error = report.error;
    reports.push_back(std::move(report));
  }
  program.print(flags.json ? forecast_json(forecasts) : forecast_text(forecasts));
  for (const SourceForecast& source : forecasts) {
    if (source.error && source.error->kind() != ErrorKind::cancelled)
      program.complain("source " + source.source + ": " + source.error->what(), source.error->hint());
  }
  return exit_code_of(reports, program.signal());
}

}  // namespace

void add_plan_verb(CLI::App& app, Program& program, Action& action) {
  CLI::App* const verb = app.add_subcommand("plan", "What the next sync would take: requests, minutes, rows");
  verb->footer(
      "Reads the list of surveys and probes those that may have changed, as the next sync would; a sync that follows\n"
      "at once takes these answers over. The time is that of the requests at the account's pace.\n"
      "\nExamples:\n  surveysync plan\n  surveysync plan us --json");
  const auto flags = std::make_shared<PlanFlags>();
  verb->add_option("SOURCE", flags->source, "only this source; default: all");
  verb->add_flag("--json", flags->json, "print JSON");
  verb->callback([&program, &action, flags] { action = [&program, flags] { return run_plan(program, *flags); }; });
}

}  // namespace surveysync::app
