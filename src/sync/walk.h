#pragma once
// One partition of one stream, from its first page to its certificate: a complete pass from the newest end backwards,
// so that a record deleted while we read moves the others only toward what is still unread; then looks at the newest
// end until nothing new shows; then the certificate. Resumes from the checkpoint. One worker's thread. Throws Error for
// what fails the partition.

#include "base/event.h"
#include "sources/source.h"
#include "store/ledger.h"
#include "sync/page_sizer.h"
#include "sync/run.h"
#include "sync/store_door.h"
#include "sync/tally.h"

namespace surveysync::sync {

/// What stays the same for every partition of a run.
struct WalkContext {
  const Job& job;
  sources::Source& source;
  store::Fence fence;
  std::int64_t run_id;
  bool decode_again;  ///< what decoding depends on has changed since the rows were made
  Observer& observer;
  Clock& clock;
  std::stop_token stop;
};

class PartitionWalk {
 public:
  PartitionWalk(const WalkContext& context, StoreDoor& door, const model::StreamSpec& stream,
                const model::Partition& partition, const model::Decode& decode);
  /// Walks it; the certificate, of certified streams.
  std::optional<store::Certificate> run();
  /// Rows and requests so far: also after run() threw.
  const Counts& counts() const { return counts_; }

 private:
  /// The state of the unfinished pass, kept in the checkpoint's position.
  struct Pass {
    UtcTime started{};
    std::int64_t total_before = -1;  // -1: not known yet
    PassTally tally;
    std::string source_position;
    std::int64_t pages = 0;  // stored: tells two checkpoints with the same position apart
    std::string text() const;
    static std::optional<Pass> parse(std::string_view text);
  };

  void begin_or_resume();
  void begin_anew(PassTally tally);
  bool is_busy();
  void read_to_the_beginning();
  void watch_the_newest_end();
  store::Certificate certify();
  void close_pass();

  model::Page fetch(const std::string& position);
  model::Page fetch_in_some_size(const std::string& position, const Deadline& deadline);
  Counts store_page(const model::Page& page, const std::string& position_after);
  Scope scope() const;

  const WalkContext& context_;
  StoreDoor& door_;
  const model::StreamSpec& stream_;
  const model::Partition& partition_;
  const model::Decode& decode_;
  PageSizer sizer_;
  /// Records less a page than the sizer says: asks the same again by other URLs, so that the vendor's cache does not
  /// answer.
  int other_pages_ = 0;
  Pass pass_;
  std::string bookmark_;
  std::int64_t total_after_ = 0;
  bool steady_ = false;
  Counts counts_;
};

}  // namespace surveysync::sync
