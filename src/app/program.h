#pragma once
// What every verb shares: flags, configuration, log, masker, stop and output. One object, made by cli.cpp, used on the
// main thread (events and stop from any). Verbs are free functions that add themselves to the command line; each leaves
// its work in an Action.

#include <CLI/App.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "app/config.h"
#include "app/signals.h"
#include "base/error.h"
#include "base/event.h"
#include "base/secret.h"
#include "base/time.h"
#include "pg/connection.h"
#include "report/telemetry.h"

namespace surveysync::app {

/// What the chosen verb does when the command line is sound; the exit code.
using Action = std::function<int()>;

/// Flags that every verb takes.
struct GlobalFlags {
  std::string config_file = kDefaultConfigFile;
  std::string log_level, log_format;  ///< empty: as configured
};

class Program {
 public:
  Program();
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  GlobalFlags flags;

  /// Reads the configuration on first use, flags laid over it. Throws Error(config).
  const Config& config();
  /// Reads it anew, whatever was read before. Throws Error(config).
  Config read_config();
  /// The same with the database's password, read from its secret, in the URI: for connecting, never for showing.
  const Config& connecting_config();
  /// `config` with that password.
  Config with_secrets(Config config);
  /// Starts the log with the configured format and level. `before_line` and `after_line`: see TelemetryOptions.
  void start_log(std::function<void()> before_line = {}, std::function<void()> after_line = {});
  /// Telemetry and whoever was added; usable after start_log.
  Observers& observers() { return observers_; }
  Masker& masker() { return masker_; }
  Clock& clock() { return clock_; }

  /// Ends on the first signal. The first call starts to watch for signals; the log must have been started.
  std::stop_token stop();
  /// The same for a daemon, as the first call: SIGHUP calls `hangup` (on the thread of the signals) and does not stop,
  /// and SIGTERM is a good end. `late`: called when the stop deadline ends the process.
  std::stop_token stop_of_daemon(std::function<void()> hangup, std::function<void()> late);
  /// What was given to stop_of_daemon is not called from here on.
  void forget_daemon();
  /// The signal that ended us; 0 if none.
  int signal() const { return signals_ ? signals_->received() : 0; }

  /// A connection for a verb that reads, after its schema's version was checked.
  std::unique_ptr<pg::Connection> open_database();
  /// From here on lines below `level` ("debug", ...) are dropped.
  void set_log_level(const std::string& level);

  /// Standard output, masked.
  void print(std::string_view text) const;
  /// Standard error, masked: "surveysync: WHAT" and the hint.
  void complain(const Error& error) const;
  void complain(std::string_view text, std::string_view hint = {}) const;

  /// Standard output and standard error are terminals that understand colours.
  bool colours() const;
  /// Standard error is a terminal that understands cursor movements.
  bool live_terminal() const;

 private:
  SignalOptions signal_options();
  Masker masker_;
  SystemClock clock_;
  std::stop_source stop_;
  std::optional<Config> config_, connecting_;
  Observers observers_;
  std::unique_ptr<report::Telemetry> telemetry_;
  std::unique_ptr<SignalWatch> signals_;
};

/// Columns of the terminal on standard error; 80 when unknown.
std::size_t terminal_columns();
/// Writes all of `text` to a descriptor, as far as it takes it.
void write_text(int descriptor, std::string_view text);

}  // namespace surveysync::app
