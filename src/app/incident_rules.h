#pragma once
// Which events open and resolve which incidents (product.md section 6), and the words for them. What changes while an
// incident lasts is in its evidence, never in its key. Thread-safe.

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/event.h"
#include "report/alert.h"
#include "store/incidents.h"

namespace surveysync::app {

/// What an event means for the incidents.
struct IncidentAct {
  bool opens = false;        ///< else it resolves
  store::Incident incident;  ///< to resolve: key, rule and source count
  std::string message;       ///< why it is over
  bool whole_rule = false;   ///< to resolve: every incident of the rule, whatever its key
};

/// Opens "rule/about", or "rule" where `about` is empty. Pure.
IncidentAct open_incident(const char* rule, const std::string& about, const std::string& source, const char* severity,
                          std::string evidence, std::string next_step, std::string verdict = {});
/// Resolves the same. Pure.
IncidentAct resolve_incident(const char* rule, const std::string& about, std::string message);

/// Who suffers from an incident of the rule, and how. Pure.
std::string affected_by(const std::string& rule, const std::string& source);

/// What an alert says of `incident`, apart from when and by whom it is told. Pure.
report::Alert alert_of(const store::Incident& incident);

/// A survey, or a list of the account (no survey): its partition and its stream.
using Subject = std::pair<std::string, std::string>;

class IncidentRules {
 public:
  /// The acts that follow from one event. What a run finds in many surveys is one incident, at its end.
  std::vector<IncidentAct> acts(const Event& event);
  /// Whether the run that `event` ends brought a certificate for all that it looked at.
  bool certified(const event::RunFinished& event);

 private:
  struct Story {
    std::string kind;
    std::map<Subject, std::string> unbalanced, braked;  // what the equation says
    std::set<std::string> contract;
  };
  std::vector<IncidentAct> at_end(const event::RunFinished& event);
  std::mutex mutex_;
  std::map<std::string, Story> stories_;  // by source: of its latest run
};

}  // namespace surveysync::app
