#pragma once
// What a run will ask for: which partitions are probed, read completely or left alone (product.md 4.1), and how many
// requests that takes. Pure.

#include <functional>
#include <string>
#include <vector>

#include "model/stream.h"
#include "sources/source.h"
#include "store/ledger.h"
#include "sync/run.h"

namespace surveysync::sync {

/// What is to be done with one partition of the vendor's list.
struct Task {
  model::Partition partition;
  std::string hint;         ///< digest of the list's entry
  bool definition = false;  ///< the uncertified streams are read at once, not only when the probe shows a change
  enum class Certified : std::uint8_t {
    skip,     ///< not due: it keeps its last certificate
    probe,    ///< one question; reads the changes if there are any
    complete  ///< read everything: never read before, ids are due for comparison, the last pass did not end, ...
  } certified = Certified::probe;
  std::string reason;                             ///< for people and tests: "dormant, due", "list entry changed", ...
  store::Standing standing;                       ///< of the certified stream, as it was before this run
  std::optional<store::PlannedPartition> probed;  ///< the probe was made by `plan`
  /// Set: the task is to read this stream, which is read whole or by name, and nothing else; `standing` is its own.
  const model::StreamSpec* list = nullptr;
  bool proven = false;      ///< of such a stream: it was read before, so a refusal means that something was lost
  bool if_changed = false;  ///< of such a stream: only in a run that finds something else changed
};

struct PlanInput {
  const Job& job;
  std::vector<model::Partition> listed;  ///< those that the job follows
  std::vector<store::PartitionState> states;
  std::string certified_stream, definition_stream;  ///< names; empty when not followed
  sources::Abilities abilities;                     ///< of the certified stream
  UtcTime now;
  bool everything = false;  ///< nothing is skipped or only probed: rows must be made anew
  /// Followed streams that are read whole, but those known to be refused.
  std::vector<std::reference_wrapper<const model::StreamSpec>> lists = {};
};
struct Plan {
  std::vector<Task> tasks;  ///< largest first; skipped ones are not in it
  std::vector<Task> lists;  ///< after those: of the account, then of its surveys
  std::int64_t skipped = 0;
  std::vector<std::string> vanished;  ///< stored partitions that are followed and that the list does not show
};
Plan make_plan(const PlanInput& input);
/// Digest of a partition's entry in the vendor's list.
std::string hint_of(const model::Partition& partition);

/// What `surveysync plan` prints: what the next run takes beyond what planning itself took.
struct Forecast {
  std::int64_t asked = 0;     ///< requests that planning made
  std::int64_t repeated = 0;  ///< of these, that the run makes again
  std::int64_t requests = 0;  ///< that the run will make
  std::int64_t rows = 0;      ///< records that it will read
  std::int64_t surveys = 0, changed = 0, complete = 0, skipped = 0, probes = 0;
};
/// Lists and probes under the source's lease, keeps the answers for the run that follows, and foretells the rest.
/// Throws what `run` throws.
Forecast forecast(const Job& job, sources::Source& source, const store::OpenSession& open_session, Observer& observer,
                  Clock& clock, const std::stop_token& stop);

}  // namespace surveysync::sync
