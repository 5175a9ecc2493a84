#pragma once
// What comes before a run carries pages: the vendor's list (or the plan made a moment ago), what the account supports
// and how its clocks run, and from both the tasks. On the lane's thread, under the source's lease. Throws
// what the source and the database throw, and Error(config) when nothing that was named exists.

#include "sources/source.h"
#include "sync/plan.h"
#include "sync/store_door.h"

namespace surveysync::sync {

/// Values of a source are hashed by one key for ever: throws Error(config) when the job's is another one. Notes it with
/// the first run, under the fence where there is one.
void check_privacy_key(const Job& job, store::Ledger& ledger, const store::Fence* fence, Clock& clock);

/// Where preparing happens.
struct Lane {
  const Job& job;
  sources::Source& source;
  StoreDoor& door;  ///< the vendor may take its time between two looks at the database
  const store::Fence& fence;
  Scope scope;
  Observer& observer;
  Clock& clock;
  std::stop_token stop;
};

struct Prepared {
  Plan plan;
  std::vector<model::Partition> listed;   ///< that the job follows
  std::vector<PartitionFailure> missing;  ///< named, but neither in the list nor stored
  bool decode_again = false;              ///< rows were made with other knowledge (zones): they are made anew
};

/// `take_plan`: use the plan that `surveysync plan` left, if it is fresh, instead of asking again.
Prepared prepare(const Lane& lane, bool take_plan);

/// From here on stored rows count as made with what the source knows now.
void save_decoding(const Lane& lane);

/// Streams that the job follows.
std::vector<std::reference_wrapper<const model::StreamSpec>> followed_streams(const Job& job,
                                                                              const sources::Source& source);
/// Under which name it is noted that the vendor refuses the account's key a stream, and as what.
std::string refused_capability(const model::StreamSpec& stream);
inline constexpr std::string_view kRefusedStream = "refused";
/// The followed stream of definitions, which are read when they changed; null when there is none.
const model::StreamSpec* definition_stream(const Job& job, const sources::Source& source);
/// The followed stream that is certified and read by date of change; null when there is none.
const model::StreamSpec* certified_stream(const Job& job, const sources::Source& source);

}  // namespace surveysync::sync
