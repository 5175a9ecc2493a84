#pragma once
// How fresh a source is, and how much came with each run: what the daemon watches by its clock. Read only. One
// connection, one thread. Throws what pg throws.

#include <optional>
#include <string>
#include <vector>

#include "pg/connection.h"

namespace surveysync::store {

struct Freshness {
  std::optional<UtcTime> last_certified;  ///< end of the last run of the whole source that was certified
  std::optional<UtcTime> first_attempt, last_attempt;
  std::string last_outcome, last_error;  ///< of the newest run; outcome empty while it runs
  UtcTime now{};                         ///< the database's clock
};
Freshness freshness(pg::Connection& connection, const std::string& source);

/// Whether the newest certificate of each survey and list balances.
bool all_balanced(pg::Connection& connection, const std::string& source);

/// What one run stored anew in the streams that are certified (responses).
struct Intake {
  UtcTime finished_at{};
  std::int64_t records = 0;
};
/// Of all ended runs that asked the vendor, since `since`, oldest first.
std::vector<Intake> intakes(pg::Connection& connection, const std::string& source, UtcTime since);

}  // namespace surveysync::store
