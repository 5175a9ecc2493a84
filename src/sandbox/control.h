#pragma once
// The control port: truth, log, statistics, faults, changes, script, key and clock, for tests and demonstrations. Plain
// HTTP on loopback. Thread-safe; everything it refers to outlives it.

#include <atomic>
#include <filesystem>
#include <stop_token>
#include <string>

#include "sandbox/account.h"
#include "sandbox/chunked_body.h"
#include "sandbox/inventory.h"
#include "sandbox/script.h"
#include "sandbox/truth.h"
#include "sandbox/vendor.h"

namespace surveysync::sandbox {

/// A pair of 64 hexadecimal digits each, drawn from the seed; `generation` counts rotations.
KeyPair make_key(std::uint64_t seed, std::uint64_t generation);
/// Writes `pair` as two lines, 0600, replacing the file at once. Throws Error{config}.
void write_key(const std::filesystem::path& file, const KeyPair& pair);

class Control {
 public:
  Control(Account& account, Inventory& inventory, Vendor& vendor, VendorClock& clock, Script& script,
          std::filesystem::path key_file)
      : account_(account),
        inventory_(inventory),
        vendor_(vendor),
        clock_(clock),
        script_(script),
        key_file_(std::move(key_file)) {}

  /// Answers one request; false when the connection is to be closed.
  bool serve(Connection& connection, const HttpRequest& request, const std::stop_token& stop);
  bool live_paused() const { return paused_; }

 private:
  Reply act(const HttpRequest& request);
  std::optional<Reply> act_on_script(const HttpRequest& request);
  Reply change(const std::string& body);
  Reply object(const std::string& body);
  static bool is_object_change(const Poco::JSON::Object& from);
  ObjectChange read_object_change(const Poco::JSON::Object& from) const;
  Done change_object(ObjectChange change, Seconds now);
  Reply prepare(const std::string& body);
  Reply between(const std::string& body);
  Reply chaos(const std::string& body);
  Reply chaos_progress() const;
  Reply changes() const;
  Reply rotate(const std::string& body);
  Reply advance(const std::string& body);
  Reply log() const;
  Reply stats() const;
  static bool is_table(std::string_view name);
  void truth(Connection& connection, const std::string& table, const Query& query) const;
  void truth_of_definition(std::string& out, const std::string& table, std::int64_t survey, Seconds now) const;
  void truth_of_rows(ChunkedBody& body, const std::string& table, std::int64_t survey, Privacy privacy) const;
  void truth_of_kind(ChunkedBody& body, const KindInfo& kind, const Path& parents) const;

  Account& account_;
  Inventory& inventory_;
  Vendor& vendor_;
  VendorClock& clock_;
  Script& script_;
  std::filesystem::path key_file_;
  std::atomic<bool> paused_{false};
  std::atomic<std::uint64_t> rotations_{0}, object_changes_{0};
};

Reply json_reply(std::string body, int status = 200);

}  // namespace surveysync::sandbox
