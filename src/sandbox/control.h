#pragma once
// The control port: truth, log, statistics, faults, changes, key and clock, for tests and demonstrations. Plain HTTP on
// loopback. Thread-safe; everything it refers to outlives it.

#include <atomic>
#include <filesystem>
#include <stop_token>
#include <string>

#include "sandbox/account.h"
#include "sandbox/vendor.h"

namespace surveysync::sandbox {

/// A pair of 64 hexadecimal digits each, drawn from the seed; `generation` counts rotations.
KeyPair make_key(std::uint64_t seed, std::uint64_t generation);
/// Writes `pair` as two lines, 0600, replacing the file at once. Throws Error{config}.
void write_key(const std::filesystem::path& file, const KeyPair& pair);

class Control {
 public:
  Control(Account& account, Vendor& vendor, VendorClock& clock, std::filesystem::path key_file)
      : account_(account), vendor_(vendor), clock_(clock), key_file_(std::move(key_file)) {}

  /// Answers one request; false when the connection is to be closed.
  bool serve(Connection& connection, const HttpRequest& request, const std::stop_token& stop);
  bool live_paused() const { return paused_; }

 private:
  Reply act(const HttpRequest& request);
  Reply change(const std::string& body);
  Reply rotate(const std::string& body);
  Reply advance(const std::string& body);
  Reply log() const;
  Reply stats() const;
  void truth(Connection& connection, const std::string& table, const Query& query) const;

  Account& account_;
  Vendor& vendor_;
  VendorClock& clock_;
  std::filesystem::path key_file_;
  std::atomic<bool> paused_{false};
  std::atomic<std::uint64_t> rotations_{0};
};

}  // namespace surveysync::sandbox
