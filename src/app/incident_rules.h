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
  bool whole_rule = false;   ///< to resolve: every incident of the rule that is about this host
  std::string worse_with;    ///< to open: while the incident of this key is open, `worse` is opened instead
  store::Incident worse;
  bool if_balanced = false;  ///< to resolve: only if the newest certificate of all that the source has balances
};

/// Opens "rule/about", or "rule" where `about` is empty. `next_step`: a sentence, and below it, a line each, the
/// commands to paste into a shell. Pure.
IncidentAct open_incident(const char* rule, const std::string& about, const std::string& source, const char* severity,
                          std::string evidence, std::string next_step, std::string verdict = {});
/// Resolves the same. Pure.
IncidentAct resolve_incident(const char* rule, const std::string& about, std::string message);

/// Who suffers from an incident, and how. Pure.
std::string affected_by(const store::Incident& incident);

/// What an alert says of `incident`, apart from when and by whom it is told. Pure.
report::Alert alert_of(const store::Incident& incident);

/// A survey, or a list of the account (no survey): its partition and its stream.
using Subject = std::pair<std::string, std::string>;

class IncidentRules {
 public:
  /// `host`: part of the keys of what concerns this host alone.
  explicit IncidentRules(std::string host) : host_(std::move(host)) {}
  /// The acts that follow from one event. What a run finds in many surveys is one incident, at its end.
  std::vector<IncidentAct> acts(const Event& event);
  /// Whether the run that `event` ends brought a certificate for the whole source.
  bool certified(const event::RunFinished& event);

 private:
  struct Story {
    std::string kind;
    bool narrowed = false;
    std::map<Subject, std::string> unbalanced, braked;  // what the equation says
    std::map<Subject, std::string> failed;              // what could not be read, and why
    std::set<Subject> quarantined;                      // where records could not be stored
    std::set<std::string> looked_at;                    // surveys
    std::set<std::string> contract;
  };
  bool keep(const Event& event, const Scope& scope);
  std::vector<IncidentAct> at_end(const event::RunFinished& event);
  static std::vector<IncidentAct> found_by(const Story& story, const event::RunFinished& event);
  static std::vector<IncidentAct> failure_of(const Story& story, const event::RunFinished& event);
  static std::string failure_text(const Story& story, const event::RunFinished& event);
  std::vector<IncidentAct> mended_by(const Story& story, const event::RunFinished& event) const;
  std::vector<IncidentAct> mended_by_part(const event::RunFinished& event) const;
  const std::string host_;
  std::mutex mutex_;
  std::map<std::string, Story> stories_;  // by source: of its latest run
  std::set<std::string> first_refused_;   // sources whose first key is
};

}  // namespace surveysync::app
