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
#include "store/exclusions.h"
#include "store/lease.h"

namespace surveysync::store {

/// surveysync.certificate, one row.
struct Certificate {
  std::int64_t run_id = 0;
  std::string source, partition;  ///< partition: the survey's id; empty: all of the stream
  UtcTime as_of{};
  std::int64_t total_before = 0, total_after = 0;  ///< the vendor's
  std::int64_t fetched = 0, stored_live = 0, tombstoned = 0, quarantined = 0, excluded = 0, in_flight = 0;
  bool balanced = false;
  std::string stream = {};
};

/// What was known of a partition when it was last looked at to the end; decides whether the next run must read it.
struct Standing {
  std::int64_t total = -1;  ///< the vendor's count; -1: never
  std::string newest = {};  ///< newest change as the vendor writes it (Page::newest)
  std::optional<UtcTime> newest_at = std::nullopt;
  std::string hint = {};                               ///< digest of the list's entry
  std::optional<std::int64_t> removed = std::nullopt;  ///< Partition::removed at that time
  std::int64_t tombstoned = 0;                         ///< marked by us since `removed` was noted
  bool settled = false;                                ///< nothing can have come later with an earlier date
  bool balanced = false;  ///< the last certificate balanced (uncertified streams: the last walk succeeded)
  std::optional<UtcTime> probed_at = std::nullopt, swept_at = std::nullopt;
};

/// One row of surveysync.checkpoint.
struct PartitionState {
  std::string stream, partition, title, bookmark;
  bool open_pass = false;  ///< a pass is unfinished
  int page_size = 0;
  Standing standing;
};

/// What `surveysync plan` learned of one partition, for the run that follows at once.
struct PlannedPartition {
  model::Partition partition;
  std::int64_t total = -1;  ///< -1: not probed
  std::string newest = {};
  std::optional<UtcTime> newest_at = std::nullopt;
  UtcTime planned_at = {};  ///< by the database's clock, once it is read back
};

/// The capability that names the privacy key by which values of a source are hashed.
inline constexpr std::string_view kPrivacyKey = "privacy_key";

class Ledger {
 public:
  /// `digest`: the privacy key, asked for when something was erased by it.
  explicit Ledger(pg::Connection& connection, DigestSource digest = {})
      : connection_(connection), digest_(std::move(digest)) {}

  /// Closes runs of the source that were open when their process died (outcome failed), returns their ids.
  std::vector<std::int64_t> close_abandoned(const Fence& fence);
  /// Opens a run row (outcome null); its id.
  std::int64_t open_run(const Fence& fence, const std::string& kind, bool narrowed = false);
  /// outcome: succeeded | partial | failed | cancelled.
  /// `certified`: all that was looked at balanced; then also `NOTIFY surveysync` with "SOURCE RUN_ID" in the same
  /// transaction.
  void finish_run(const Fence& fence, std::int64_t run_id, const std::string& outcome, const Counts& counts,
                  const std::string& error, bool certified = false);
  /// The outcome of one partition; row counts were added by the writer page by page, requests are set here, and what
  /// was quarantined on several pages counts once.
  void finish_partition(const Fence& fence, std::int64_t run_id, const std::string& stream,
                        const std::string& partition, const std::string& outcome, std::int64_t requests,
                        const std::string& error);

  /// How many records of the partition the run put, or found again, in quarantine: each once, however often it was
  /// read.
  std::int64_t quarantined_by(std::int64_t run_id, const std::string& source, const std::string& stream,
                              const std::string& partition);

  /// Where each partition of the source stands, also those that the vendor's list does not show any more.
  std::vector<PartitionState> states(const std::string& source);
  /// Overwrites the standing; makes the row if there is none.
  void save_standing(const Fence& fence, const std::string& stream, const std::string& partition,
                     const Standing& standing);
  /// Closes the pass: bookmark as given, no position; and the standing. Sightings of the partition are forgotten.
  void close_pass(const Fence& fence, const model::Checkpoint& checkpoint, const Standing& standing);

  /// Empties the sightings of a partition: a new pass begins. WriteTarget::sight makes the writer add to them.
  void forget_sightings(const Fence& fence, const std::string& stream, const std::string& partition);
  /// Live rows of the stream's first table that were stored and last changed before `since` and that no sighting names;
  /// with `from`/`until` only those whose version lies in [from, until).
  struct UnseenQuestion {
    const model::StreamSpec& stream;
    std::string partition;
    UtcTime since;
    std::optional<UtcTime> from, until;
  };
  std::int64_t count_unseen(const std::string& source, const UnseenQuestion& question);
  /// At most `limit` of them: the lowest keys, or a random sample.
  std::vector<model::Key> unseen(const std::string& source, const UnseenQuestion& question, std::size_t limit,
                                 bool random_sample);
  /// Sets deleted_at, changed_at and run_id of live rows of the stream's first table; adds to the run's tombstoned
  /// counter of this partition. How many it marked.
  std::int64_t mark_deleted(const Fence& fence, std::int64_t run_id, const model::StreamSpec& stream,
                            const std::string& partition, const std::vector<model::Key>& keys);
  /// The same for all that are unseen.
  std::int64_t mark_unseen_deleted(const Fence& fence, std::int64_t run_id, const UnseenQuestion& question);
  /// The same for all live rows of all main tables of the stream in the partition (a survey was deleted).
  std::int64_t mark_partition_deleted(const Fence& fence, std::int64_t run_id, const model::StreamSpec& stream,
                                      const std::string& partition);

  /// Records of the partition that are kept out by erasure or `quarantine drop`. Throws Error(config) where something
  /// was erased and this host has not the privacy key by which it is known.
  Exclusions exclusions(const std::string& source, const std::string& stream, const std::string& partition);
  /// The vendor showed these erased records (Exclusions::shown): they count as excluded from now on.
  void note_shown(const Fence& fence, const std::string& stream, const std::string& partition,
                  const std::vector<model::Hash>& shown);
  /// Throws Error(config) when values of the source were hashed, or persons erased, by another privacy key than the one
  /// with this fingerprint.
  void require_privacy_key(const std::string& source, const std::string& fingerprint);

  /// Replaces the source's plan.
  void save_plan(const Fence& fence, const std::vector<PlannedPartition>& plan);
  /// Takes the plan away and returns it, if it is not older than `max_age`.
  std::optional<std::vector<PlannedPartition>> take_plan(const Fence& fence, Duration max_age);

  /// Certified runs of the source whose hook has not run yet, oldest first.
  std::vector<std::int64_t> runs_without_hook(const std::string& source);
  void note_hook(const Fence& fence, std::int64_t run_id);

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
    std::int64_t stored_live = 0, quarantined = 0, excluded = 0;
    std::int64_t in_flight = 0;  ///< of stored_live: version younger than as_of
    std::int64_t undated = 0;    ///< of stored_live: without a version
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
  DigestSource digest_;
};

}  // namespace surveysync::store
