#include "app/run_story.h"

#include <algorithm>

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

SourceStory RunStory::of(const std::string& source) const {
  const std::lock_guard lock(mutex_);
  const auto found = stories_.find(source);
  return found == stories_.end() ? SourceStory() : found->second;
}

}  // namespace surveysync::app
