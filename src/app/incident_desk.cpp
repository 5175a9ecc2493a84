#include "app/incident_desk.h"

#include <algorithm>

namespace surveysync::app {
namespace {

// A database that is away is asked again this often.
constexpr Duration kAskAgain = std::chrono::seconds(10);
constexpr Duration kTick = std::chrono::seconds(1);
// A message that does not arrive is sent again, at growing intervals; after so many times it is given up.
constexpr int kSendings = 12;
constexpr std::size_t kMostWaiting = 1000;

}  // namespace

IncidentDesk::IncidentDesk(DeskOptions options, Masker& masker, Observer& observer, Clock& clock)
    : options_(std::move(options)), masker_(masker), observer_(observer), clock_(clock) {
  make_webhooks();
  thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
}

IncidentDesk::~IncidentDesk() {
  thread_.request_stop();
  thread_.join();
}

void IncidentDesk::make_webhooks() {
  webhooks_.clear();
  messages_.clear();
  for (const AlertConfig& alert : options_.alerts)
    if (alert.type == "webhook") webhooks_.emplace_back(alert, masker_, clock_);
}

void IncidentDesk::on_event(const Event& event) noexcept {
  if (muted_) return;
  try {
    std::vector<IncidentAct> acts = incident_acts(event);
    if (acts.empty()) return;
    const std::lock_guard lock(mutex_);
    for (IncidentAct& act : acts)
      if (acts_.size() < kMostWaiting) acts_.push_back(std::move(act));
    heard_.notify_all();
  } catch (...) {
    // An incident that cannot be kept is still in the log.
  }
}

void IncidentDesk::use(DeskOptions options) {
  const std::lock_guard lock(mutex_);
  renewed_ = std::move(options);
  heard_.notify_all();
}

void IncidentDesk::flush(Duration time) {
  const Deadline deadline(clock_, time);
  while (!deadline.passed()) {
    {
      const std::lock_guard lock(mutex_);
      if (acts_.empty() && !busy_) return;
    }
    clock_.wait_for(std::chrono::milliseconds(10), {});
  }
}

void IncidentDesk::work(const std::stop_token& stop) {
  while (true) {
    std::optional<IncidentAct> act;
    {
      std::unique_lock lock(mutex_);
      busy_ = false;
      if (acts_.empty() && !renewed_ && messages_.empty() && unwritten_.empty())
        heard_.wait(lock, stop, [&] { return !acts_.empty() || renewed_; });
      if (renewed_) {
        options_ = *std::exchange(renewed_, std::nullopt);
        connection_.reset();
        make_webhooks();
      }
      if (!acts_.empty()) {
        act = std::move(acts_.front());
        acts_.pop_front();
        busy_ = true;
      } else if (stop.stop_requested()) {
        return;
      }
      busy_ = busy_ || std::ranges::any_of(messages_, [](const Message& message) { return message.attempts == 0; });
    }
    // What was heard before the end is still told; only waiting is over.
    if (act) carry_out(*act, {});
    send_due(stop);
    if (!act) clock_.wait_for(kTick / 4, stop);
    if (!unwritten_.empty() && clock_.now() >= ask_database_at_) {
      const IncidentAct again = std::move(unwritten_.front());
      unwritten_.pop_front();
      bool changed = false;
      store::Incident incident = again.incident;
      if (!write_down(again, incident, changed, stop)) unwritten_.push_front(again);
    }
  }
}

/// Writes the act into the table. False when the database is away. `changed`: nobody had told it before.
bool IncidentDesk::write_down(const IncidentAct& act, store::Incident& incident, bool& changed,
                              const std::stop_token& stop) {
  for (int attempt = 1; attempt <= 2; ++attempt) {
    const bool kept = connection_ != nullptr;
    try {
      if (!connection_) connection_ = std::make_unique<pg::Connection>(options_.database, clock_, stop);
      store::Incidents incidents(*connection_);
      if (act.opens) {
        const auto opened = incidents.open(act.incident);
        changed = opened.opened;
        incident.incident_id = opened.incident_id;
        if (changed && !webhooks_.empty()) incidents.note_notified(opened.incident_id);
      } else if (auto resolved = incidents.resolve(act.incident.key)) {
        changed = true;
        incident = std::move(*resolved);
      }
      return true;
    } catch (...) {
      connection_.reset();
      ask_database_at_ = clock_.now() + kAskAgain;
      if (!kept) return false;
    }
  }
  return false;
}

void IncidentDesk::carry_out(const IncidentAct& act, const std::stop_token& stop) {
  store::Incident incident = act.incident;
  const auto known = open_.find(incident.key);
  bool changed = false;
  const bool away = clock_.now() < ask_database_at_ || !write_down(act, incident, changed, stop);
  if (away) {
    // Nobody can be asked: what this process has not told yet it tells.
    changed = act.opens == (known == open_.end());
    if (!act.opens && known != open_.end()) incident = known->second;
    if (changed && unwritten_.size() < kMostWaiting) unwritten_.push_back(act);
  }
  if (act.opens) {
    if (known == open_.end()) incident.opened_at = clock_.utc_now();
    open_.try_emplace(incident.key, incident);
  } else if (known != open_.end()) {
    open_.erase(known);
  }
  if (!changed) return;
  const Scope scope{incident.source, 0, "", ""};
  if (act.opens) {
    observer_.on_event(event::IncidentOpened{scope, incident.key, incident.rule, incident.severity, incident.verdict,
                                             incident.evidence, incident.next_step});
    tell(incident, incident.evidence);
  } else {
    incident.resolved_at = incident.resolved_at.value_or(clock_.utc_now());
    observer_.on_event(event::IncidentResolved{scope, incident.key, incident.rule, act.message});
    tell(incident, act.message);
  }
}

void IncidentDesk::tell(const store::Incident& incident, const std::string& message) {
  for (std::size_t channel = 0; channel < webhooks_.size(); ++channel) {
    if (messages_.size() >= kMostWaiting) return;
    messages_.push_back({channel, incident.key, masker_.mask(incident_json(incident, message)), 0, clock_.now()});
  }
}

void IncidentDesk::send_due(const std::stop_token& stop) {
  std::vector<bool> blocked(webhooks_.size(), false);  // messages of one channel stay in order
  for (auto message = messages_.begin(); message != messages_.end();) {
    if (blocked[message->channel] || clock_.now() < message->due) {
      blocked[message->channel] = true;
      ++message;
      continue;
    }
    Webhook& webhook = webhooks_[message->channel];
    std::string error;
    try {
      webhook.post(message->body, message->attempts == 0 ? std::stop_token() : stop);
    } catch (const std::exception& failure) {
      error = masker_.mask(failure.what());
    }
    observer_.on_event(event::AlertSent{{}, webhook.name(), message->key, error});
    if (error.empty() || ++message->attempts >= kSendings) {
      message = messages_.erase(message);
      continue;
    }
    const Backoff backoff(std::chrono::seconds(2), std::chrono::minutes(5));
    message->due = clock_.now() + backoff.wait(message->attempts, 1.0);
    blocked[message->channel] = true;
    ++message;
  }
}

}  // namespace surveysync::app
