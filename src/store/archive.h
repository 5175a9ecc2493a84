#pragma once
// Reads back what is stored: payloads of records and versions of definitions as pages that the writer takes (replay),
// quarantined bytes (retry, drop), hashes and live keys (verify). One thread, bounded memory. Writing members check the
// fence. Throws what pg throws, and Error(locked) from the fence.

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/stream.h"
#include "pg/connection.h"
#include "store/lease.h"

namespace surveysync::store {

/// One quarantined record.
struct QuarantinedItem {
  std::int64_t quarantine_id = 0;
  std::string stream, partition, record_key, raw;
  UtcTime last_seen_at{};
};

class Archive {
 public:
  explicit Archive(pg::Connection& connection) : connection_(connection) {}

  /// Partitions of the source that have rows in the stream's first table or in the definition history; `live`: only
  /// those with a row that is not marked deleted.
  std::vector<model::Partition> partitions(const std::string& source, const model::StreamSpec& stream,
                                           bool live = false);
  /// At most `limit` records of the stream's first table in the partition with keys above `after`, ascending, rows
  /// that are marked deleted included. Page::keep_marks and decode_again are set; payload, original, hash and flags as
  /// stored.
  model::Page records(const std::string& source, const model::StreamSpec& stream, const std::string& partition,
                      const std::optional<model::Key>& after, std::size_t limit);

  /// The live rows with these keys of one partition, as records: payload, original, hash and flags as stored.
  model::Page live_records(const std::string& source, const model::StreamSpec& stream, std::vector<model::Key> keys);

  /// A row that was lost after the vendor had deleted its record: to be marked again once it is made.
  struct Mark {
    std::size_t table = 0;  ///< index into StreamSpec::tables
    model::Key key;
    UtcTime deleted_at{};
  };
  struct Definitions {
    model::Page page;
    std::vector<Mark> marks;
  };
  /// Every definition of the partition (tables with `history`) in its last version, with context, from
  /// surveysync.definition_history; keep_marks and decode_again are set. Rows whose content history does not know are
  /// left out: they cannot be made from it.
  Definitions definitions(const std::string& source, const model::StreamSpec& stream, const std::string& partition);
  /// Sets deleted_at of those rows that are live.
  void mark(const Fence& fence, const model::StreamSpec& stream, const std::vector<Mark>& marks);

  /// What a row of the stream's first table holds.
  struct Stored {
    model::Key key;
    model::Hash hash{};
    bool deleted = false;
  };
  /// The rows with these keys of one partition, sorted by key; those that are not there are left out.
  std::vector<Stored> lookup(const std::string& source, const model::StreamSpec& stream, std::vector<model::Key> keys);
  /// All rows of one of the stream's tables in a partition, sorted by key: for small tables (definitions).
  std::vector<Stored> rows(const std::string& source, const model::Table& table, const std::string& partition);
  /// When the row with this key was changed last; nothing if there is none.
  std::optional<UtcTime> changed_at(const std::string& source, const model::StreamSpec& stream, const model::Key& key);
  /// Keys of live rows of the stream's first table in the partition, ascending: above `after`, at or below `last`
  /// (empty: without bound), `limit` at most.
  struct KeyRange {
    std::optional<model::Key> after, last;
  };
  std::vector<model::Key> live_keys(const std::string& source, const model::StreamSpec& stream,
                                    const std::string& partition, const KeyRange& range, std::size_t limit);

  /// Which of these record keys are in quarantine.
  std::set<std::string> in_quarantine(const std::string& source, const model::StreamSpec& stream,
                                      const std::string& partition, const std::vector<std::string>& record_keys);
  /// Quarantined records of the source; `ids` empty: all. Ascending, `limit` at most, above `after`.
  std::vector<QuarantinedItem> quarantined(const std::string& source, const std::vector<std::int64_t>& ids,
                                           std::int64_t after, std::size_t limit);
  /// Sets retried_at of those that are still there.
  void note_retried(const Fence& fence, const std::vector<std::int64_t>& ids);
  /// Other bytes for an entry: privacy rules have changed.
  void replace_raw(const Fence& fence, std::int64_t id, const std::string& raw);
  /// Takes entries away whose records are stored, or were replaced by newer ones.
  void release(const Fence& fence, const std::vector<std::int64_t>& ids);
  /// Takes records out of quarantine for good: they count as excluded from now on. A row with an earlier version of
  /// such a record is marked deleted, if its stream is among `streams`: it would never be brought up to date again, and
  /// the certificate would count the record twice. Returns how many records were dropped.
  std::int64_t drop(const Fence& fence, const std::vector<std::int64_t>& ids,
                    const std::vector<model::StreamSpec>& streams = {});
  /// Excluded records of the partition, by digest as stored, that the vendor has no more: dropped ones are excluded no
  /// longer; erased ones stay so and do not count.
  void forget_dropped(const Fence& fence, const std::string& stream, const std::string& partition,
                      const std::vector<model::Hash>& digests);

 private:
  pg::Connection& connection_;
};

}  // namespace surveysync::store
