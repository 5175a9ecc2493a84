// Which events open and resolve which incidents.
#include <fmt/format.h>

#include "app/incident_desk.h"

namespace surveysync::app {
namespace {

using Acts = std::vector<IncidentAct>;

std::string key_of(const char* rule, const std::string& source) {
  return fmt::format("{}/{}", rule, source);
}

IncidentAct open(const char* rule, const Scope& scope, const char* severity, std::string verdict, std::string evidence,
                 std::string next_step) {
  IncidentAct act;
  act.opens = true;
  act.incident.key = scope.source.empty() ? rule : key_of(rule, scope.source);
  act.incident.rule = rule;
  act.incident.source = scope.source;
  act.incident.severity = severity;
  act.incident.verdict = std::move(verdict);
  act.incident.evidence = std::move(evidence);
  act.incident.next_step = std::move(next_step);
  return act;
}

IncidentAct resolve(const char* rule, const Scope& scope, std::string message) {
  IncidentAct act;
  act.incident.key = scope.source.empty() ? rule : key_of(rule, scope.source);
  act.incident.rule = rule;
  act.incident.source = scope.source;
  act.message = std::move(message);
  return act;
}

/// One overload for each event that matters.
struct Rules {
  Acts operator()(const event::KeyRefused& e) const {
    return {open("credentials_refused", e.scope, "critical", e.verdict, e.evidence, e.next_step)};
  }
  Acts operator()(const event::KeyAccepted& e) const {
    Acts acts{resolve("credentials_refused", e.scope, fmt::format("the key {} is accepted", e.fingerprint))};
    if (e.slot == "secret") acts.push_back(resolve("second_key_in_use", e.scope, "the first key is accepted again"));
    return acts;
  }
  Acts operator()(const event::KeyRotated& e) const {
    if (e.slot != "next") return {resolve("second_key_in_use", e.scope, "the first place holds the key in use again")};
    return {open(
        "second_key_in_use", e.scope, "warning", "",
        fmt::format("the first key of {} is refused, the second one ({}) is in use", e.scope.source, e.fingerprint),
        "make a new key and put it in the place of the first one")};
  }
  Acts operator()(const event::KeyTried& e) const {
    if (e.slot != "next") return {};
    if (e.verdict.empty()) return {resolve("second_key_refused", e.scope, "the second key is accepted")};
    return {open("second_key_refused", e.scope, "warning", e.verdict,
                 fmt::format("the second key ({}) of {} was tried and is refused", e.fingerprint, e.scope.source),
                 "replace it before the first key is rotated")};
  }
  Acts operator()(const event::CertificateIssued& e) const {
    if (e.balanced) return {};
    return {
        open("certificate_unbalanced", e.scope, "critical", "",
             fmt::format("survey {}: the vendor counts {}, the database holds {} stored, {} quarantined, {} excluded",
                         e.scope.partition, e.total_after, e.stored_live, e.quarantined, e.excluded),
             fmt::format("surveysync run show {}; surveysync verify {} --survey {} --deep", e.scope.run_id,
                         e.scope.source, e.scope.partition))};
  }
  Acts operator()(const event::DeletionsBraked& e) const {
    return {open(
        "deletion_brake", e.scope, "critical", "",
        fmt::format("{}: {} of {} stored records are missing at the vendor; nothing was marked deleted",
                    e.scope.partition.empty() ? e.scope.source : "survey " + e.scope.partition, e.missing, e.stored),
        fmt::format("look at the vendor; if they were deleted on purpose: surveysync resync {}{} --yes", e.scope.source,
                    e.scope.partition.empty() ? "" : " --survey " + e.scope.partition))};
  }
  Acts operator()(const event::RunFinished& e) const {
    const bool succeeded = e.outcome == "succeeded";
    Acts acts;
    if (succeeded) {
      for (const char* const rule : {"run_failed", "certificate_unbalanced", "deletion_brake"})
        acts.push_back(resolve(rule, e.scope, fmt::format("run {} succeeded", e.scope.run_id)));
      acts.push_back(resolve("unclean_exit", {}, "loading goes on"));
    } else if (e.cause == policy(ErrorKind::unauthorized).name || e.cause == policy(ErrorKind::locked).name) {
      return {};  // that incident is the key's; and a source that another process works is being worked
    } else if (e.outcome == "failed" || e.outcome == "partial") {
      acts.push_back(open("run_failed", e.scope, e.outcome == "failed" ? "critical" : "warning", e.outcome,
                          e.error.empty() ? fmt::format("run of {} {}", e.scope.source, e.outcome) : e.error,
                          fmt::format("surveysync run show {}; it is tried again by itself", e.scope.run_id)));
    }
    return acts;
  }
  Acts operator()(const event::ConfigRefused& e) const {
    return {open("configuration_refused", e.scope, "critical", "", e.reason,
                 "mend the file, see `surveysync config check`, then reload")};
  }
  Acts operator()(const event::ConfigReloaded& e) const {
    return {resolve("configuration_refused", e.scope, "the configuration is sound")};
  }
  Acts operator()(const event::UncleanExitFound& e) const {
    return {open("unclean_exit", e.scope, "warning", "", fmt::format("{} ended without saying so", e.identity),
                 "see the journal of that time: killed for memory, crashed, or the host went down?")};
  }
  Acts operator()(const event::DaemonStopped& e) const {
    return {resolve("unclean_exit", e.scope, "the daemon after it ended well")};
  }
  template <class Other>
  Acts operator()(const Other&) const {
    return {};
  }
};

}  // namespace

std::vector<IncidentAct> incident_acts(const Event& event) {
  return std::visit(Rules{}, event);
}

}  // namespace surveysync::app
