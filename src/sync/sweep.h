#pragma once
// What is stored and was not met by a complete pass: each missing record is asked for alone, and only what the vendor
// confirms to be gone is marked deleted (product.md 4.6). A brake stops it where so much is missing that a lost
// permission is likelier; a refusal freezes all marks of the partition. One worker's thread.

#include "sync/reader.h"

namespace surveysync::sync {

/// More than Brake::rows, or more than its percent of `stored` and more than its least.
bool above_brake(const Brake& brake, std::int64_t missing, std::int64_t stored);

struct SweepResult {
  std::int64_t missing = 0;  ///< stored but not met
  std::int64_t marked = 0;   ///< confirmed and marked deleted
  std::int64_t refuted = 0;  ///< the vendor has them after all; stored afresh
  bool braked = false, frozen = false;
  std::string text;  ///< for people, when braked or frozen
};

/// Whether what was not met must be asked for alone, or what was met came in one answer that holds all there is.
enum class Proof : std::uint8_t { by_record, by_list };

/// Settles what `question` finds. Records that are there after all are stored through `reader`.
SweepResult sweep(const WalkContext& context, PartitionReader& reader, const store::Ledger::UnseenQuestion& question,
                  Proof proof = Proof::by_record);

/// Asks for exactly these records: present ones are stored, gone ones are marked deleted.
SweepResult settle_records(const WalkContext& context, PartitionReader& reader, const std::vector<model::Key>& keys);

/// What became of a partition that the vendor's list does not show any more.
struct VanishedPartition {
  bool present = false;     ///< it answers when asked for alone
  std::int64_t marked = 0;  ///< rows marked deleted: it is gone
  bool braked = false;
  std::string text;  ///< why nothing could be done, else empty
};

/// Asks for the partition alone. Gone in the vendor's own words: all its rows are marked. Gone by an answer that a lost
/// permission gives too: only below the brake, or when somebody confirmed it.
VanishedPartition settle_partition(const WalkContext& context, StoreDoor& door,
                                   const std::vector<std::reference_wrapper<const model::StreamSpec>>& streams,
                                   const std::string& name);

}  // namespace surveysync::sync
