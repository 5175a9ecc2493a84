#pragma once
// Keeps the status page fed: a thread with a database connection of its own looks every few seconds (more rarely where
// looking takes long, and at once after what people wait to see), and the daemon adds once a second what only its
// memory knows. Where the page cannot be offered the daemon goes on, and it is tried again. Nothing of it touches the
// lanes. Called on the daemon's main thread, events from any. Never throws but where said.

#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "app/config.h"
#include "app/doorbell.h"
#include "base/event.h"
#include "base/secret.h"
#include "pg/connection.h"
#include "report/web_meters.h"
#include "report/web_server.h"

namespace surveysync::app {

/// Where the page is offered, and the digest of its token, read now. Throws Error(config) for a token that cannot be
/// read or is too short to keep anybody out.
report::WebOptions web_options(const Config& config, Masker& masker);

/// What the page shows of one look: report's values of what the database said. Throws what pg throws.
std::shared_ptr<const report::DatabaseView> look_for_page(const Config& config, pg::Connection& connection,
                                                          const Clock& clock);

class StatusFeed final : public Observer {
 public:
  StatusFeed(Observer& observer, Clock& clock);
  ~StatusFeed() override;
  /// Counts, and looks soon after what changes the page.
  void on_event(const Event& event) noexcept override;

  /// From here on the page is that of `config` at `options`: begins, moves or ends it.
  void use(std::shared_ptr<const Config> config, report::WebOptions options);
  /// Tells what the lanes do; offers the page again where that failed.
  void show(std::vector<report::LaneView> lanes, bool alive);
  /// Ends page and thread.
  void stop();

 private:
  void offer();
  void work(const std::stop_token& stop);
  Duration look(std::unique_ptr<pg::Connection>& connection, const std::stop_token& stop);
  void note(std::shared_ptr<const report::DatabaseView> view, const Error* failure);
  void publish();
  void keep(const Event& event);

  Observer& observer_;
  Clock& clock_;
  report::Meters meters_;
  Doorbell bell_;
  report::WebOptions options_;
  std::unique_ptr<report::StatusServer> server_;
  std::string told_trouble_;
  SteadyTime offer_again_{};
  std::mutex mutex_;  // guards config_ and view_
  std::shared_ptr<const Config> config_;
  report::StatusView view_;
  std::jthread thread_;
};

}  // namespace surveysync::app
