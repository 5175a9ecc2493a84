#pragma once
// Sends a test alert over every channel, at once and once, past the outbox: for `alerts test` and `check --send`. Pings
// are left out unless they are named, since they would say that a run was certified.

#include <string>
#include <vector>

#include "app/program.h"

namespace surveysync::app {

struct AlertTest {
  std::string channel, type;
  bool ok = false;
  std::string detail;  ///< what was done, or what went wrong with its hint
};

/// `channel` empty: all. Throws Error(config) for a name that no channel has. The log must have been started.
std::vector<AlertTest> send_test_alerts(Program& program, const std::string& channel = {});

}  // namespace surveysync::app
