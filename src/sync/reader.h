#pragma once
// One worker's way through one partition: fetches pages in a size that adapts, and stores each with the checkpoint in
// one transaction. One thread; a helper thread has a reader of its own. Throws Error for what fails the partition.

#include "base/event.h"
#include "sources/source.h"
#include "store/ledger.h"
#include "sync/page_sizer.h"
#include "sync/run.h"
#include "sync/store_door.h"

namespace surveysync::sync {

/// What stays the same for every partition of a run.
struct WalkContext {
  const Job& job;
  sources::Source& source;
  const store::OpenSession& open;
  store::Fence fence;
  std::int64_t run_id;
  bool decode_again;  ///< what decoding depends on has changed since the rows were made
  Observer& observer;
  Clock& clock;
  std::stop_token stop;
};

/// What a reader reads.
struct ReadTarget {
  const model::StreamSpec& stream;
  const model::Partition& partition;
  const model::Decode& decode;
  const store::Exclusions& excluded;  ///< Ledger::exclusions
};

class PartitionReader {
 public:
  /// `page_size`: learned earlier, 0 when not. References outlive the reader.
  PartitionReader(const WalkContext& context, StoreDoor& door, const ReadTarget& target, int page_size);
  void use_page_size(int learned) { sizer_ = PageSizer(context_.job.page_sizes, learned); }

  /// One page. A smaller one when the vendor fails under its weight; once more when it had null entries or made no
  /// sense. Gives up within Job::retry_budget.
  model::Page fetch(const std::string& position);
  /// Stores the page with the given position of the unfinished pass. `sight`: its keys are remembered for the sweep.
  Counts store(const model::Page& page, const std::string& position_after, bool sight);
  /// From here on the same questions are asked by other URLs, so that the vendor's cache does not answer.
  void ask_otherwise() { ++other_pages_; }

  StoreDoor& door() { return door_; }
  const ReadTarget& target() const { return target_; }
  int page_size() const { return sizer_.size(); }
  /// Written with each page.
  std::string bookmark;
  /// Rows and requests so far.
  Counts counts;
  /// Why records lack what the vendor shows of them alone (Page::incomplete), as told last.
  std::string incomplete;
  /// Those of ReadTarget::excluded that the vendor showed.
  std::set<model::Hash> met_excluded;
  Scope scope() const;

 private:
  void note_excluded(const model::Page& page);
  model::Page fetch_in_some_size(const std::string& position, const Deadline& deadline);

  const WalkContext& context_;
  StoreDoor& door_;
  const ReadTarget target_;
  PageSizer sizer_;
  int other_pages_ = 0;
};

}  // namespace surveysync::sync
