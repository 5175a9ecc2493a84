// The words for what a run is and how it ended.
#include "sync/run.h"

namespace surveysync::sync {

bool is_narrowed(const Job& job) {
  return !job.only.empty() || !job.responses.empty() || job.from || job.until || job.kind == RunKind::backfill;
}

std::string_view name_of(RunKind kind) {
  switch (kind) {
    case RunKind::incremental:
      return "incremental";
    case RunKind::resync:
      return "resync";
    case RunKind::backfill:
      return "backfill";
  }
  return "incremental";
}

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::succeeded:
      return "succeeded";
    case Outcome::partial:
      return "partial";
    case Outcome::failed:
      return "failed";
    case Outcome::cancelled:
      return "cancelled";
  }
  return "failed";
}

}  // namespace surveysync::sync
