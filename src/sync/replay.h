#pragma once
// Makes rows again from the stored payloads, without the vendor: `surveysync replay`, and `quarantine retry`. Works
// under the source's lease, as a run of its own in the ledger.

#include <string>
#include <vector>

#include "sync/run.h"

namespace surveysync::sync {

/// Rebuilds the tables of all streams of the job's partitions (empty `only`: all that are stored) from payloads and
/// from surveysync.definition_history. Rows come out equal in all columns but run_id, first_seen_at and changed_at;
/// rows that are equal already are left alone. Bounded memory: pages of a few hundred records.
RunReport replay(const Job& job, sources::Source& source, const store::OpenSession& open_session, Observer& observer,
                 Clock& clock, const std::stop_token& stop);

/// Makes wide tables anew: those of the job's partitions, or of all that have definitions. Failures name the tables
/// that could not be.
RunReport rebuild_views(const Job& job, sources::Source& source, const store::OpenSession& open_session,
                        Observer& observer, Clock& clock, const std::stop_token& stop);

/// Decodes and stores quarantined records of the source again (`ids` empty: all). What still cannot be stored stays,
/// with retried_at. Counts: inserted/updated, and quarantined for those that stay.
RunReport retry_quarantined(const Job& job, const std::vector<std::int64_t>& ids, sources::Source& source,
                            const store::OpenSession& open_session, Observer& observer, Clock& clock,
                            const std::stop_token& stop);

}  // namespace surveysync::sync
