#include "sync/certificate.h"

#include <fmt/format.h>

namespace surveysync::sync {

store::Certificate make_certificate(const WalkTotals& totals, const store::Ledger::Holdings& holdings,
                                    const Scope& scope, UtcTime as_of) {
  store::Certificate certificate;
  certificate.run_id = scope.run_id;
  certificate.source = scope.source;
  certificate.stream = scope.stream;
  certificate.partition = scope.partition;
  certificate.as_of = as_of;
  certificate.total_before = totals.before;
  certificate.total_after = totals.after;
  certificate.fetched = totals.fetched;
  certificate.tombstoned = totals.tombstoned;
  certificate.stored_live = holdings.stored_live;
  certificate.quarantined = holdings.quarantined;
  certificate.excluded = holdings.excluded;
  certificate.in_flight = holdings.in_flight;
  certificate.balanced = totals.steady && totals.proven && totals.before == totals.after &&
                         totals.after == holdings.stored_live + holdings.quarantined + holdings.excluded;
  return certificate;
}

std::string describe_imbalance(const store::Certificate& c) {
  const std::int64_t held = c.stored_live + c.quarantined + c.excluded;
  std::string text = fmt::format("vendor counts {} records, database holds {} ({} stored, {} quarantined, {} excluded)",
                                 c.total_after, held, c.stored_live, c.quarantined, c.excluded);
  if (c.total_before != c.total_after)
    text += fmt::format("; the vendor's count moved from {} while it was read", c.total_before);
  if (held < c.total_after)
    text += fmt::format("; {} that the vendor counts were not in its lists", c.total_after - held);
  if (held > c.total_after) text += fmt::format("; {} stored that the vendor no longer counts", held - c.total_after);
  if (held == c.total_after && c.total_before == c.total_after)
    text += "; the records changed all the while they were read, so equal counts prove nothing";
  return text;
}

}  // namespace surveysync::sync
