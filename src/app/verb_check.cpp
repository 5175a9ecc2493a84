#include "app/check_report.h"
#include "app/check_steps.h"
#include "app/exit_code.h"
#include "app/verbs.h"

namespace surveysync::app {
namespace {

struct CheckFlags {
  bool json = false;
  std::string source;
};

int run_check(Program& program, const CheckFlags& flags) {
  const std::vector<std::string> names = flags.source.empty() ? std::vector<std::string>() : std::vector{flags.source};
  const std::vector<const SourceConfig*> chosen = choose_sources(program.config(), names);
  program.start_log();
  CheckReport report([&](const CheckResult& result) {
    if (!flags.json) program.print(check_line(result, program.colours()));
  });
  check_local(report, program);
  const std::unique_ptr<pg::Connection> database = check_database(report, program);
  for (const SourceConfig* const source : chosen)
    check_source(report, program, *source, database.get());
  if (flags.json) program.print(checks_json(report));
  return report.failed() ? kExitPartial : kExitOk;
}

}  // namespace

void add_check_verb(CLI::App& app, Program& program, Action& action) {
  CLI::App* const verb = app.add_subcommand("check", "Test everything that a sync needs, and say how to mend it");
  verb->footer(
      "Configuration, secrets, network and clock, every source with one row of every stream, PostgreSQL with its\n"
      "privileges and a write that is rolled back. Nothing is changed.\n"
      "\nExamples:\n  surveysync check\n  surveysync check us --json");
  const auto flags = std::make_shared<CheckFlags>();
  verb->add_option("SOURCE", flags->source, "only this source (and the database)");
  verb->add_flag("--json", flags->json, "print JSON");
  verb->callback([&program, &action, flags] { action = [&program, flags] { return run_check(program, *flags); }; });
}

}  // namespace surveysync::app
