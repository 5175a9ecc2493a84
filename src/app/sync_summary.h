#pragma once
// What `sync` says at its end: a table with one row per source, and what went wrong with its next step. Pure.

#include <span>
#include <string>
#include <vector>

#include "sync/run.h"

namespace surveysync::app {

/// Outcome, rows, certificates, requests and time of every source.
std::string summary_text(std::span<const sync::RunReport> reports);
/// One text for each source that did not succeed: causes with their hints, equal ones told once.
std::vector<std::string> troubles(std::span<const sync::RunReport> reports);

}  // namespace surveysync::app
