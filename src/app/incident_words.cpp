// The parts of incidents that no event carries, and what people read of them.
#include <fmt/format.h>

#include "app/incident_rules.h"

namespace surveysync::app {

IncidentAct open_incident(const char* rule, const std::string& about, const std::string& source, const char* severity,
                          std::string evidence, std::string next_step, std::string verdict) {
  IncidentAct act;
  act.opens = true;
  act.incident.key = about.empty() ? rule : fmt::format("{}/{}", rule, about);
  act.incident.rule = rule;
  act.incident.source = source;
  act.incident.severity = severity;
  act.incident.verdict = std::move(verdict);
  act.incident.evidence = std::move(evidence);
  act.incident.next_step = std::move(next_step);
  return act;
}

IncidentAct resolve_incident(const char* rule, const std::string& about, std::string message) {
  IncidentAct act;
  act.incident.key = about.empty() ? rule : fmt::format("{}/{}", rule, about);
  act.incident.rule = rule;
  act.message = std::move(message);
  return act;
}

std::string affected_by(const store::Incident& incident) {
  const std::string &rule = incident.rule, &source = incident.source;
  const std::string tables = fmt::format("the tables of {}", source);
  if (rule == "credentials_refused")
    return fmt::format("nothing of {} is loaded until a good key is in place; {} stay as they are, other sources go on",
                       source, tables);
  if (rule == "second_key_refused" && incident.severity == "critical")
    return fmt::format("nothing of {} is loaded until a good key is in place; {} stay as they are", source, tables);
  if (rule == "second_key_in_use" || rule == "second_key_refused")
    return fmt::format("nothing yet: {} is loaded; without a good second key the next rotation stops it", source);
  if (rule == "certificate_unbalanced")
    return "reports on the surveys that are named: records may be missing or too many";
  if (rule == "deletion_brake") return "records that no longer exist at the vendor still count in " + tables;
  if (rule == "run_failed") return tables + ": what was not read is as old as the last good run; what was stored stays";
  if (rule == "not_certified_lately") return tables + " are older than promised, and so is all that is built on them";
  if (rule == "quarantine_limit") return fmt::format("{}: records that could not be stored are missing", tables);
  if (rule == "contract_changed") return fmt::format("new fields of {} are in payload, but in no column", source);
  if (rule == "few_responses") return fmt::format("reports on {} may lack answers that people could not send", source);
  if (rule == "configuration_refused") return "what was changed in the configuration; the old one stays in force";
  if (rule == "unclean_exit") return "nothing was lost: runs go on where their last page was stored";
  if (rule == "unit_failed") return "nothing is loaded by that unit until it is started again";
  if (rule == "database_unreachable") return "all sources on this host: nothing is loaded until the database is back";
  if (rule == "disk_nearly_full") return "alerts, uploaded files and, when it is the database's disk too, all loading";
  if (rule == report::kDeliveryRule) return "people who are told by this channel only";
  return source.empty() ? std::string() : tables;
}

report::Alert alert_of(const store::Incident& incident) {
  report::Alert alert;
  alert.key = incident.key;
  alert.rule = incident.rule;
  alert.source = incident.source;
  alert.severity = incident.severity;
  alert.verdict = incident.verdict;
  alert.evidence = incident.evidence;
  alert.affected = affected_by(incident);
  alert.next_step = incident.next_step;
  alert.since = incident.opened_at;
  alert.resolved_at = incident.resolved_at;
  return alert;
}

}  // namespace surveysync::app
