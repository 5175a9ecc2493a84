// What the daemon's desk looks at by the clock, whether anything runs or not.
#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <set>

#include "app/config_values.h"
#include "app/few_responses.h"
#include "app/human.h"
#include "app/incident_desk.h"

namespace surveysync::app {
namespace {

using report::AlertState;
using report::KnownIncident;

std::string seconds_of(UtcTime time) {
  return format_utc(std::chrono::floor<std::chrono::seconds>(time));
}

}  // namespace

void IncidentDesk::look_around(const std::stop_token& stop) {
  look_at_database(stop);
  look_at_disk(stop);
  for (const WatchedSource& source : options_.watched)
    look_at_source(source, stop);
  look_at_incidents(stop);
  settle_all(std::chrono::minutes(1), stop);  // of processes that were killed meanwhile
}

void IncidentDesk::look_at_database(const std::stop_token& stop) {
  constexpr const char* kRule = "database_unreachable";
  const std::optional<UtcTime> since = database_away_;
  const bool there = with_database([](pg::Connection& connection) { store::Incidents(connection).check(); }, stop);
  if (there) {
    if (alerts_->find(fmt::format("{}/{}", kRule, host_)))
      resolve(resolve_incident(kRule, host_, "the database answers again"), stop);
    return;
  }
  const UtcTime now = clock_.utc_now();
  if (!since || stop.stop_requested() || now - *since < options_.incidents.database_away) return;
  open(open_incident(
           kRule, host_, "", "critical",
           fmt::format("{} has not reached the database since {}: {}", host_, seconds_of(*since), database_trouble_),
           fmt::format("On {}, see what does not answer:\nsurveysync check", host_)),
       false, stop);
}

void IncidentDesk::look_at_disk(const std::stop_token& stop) {
  constexpr const char* kRule = "disk_nearly_full";
  struct statvfs disk {};
  if (options_.incidents.disk_free == 0 || ::statvfs(options_.state_dir.c_str(), &disk) != 0) return;
  const std::size_t free = disk.f_bavail * disk.f_frsize;
  const bool known = alerts_->find(fmt::format("{}/{}", kRule, host_)).has_value();
  if (free < options_.incidents.disk_free) {
    if (known) return;
    open(open_incident(kRule, host_, "", "warning",
                       fmt::format("only {} MiB are free on the disk of {} on {}; the limit is {}", free >> 20U,
                                   options_.state_dir, host_, format_size(options_.incidents.disk_free)),
                       fmt::format("Free some space on {0}; what is full, and what takes it:\ndf -h {1}\n"
                                   "du -xsh {1}/*",
                                   host_, shell_word(options_.state_dir))),
         false, stop);
  } else if (known && free > options_.incidents.disk_free + options_.incidents.disk_free / 10) {
    resolve(resolve_incident(kRule, host_, fmt::format("{} MiB are free again", free >> 20U)), stop);
  }
}

/// The last certified run against its limit, by the clock; then how much came.
void IncidentDesk::look_at_source(const WatchedSource& source, const std::stop_token& stop) {
  constexpr const char* kStale = "not_certified_lately";
  store::Freshness fresh;
  std::vector<store::Intake> runs;
  const UtcTime now = clock_.utc_now();
  const bool there = with_database(
      [&](pg::Connection& connection) {
        fresh = store::freshness(connection, source.name);
        if (fresh.last_certified && intake_judged_[source.name] < *fresh.last_certified)
          runs = store::intakes(connection, source.name, now - std::chrono::hours(24 * (kIntakeDays + 8)));
      },
      stop);
  const UtcTime reference = fresh.last_certified.value_or(std::min(fresh.first_attempt.value_or(begun_), begun_));
  if (there) last_certified_[source.name] = fresh.last_certified ? *fresh.last_certified : reference;
  const auto last = last_certified_.find(source.name);
  const UtcTime certified = last == last_certified_.end() ? begun_ : last->second;
  if (now - certified > source.stale_after) {
    const std::string attempt =
        fresh.last_attempt ? fmt::format("; the last attempt began {} and {}",
                                         format_utc(std::chrono::floor<std::chrono::seconds>(*fresh.last_attempt)),
                                         fresh.last_outcome.empty() ? "is under way" : fresh.last_outcome)
                           : std::string(there ? "; nothing has run yet" : "; the database is away");
    const bool ever = fresh.last_certified || (!there && last != last_certified_.end());
    open(open_incident(kStale, source.name, source.name, "critical",
                       ever ? fmt::format("the last certified run of {} ended {} ({} ago), the limit is {}{}",
                                          source.name, seconds_of(certified), spoken(now - certified),
                                          format_duration(source.stale_after), attempt)
                            : fmt::format("no run of {} was ever certified, and the limit is {}{}", source.name,
                                          format_duration(source.stale_after), attempt),
                       fmt::format("See how the last runs ended, and what fails now:\n"
                                   "surveysync runs --source {0}\nsurveysync check {0}",
                                   source.name)),
         false, stop);
  } else if (there && alerts_->find(fmt::format("{}/{}", kStale, source.name))) {
    IncidentAct act = resolve_incident(kStale, source.name, "a run was certified");
    act.incident.source = source.name;
    resolve(act, stop);
  }
  if (runs.empty()) return;
  intake_judged_[source.name] = *fresh.last_certified;
  constexpr const char* kFew = "few_responses";
  const std::optional<FewResponses> judged = judge_intake(runs);
  const bool known = alerts_->find(fmt::format("{}/{}", kFew, source.name)).has_value();
  if (judged && judged->unusual) {
    open(open_incident(kFew, source.name, source.name, "warning",
                       fmt::format("{} new responses of {} in the last 24 hours; in each of the {} days before there "
                                   "were at least {}, usually {}",
                                   judged->today, source.name, kIntakeDays, judged->worst, judged->usual),
                       fmt::format("Open a survey's link yourself: does it take answers? Then see whether all of them "
                                   "are here:\nsurveysync verify {}",
                                   source.name)),
         false, stop);
  } else if (known) {
    IncidentAct act = resolve_incident(kFew, source.name, "as many responses come as usual");
    act.incident.source = source.name;
    resolve(act, stop);
  }
}

/// Incidents that last are told again, those that nobody could tell are told, and receivers that forget are reminded.
void IncidentDesk::look_at_incidents(const std::stop_token& stop) {
  std::vector<store::Incident> standing, untold, repeats;
  const bool there = with_database(
      [&](pg::Connection& connection) {
        store::Incidents incidents(connection);
        untold = incidents.claim_untold();
        repeats = incidents.claim_repeats(options_.incidents.repeat_critical, options_.incidents.repeat_warning);
        standing = incidents.open_ones();
      },
      stop);
  if (!there) return repeat_alone();
  const auto tell = [&](const store::Incident& incident, AlertState state) {
    KnownIncident known;
    known.alert = alert_of(incident);
    known.in_database = true;
    told(std::move(known), state);
  };
  for (const store::Incident& incident : untold)
    tell(incident, AlertState::opened);
  for (const store::Incident& incident : repeats)
    tell(incident, AlertState::repeated);
  std::set<std::string> keys;
  std::vector<report::Alert> open;
  for (const store::Incident& incident : standing) {
    keys.insert(incident.key);
    open.push_back(made(alert_of(incident), AlertState::opened));
  }
  for (const KnownIncident& known : alerts_->incidents()) {
    // Another process resolved it, and has told that.
    if (known.open && known.in_database && !keys.contains(known.alert.key))
      alerts_->forget(known.alert.key, std::nullopt);
  }
  alerts_->remind(std::move(open));
}

/// The same from the outbox, while the database is away.
void IncidentDesk::repeat_alone() {
  std::vector<report::Alert> open;
  const UtcTime now = clock_.utc_now();
  for (const KnownIncident& known : alerts_->incidents()) {
    if (!known.open) continue;
    const Duration every =
        known.alert.severity == "critical" ? options_.incidents.repeat_critical : options_.incidents.repeat_warning;
    if (known.told && now - known.told_at >= every) told(known, AlertState::repeated);
    open.push_back(made(known.alert, AlertState::opened));
  }
  alerts_->remind(std::move(open));
}

}  // namespace surveysync::app
