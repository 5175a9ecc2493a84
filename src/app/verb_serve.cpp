#include "app/daemon.h"
#include "app/verbs.h"

namespace surveysync::app {

void add_serve_verb(CLI::App& app, Program& program, Action& action) {
  CLI::App* const verb = app.add_subcommand("serve", "The daemon: runs every source on its schedule");
  verb->footer(
      "Runs until SIGTERM, and stops within [daemon] stop_deadline wherever it is. SIGHUP reads the configuration and\n"
      "all secrets again; a bad new configuration is refused and the old one stays in force. A source whose key is\n"
      "refused is held, told once, and goes on by itself seconds after the new key is in place. Several daemons may\n"
      "share a database: they divide the sources among them.\n"
      "\nUnder systemd: surveysync.service. By hand:\n  surveysync --config surveysync.toml serve");
  verb->callback([&program, &action] { action = [&program] { return serve(program); }; });
}

}  // namespace surveysync::app
