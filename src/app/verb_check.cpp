#include "app/check_report.h"
#include "app/check_steps.h"
#include "app/exit_code.h"
#include "app/verbs.h"

namespace surveysync::app {
namespace {

struct CheckFlags {
  bool json = false, send = false;
  std::string source;
};

int run_check(Program& program, const CheckFlags& flags) {
  const std::vector<std::string> names = flags.source.empty() ? std::vector<std::string>() : std::vector{flags.source};
  const std::vector<const SourceConfig*> chosen = choose_sources(program.config(), names);
  program.start_log();
  CheckReport report([&](const CheckResult& result) {
    if (!flags.json) program.print(check_line(result, program.colours()));
  });
  check_local(report, program, chosen);
  const std::unique_ptr<pg::Connection> database = check_database(report, program);
  if (database) check_privacy_key(report, program, chosen, *database);
  for (const SourceConfig* const source : chosen)
    check_source(report, program, *source, database.get());
  check_alerts(report, program, flags.send ? SendAlerts::yes : SendAlerts::no);
  program.print(flags.json ? checks_json(report) : checks_summary(report, program.colours()));
  return report.failed() ? kExitPartial : kExitOk;
}

}  // namespace

void add_check_verb(CLI::App& app, Program& program, Action& action) {
  CLI::App* const verb = app.add_subcommand("check", "Test everything that a sync needs, and say how to mend it");
  verb->footer(
      "Configuration, secrets, network and clock, every source with one row of every stream, PostgreSQL with its\n"
      "privileges and a write that is rolled back, alert channels, disk. Nothing is changed. A key that is refused is\n"
      "asked for a few times an hour at most, however often this is called.\n"
      "Exit code 0: all passed, perhaps with warnings; 5: something failed; 2: the configuration has mistakes.\n"
      "\nExamples:\n  surveysync check\n  surveysync check us --json\n  surveysync check --send");
  const auto flags = std::make_shared<CheckFlags>();
  verb->add_option("SOURCE", flags->source, "only this source (and the database)");
  verb->add_flag("--send", flags->send, "really send a test alert through every channel");
  verb->add_flag("--json", flags->json, "print JSON");
  verb->callback([&program, &action, flags] { action = [&program, flags] { return run_check(program, *flags); }; });
}

}  // namespace surveysync::app
