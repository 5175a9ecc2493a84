#pragma once
// Turns events that a person must act on into incidents: told once, repeated rarely, closed when solved (product.md
// section 6). Listens like any observer and works on a thread of its own: surveysync.incident says whether another
// process has told it already; where the database is away it is told all the same, and written down when the database
// is back. What is on its way stays in the outbox (report/alerts), so a kill at any point neither loses an alert nor
// leaves one open. In the daemon it also looks around by the clock: overdue certificates, the disk, the database
// itself, incidents that last. Destroyed before its observers.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "app/config.h"
#include "app/incident_rules.h"
#include "base/event.h"
#include "pg/connection.h"
#include "report/alerts.h"

namespace surveysync::app {

/// A source that is to be certified regularly.
struct WatchedSource {
  std::string name;
  Duration stale_after{};
};

struct DeskOptions {
  std::vector<AlertConfig> alerts;
  pg::ConnectOptions database;
  IncidentConfig incidents;
  std::string state_dir;
  bool looks_around = false;  ///< the daemon's does
  std::vector<WatchedSource> watched;
};
/// What the configuration says of it. `connecting`: with the database's password.
DeskOptions desk_options(const Config& connecting, bool looks_around);

class IncidentDesk final : public Observer {
 public:
  /// References outlive it. `observer`: who is told what was opened, resolved and sent.
  IncidentDesk(DeskOptions options, Masker& masker, Observer& observer, Clock& clock);
  ~IncidentDesk() override;

  void on_event(const Event& event) noexcept override;
  /// Opens or resolves an incident that no event tells of.
  void act(IncidentAct act);
  /// From here on nothing is an incident: what happens is not meant to last (`sync --dry-run`).
  void mute() { muted_ = true; }
  /// From here on these channels and this database.
  void use(DeskOptions options);
  /// Waits until all that was heard is written and has been tried to be told, for at most `time`.
  void flush(Duration time);

 private:
  void work(const std::stop_token& stop);
  bool take(std::optional<IncidentAct>& act, const std::stop_token& stop);
  void carry_out(IncidentAct act, const std::stop_token& stop);
  void open(const IncidentAct& act, bool again, const std::stop_token& stop);
  void resolve(const IncidentAct& act, const std::stop_token& stop);
  bool is_balanced(const std::string& source, const std::stop_token& stop);
  bool is_first_contact(const IncidentAct& act, const std::stop_token& stop);
  void resolve_rule(const IncidentAct& act, const std::stop_token& stop);
  void resolve_away(const IncidentAct& act, std::optional<report::KnownIncident> known);
  void settle(const report::KnownIncident& known, const std::stop_token& stop);
  void settle_all(Duration least_age, const std::stop_token& stop);
  bool with_database(const std::function<void(pg::Connection&)>& work, const std::stop_token& stop);
  void told(report::KnownIncident known, report::AlertState state);
  void over(report::Alert alert, const std::string& message);
  report::Alert made(report::Alert alert, report::AlertState state) const;
  void ping(const event::RunFinished& event);

  void look_around(const std::stop_token& stop);
  void look_at_database(const std::stop_token& stop);
  void look_at_incidents(const std::stop_token& stop);
  void look_at_disk(const std::stop_token& stop);
  void look_at_source(const WatchedSource& source, const std::stop_token& stop);
  void repeat_alone();

  DeskOptions options_;  // the thread's own copy; replaced under the lock by use()
  Masker& masker_;
  Observer& observer_;
  Clock& clock_;
  const std::string host_;
  const UtcTime begun_;
  IncidentRules rules_;
  std::unique_ptr<pg::Connection> connection_;
  SteadyTime ask_database_at_{}, look_at_{};
  bool unsettled_ = true;                 // some incident may not be in the database as it is in the outbox
  std::optional<UtcTime> database_away_;  // since then
  std::string database_trouble_;
  std::map<std::string, UtcTime> last_certified_;  // by source, as far as known: also while the database is away
  std::map<std::string, UtcTime> intake_judged_;   // by source: the run up to which it was

  std::atomic<bool> muted_ = false;
  std::mutex mutex_;
  std::condition_variable_any heard_;
  std::deque<IncidentAct> acts_;
  std::atomic<std::size_t> dropped_ = 0;  // acts for which there was no room
  std::optional<DeskOptions> renewed_;
  bool busy_ = false;
  std::unique_ptr<report::Alerts> alerts_;  // calls act(): goes before what act() needs
  std::jthread thread_;
};

}  // namespace surveysync::app
