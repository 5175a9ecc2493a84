#pragma once
// One rehearsal: a scratch folder with a simulated vendor, a scratch database and a configuration of its own, the real
// program as child, and the promises that are checked by what vendor and database say. Nothing of the configured
// service is read or touched. All of it is gone with this object. One thread. Throws Error (cancelled on a signal).

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/program.h"
#include "app/rehearsal_process.h"
#include "app/rehearsal_server.h"
#include "app/rehearsal_vendor.h"
#include "store/scratch_database.h"

namespace surveysync::app {

/// What was promised, and what was measured.
struct Promise {
  std::string what, measured;
  bool held = false;
};

/// How a rehearsal is run and shown.
struct RehearsalOptions {
  std::string scenario;
  std::string database;  ///< URI of a server to use; empty: a private one
  bool json = false;
};

/// The source's settings that scenarios differ in.
struct RehearsalSettings {
  int vendor_limit = 100000, requests_per_minute = 90000;
  Duration window = std::chrono::seconds(1);
  int page_size = 10;
  std::string hold_probe = R"(["1s"])";
  std::vector<std::string> sources = {"rehearsal"};  ///< of the same account
};

class Rehearsal {
 public:
  Rehearsal(Program& program, RehearsalOptions options);
  ~Rehearsal();
  Rehearsal(const Rehearsal&) = delete;
  Rehearsal& operator=(const Rehearsal&) = delete;

  // --- the stage ---

  /// The vendor, the database with its tables, and the configuration. Options that are not of interest are set here.
  void set_up(sandbox::SandboxOptions vendor, const RehearsalSettings& settings);
  RehearsalVendor& vendor() { return *vendor_; }
  RehearsalServer& server() { return *server_; }
  /// Starts the program with this verb; its log is JSON.
  RehearsalProcess& start(std::vector<std::string> verb);
  /// The same, and waits for its end: the exit code.
  int run(std::vector<std::string> verb, Duration patience);
  /// Ends one that start() returned, by `signal`; its exit code. It cannot be used any more.
  int end(RehearsalProcess& process, int signal);
  /// What the program's logs have of this event, so far, in all children.
  std::size_t events(std::string_view name, std::string_view also = {}) const;
  /// URI of the scratch database, and the name of the first source.
  const std::string& database() const { return database_; }
  const std::string& source() const { return settings_.sources.front(); }

  /// What the scratch database holds; nothing where it cannot be asked.
  std::optional<store::OperationTally> tally();
  /// The same rows as an undisturbed load of the same account into a second database: what differs, empty if nothing.
  std::string difference_from_undisturbed();
  /// Responses that are missing and that should not be there, and answers, of every source: empty if all is as at the
  /// vendor.
  std::string difference_from_vendor();

  // --- the story ---

  void step(const std::string& text);
  /// Waits until `done`: how long it took; nothing when `patience` ended first.
  std::optional<Duration> wait_until(const std::function<bool()>& done, Duration patience);
  /// The same, where nothing goes on without it. Throws Error(unavailable) with the end of the program's log.
  Duration require(const std::string& what, const std::function<bool()>& done, Duration patience);
  void pause(Duration time);
  void promise(const std::string& what, bool held, const std::string& measured);
  Clock& clock() { return program_.clock(); }

  /// Prints the verdict; the exit code.
  int finish();

 private:
  std::string write_configuration(const std::string& name, const std::string& database);
  std::vector<std::string> words(const std::string& configuration, std::vector<std::string> verb) const;
  RehearsalCommand command(std::vector<std::string> arguments, const std::string& log) const;
  int run_to_end(const std::string& configuration, std::vector<std::string> verb, Duration patience);
  std::string log_tail() const;

  Program& program_;
  const RehearsalOptions options_;
  const SteadyTime began_;
  RehearsalSettings settings_;
  std::string directory_, database_, configuration_;
  std::unique_ptr<RehearsalVendor> vendor_;
  std::unique_ptr<RehearsalServer> server_;
  std::vector<std::unique_ptr<RehearsalProcess>> children_;  // destroyed first
  std::vector<std::string> logs_;
  std::vector<Promise> promises_;
};

/// "  held    ...  measured" as a line, what was promised in `width` columns.
std::string promise_line(const Promise& promise, std::size_t width, bool colours);

/// The scenarios; each checks its promises.
void rehearse_rotation(Rehearsal& rehearsal);
void rehearse_ratelimit(Rehearsal& rehearsal);
void rehearse_outage(Rehearsal& rehearsal);
void rehearse_drift(Rehearsal& rehearsal);

}  // namespace surveysync::app
