#pragma once
// All verbs: each adds itself to the command line and, when chosen, leaves its work in `action`. One file a verb,
// verb_*.cpp. `program` and `action` outlive the command line.

#include <CLI/App.hpp>

#include "app/program.h"

namespace surveysync::app {

void add_serve_verb(CLI::App& app, Program& program, Action& action);
/// `keys status` and `keys test`.
void add_keys_verbs(CLI::App& app, Program& program, Action& action);
/// `alerts test` and `alerts crash`.
void add_alerts_verbs(CLI::App& app, Program& program, Action& action);
/// OAuth: fetches an access token.
void add_authorize_verb(CLI::App& app, Program& program, Action& action);
void add_sync_verb(CLI::App& app, Program& program, Action& action);
void add_discover_verb(CLI::App& app, Program& program, Action& action);
void add_plan_verb(CLI::App& app, Program& program, Action& action);
void add_verify_verb(CLI::App& app, Program& program, Action& action);
/// `resync` and `backfill`.
void add_resync_verbs(CLI::App& app, Program& program, Action& action);
void add_replay_verb(CLI::App& app, Program& program, Action& action);
void add_migrate_verb(CLI::App& app, Program& program, Action& action);
void add_check_verb(CLI::App& app, Program& program, Action& action);
/// `rehearse SCENARIO`.
void add_rehearse_verb(CLI::App& app, Program& program, Action& action);
void add_status_verb(CLI::App& app, Program& program, Action& action);
void add_run_verbs(CLI::App& app, Program& program, Action& action);
void add_config_verbs(CLI::App& app, Program& program, Action& action);
void add_quarantine_verbs(CLI::App& app, Program& program, Action& action);
/// `quarantine retry` and `quarantine drop`, below `quarantine`.
void add_quarantine_acts(CLI::App& quarantine, Program& program, Action& action);
/// `views rebuild`.
void add_views_verb(CLI::App& app, Program& program, Action& action);
/// `dictionary export`.
void add_dictionary_verb(CLI::App& app, Program& program, Action& action);
void add_erase_verb(CLI::App& app, Program& program, Action& action);
void add_completions_verb(CLI::App& app, Program& program, Action& action);
void add_version_verb(CLI::App& app, Program& program, Action& action);

/// Sources by name, all when `names` is empty. Throws Error(config) naming the unknown ones with a "did you mean".
std::vector<const SourceConfig*> choose_sources(const Config& config, const std::vector<std::string>& names);

}  // namespace surveysync::app
