#pragma once
// What people were told about: surveysync.incident. Each key is open at most once, whichever process finds it. One
// connection, one thread. Throws what pg throws.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pg/connection.h"

namespace surveysync::store {

struct Incident {
  std::int64_t incident_id = 0;
  std::string key, rule, source, severity, verdict, evidence, next_step;
  UtcTime opened_at{};
  std::optional<UtcTime> notified_at, resolved_at;
};

class Incidents {
 public:
  explicit Incidents(pg::Connection& connection) : connection_(connection) {}

  /// Opens it, by the database's clock, or brings verdict, evidence and next step of the open one up to date. `opened`:
  /// it was not open before.
  struct Opened {
    std::int64_t incident_id;
    bool opened;
    bool notified = false;  ///< somebody has told it
  };
  Opened open(const Incident& incident);
  /// Closes the open incident of this key; it with resolved_at, nothing when none was open. One caller only gets it.
  std::optional<Incident> resolve(const std::string& key);
  std::vector<Incident> open_ones();
  void note_notified(std::int64_t incident_id);
  /// Asks the database anything: whether it answers.
  void check();
  /// Makes an open one critical.
  void raise(const std::string& key);
  /// Those whose finder died before it told anybody, as far as one knows after a minute. Each caller gets others.
  std::vector<Incident> claim_untold();
  /// Those that were told so long ago that they are to be told again, by severity. Each caller gets others.
  std::vector<Incident> claim_repeats(Duration critical, Duration warning);

 private:
  std::vector<Incident> claimed(const char* update, const std::vector<pg::Param>& params);
  pg::Connection& connection_;
};

}  // namespace surveysync::store
