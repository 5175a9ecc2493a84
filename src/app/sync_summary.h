#pragma once
// What a run says at its end: a table with one row per source, what a person must look at, and what went wrong with its
// next step; for a dry run what would have changed. Pure.

#include <span>
#include <string>
#include <vector>

#include "app/run_story.h"
#include "sync/run.h"

namespace surveysync::app {

/// Outcome, rows, certificates, requests and time of every source.
std::string summary_text(std::span<const sync::RunReport> reports);
/// One text for each source that did not succeed: causes with their hints, equal ones told once.
std::vector<std::string> troubles(std::span<const sync::RunReport> reports);
/// What is no failure but wants to be read: the deletion brake with its next step, frozen marks, surveys that are gone.
std::vector<std::string> notices(const sync::RunReport& report, const SourceStory& story);
/// What a dry run would have changed, by survey and stream, and whether it would balance.
std::string changes_text(const sync::RunReport& report);

}  // namespace surveysync::app
