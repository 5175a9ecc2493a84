#include "app/cli.h"

#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <exception>

#include "app/exit_code.h"
#include "app/sandbox_verb.h"
#include "app/suggest.h"
#include "app/verbs.h"

namespace surveysync::app {
namespace {

constexpr const char* kFooter =
    "First steps:\n"
    "  surveysync config check          is the configuration sound?\n"
    "  surveysync migrate               create or update the tables\n"
    "  surveysync discover              what can the keys see?\n"
    "  surveysync check                 keys, network, database: everything in order?\n"
    "  surveysync sync                  load\n"
    "  surveysync status                how fresh, and proven complete?\n"
    "  surveysync serve                 the same every night, without you\n"
    "\n"
    "Exit codes: 0 ok, 1 unexpected, 2 usage or configuration, 3 database or network down, 4 credentials refused,\n"
    "5 some surveys or sources failed, 6 a certificate does not balance or `verify` found a difference, 7 locked by\n"
    "another process, 8 stopped by the deletion brake or --yes is needed, 130 and 143 stopped by SIGINT and SIGTERM.\n"
    "No secret is ever taken from the command line: the configuration names files.";

void add_global_flags(CLI::App& app, GlobalFlags& flags) {
  app.add_option("--config", flags.config_file, "configuration file")->type_name("FILE")->capture_default_str();
  app.add_option("--log-level", flags.log_level, "debug, info, warning or error; default: as configured")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  app.add_option("--log-format", flags.log_format, "text or json; default: as configured")
      ->check(CLI::IsMember({"text", "json"}));
}

void add_verbs(CLI::App& app, Program& program, Action& action) {
  add_serve_verb(app, program, action);
  add_sync_verb(app, program, action);
  add_discover_verb(app, program, action);
  add_plan_verb(app, program, action);
  add_verify_verb(app, program, action);
  add_resync_verbs(app, program, action);
  add_replay_verb(app, program, action);
  add_check_verb(app, program, action);
  add_rehearse_verb(app, program, action);
  add_status_verb(app, program, action);
  add_run_verbs(app, program, action);
  add_keys_verbs(app, program, action);
  add_alerts_verbs(app, program, action);
  add_authorize_verb(app, program, action);
  add_quarantine_verbs(app, program, action);
  add_erase_verb(app, program, action);
  add_views_verb(app, program, action);
  add_dictionary_verb(app, program, action);
  add_migrate_verb(app, program, action);
  add_config_verbs(app, program, action);
  add_sandbox_verb(app, action);
  add_version_verb(app, program, action);
  add_completions_verb(app, program, action);
}

/// The deepest verb that was named, and the words that lead to it: "run show ".
struct ChosenVerb {
  const CLI::App* verb;
  std::string words;
};

ChosenVerb chosen_verb(const CLI::App& app) {
  ChosenVerb chosen{&app, ""};
  while (!chosen.verb->get_subcommands().empty()) {
    chosen.verb = chosen.verb->get_subcommands().front();
    chosen.words += chosen.verb->get_name() + " ";
  }
  return chosen;
}

std::vector<std::string> verbs_below(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* const verb : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(verb->get_name());
  return names;
}

int refuse_arguments(const Program& program, const CLI::App& app, const CLI::ParseError& failure) {
  const ChosenVerb chosen = chosen_verb(app);
  std::string text = failure.what();
  if (const auto* extras = dynamic_cast<const CLI::ExtrasError*>(&failure); extras != nullptr) {
    const std::vector<std::string> unknown = app.remaining(true);
    const std::string word = unknown.empty() ? "" : unknown.front();
    const std::vector<std::string> known = verbs_below(*chosen.verb);
    text = word.starts_with("-") || known.empty()
               ? fmt::format("unknown argument {}", word)
               : fmt::format("there is no verb \"{}\"{}", word, did_you_mean(word, known));
  }
  program.complain(text, fmt::format("surveysync {}--help", chosen.words));
  return kExitUsage;
}

/// Parses, then acts. Errors of the action are the caller's.
int parse_and_act(CLI::App& app, Program& program, Action& action, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& failure) {
    return refuse_arguments(program, app, failure);
  }
  if (!action) {
    program.complain("a verb is needed", fmt::format("surveysync {}--help lists them", chosen_verb(app).words));
    return kExitUsage;
  }
  return action();
}

}  // namespace

int main_verbs(int argc, char** argv) {
  Program program;
  try {
    Action action;
    CLI::App app("Keeps PostgreSQL equal to survey vendors, provably.", "surveysync");
    app.fallthrough();
    app.footer(kFooter);
    add_global_flags(app, program.flags);
    add_verbs(app, program, action);
    return parse_and_act(app, program, action, argc, argv);
  } catch (const Error& failure) {
    if (failure.kind() != ErrorKind::cancelled) program.complain(failure);
    return exit_code_of(failure, program.signal());
  } catch (const std::exception& failure) {
    program.complain(fmt::format("unexpected: {}", failure.what()), "please report this with the log");
    return kExitUnexpected;
  }
}

}  // namespace surveysync::app
