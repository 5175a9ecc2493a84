#pragma once
// Turns events that a person must act on into incidents: told once, closed when solved (product.md section 6). Listens
// like any observer and works on a thread of its own: surveysync.incident says whether another process has told it
// already; where the database is away it is told all the same, and written down when the database is back. Then the
// webhooks. Destroyed before its observers.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "app/webhook.h"
#include "base/event.h"
#include "pg/connection.h"

namespace surveysync::app {

/// What an event means for the incidents.
struct IncidentAct {
  bool opens = false;        ///< else it resolves
  store::Incident incident;  ///< to resolve: only the key counts
  std::string message;       ///< why it is over
};
/// The acts that follow from one event, without memory. Pure.
std::vector<IncidentAct> incident_acts(const Event& event);

struct DeskOptions {
  std::vector<AlertConfig> alerts;  ///< those of type webhook are used
  pg::ConnectOptions database;
};

class IncidentDesk final : public Observer {
 public:
  /// References outlive it. `observer`: who is told what was opened, resolved and sent.
  IncidentDesk(DeskOptions options, Masker& masker, Observer& observer, Clock& clock);
  ~IncidentDesk() override;

  void on_event(const Event& event) noexcept override;
  /// From here on nothing is an incident: what happens is not meant to last (`sync --dry-run`).
  void mute() { muted_ = true; }
  /// From here on these channels and this database.
  void use(DeskOptions options);
  /// Waits until all that was heard is written and told, for at most `time`.
  void flush(Duration time);

 private:
  struct Message {
    std::size_t channel;
    std::string key, body;
    int attempts = 0;
    SteadyTime due{};
  };
  void work(const std::stop_token& stop);
  void carry_out(const IncidentAct& act, const std::stop_token& stop);
  bool write_down(const IncidentAct& act, store::Incident& incident, bool& changed, const std::stop_token& stop);
  void tell(const store::Incident& incident, const std::string& message);
  void send_due(const std::stop_token& stop);
  void make_webhooks();

  DeskOptions options_;  // the thread's own copy; replaced under the lock by use()
  Masker& masker_;
  Observer& observer_;
  Clock& clock_;
  std::vector<Webhook> webhooks_;
  std::unique_ptr<pg::Connection> connection_;
  std::map<std::string, store::Incident> open_;  // as far as this process knows
  std::deque<IncidentAct> unwritten_;            // while the database is away
  SteadyTime ask_database_at_{};
  std::deque<Message> messages_;

  std::atomic<bool> muted_ = false;
  std::mutex mutex_;
  std::condition_variable_any heard_;
  std::deque<IncidentAct> acts_;
  std::optional<DeskOptions> renewed_;
  bool busy_ = false;
  std::jthread thread_;
};

}  // namespace surveysync::app
