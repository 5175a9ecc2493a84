#pragma once
// What the status page asks beyond history: rows a day, the accounts' budgets. Read only. One connection, one thread.
// Throws what pg throws.

#include <optional>
#include <string>
#include <vector>

#include "pg/connection.h"

namespace surveysync::store {

/// Rows that runs stored on one day, UTC, by when the run began.
struct DayRow {
  std::string day;  ///< "2026-11-22"
  std::int64_t inserted = 0, updated = 0;
};
/// A row of surveysync.rate_budget.
struct BudgetRow {
  std::string account;
  UtcTime next_free_at{};  ///< slots are given away until then; in the past: none is waited for
  std::optional<UtcTime> rest_until;
};

class Overview {
 public:
  explicit Overview(pg::Connection& connection) : connection_(connection) {}

  UtcTime now();
  /// Today and the days before it, oldest first, without gaps. Runs that replay or retry what is here do not count.
  std::vector<DayRow> days(int count);
  std::vector<BudgetRow> budgets();

 private:
  pg::Connection& connection_;
};

}  // namespace surveysync::store
