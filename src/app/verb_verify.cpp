#include <fmt/format.h>

#include "app/exit_code.h"
#include "app/lanes.h"
#include "app/verbs.h"
#include "app/verify_text.h"

namespace surveysync::app {
namespace {

struct VerifyFlags {
  std::string source;
  std::vector<std::string> surveys;
  bool deep = false, json = false;
};

/// One source compared; what goes wrong before it began is its report too.
sync::VerifyReport verify_lane(Lane& lane, bool deep, const store::OpenSession& open, Program& program,
                               const std::stop_token& stop) {
  sync::VerifyReport report;
  const sync::RunReport failed = guarded(lane.job.source, [&] {
    report = sync::verify(lane.job, deep, lane.parts->source(), open, program.observers(), program.clock(), stop);
    return sync::RunReport();
  });
  report.source = lane.job.source;
  if (failed.error) report.error = failed.error;
  return report;
}

int run_verify(Program& program, const VerifyFlags& flags) {
  const std::vector<std::string> names = flags.source.empty() ? std::vector<std::string>() : std::vector{flags.source};
  const std::vector<const SourceConfig*> chosen = choose_sources_to_work(program.config(), names);
  const std::set<std::string> surveys = chosen_surveys(flags.surveys, chosen.size(), "verify");
  Lanes lanes(program, chosen);
  const store::OpenSession open = session_opener(program.connecting_config(), program.observers(), program.clock());
  const std::stop_token stop = program.stop();
  std::vector<sync::VerifyReport> reports;
  for (Lane& lane : lanes.all()) {
    lane.job.only = surveys;
    reports.push_back(verify_lane(lane, flags.deep, open, program, stop));
    if (!flags.json) program.print(verify_text(reports.back(), flags.deep));
  }
  if (flags.json) program.print(verify_json(reports, flags.deep));
  for (const sync::VerifyReport& report : reports) {
    if (report.error && report.error->kind() != ErrorKind::cancelled)
      program.complain(fmt::format("source {}: {}", report.source, report.error->what()), report.error->hint());
    if (differs(report) && !flags.deep)
      program.complain(
          fmt::format("source {}: vendor and database differ", report.source),
          fmt::format("surveysync verify {} --deep names the records; a sync or resync mends them", report.source));
  }
  return exit_code_of(reports, program.signal());
}

}  // namespace

void add_verify_verb(CLI::App& app, Program& program, Action& action) {
  CLI::App* const verb = app.add_subcommand("verify", "Compare vendor and database, change nothing");
  verb->footer(
      "Counts both sides; --deep reads every response and compares ids and content, and looks at a difference once\n"
      "more before it is told. What people changed at the vendor since the last sync is a difference too. Exit code 6\n"
      "when there is one.\n"
      "\nExamples:\n  surveysync verify\n  surveysync verify us --survey 8611799 --deep\n"
      "  surveysync verify us --deep --json");
  const auto flags = std::make_shared<VerifyFlags>();
  verb->add_option("SOURCE", flags->source, "only this source; default: all");
  verb->add_option("--survey", flags->surveys, "only this survey; may be repeated")->expected(1)->take_all();
  verb->add_flag("--deep", flags->deep, "compare the ids and content of all responses");
  verb->add_flag("--json", flags->json, "print JSON");
  verb->callback([&program, &action, flags] { action = [&program, flags] { return run_verify(program, *flags); }; });
}

}  // namespace surveysync::app
