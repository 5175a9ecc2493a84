#pragma once
// The control port: truth, log, statistics, faults, changes, script, key and clock, for tests and demonstrations. Plain
// HTTP on loopback. Thread-safe; everything it refers to outlives it.

#include <atomic>
#include <filesystem>
#include <stop_token>
#include <string>

#include "sandbox/personality.h"
#include "sandbox/script.h"
#include "sandbox/vendor_clock.h"

namespace surveysync::sandbox {

/// Writes a key, 0600, replacing the file at once. Throws Error{config}.
void write_key(const std::filesystem::path& file, const std::string& text);

class Control {
 public:
  Control(Personality& vendor, VendorClock& clock, Script& script, std::filesystem::path key_file)
      : vendor_(vendor), clock_(clock), script_(script), key_file_(std::move(key_file)) {}

  /// Answers one request; false when the connection is to be closed.
  bool serve(Connection& connection, const HttpRequest& request, const std::stop_token& stop);
  bool live_paused() const { return paused_; }

 private:
  Reply act(const HttpRequest& request);
  std::optional<Reply> act_on_script(const HttpRequest& request);
  Reply change(const std::string& body);
  Reply object(const std::string& body);
  Reply between(const std::string& body);
  Reply chaos(const std::string& body);
  Reply chaos_progress() const;
  Reply changes() const;
  Reply change_key(const std::string& body);
  Reply advance(const std::string& body);
  Reply log() const;
  Reply stats() const;

  Personality& vendor_;
  VendorClock& clock_;
  Script& script_;
  std::filesystem::path key_file_;
  std::atomic<bool> paused_{false};
};

}  // namespace surveysync::sandbox
