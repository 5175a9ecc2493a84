#pragma once
// The end of a run for those who read tables: each survey's wide table is brought to where its responses and
// definitions stand, incrementally where its columns stayed the same. Nothing here ends or fails a run: what cannot be
// brought up to date is told as an event and tried again by the next run. Under the source's lease, after all other
// writing of the run. Never throws.

#include <set>
#include <string>
#include <vector>

#include "base/event.h"
#include "sources/source.h"
#include "store/session.h"

namespace surveysync::sync {

/// The run that brings wide tables up to date.
struct WideRun {
  sources::Source& source;
  const store::OpenSession& open;
  const store::Fence& fence;
  Scope scope;  ///< source and run
  Observer& observer;
  Clock& clock;
  std::stop_token stop;
  int workers = 1;
};

/// What became of one wide table.
struct WideOutcome {
  std::string partition, table;
  std::int64_t rows = 0;
  bool rebuilt = false;
  std::string error;  ///< empty: up to date
};

/// Brings those up to date that are due; a crash between a run and this is made good by the next one.
std::vector<WideOutcome> update_wide(const WideRun& run);
/// Makes the tables anew, of these partitions or (empty) of all that have definitions.
std::vector<WideOutcome> rebuild_wide(const WideRun& run, const std::set<std::string>& partitions);

}  // namespace surveysync::sync
