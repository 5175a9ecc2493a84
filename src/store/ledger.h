#pragma once
// What ran, how it ended, where each stream stands, and what its certificate says. Used by the run and the writer; all
// changes check the fence. One Ledger per connection, one thread. Throws what pg throws, and Error(locked) from the
// fence.

#include <optional>
#include <string>
#include <vector>

#include "base/event.h"
#include "model/stream.h"
#include "pg/connection.h"
#include "store/lease.h"

namespace surveysync::store {

/// surveysync.certificate, one row.
struct Certificate {
  std::int64_t run_id = 0;
  std::string source, partition;  ///< partition: the survey's id
  UtcTime as_of{};
  std::int64_t total_before = 0, total_after = 0;  ///< the vendor's
  std::int64_t fetched = 0, stored_live = 0, tombstoned = 0, quarantined = 0, excluded = 0, in_flight = 0;
  bool balanced = false;
};

class Ledger {
 public:
  explicit Ledger(pg::Connection& connection) : connection_(connection) {}

  /// Closes runs of the source that were open when their process died (outcome failed), returns their ids.
  std::vector<std::int64_t> close_abandoned(const Fence& fence);
  /// Opens a run row (outcome null); its id.
  std::int64_t open_run(const Fence& fence, const std::string& kind);
  /// outcome: succeeded | partial | failed | cancelled.
  void finish_run(const Fence& fence, std::int64_t run_id, const std::string& outcome, const Counts& counts,
                  const std::string& error);
  /// The outcome of one partition; row counts were added by the writer page by page, requests are set here.
  void finish_partition(const Fence& fence, std::int64_t run_id, const std::string& stream,
                        const std::string& partition, const std::string& outcome, std::int64_t requests,
                        const std::string& error);

  std::optional<model::Checkpoint> checkpoint(const std::string& source, const std::string& stream,
                                              const std::string& partition);

  /// The newest changes at the vendor that were met, by the stream's version column: in one partition, and in all of
  /// the source's; and the database's clock.
  struct Newest {
    std::optional<UtcTime> partition, source;
    UtcTime now{};
  };
  Newest newest_changes(const std::string& source, const std::string& stream, const std::string& partition);

  std::vector<model::Capability> capabilities(const std::string& source);
  void save_capabilities(const Fence& fence, const std::vector<model::Capability>& capabilities);

  /// Live rows of the stream's first table in a partition, and its quarantined records that have no stored row, counted
  /// now in one statement's snapshot.
  struct Holdings {
    std::int64_t stored_live = 0, quarantined = 0, excluded = 0, in_flight = 0;
  };
  Holdings holdings(const std::string& source, const model::StreamSpec& stream, const std::string& partition,
                    UtcTime as_of);
  /// Forgets quarantined records of the partition that a complete pass (begun at `pass_started`) did not meet again.
  void forget_unseen_quarantine(const Fence& fence, const std::string& stream, const std::string& partition,
                                UtcTime pass_started);

  void save_certificate(const Fence& fence, const Certificate& certificate);
  /// The database's clock.
  UtcTime now();

 private:
  pg::Connection& connection_;
};

}  // namespace surveysync::store
