#pragma once
// What the vendor has against what the database has: the equation of product.md section 4.5. Pure.

#include "store/ledger.h"

namespace surveysync::sync {

/// What a walk learned from the vendor.
struct WalkTotals {
  std::int64_t before = 0, after = 0;  ///< the vendor's counts
  std::int64_t fetched = 0;            ///< records met in this walk
  std::int64_t tombstoned = 0;         ///< marked deleted in this walk
  bool steady = false;                 ///< the last look showed nothing new
  bool proven = true;                  ///< no stored row can stand in for one that was never read
};

/// Balanced when total_before = total_after = stored_live + quarantined + excluded, the last look was steady, and
/// nothing hides behind equal counts.
store::Certificate make_certificate(const WalkTotals& totals, const store::Ledger::Holdings& holdings,
                                    const Scope& scope, UtcTime as_of);
/// For people: "vendor counts 1000 records, 998 stored + 1 quarantined; 2 records that the vendor counts were not in
/// its lists".
std::string describe_imbalance(const store::Certificate& certificate);

}  // namespace surveysync::sync
