#pragma once
// One partition of one stream, from the first question to its certificate (product.md section 4). Where the vendor
// orders and filters by date of change: a probe, the changes since the bookmark, looks at the newest end until nothing
// new shows. Where it does not, where counts differ, or when ids are due for comparison: a complete pass, and the sweep
// of what it did not meet. Resumes from the checkpoint. One worker's thread. Throws Error for what fails the partition.

#include <functional>

#include "sync/certificate.h"
#include "sync/complete_pass.h"
#include "sync/plan.h"
#include "sync/reader.h"
#include "sync/sweep.h"

namespace surveysync::sync {

class PartitionWalk {
 public:
  /// `on_change`: called once before the first record is read when a probe showed changes (to read the definition).
  PartitionWalk(const WalkContext& context, StoreDoor& door, const model::StreamSpec& stream, const Task& task,
                const model::Decode& decode, Hands& hands, std::function<void()> on_change);

  /// Walks it as the task says; the certificate, of certified streams.
  std::optional<store::Certificate> run();
  /// resync and backfill of a window or of named records: no certificate.
  void run_window();
  void run_named_records();
  /// Of a stream that is read by name: asks for what stored rows name and is not stored.
  void run_unmet_names();

  /// Rows and requests so far: also after run() threw.
  const Counts& counts() const { return reader_.counts; }
  /// Stopped by the deletion brake, frozen, or not all of the records was to be had: what to tell, else empty.
  const std::string& trouble() const { return trouble_.empty() ? reader_.incomplete : trouble_; }
  bool braked() const { return braked_; }
  /// What is no trouble of this walk and is to be told all the same, else empty.
  const std::string& remark() const { return remark_; }

 private:
  /// One page of newest changes.
  struct Look {
    std::int64_t total = -1;
    std::string newest;
    std::optional<UtcTime> newest_at, oldest_at;
    bool all = false;         ///< the page holds the whole partition
    bool moved = false;       ///< something on it was new or changed
    bool none_known = false;  ///< nothing on it was stored before: there may be more changes below
    bool cached = false, reliable = true;
  };

  void load();
  void tell_unfetched();
  void count_quarantined_once(store::Session& session);
  std::optional<store::Certificate> read_changes();
  std::optional<store::Certificate> read_everything();
  std::optional<store::Certificate> certify_by_date();
  bool nothing_changed(const Look& probe);
  Look look(int records);
  int look_size(int records) const;
  bool read_window(std::string position);
  bool watch_changes(std::int64_t before, const std::string& read_until);
  bool catch_up(const PassState& pass, std::int64_t& before);
  bool watch_newest_end(std::int64_t before);
  void resume_or_begin(CompletePass& pass);
  PassState new_pass();
  bool is_busy();
  SweepResult sweep_missing(const CompletePass& pass);
  void forget_absent_exclusions();
  store::Certificate measure(const WalkTotals& totals, std::optional<UtcTime> counted_until = std::nullopt);
  void finish(const store::Certificate& certificate, bool compared);
  void close_uncertified(std::optional<std::int64_t> total = std::nullopt);
  void note(const model::Page& page);
  void announce_change();
  store::Ledger::Holdings holdings(UtcTime as_of);
  std::string window_text(const std::string& position) const;
  bool settled() const;
  model::Key key_of(const std::string& id) const;

  const WalkContext& context_;
  const model::StreamSpec& stream_;
  const Task& task_;
  Hands& hands_;
  std::function<void()> on_change_;
  store::Exclusions excluded_;
  PartitionReader reader_;
  sources::Abilities abilities_;

  std::string saved_position_;       // of an unfinished pass
  std::optional<UtcTime> asked_at_;  // when the answer that a certificate is about was given, if not just now
  std::string remark_;
  UtcTime started_{}, signpost_{};  // when the walk began,, by the database's and by the vendor's clock
  std::string newest_;              // newest change met in this walk
  std::string look_newest_;         // newest change that the last look showed
  std::optional<UtcTime> look_newest_at_;
  std::int64_t total_after_ = -1, fetched_ = 0, tombstoned_ = 0;
  bool looked_at_all_ = false;  // by the last look, which stored nothing: equal counts are then equal ids
  bool resumed_ = false;  // a window of another run was gone on with: what showed late behind its edge was not met
  bool steady_ = false, braked_ = false;
  std::string trouble_;
};

}  // namespace surveysync::sync
