#pragma once
// `serve`: the daemon's life from the first line to the last. It watches over the lanes (one a source), talks to
// systemd, reloads on SIGHUP and when a secret of its own has changed, and stops within the stop deadline. Signals were
// blocked by main; their thread rings this one. It goes on without a database and without keys: both are waited for.
// Used on the main thread. Throws Error(config) before anything starts; afterwards nothing ends it but a signal.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "app/doorbell.h"
#include "app/incident_desk.h"
#include "app/program.h"
#include "app/source_lane.h"
#include "app/state_marker.h"
#include "app/status_feed.h"
#include "app/systemd.h"

namespace surveysync::app {

class Daemon {
 public:
  explicit Daemon(Program& program);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  /// Works until a signal; the exit code.
  int run();

 private:
  std::shared_ptr<const Config> sound(Config config);
  void leave_mark();
  void check_schema(const std::stop_token& stop);
  void start(std::shared_ptr<const Config> config);
  void reload();
  void reload_secrets();
  std::string bring_in(const Config& plain);
  std::string change_lanes(std::shared_ptr<const Config> config);
  void keys_changed();
  void watch_keys();
  void watch_frame(const Config& plain);
  void watch(const std::vector<std::string>& secrets, Duration poll, const std::function<void()>& changed,
             const std::stop_token& stop);
  void watch_requests(const std::stop_token& stop);
  bool all_alive() const;
  std::string status_text() const;
  void show_page();
  void look_around();
  void stop_all();

  Program& program_;
  Systemd systemd_;
  Doorbell bell_;
  std::atomic<bool> reload_asked_ = false, secrets_changed_ = false;
  std::optional<SteadyTime> bring_in_again_at_;  // what is in force, its secrets read anew
  std::string told_refusal_;
  std::unique_ptr<StateMarker> marker_;
  Config plain_;  // what is in force, as it was read: without the database's password
  std::shared_ptr<const Config> config_;
  StatusFeed page_;
  std::unique_ptr<Accounts> accounts_;
  mutable std::mutex mutex_;  // guards lanes_ and config_ against the watchers
  std::map<std::string, std::shared_ptr<SourceLane>> lanes_;
  std::string told_status_;
  std::vector<std::string> frame_secrets_;  // references
  std::unique_ptr<IncidentDesk> desk_;      // its threads tell the page until it is gone
  std::jthread key_watch_, frame_watch_, requests_;
};

/// Runs the daemon as a Poco ServerApplication; the exit code.
int serve(Program& program);

}  // namespace surveysync::app
