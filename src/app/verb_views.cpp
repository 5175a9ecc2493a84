#include "app/lanes.h"
#include "app/sync_summary.h"
#include "app/verbs.h"
#include "sync/replay.h"

namespace surveysync::app {
namespace {

struct ViewsFlags {
  std::string source;
  std::vector<std::string> surveys;
};

int rebuild(Program& program, const ViewsFlags& flags) {
  const std::vector<const SourceConfig*> chosen =
      choose_sources(program.config(), flags.source.empty() ? std::vector<std::string>() : std::vector{flags.source});
  const std::set<std::string> surveys = chosen_surveys(flags.surveys, chosen.size(), "views rebuild");
  Lanes lanes(program, chosen);
  for (Lane& lane : lanes.all())
    lane.job.only = surveys;
  const std::vector<sync::RunReport> reports =
      lanes.carry([&](Lane& lane, const store::OpenSession& open, const std::stop_token& stop) {
        return sync::rebuild_views(lane.job, lane.parts->source(), open, program.observers(), program.clock(), stop);
      });
  program.print(summary_text(reports));
  return conclude(program, lanes, reports);
}

}  // namespace

void add_views_verb(CLI::App& app, Program& program, Action& action) {
  CLI::App* const views = app.add_subcommand("views", "Wide tables: one a survey, a column a question");
  CLI::App* const verb = views->add_subcommand("rebuild", "Make them anew from the stored answers");
  verb->footer(
      "Every run keeps them up to date by itself; this is for tables that somebody changed or dropped. Each new table\n"
      "takes the place of the old one at once: readers never see fewer rows. No request is made. Counted as updated:\n"
      "the rows of the tables.\n"
      "\nExamples:\n  surveysync views rebuild\n  surveysync views rebuild us --survey 8611799");
  const auto flags = std::make_shared<ViewsFlags>();
  verb->add_option("SOURCE", flags->source, "name of the source as configured; default: all");
  verb->add_option("--survey", flags->surveys, "only this survey; may be repeated")->expected(1)->take_all();
  verb->callback([&program, &action, flags] { action = [&program, flags] { return rebuild(program, *flags); }; });
}

}  // namespace surveysync::app
