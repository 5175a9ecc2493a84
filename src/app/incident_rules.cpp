#include "app/incident_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "app/human.h"

namespace surveysync::app {
namespace {

using Acts = std::vector<IncidentAct>;

// Names in a text; the rest is a number.
constexpr std::size_t kMostNamed = 10;
// Sentences about surveys, which are longer.
constexpr std::size_t kMostTold = 3;
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
std::string listed(const Names& names, const char* separator = ", ", std::size_t most = kMostNamed) {
  std::string text;
  std::size_t count = 0;
  for (const std::string& name : names) {
    if (++count > most) return text + fmt::format(" and {} more", names.size() - most);
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

/// " --survey 1 --survey 2"; nothing where there are too many to be named.
std::string survey_flags(const std::map<Subject, std::string>& by_subject) {
  std::string flags;
  for (const auto& [subject, text] : by_subject) {
    if (!subject.first.empty()) flags += " --survey " + subject.first;
  }
  return by_subject.size() > kMostTold ? std::string() : flags;
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

/// "survey 5: the vendor counts 12, the database holds 10 stored, 1 quarantined (1 missing)".
std::string equation(const event::CertificateIssued& e) {
  std::string text = fmt::format("{}: the vendor counts {}, the database holds {} stored", named(e.scope),
                                 e.total_after, e.stored_live);
  if (e.quarantined != 0) text += fmt::format(", {} quarantined", e.quarantined);
  if (e.excluded != 0) text += fmt::format(", {} excluded", e.excluded);
  const std::int64_t over = e.stored_live + e.quarantined + e.excluded - e.total_after;
  if (over != 0) text += fmt::format(" ({} {})", over < 0 ? -over : over, over < 0 ? "missing" : "too many");
  return text;
}

/// `both`: the first key is refused already.
IncidentAct second_refused(const event::KeyTried& e, bool both) {
  return open("second_key_refused", e.scope, both ? "critical" : "warning", e.verdict,
              both ? fmt::format("both keys of {} are refused, the second one ({}) too", e.scope.source, e.fingerprint)
                   : fmt::format("the second key ({}) of {} was tried and is refused", e.fingerprint, e.scope.source),
              fmt::format("{}, then try it:\nsurveysync keys test {}",
                          both ? "Make a new key and put it in the place of either"
                               : "Replace the second key before the first one is rotated",
                          e.scope.source));
}

/// One overload for each event that matters by itself.
struct Rules {
  const std::string& host;
  std::set<std::string>& first_refused;

  Acts operator()(const event::KeyRefused& e) const {
    return {open("credentials_refused", e.scope, "critical", e.verdict, e.evidence, e.next_step)};
  }
  Acts operator()(const event::KeyAccepted& e) const {
    Acts acts{resolve("credentials_refused", e.scope, fmt::format("the key {} is accepted", e.fingerprint))};
    if (e.slot != "secret") return acts;
    first_refused.erase(e.scope.source);
    acts.push_back(resolve("second_key_in_use", e.scope, "the first key is accepted again"));
    return acts;
  }
  Acts operator()(const event::KeyRotated& e) const {
    if (e.slot != "next") {
      first_refused.erase(e.scope.source);
      return {resolve("second_key_in_use", e.scope, "the first place holds the key in use again")};
    }
    first_refused.insert(e.scope.source);
    return {open(
        "second_key_in_use", e.scope, "warning", "",
        fmt::format("the first key of {} is refused, the second one ({}) is in use", e.scope.source, e.fingerprint),
        fmt::format("Make a new key and put it in the place of the first one, then try it:\nsurveysync keys test {}",
                    e.scope.source))};
  }
  Acts operator()(const event::KeyTried& e) const {
    if (e.slot != "next") return {};
    if (e.verdict.empty()) return {resolve("second_key_refused", e.scope, "the second key is accepted")};
    IncidentAct act = second_refused(e, first_refused.contains(e.scope.source));
    // Another process may have found out that the first one is refused.
    act.worse_with = "second_key_in_use/" + e.scope.source;
    act.worse = second_refused(e, true).incident;
    return {std::move(act)};
  }
  Acts operator()(const event::ConfigRefused& e) const {
    return {open_incident("configuration_refused", host, "", "critical", e.reason,
                          "Mend the file, check it, and let the daemon read it:\nsurveysync config check\n"
                          "systemctl reload surveysync")};
  }
  Acts operator()(const event::ConfigReloaded&) const {
    return {resolve_incident("configuration_refused", host, "the configuration is sound")};
  }
  Acts operator()(const event::UncleanExitFound& e) const {
    return {open_incident("unclean_exit", host, "", "warning",
                          fmt::format("the daemon before this one ({}) did not stop properly: it was killed (out of "
                                      "memory?), it crashed, or the host went down",
                                      spoken_process(e.identity)),
                          "If nobody killed it on purpose, see what it said last:\n"
                          "journalctl -u surveysync --since -1d")};
  }
  Acts operator()(const event::DaemonStarted&) const {
    IncidentAct act = resolve_incident("unit_failed", "", "the daemon runs again");
    act.whole_rule = true;
    return {resolve_incident("configuration_refused", host, "the configuration is sound"), std::move(act)};
  }
  Acts operator()(const event::DaemonStopped&) const {
    return {resolve_incident("unclean_exit", host, "the daemon after it ended well")};
  }
  template <class Other>
  Acts operator()(const Other&) const {
    return {};
  }
};

}  // namespace

std::vector<IncidentAct> IncidentRules::acts(const Event& event) {
  const std::lock_guard lock(mutex_);
  if (const auto* finished = std::get_if<event::RunFinished>(&event)) return at_end(*finished);
  if (keep(event, scope_of(event))) return {};
  return std::visit(Rules{host_, first_refused_}, event);
}

/// What is told at the end of the run; whether `event` is of that kind.
bool IncidentRules::keep(const Event& event, const Scope& scope) {
  const Subject subject{scope.partition, scope.stream};
  if (const auto* started = std::get_if<event::RunStarted>(&event)) {
    Story story;
    story.kind = started->kind;
    story.narrowed = started->narrowed;
    stories_[scope.source] = std::move(story);
  } else if (const auto* issued = std::get_if<event::CertificateIssued>(&event)) {
    Story& story = stories_[scope.source];
    story.unbalanced.erase(subject);
    if (!issued->balanced) story.unbalanced[subject] = equation(*issued);
  } else if (const auto* braked = std::get_if<event::DeletionsBraked>(&event)) {
    stories_[scope.source].braked[subject] = fmt::format("{}: {} of {} stored records are missing at the vendor",
                                                         named(scope), braked->missing, braked->stored);
  } else if (std::holds_alternative<event::RecordQuarantined>(event)) {
    stories_[scope.source].quarantined.insert(subject);
  } else if (const auto* part = std::get_if<event::PartitionFinished>(&event)) {
    Story& story = stories_[scope.source];
    if (!scope.partition.empty()) story.looked_at.insert(scope.partition);
    const bool bad = part->outcome == "failed" || part->outcome == "partial";
    if (bad && !story.unbalanced.contains(subject) && !story.braked.contains(subject))
      story.failed[subject] = fmt::format("{}: {}", named(scope), first_line(part->error));
  } else if (const auto* changed = std::get_if<event::ContractChanged>(&event)) {
    // Never the sample: it is a respondent's.
    std::set<std::string>& shapes = stories_[scope.source].contract;
    if (shapes.size() < kMostShapes) shapes.insert(changed->what);
  } else {
    return false;
  }
  return true;
}

bool IncidentRules::certified(const event::RunFinished& event) {
  const std::lock_guard lock(mutex_);
  const Story& story = stories_[event.scope.source];
  return event.outcome == "succeeded" && !story.narrowed && story.unbalanced.empty() && asks_vendor(story.kind);
}

/// What the run found out, however it ended.
Acts IncidentRules::found_by(const Story& story, const event::RunFinished& event) {
  const Scope& scope = event.scope;
  Acts acts;
  if (!story.unbalanced.empty()) {
    const bool whole = survey_flags(story.unbalanced).empty();
    acts.push_back(open("certificate_unbalanced", scope, "critical", "",
                        listed(values_of(story.unbalanced), "; ", kMostTold),
                        fmt::format("See which records differ, and what the run met:\nsurveysync verify {}{} "
                                    "--deep\nsurveysync run show {}",
                                    scope.source, whole ? "" : survey_flags(story.unbalanced), scope.run_id)));
  }
  if (!story.braked.empty()) {
    acts.push_back(open(
        "deletion_brake", scope, "critical", "",
        listed(values_of(story.braked), "; ", kMostTold) +
            "; nothing was marked deleted, since a lost permission looks the same",
        fmt::format("Look at the vendor. If they were deleted there on purpose, confirm it:\nsurveysync resync {}{} "
                    "--yes",
                    scope.source, survey_flags(story.braked))));
  }
  if (!story.contract.empty()) {
    acts.push_back(open(
        "contract_changed", scope, "warning", "",
        fmt::format("the vendor sends something new (first seen in run {}): {}", scope.run_id, listed(story.contract)),
        "Nothing is lost, it is kept in payload. Who reads the tables may want to know; all of it, in SQL:\n"
        "TABLE surveysync.contract_change"));
  }
  return acts;
}

/// A run of the whole source ended well.
Acts IncidentRules::mended_by(const Story& story, const event::RunFinished& event) const {
  const Scope& scope = event.scope;
  const std::string well = fmt::format("run {} succeeded", scope.run_id);
  Acts acts;
  for (const char* const rule : {"run_failed", "quarantine_limit", "not_certified_lately", "certificate_unbalanced"})
    acts.push_back(resolve(rule, scope, well));
  if (story.braked.empty()) acts.push_back(resolve("deletion_brake", scope, well));
  if (story.contract.empty() && story.kind == "incremental")
    acts.push_back(resolve("contract_changed", scope, fmt::format("run {} met nothing new", scope.run_id)));
  acts.push_back(resolve_incident("unclean_exit", host_, "loading goes on"));
  // The timer's: no daemon starts.
  acts.push_back(resolve_incident("unit_failed", "surveysync-sync.service/" + host_, well));
  return acts;
}

/// A run of named parts ended well: it may have mended what an incident named, and says nothing of the rest.
Acts IncidentRules::mended_by_part(const event::RunFinished& event) const {
  Acts acts;
  for (const char* const rule : {"certificate_unbalanced", "deletion_brake"}) {
    acts.push_back(
        resolve(rule, event.scope, fmt::format("after run {} every certificate balances", event.scope.run_id)));
    acts.back().if_balanced = true;
  }
  acts.push_back(resolve_incident("unclean_exit", host_, "loading goes on"));
  return acts;
}

/// "run 6 (resync) failed: 2 of 3 surveys could not be read; survey 5: ... answered 503".
std::string IncidentRules::failure_text(const Story& story, const event::RunFinished& event) {
  std::string text = fmt::format("run {}{}{}", event.scope.run_id,
                                 story.kind.empty() ? std::string() : fmt::format(" ({})", story.kind),
                                 event.outcome == "failed" ? " failed" : " is incomplete");
  if (!event.error.empty()) return fmt::format("{}: {}", text, first_line(event.error));
  if (story.failed.empty()) return text;
  std::set<std::string> surveys;
  for (const auto& [subject, why] : story.failed) {
    if (!subject.first.empty()) surveys.insert(subject.first);
  }
  const std::size_t all = std::max(surveys.size(), story.looked_at.size());
  if (!surveys.empty()) text += fmt::format(": {} of {} surveys could not be read completely", surveys.size(), all);
  return fmt::format("{}{}{}", text, surveys.empty() ? ": " : "; ", listed(values_of(story.failed), "; ", 1));
}

Acts IncidentRules::failure_of(const Story& story, const event::RunFinished& event) {
  // A refused key has its own incident; and a source that another process works is being worked.
  if (event.cause == policy(ErrorKind::unauthorized).name || event.cause == policy(ErrorKind::locked).name) return {};
  const Scope& scope = event.scope;
  if (event.cause == policy(ErrorKind::malformed).name && event.counts.quarantined > 0) {
    return {
        open("quarantine_limit", scope, "critical", "",
             fmt::format("{}; {} records went into quarantine", failure_text(story, event), event.counts.quarantined),
             fmt::format("Look at what could not be stored and why; once that is mended, store it again:\n"
                         "surveysync quarantine list --source {0}\nsurveysync quarantine retry --source {0}",
                         scope.source))};
  }
  // What has an incident of its own is not told twice.
  const bool told = !story.unbalanced.empty() || !story.braked.empty();
  if (told && event.error.empty() && story.failed.empty()) return {};
  const bool again = (story.kind.empty() || story.kind == "incremental") && !story.narrowed;
  return {open("run_failed", scope, event.outcome == "failed" ? "critical" : "warning",
               event.outcome == "failed" ? "" : "incomplete", failure_text(story, event),
               fmt::format("See what the run met{}:\nsurveysync run show {}",
                           again ? "; it is tried again by itself" : "", scope.run_id))};
}

std::vector<IncidentAct> IncidentRules::at_end(const event::RunFinished& event) {
  Story& story = stories_[event.scope.source];
  // The cause is told, not its consequences.
  const bool quarantine = event.cause == policy(ErrorKind::malformed).name && event.counts.quarantined > 0;
  std::erase_if(story.unbalanced, [&](const auto& one) {
    return story.braked.contains(one.first) || (quarantine && story.quarantined.contains(one.first));
  });
  Acts acts = found_by(story, event);
  Acts more;
  if (event.outcome == "succeeded") {
    if (asks_vendor(story.kind)) more = story.narrowed ? mended_by_part(event) : mended_by(story, event);
  } else if (event.outcome == "failed" || event.outcome == "partial") {
    more = failure_of(story, event);
  }
  acts.insert(acts.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  return acts;
}

}  // namespace surveysync::app
