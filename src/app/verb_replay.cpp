#include "app/lanes.h"
#include "app/sync_summary.h"
#include "app/verbs.h"
#include "sync/replay.h"

namespace surveysync::app {
namespace {

struct ReplayFlags {
  std::string source;
  std::vector<std::string> surveys;
};

int run_replay(Program& program, const ReplayFlags& flags) {
  const std::set<std::string> surveys = chosen_surveys(flags.surveys, 1, "replay");
  Lanes lanes(program, choose_sources(program.config(), {flags.source}));
  for (Lane& lane : lanes.all())
    lane.job.only = surveys;
  const std::vector<sync::RunReport> reports =
      lanes.carry([&](Lane& lane, const store::OpenSession& open, const std::stop_token& stop) {
        return sync::replay(lane.job, lane.parts->source(), open, program.observers(), program.clock(), stop);
      });
  program.print(summary_text(reports));
  return conclude(program, lanes, reports);
}

}  // namespace

void add_replay_verb(CLI::App& app, Program& program, Action& action) {
  CLI::App* const verb =
      app.add_subcommand("replay", "Rebuild the tables from the stored payloads, without the vendor");
  verb->footer(
      "After an update that decodes better, or when somebody changed rows by hand. The rows come out equal in all\n"
      "columns but run_id, first_seen_at and changed_at; rows that are right already are left alone. No request is "
      "made.\n"
      "\nExamples:\n  surveysync replay us\n  surveysync replay us --survey 8611799");
  const auto flags = std::make_shared<ReplayFlags>();
  verb->add_option("SOURCE", flags->source, "name of the source as configured")->required();
  verb->add_option("--survey", flags->surveys, "only this survey; may be repeated")->expected(1)->take_all();
  verb->callback([&program, &action, flags] { action = [&program, flags] { return run_replay(program, *flags); }; });
}

}  // namespace surveysync::app
