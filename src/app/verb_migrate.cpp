#include <fmt/format.h>

#include "app/assembly.h"
#include "app/verbs.h"
#include "store/migrate.h"

namespace surveysync::app {
namespace {

struct MigrateFlags {
  bool dry_run = false, print_roles = false;
  std::string distributed;  ///< the engine over whose nodes the large tables are spread; empty: none
};

int run_migrate(Program& program, const MigrateFlags& flags) {
  if (flags.print_roles) {
    program.print(store::print_roles());
    return 0;
  }
  program.start_log();
  pg::Connection connection(connect_options(program.connecting_config()), program.clock(), program.stop());
  const store::MigrationStatus status = store::migration_status(connection);
  if (flags.dry_run) {
    std::string text =
        fmt::format("{}: {} applied, {} pending\n", connection.display(), status.applied.size(), status.pending.size());
    for (const std::string& name : status.pending)
      text += fmt::format("  would apply {}\n", name);
    if (!flags.distributed.empty()) {
      for (const std::string& name : store::undistributed_tables(connection))
        text += fmt::format("  would distribute {} by survey\n", name);
    }
    program.print(text);
    return 0;
  }
  const std::vector<std::string> applied = store::migrate(connection);
  std::string text;
  for (const std::string& name : applied)
    text += fmt::format("applied {}\n", name);
  if (!flags.distributed.empty()) {
    for (const std::string& name : store::distribute_tables(connection))
      text += fmt::format("distributed {} by survey\n", name);
  }
  text += fmt::format("{} is at this version's schema ({} migrations)\n", connection.display(),
                      store::embedded_migrations().size());
  program.print(text);
  return 0;
}

}  // namespace

void add_migrate_verb(CLI::App& app, Program& program, Action& action) {
  CLI::App* const verb = app.add_subcommand("migrate", "Bring the database's schema to this version");
  verb->footer(
      "The first command after an installation or an update. Safe to repeat, and to run from several machines.\n"
      "\nExamples:\n"
      "  surveysync migrate --dry-run                     what would be done\n"
      "  surveysync migrate\n"
      "  surveysync migrate --distributed citus           on the coordinator of a Citus cluster\n"
      "  surveysync migrate --print-roles | psql warehouse  roles: owner, writer, reader");
  const auto flags = std::make_shared<MigrateFlags>();
  verb->add_flag("--dry-run", flags->dry_run, "show what would be applied, change nothing");
  verb->add_flag("--print-roles", flags->print_roles,
                 "print SQL that makes an owner, a writer and a reader role, with their rights");
  verb->add_option("--distributed", flags->distributed,
                   "also distribute the large tables by survey over the nodes of this engine")
      ->type_name("citus")
      ->check(CLI::IsMember({"citus"}))
      ->excludes("--print-roles");
  verb->callback([&program, &action, flags] { action = [&program, flags] { return run_migrate(program, *flags); }; });
}

}  // namespace surveysync::app
