#pragma once
// A complete pass over one partition, from its newest end backwards, so that a record deleted while we read moves the
// others only toward what is still unread (sources/numbered_pages.h). A very large partition is divided: a spare worker
// takes the lower half of what is unread. Every page is committed with the pass's state, so another run can go on with
// it. Owned by one walk and used on its thread; helpers it starts end before read() returns. Throws Error for what
// fails the partition.

#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "sync/hands.h"
#include "sync/reader.h"
#include "sync/tally.h"

namespace surveysync::sync {

/// One stretch of the pass, walked by one worker.
struct PassSegment {
  std::string position;  ///< of the source; kSegmentDone when nothing is left
  PassTally tally;
  std::int64_t last_total = -1;  ///< the vendor's count with its last page
  std::int64_t downs = 0;        ///< by how much that count fell from page to page
  bool dividing = false;         ///< a helper is on its way to the lower half; not kept
};
inline constexpr std::string_view kSegmentDone = "done";

/// What of a pass survives a restart: the checkpoint's position.
struct PassState {
  UtcTime started{};               ///< by the database's clock, which also stamps the rows
  UtcTime signpost{};              ///< by the vendor's clock
  std::int64_t total_before = -1;  ///< the vendor's count at its beginning; -1: not known yet
  std::int64_t pages = 0;          ///< stored: tells two checkpoints with the same positions apart
  bool sweeping = false;           ///< something was stored before: what is met is remembered
  std::string newest;              ///< the newest change at its beginning
  std::optional<UtcTime> newest_at;
  std::vector<PassSegment> segments;

  bool all_read() const;
  std::int64_t fetched() const;
  std::int64_t downs() const;
  std::int64_t highest_total() const;
  /// Empty when it cannot be resumed.
  std::string text() const;
  static std::optional<PassState> parse(std::string_view text);
};

class CompletePass {
 public:
  CompletePass(const WalkContext& context, PartitionReader& reader, Hands& hands);

  /// Goes on with an unfinished pass.
  void resume(PassState state) {
    state_ = std::move(state);
    resumed_ = true;
  }
  /// Starts from the newest end. `state`: started, signpost, sweeping.
  void begin(PassState state);
  /// Reads what is unread. Afterwards state().all_read().
  void read();
  const PassState& state() const { return state_; }
  /// One answer held all there is: nothing can have moved while it was read.
  bool in_one_answer() const { return whole_ && state_.pages == 1; }
  /// What was read of it was read elsewhere in part.
  bool resumed() const { return resumed_; }
  /// The newest change met.
  const std::string& newest() const { return newest_; }

 private:
  void walk(std::size_t segment, PartitionReader& reader);
  static std::string with_end_of(const PassSegment& segment, std::string next);
  bool advance(std::size_t segment, model::Page page, PartitionReader& reader);
  void divide(std::size_t segment, int page_size);
  void help(std::size_t upper, const std::string& lower_position, int page_size);
  void take_lower_half(std::size_t upper, const std::string& lower_position, PartitionReader& reader);
  void join_helpers();
  void begin_remembering();

  const WalkContext& context_;
  PartitionReader& reader_;
  Hands& hands_;
  std::mutex mutex_;  // guards all below while helpers run
  PassState state_;
  std::string newest_;
  bool lost_order_ = false, may_divide_ = true, resumed_ = false, whole_ = false;
  std::exception_ptr failure_;
  Counts helped_;  // what helpers read and stored
  std::set<model::Hash> helpers_met_excluded_;
  std::vector<std::jthread> helpers_;
};

}  // namespace surveysync::sync
