#include "app/run_story.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace surveysync::app {
namespace {

void add_once(std::vector<std::string>& names, const std::string& name) {
  if (std::ranges::find(names, name) == names.end()) names.push_back(name);
}

}  // namespace

void RunStory::on_event(const Event& event) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    take(event);
  } catch (...) {
    // A story that cannot be kept is no reason to stop a run.
  }
}

void RunStory::take(const Event& event) {
  const Scope& scope = scope_of(event);
  if (const auto* braked = std::get_if<event::DeletionsBraked>(&event)) {
    stories_[scope.source].braked.push_back({scope.partition, braked->reason, braked->missing, braked->stored});
  } else if (const auto* frozen = std::get_if<event::DeletionsFrozen>(&event)) {
    add_once(stories_[scope.source].frozen[frozen->reason], scope.partition);
  } else if (const auto* complete = std::get_if<event::CompletePassNeeded>(&event)) {
    add_once(stories_[scope.source].complete[complete->reason], scope.partition);
  } else if (const auto* deleted = std::get_if<event::PartitionDeleted>(&event)) {
    stories_[scope.source].gone[scope.partition] = deleted->evidence;
  }
}

std::string failure_text(const store::RunRow& run, const std::vector<store::RunStreamRow>& streams) {
  const auto first_line = [](const std::string& text) { return text.substr(0, text.find('\n')); };
  if (!run.error.empty() || (run.outcome != "failed" && run.outcome != "partial")) return first_line(run.error);
  std::set<std::string> unwell, all;
  std::string first;
  for (const store::RunStreamRow& row : streams) {
    const std::string name = row.partition.empty() ? "the list " + row.stream : row.partition;
    all.insert(name);
    if (row.outcome != "failed" && row.outcome != "partial") continue;
    unwell.insert(name);
    if (first.empty() && !row.error.empty()) first = fmt::format("{}: {}", name, first_line(row.error));
  }
  if (unwell.empty()) return {};
  return fmt::format("{} of {} not complete; {}", unwell.size(), all.size(), first);
}

SourceStory RunStory::of(const std::string& source) const {
  const std::lock_guard lock(mutex_);
  const auto found = stories_.find(source);
  return found == stories_.end() ? SourceStory() : found->second;
}

}  // namespace surveysync::app
