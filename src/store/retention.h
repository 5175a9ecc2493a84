#pragma once
// Forgets what is older than [retention] says, in short transactions. What is needed stays, however old: of each
// partition the newest certificate, the newest balanced one, the last attempt and the last success, the runs that these
// belong to, and of each source and kind the newest successful run. A quarantined record stays too while the vendor
// sends it, since certificates count it; only its bytes go. `run_id` of rows may name a run that is forgotten. One
// connection, one thread; safe beside everything else, other processes included. Throws what pg throws.

#include <cstdint>
#include <string>

#include "base/time.h"
#include "pg/connection.h"

namespace surveysync::store {

struct RetentionLimits {
  Duration runs, quarantine;  ///< older ones go
};

/// How many rows went.
struct Forgotten {
  std::int64_t runs = 0, streams = 0, certificates = 0, requests = 0, quarantined_bytes = 0;
  bool operator==(const Forgotten&) const = default;
};
/// "12 runs, 340 of their streams, 12 requests"; empty for none.
std::string words_of(const Forgotten& forgotten);

/// Runs looked at in one transaction, and requests or records changed in one.
inline constexpr std::int64_t kRetentionSlice = 200;

class Retention {
 public:
  explicit Retention(pg::Connection& connection) : connection_(connection) {}

  /// Forgets what `source` has too much, in at most so many slices of each kind. Ends between two of them on the
  /// connection's stop; what is left is found the next time.
  Forgotten carry_out(const std::string& source, const RetentionLimits& limits, int slices);

 private:
  std::int64_t forget_runs_after(const std::string& source, std::int64_t after, const RetentionLimits& limits,
                                 Forgotten& forgotten);

  pg::Connection& connection_;
};

}  // namespace surveysync::store
