#pragma once
// The command that the configuration names to be run after a certified run (to start dbt, say). At least once for each
// certified run: one that failed, or that we could not note, is run again after the next run, so it can recognise a
// repeat by the run's id in its environment (SURVEYSYNC_RUN_ID; the source's name in SURVEYSYNC_SOURCE). Given to
// /bin/sh -c as configured. Its output goes to the log line by line. Never throws: a hook's failure is an event, and
// the run that it belongs to stays what it was.

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/event.h"
#include "store/session.h"

namespace surveysync::app {

/// Whose hook.
struct HookSettings {
  std::string source, command;  ///< an empty command does nothing
  Duration lease_ttl;           ///< of the source
  /// Called again and again while the hook runs, however quiet it is.
  std::function<void()> alive = {};
};

/// How long a hook may take before it is ended.
inline constexpr Duration kHookTime = std::chrono::hours(1);
/// Lines of its output that reach the log.
inline constexpr std::size_t kHookLines = 1000;

/// Runs the hook for the source's certified runs for which it has not run yet, oldest first, until one fails. No lease
/// is held meanwhile.
void run_hooks(const HookSettings& settings, const store::OpenSession& open, Observer& observer, Clock& clock,
               const std::stop_token& stop);

/// Runs `command` once. What went wrong; empty when it ended with status 0 within `time`. `alive`: see HookSettings.
std::string run_hook(const std::string& command, const Scope& scope, Duration time, Observer& observer, Clock& clock,
                     const std::stop_token& stop, const std::function<void()>& alive = {});

}  // namespace surveysync::app
