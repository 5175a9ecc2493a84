#pragma once
// The end of every run in the ledger, also of one that was stopped: its row, its lease, and the event. On the lane's
// thread. Never throws.

#include <memory>

#include "base/event.h"
#include "store/session.h"
#include "sync/run.h"

namespace surveysync::sync {

/// What is left of a run when its work is over.
struct EndedRun {
  const store::OpenSession& open;
  std::unique_ptr<store::Session>& lane;  ///< may be lost, or null: then another is opened
  const store::Fence& fence;
  Scope scope;
  Observer& observer;
  bool in_ledger = true;   ///< false: a rehearsal, which has no row
  bool certified = false;  ///< see Ledger::finish_run
};

/// Writes the outcome and gives the lease up; once more on a fresh connection if the idle one was lost.
void close_run(const EndedRun& run, const RunReport& report);

}  // namespace surveysync::sync
