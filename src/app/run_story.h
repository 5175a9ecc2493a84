#pragma once
// Listens while sources are worked and keeps what a person must read at the end and the report does not carry: the
// deletion brake, frozen marks, surveys that are gone, complete passes and why. Thread-safe.

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/event.h"

namespace surveysync::app {

/// What happened in one source.
struct SourceStory {
  struct Braked {
    std::string partition, reason;
    std::int64_t missing = 0, stored = 0;
  };
  std::vector<Braked> braked;
  std::map<std::string, std::vector<std::string>> frozen;    ///< reason: surveys
  std::map<std::string, std::vector<std::string>> complete;  ///< why surveys were read completely: surveys
  std::map<std::string, std::string> gone;                   ///< surveys that the vendor has no more: evidence
};

class RunStory final : public Observer {
 public:
  void on_event(const Event& event) noexcept override;
  /// A copy; empty when nothing happened in that source.
  SourceStory of(const std::string& source) const;

 private:
  void take(const Event& event);
  mutable std::mutex mutex_;
  std::map<std::string, SourceStory> stories_;
};

}  // namespace surveysync::app
