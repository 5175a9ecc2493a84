#pragma once
// What the vendor has against what the database has: the equation of product.md section 4.5. Pure.

#include "store/ledger.h"

namespace surveysync::sync {

/// What a pass learned from the vendor.
struct PassTotals {
  std::int64_t before = 0, after = 0;  ///< the vendor's counts
  std::int64_t fetched = 0;            ///< different records met in this pass
  bool steady = false;                 ///< the last look at the newest end showed nothing new
};

/// Balanced when total_before = total_after = stored_live + quarantined + excluded, the last look was steady, and this
/// complete pass met at least as many records as the vendor counts: stored rows that the vendor no longer has must not
/// stand in for records that were never read.
store::Certificate make_certificate(const PassTotals& totals, const store::Ledger::Holdings& holdings,
                                    std::int64_t run_id, const std::string& source, const std::string& partition,
                                    UtcTime as_of);
/// For people: "vendor counts 1000 records, 998 stored + 1 quarantined; 2 records that the vendor counts were not in
/// its lists".
std::string describe_imbalance(const store::Certificate& certificate);

}  // namespace surveysync::sync
