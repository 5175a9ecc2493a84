#pragma once
// Sends a test alert over every channel, at once and once, past the outbox: for `alerts test` and `check --send`. Pings
// are left out unless they are named, since they would say that a run was certified.

#include <string>
#include <vector>

#include "app/program.h"

namespace surveysync::app {

struct AlertTest {
  enum class Outcome : std::uint8_t { sent, failed, skipped };
  std::string channel, type;
  Outcome outcome = Outcome::failed;
  std::string detail;  ///< what was done, or what went wrong with its hint
};
/// How many of `tests` ended so.
std::size_t count_of(const std::vector<AlertTest>& tests, AlertTest::Outcome outcome);

/// `channel` empty: all. Throws Error(config) for a name that no channel has. The log must have been started.
std::vector<AlertTest> send_test_alerts(Program& program, const std::string& channel = {});

}  // namespace surveysync::app
