#pragma once
// The account's request budget, shared through surveysync.rate_budget: GCRA over all processes of all hosts. One
// statement a slot on a connection of its own; the row outlives every process, so a restart begins no window anew.
// Thread-safe. No session state and no locks beyond the row's: passes PgBouncer in transaction mode.

#include <memory>
#include <string>

#include "base/budget.h"
#include "base/event.h"
#include "pg/connection.h"

namespace surveysync::store {

class SharedBudget final : public Budget {
 public:
  /// Connects when first asked. `account`: what shares the budget ("alchemer/us"). `observer`: hears once when the
  /// database is away; may be null.
  SharedBudget(pg::ConnectOptions options, std::string account, Clock& clock, Observer* observer = nullptr);
  ~SharedBudget() override;

  /// A lost connection is opened again, for at most kOutage; then Error(unavailable).
  std::optional<Duration> take(Duration interval, Duration longest, const std::stop_token& stop) override;
  /// Waits no longer than the budget's last asker would: it ends with that one's stop.
  void rest(Duration time) noexcept override;

  static constexpr Duration kOutage = std::chrono::seconds(60);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace surveysync::store
