#include "app/incident_rules.h"

#include <fmt/format.h>

#include <algorithm>

namespace surveysync::app {
namespace {

using Acts = std::vector<IncidentAct>;

// Names in a text; the rest is a number.
constexpr std::size_t kMostNamed = 10;
// Of the shapes that a run met first.
constexpr std::size_t kMostShapes = 200;

IncidentAct open(const char* rule, const Scope& scope, const char* severity, std::string verdict, std::string evidence,
                 std::string next_step) {
  return open_incident(rule, scope.source, scope.source, severity, std::move(evidence), std::move(next_step),
                       std::move(verdict));
}

IncidentAct resolve(const char* rule, const Scope& scope, std::string message) {
  IncidentAct act = resolve_incident(rule, scope.source, std::move(message));
  act.incident.source = scope.source;
  return act;
}

/// Runs that ask no vendor prove nothing about it.
bool asks_vendor(const std::string& kind) {
  return kind.empty() || kind == "incremental" || kind == "resync" || kind == "backfill";
}

/// "a, b, c and 5 more".
template <class Names>
std::string listed(const Names& names, const char* separator = ", ") {
  std::string text;
  std::size_t count = 0;
  for (const std::string& name : names) {
    if (++count > kMostNamed) return text + fmt::format(" and {} more", names.size() - kMostNamed);
    text += (text.empty() ? "" : separator) + name;
  }
  return text;
}

std::vector<std::string> values_of(const std::map<Subject, std::string>& by_subject) {
  std::vector<std::string> values;
  for (const auto& [subject, text] : by_subject)
    values.push_back(text);
  return values;
}

/// "survey 12", "the list of invites".
std::string named(const Scope& scope) {
  if (!scope.partition.empty()) return "survey " + scope.partition;
  return scope.stream.empty() ? scope.source : fmt::format("the list of {}s", scope.stream);
}

/// " --survey 1 --survey 2".
std::string survey_flags(const std::map<Subject, std::string>& by_subject) {
  std::string flags;
  std::size_t count = 0;
  for (const auto& [subject, text] : by_subject) {
    const std::string& survey = subject.first;
    if (!survey.empty() && ++count <= kMostNamed) flags += " --survey " + survey;
  }
  return flags;
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

/// One overload for each event that matters by itself.
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
        fmt::format("make a new key and put it in the place of the first one; then: surveysync keys test {}",
                    e.scope.source))};
  }
  Acts operator()(const event::KeyTried& e) const {
    if (e.slot != "next") return {};
    if (e.verdict.empty()) return {resolve("second_key_refused", e.scope, "the second key is accepted")};
    return {
        open("second_key_refused", e.scope, "warning", e.verdict,
             fmt::format("the second key ({}) of {} was tried and is refused", e.fingerprint, e.scope.source),
             fmt::format("replace it before the first key is rotated; then: surveysync keys test {}", e.scope.source))};
  }
  Acts operator()(const event::ConfigRefused& e) const {
    return {open("configuration_refused", e.scope, "critical", "", e.reason,
                 "mend the file, look with: surveysync config check; then: systemctl reload surveysync")};
  }
  Acts operator()(const event::ConfigReloaded& e) const {
    return {resolve("configuration_refused", e.scope, "the configuration is sound")};
  }
  Acts operator()(const event::UncleanExitFound& e) const {
    return {open("unclean_exit", e.scope, "warning", "", fmt::format("{} ended without saying so", e.identity),
                 "was it killed for memory, did it crash, or did the host go down? See: journalctl -u surveysync "
                 "--since -1d")};
  }
  Acts operator()(const event::DaemonStarted&) const {
    IncidentAct act = resolve_incident("unit_failed", "", "the daemon runs again");
    act.whole_rule = true;
    return {resolve_incident("configuration_refused", "", "the configuration is sound"), std::move(act)};
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

std::vector<IncidentAct> IncidentRules::acts(const Event& event) {
  const std::lock_guard lock(mutex_);
  const Scope& scope = scope_of(event);
  if (const auto* started = std::get_if<event::RunStarted>(&event)) {
    stories_[scope.source] = Story{started->kind, {}, {}, {}};
  } else if (const auto* issued = std::get_if<event::CertificateIssued>(&event)) {
    Story& story = stories_[scope.source];
    story.unbalanced.erase({scope.partition, scope.stream});
    if (!issued->balanced) {
      story.unbalanced[{scope.partition, scope.stream}] =
          fmt::format("{}: the vendor counts {}, the database holds {} stored, {} quarantined, {} excluded",
                      named(scope), issued->total_after, issued->stored_live, issued->quarantined, issued->excluded);
    }
  } else if (const auto* braked = std::get_if<event::DeletionsBraked>(&event)) {
    stories_[scope.source].braked[{scope.partition, scope.stream}] = fmt::format(
        "{}: {} of {} stored records are missing at the vendor", named(scope), braked->missing, braked->stored);
  } else if (const auto* changed = std::get_if<event::ContractChanged>(&event)) {
    // Never the sample: it is a respondent's.
    std::set<std::string>& shapes = stories_[scope.source].contract;
    if (shapes.size() < kMostShapes) shapes.insert(changed->what);
  } else if (const auto* finished = std::get_if<event::RunFinished>(&event)) {
    return at_end(*finished);
  }
  return std::visit(Rules{}, event);
}

bool IncidentRules::certified(const event::RunFinished& event) {
  const std::lock_guard lock(mutex_);
  const Story& story = stories_[event.scope.source];
  return event.outcome == "succeeded" && story.unbalanced.empty() && asks_vendor(story.kind);
}

std::vector<IncidentAct> IncidentRules::at_end(const event::RunFinished& event) {
  const Story& story = stories_[event.scope.source];
  const Scope& scope = event.scope;
  const std::string& source = scope.source;
  const std::string show = fmt::format("surveysync run show {}", scope.run_id);
  Acts acts;
  if (!story.unbalanced.empty()) {
    acts.push_back(
        open("certificate_unbalanced", scope, "critical", "", listed(values_of(story.unbalanced), "; "),
             fmt::format("surveysync verify {}{} --deep   (and {})", source, survey_flags(story.unbalanced), show)));
  }
  if (!story.braked.empty()) {
    acts.push_back(open(
        "deletion_brake", scope, "critical", "",
        listed(values_of(story.braked), "; ") + "; nothing was marked deleted, since a lost permission looks the same",
        fmt::format("look at the vendor; if they were deleted on purpose: surveysync resync {}{} --yes", source,
                    survey_flags(story.braked))));
  }
  if (!story.contract.empty()) {
    acts.push_back(
        open("contract_changed", scope, "warning", "",
             fmt::format("run {} met what the vendor did not send before: {}", scope.run_id, listed(story.contract)),
             "nothing is lost: it is kept in payload. To see all: psql -d DATABASE -c 'TABLE "
             "surveysync.contract_change'"));
  }
  const bool quarantined = event.cause == policy(ErrorKind::malformed).name && event.counts.quarantined > 0;
  if (event.outcome == "succeeded") {
    if (!asks_vendor(story.kind)) return acts;
    const std::string well = fmt::format("run {} succeeded", scope.run_id);
    for (const char* const rule : {"run_failed", "quarantine_limit", "not_certified_lately"})
      acts.push_back(resolve(rule, scope, well));
    if (story.unbalanced.empty()) acts.push_back(resolve("certificate_unbalanced", scope, well));
    if (story.braked.empty()) acts.push_back(resolve("deletion_brake", scope, well));
    if (story.contract.empty() && story.kind == "incremental")
      acts.push_back(resolve("contract_changed", scope, fmt::format("run {} met nothing new", scope.run_id)));
    acts.push_back(resolve_incident("unclean_exit", "", "loading goes on"));
    acts.push_back(resolve_incident("unit_failed", "surveysync-sync.service", well));  // the timer's: no daemon starts
    return acts;
  }
  // A refused key has its own incident; and a source that another process works is being worked.
  if (event.cause == policy(ErrorKind::unauthorized).name || event.cause == policy(ErrorKind::locked).name) return acts;
  if (event.outcome != "failed" && event.outcome != "partial") return acts;
  const std::string error =
      event.error.empty() ? fmt::format("a run of {} {}", source, event.outcome) : first_line(event.error);
  if (quarantined) {
    acts.push_back(open(
        "quarantine_limit", scope, "critical", "",
        fmt::format("{}: {} records could not be stored in run {}", error, event.counts.quarantined, scope.run_id),
        fmt::format("surveysync quarantine list --source {}   (when mended: surveysync quarantine retry)", source)));
  }
  acts.push_back(open("run_failed", scope, event.outcome == "failed" ? "critical" : "warning", event.outcome, error,
                      show + (asks_vendor(story.kind) ? "   (it is tried again by itself)" : "")));
  return acts;
}

std::string affected_by(const std::string& rule, const std::string& source) {
  const std::string tables = fmt::format("the tables of {}", source);
  if (rule == "credentials_refused")
    return fmt::format("nothing of {} is loaded until a good key is in place; {} stay as they are, other sources go on",
                       source, tables);
  if (rule == "second_key_in_use" || rule == "second_key_refused")
    return fmt::format("nothing yet: {} is loaded; without a good second key the next rotation stops it", source);
  if (rule == "certificate_unbalanced")
    return "reports on the surveys that are named: records may be missing or too many";
  if (rule == "deletion_brake") return "records that the vendor has no more are still live in " + tables;
  if (rule == "run_failed") return tables + ": what was not read is as old as the last good run; what was stored stays";
  if (rule == "not_certified_lately") return tables + " are older than promised, and so is all that is built on them";
  if (rule == "quarantine_limit") return fmt::format("{}: records that could not be stored are missing", tables);
  if (rule == "contract_changed") return fmt::format("new fields of {} are in payload, but in no column", source);
  if (rule == "few_responses")
    return fmt::format("perhaps the surveys of {}: responses that never arrive cannot be loaded", source);
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
  alert.affected = affected_by(incident.rule, incident.source);
  alert.next_step = incident.next_step;
  alert.since = incident.opened_at;
  alert.resolved_at = incident.resolved_at;
  return alert;
}

}  // namespace surveysync::app
