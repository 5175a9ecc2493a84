#include "app/incident_desk.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/assembly.h"
#include "app/config_salvage.h"
#include "app/host_name.h"
#include "store/freshness.h"

namespace surveysync::app {
namespace {

using report::AlertState;
using report::KnownIncident;

// A database that is away is asked again this often.
constexpr Duration kAskAgain = std::chrono::seconds(10);
constexpr std::size_t kMostWaiting = 1000;
// Two texts of one channel's failure may differ in their numbers: its incident names the channel.
constexpr const char* kDelivery = report::kDeliveryRule;

IncidentAct delivery_act(const std::string& channel, const std::string& host, const report::ChannelRecord& record) {
  const std::string about = channel + "/" + host;
  if (record.failures == 0) return resolve_incident(kDelivery, about, fmt::format("{} takes alerts again", channel));
  const UtcTime since = record.failing_since.value_or(UtcTime());
  return open_incident(kDelivery, about, "", "warning",
                       fmt::format("alerts.{} took none of the last {} attempts since {}: {}", channel, record.failures,
                                   format_utc(std::chrono::floor<std::chrono::seconds>(since)), record.last_error),
                       fmt::format("Mend what is said above, then send a test:\nsurveysync alerts test {}", channel));
}

store::Incident incident_of(const report::Alert& alert) {
  store::Incident incident;
  incident.key = alert.key;
  incident.rule = alert.rule;
  incident.source = alert.source;
  incident.severity = alert.severity;
  incident.verdict = alert.verdict;
  incident.evidence = alert.evidence;
  incident.next_step = alert.next_step;
  incident.opened_at = alert.since;
  return incident;
}

}  // namespace

DeskOptions desk_options(const Config& connecting, bool looks_around) {
  DeskOptions options{
      connecting.alerts, connect_options(connecting), connecting.incidents, connecting.state_dir, looks_around, {}};
  for (const SourceConfig& source : connecting.sources)
    options.watched.push_back({source.name, source.sync.stale_after});
  return options;
}

IncidentDesk::IncidentDesk(DeskOptions options, Masker& masker, Observer& observer, Clock& clock)
    : options_(std::move(options)),
      masker_(masker),
      observer_(observer),
      clock_(clock),
      host_(host_name()),
      begun_(clock.utc_now()),
      rules_(host_),
      look_at_(clock.now()) {
  report::AlertsOptions alerts;
  alerts.channels = options_.alerts;
  alerts.state_dir = options_.state_dir;
  alerts.retry = options_.incidents.retry;
  alerts.takes_over = options_.looks_around;
  alerts_ = std::make_unique<report::Alerts>(std::move(alerts), masker_, observer_, clock_,
                                             [this](const std::string& channel, const report::ChannelRecord& record) {
                                               act(delivery_act(channel, host_, record));
                                             });
  if (options_.looks_around) keep_channels(options_.state_dir, options_.alerts);
  thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
}

IncidentDesk::~IncidentDesk() {
  thread_.request_stop();
  thread_.join();
}

void IncidentDesk::on_event(const Event& event) noexcept {
  if (muted_) return;
  try {
    if (const auto* finished = std::get_if<event::RunFinished>(&event)) ping(*finished);
    for (IncidentAct& found : rules_.acts(event))
      act(std::move(found));
  } catch (...) {
    // An incident that cannot be kept is still in the log.
  }
}

void IncidentDesk::act(IncidentAct act) {
  const std::lock_guard lock(mutex_);
  if (muted_) return;
  if (acts_.size() >= kMostWaiting) {
    ++dropped_;
    return;
  }
  acts_.push_back(std::move(act));
  heard_.notify_all();
}

/// The sign of life for a dead man's switch: after a certified run, never after another.
void IncidentDesk::ping(const event::RunFinished& event) {
  if (!rules_.certified(event)) return;
  report::Alert alert;
  alert.key = "certified/" + event.scope.source;
  alert.rule = "certified";
  alert.source = event.scope.source;
  alert.since = clock_.utc_now();
  alerts_->send(made(std::move(alert), AlertState::certified));
}

void IncidentDesk::use(DeskOptions options) {
  alerts_->use(options.alerts);
  if (options.looks_around) keep_channels(options.state_dir, options.alerts);
  const std::lock_guard lock(mutex_);
  renewed_ = std::move(options);
  heard_.notify_all();
}

void IncidentDesk::flush(Duration time) {
  const Deadline deadline(clock_, time);
  while (!deadline.passed()) {
    {
      const std::lock_guard lock(mutex_);
      if (acts_.empty() && !busy_) break;
    }
    clock_.wait_for(std::chrono::milliseconds(10), {});
  }
  alerts_->flush(deadline.left());
}

void IncidentDesk::work(const std::stop_token& stop) {
  std::optional<IncidentAct> act;
  while (take(act, stop)) {
    try {
      if (const std::size_t dropped = dropped_.exchange(0); dropped > 0)
        observer_.on_event(
            event::Note{{},
                        Severity::error,
                        fmt::format("incidents: {} changes came faster than they are written, and are lost", dropped)});
      // What was heard before the end is still told; only waiting is over.
      if (act) carry_out(std::move(*act), {});
      if (unsettled_) settle_all(Duration::zero(), stop);
      if (options_.looks_around && clock_.now() >= look_at_ && !stop.stop_requested()) {
        look_at_ = clock_.now() + options_.incidents.look;
        look_around(stop);
      }
    } catch (const std::exception& failure) {
      observer_.on_event(event::Note{{}, Severity::error, fmt::format("incidents: {}", masker_.mask(failure.what()))});
    }
  }
}

/// The next act, or none when it is time to look around. False at the end.
bool IncidentDesk::take(std::optional<IncidentAct>& act, const std::stop_token& stop) {
  constexpr Duration kTick = std::chrono::milliseconds(250);
  act.reset();
  std::unique_lock lock(mutex_);
  busy_ = false;
  if (acts_.empty()) heard_.wait_for(lock, stop, kTick, [&] { return !acts_.empty() || renewed_; });
  if (renewed_) {
    options_ = *std::exchange(renewed_, std::nullopt);
    connection_.reset();
  }
  if (!acts_.empty()) {
    act = std::move(acts_.front());
    acts_.pop_front();
    busy_ = true;
    return true;
  }
  return !stop.stop_requested();
}

/// Does `work` with the database; false when it is away. A connection that turns out to be dead is replaced once.
bool IncidentDesk::with_database(const std::function<void(pg::Connection&)>& work, const std::stop_token& stop) {
  if (clock_.now() < ask_database_at_ || options_.database.uri.empty()) return false;
  for (int attempt = 1; attempt <= 2; ++attempt) {
    const bool kept = connection_ != nullptr;
    try {
      if (!connection_) connection_ = std::make_unique<pg::Connection>(options_.database.impatient(), clock_, stop);
      work(*connection_);
      database_away_.reset();
      return true;
    } catch (const std::exception& failure) {
      connection_.reset();
      if (kept) continue;
      if (stop.stop_requested()) return false;
      database_trouble_ = masker_.mask(failure.what());
      if (!database_away_) database_away_ = clock_.utc_now();
      ask_database_at_ = clock_.now() + std::min<Duration>(kAskAgain, options_.incidents.look);
      return false;
    }
  }
  return false;
}

report::Alert IncidentDesk::made(report::Alert alert, AlertState state) const {
  alert.state = state;
  alert.host = host_;
  alert.at = clock_.utc_now();
  // The net behind everything: nothing that leaves the house shows a secret that we know.
  for (std::string* const text : {&alert.verdict, &alert.evidence, &alert.next_step, &alert.message})
    *text = masker_.mask(std::move(*text));
  return alert;
}

/// What a vendor sends on the first day is not a change, however new it is to us.
bool IncidentDesk::is_first_contact(const IncidentAct& act, const std::stop_token& stop) {
  constexpr std::chrono::microseconds kFirstDay = std::chrono::hours(24);
  if (act.incident.rule != "contract_changed") return false;
  bool first = false;
  with_database(
      [&](pg::Connection& connection) {
        const store::Freshness fresh = store::freshness(connection, act.incident.source);
        first = !fresh.first_attempt || fresh.now - *fresh.first_attempt < kFirstDay;
      },
      stop);
  return first;
}

/// False also while the database cannot tell.
bool IncidentDesk::is_balanced(const std::string& source, const std::stop_token& stop) {
  bool balanced = false;
  with_database([&](pg::Connection& connection) { balanced = store::all_balanced(connection, source); }, stop);
  return balanced;
}

void IncidentDesk::carry_out(IncidentAct act, const std::stop_token& stop) {
  if (act.opens) {
    if (is_first_contact(act, stop)) return;
    const auto other = act.worse_with.empty() ? std::nullopt : alerts_->find(act.worse_with);
    if (other && other->open) act.incident = act.worse;
    open(act, false, stop);
  } else if (act.whole_rule) {
    resolve_rule(act, stop);
  } else if (act.if_balanced && !is_balanced(act.incident.source, stop)) {
    return;
  } else {
    resolve(act, stop);
  }
}

/// Tells everybody, and remembers that it did.
void IncidentDesk::told(KnownIncident known, AlertState state) {
  known.alert = made(std::move(known.alert), state);
  known.told = true;
  known.told_at = known.alert.at;
  alerts_->keep(known, true);
  if (state == AlertState::repeated) return;
  const report::Alert& alert = known.alert;
  observer_.on_event(event::IncidentOpened{{alert.source, 0, "", ""},
                                           alert.key,
                                           alert.rule,
                                           alert.severity,
                                           alert.verdict,
                                           alert.evidence,
                                           alert.next_step});
}

/// Opens it, or brings the open one up to date. `again`: an earlier process, or we, may have begun to.
void IncidentDesk::open(const IncidentAct& act, bool again, const std::stop_token& stop) {
  std::optional<KnownIncident> known = alerts_->find(act.incident.key);
  if (known && !known->open) {
    settle(*known, stop);  // its end comes before its new beginning
    known.reset();
  }
  KnownIncident next;
  next.alert = made(alert_of(act.incident), AlertState::opened);
  next.alert.since = clock_.utc_now();
  bool raised = false;
  if (known) {
    next.told = known->told;
    next.told_at = known->told_at;
    next.alert.since = known->alert.since;
    raised = known->alert.severity == "warning" && next.alert.severity == "critical";
    if (known->alert.severity == "critical") next.alert.severity = "critical";  // it does not fall while it lasts
  }
  // First on our own disk: whatever kills us from here on, the next process goes on with it.
  alerts_->keep(next, false);
  bool first = !next.told, noted = false;
  std::int64_t id = 0;
  int attempts = 0;  // the answer to the first one may have been lost, and its work not
  const bool there = with_database(
      [&](pg::Connection& connection) {
        store::Incidents incidents(connection);
        const auto opened = incidents.open(incident_of(next.alert));
        if (raised) incidents.raise(next.alert.key);
        id = opened.incident_id;
        noted = opened.notified;
        const bool begun_before = again || ++attempts > 1;
        first = !next.told && (opened.opened || (begun_before && !opened.notified));
      },
      stop);
  next.in_database = there;
  if (!there) unsettled_ = true;
  if (first || raised) {
    told(next, raised && next.told ? AlertState::raised : AlertState::opened);
  } else {
    alerts_->keep(next, false);
  }
  if (there && !noted && (first || next.told)) {
    with_database([&](pg::Connection& connection) { store::Incidents(connection).note_notified(id); }, stop);
  }
}

/// Says that it is over, and forgets it.
void IncidentDesk::over(report::Alert alert, const std::string& message) {
  alert.message = message;
  alert.resolved_at = alert.resolved_at.value_or(clock_.utc_now());
  alert = made(std::move(alert), AlertState::resolved);
  alerts_->forget(alert.key, alert);
  observer_.on_event(event::IncidentResolved{{alert.source, 0, "", ""}, alert.key, alert.rule, alert.message});
}

void IncidentDesk::resolve(const IncidentAct& act, const std::stop_token& stop) {
  std::optional<KnownIncident> known = alerts_->find(act.incident.key);
  const bool ours_alone = known && known->open && !known->in_database && known->told;
  if (known && known->open) {
    known->open = false;
    known->in_database = false;
    known->alert.message = act.message;
    known->alert.at = clock_.utc_now();
    alerts_->keep(*known, false);
  }
  std::optional<store::Incident> ended;
  const bool there = with_database(
      [&](pg::Connection& connection) { ended = store::Incidents(connection).resolve(act.incident.key); }, stop);
  if (!there) return resolve_away(act, std::move(known));
  if (ended) {
    report::Alert alert = alert_of(*ended);
    if (known) {
      alert.host = known->alert.host;
      alert.since = known->alert.since;  // as it was told; while the database was away it knew nothing
    }
    over(std::move(alert), act.message);
  } else if (ours_alone) {
    over(known->alert, act.message);
  } else if (known) {
    alerts_->forget(act.incident.key, std::nullopt);  // another process was first, and has told it
  }
}

/// Nobody can be asked: what we told ourselves is over; the rest is found out when the database is back.
void IncidentDesk::resolve_away(const IncidentAct& act, std::optional<KnownIncident> known) {
  unsettled_ = true;
  if (known && known->told) {
    over(known->alert, act.message);  // forgets it; the database still has it, perhaps
    known->told = false;
  }
  if (!known) {
    known.emplace();
    known->alert = alert_of(act.incident);
    known->alert.message = act.message;
    known->alert.since = clock_.utc_now();
  }
  known->open = false;
  known->in_database = false;
  alerts_->keep(*known, false);
}

/// Every open incident of the rule that is about this host, whoever opened it.
void IncidentDesk::resolve_rule(const IncidentAct& act, const std::stop_token& stop) {
  std::set<std::string> keys;
  const auto concerns = [&](const std::string& key, const std::string& rule) {
    return rule == act.incident.rule && key.ends_with("/" + host_);
  };
  for (const KnownIncident& known : alerts_->incidents()) {
    if (known.open && concerns(known.alert.key, known.alert.rule)) keys.insert(known.alert.key);
  }
  with_database(
      [&](pg::Connection& connection) {
        for (const store::Incident& incident : store::Incidents(connection).open_ones()) {
          if (concerns(incident.key, incident.rule)) keys.insert(incident.key);
        }
      },
      stop);
  for (const std::string& key : keys) {
    IncidentAct one = act;
    one.incident.key = key;
    resolve(one, stop);
  }
}

/// Brings the database, and what was told, to what the outbox says: after an outage, and after a process that was
/// killed between two steps.
void IncidentDesk::settle(const KnownIncident& known, const std::stop_token& stop) {
  if (known.open) {
    IncidentAct act;
    act.opens = true;
    act.incident = incident_of(known.alert);
    return open(act, true, stop);
  }
  std::optional<store::Incident> ended;
  const bool there = with_database(
      [&](pg::Connection& connection) { ended = store::Incidents(connection).resolve(known.alert.key); }, stop);
  const bool end_told = !known.told && known.told_at > UtcTime();
  if (known.told || (there && ended && !end_told)) {
    report::Alert alert = ended ? alert_of(*ended) : known.alert;
    if (known.told) alert.since = known.alert.since;
    over(std::move(alert), known.alert.message);
    if (there) return;
    KnownIncident rest = known;
    rest.told = false;
    return alerts_->keep(rest, false);
  }
  if (there) alerts_->forget(known.alert.key, std::nullopt);
}

/// Those that were not touched for `least_age`: another process may be at the younger ones.
void IncidentDesk::settle_all(Duration least_age, const std::stop_token& stop) {
  if (clock_.now() < ask_database_at_ || stop.stop_requested()) return;
  unsettled_ = false;
  for (const KnownIncident& known : alerts_->incidents()) {
    if (known.in_database || clock_.utc_now() - known.alert.at < least_age) continue;
    settle(known, stop);
    if (database_away_) unsettled_ = true;
  }
}

}  // namespace surveysync::app
