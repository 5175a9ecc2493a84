#pragma once
// One source in the daemon: a thread that decides when it runs and runs it, and one that looks after its keys.
//
//     waiting --due, asked, released--> running --ended--> waiting
//        |                                 |
//        +--key refused--> held <----------+     held --key accepted--> running
//
// When: sync/agenda, from what the database says ran before, so a restart and a second daemon agree. A source that is
// worked by another process is left to it; a database that is away is waited for. Never throws; whatever goes wrong is
// an event and the lane goes on. Destruction stops the run under way (its pages are kept) and joins both threads.

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "app/assembly.h"
#include "app/doorbell.h"
#include "app/heartbeat.h"
#include "app/run_requests.h"
#include "sync/agenda.h"

namespace surveysync::app {

/// What a lane is made from; shared by all lanes of one configuration.
struct LaneSettings {
  std::shared_ptr<const Config> config;  ///< with secrets: for connecting
  Accounts& accounts;
  Masker& masker;
  Observer& observer;
  Clock& clock;
};

/// What a lane is doing, for STATUS= and the watchdog.
struct LaneState {
  std::string source, text;  ///< "running", "held (rotated)", "next run 2026-11-22T02:15:00Z", ...
  bool held = false, running = false;
  bool alive = true;  ///< both threads get on
};

class SourceLane {
 public:
  SourceLane(LaneSettings settings, const SourceConfig& source);
  ~SourceLane();
  SourceLane(const SourceLane&) = delete;
  SourceLane& operator=(const SourceLane&) = delete;

  const SourceConfig& config() const { return source_; }
  /// Somebody left a request, or its run should be looked at for another reason.
  void ring() { bell_.ring(); }
  /// A secret may have changed.
  void keys_changed();
  LaneState state() const;
  /// Begins to stop without waiting for the end; the destructor waits.
  void request_stop();

 private:
  void work(const std::stop_token& stop);
  void look_after_keys(const std::stop_token& stop);
  Duration step(const std::stop_token& stop);
  void assemble(const std::stop_token& stop);
  void begin_keys(pg::Connection& connection, const std::stop_token& stop);
  Duration until_next(const std::stop_token& stop);
  void carry(const std::function<sync::RunReport()>& run, const std::string& what, const std::stop_token& stop);
  void carry_requests(const std::stop_token& stop);
  bool refused_by_anybody(const std::stop_token& stop);
  bool take_changed_keys(const std::stop_token& stop);
  void note_keys();
  void try_next_slot(const std::stop_token& stop);
  void tidy(const std::stop_token& stop);
  void say(std::string text, bool running = false);
  RunHand hand(const std::stop_token& stop);
  Scope scope() const { return {source_.name, 0, "", ""}; }

  const LaneSettings settings_;
  const SourceConfig& source_;
  Heartbeat work_life_, key_life_;
  Pulse pulse_;  // what hears everything of the lane
  const store::OpenSession open_;
  Doorbell bell_, key_bell_;
  std::unique_ptr<SourceParts> parts_;  // made on the work thread, then shared with the other
  std::atomic<bool> keys_changed_ = false, keys_begun_ = false, run_at_once_ = false;
  bool schema_checked_ = false, first_look_ = true;
  std::string told_plan_, told_trouble_;
  int troubles_ = 0;
  std::optional<SteadyTime> next_slot_tried_at_, tidied_at_;

  mutable std::mutex mutex_;
  std::string text_ = "starting";
  bool held_ = false, running_ = false;
  std::string verdict_;

  std::stop_source keys_stop_;  // apart from the thread, which the other thread starts
  std::thread keys_;
  std::jthread work_;
};

}  // namespace surveysync::app
