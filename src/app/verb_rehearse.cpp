#include <fmt/format.h>

#include "app/config_values.h"
#include "app/rehearsal.h"
#include "app/verbs.h"

namespace surveysync::app {
namespace {

struct Scenario {
  const char* name;
  const char* story;
  void (*play)(Rehearsal&);
};

constexpr Scenario kScenarios[] = {
    {"rotation", "the key is changed in the middle of a load, and the new one comes late", rehearse_rotation},
    {"ratelimit", "two processes share an account with little budget, and the vendor says wait", rehearse_ratelimit},
    {"outage", "vendor, database and program go away in the middle of a load", rehearse_outage},
    {"drift", "the vendor sends what it never sent before", rehearse_drift}};

struct RehearseFlags {
  std::string database;
  bool json = false;
};

int run_rehearsal(Program& program, const Scenario& scenario, const RehearseFlags& flags) {
  if (!database_passwords(flags.database).empty()) {
    throw Error(ErrorKind::config, "a password on the command line can be read by everyone",
                "leave it out of --database: PGPASSFILE, ~/.pgpass or a service file has it");
  }
  if (!flags.json) program.print(fmt::format("rehearse {}: {}\n", scenario.name, scenario.story));
  Rehearsal rehearsal(program, {scenario.name, flags.database, flags.json});
  scenario.play(rehearsal);
  return rehearsal.finish();
}

}  // namespace

void add_rehearse_verb(CLI::App& app, Program& program, Action& action) {
  CLI::App* const verb =
      app.add_subcommand("rehearse", "Play a bad day against a simulated vendor and a scratch database");
  verb->require_subcommand(1);
  verb->footer(
      "This very program is run as a child, against a vendor on loopback and a database that are made for it and gone\n"
      "afterwards. The configured service, its database and its vendors are not touched, its configuration is not "
      "read.\n"
      "The vendor counts for itself. Exit code 0: every promise held, 6: one did not.\n"
      "\nExamples:\n  surveysync rehearse rotation\n  surveysync rehearse outage --database postgresql:///postgres");
  const auto flags = std::make_shared<RehearseFlags>();
  for (const Scenario& scenario : kScenarios) {
    CLI::App* const one = verb->add_subcommand(scenario.name, scenario.story);
    one->add_option("--database", flags->database,
                    "a server where scratch databases may be made; default: a private one, started for it")
        ->type_name("URI");
    one->add_flag("--json", flags->json, "print JSON");
    one->callback([&program, &action, flags, &scenario] {
      action = [&program, flags, &scenario] { return run_rehearsal(program, scenario, *flags); };
    });
  }
}

}  // namespace surveysync::app
