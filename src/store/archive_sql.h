#pragma once
// The SQL with which the archive reads one declared table. Pure text, as table_sql: names come from declarations in our
// own code, never from data. Inside of store/.

#include <string>

#include "model/stream.h"

namespace surveysync::store {

class ArchiveSql {
 public:
  explicit ArchiveSql(const model::Table& table) : table_(table) {}

  /// Key columns behind those that name the partition.
  std::size_t own_keys() const { return table_.key.size() - table_.scope; }

  /// Names of partitions with rows (`live`: unmarked ones), found by skipping from one to the next. $1 source.
  std::string partitions(bool live) const;
  /// Own keys, payload, payload_raw, payload_hash, flags joined by U+001F. $1 source, $2 partition (where the table has
  /// one), then the own keys to begin above if `after`, then the limit.
  std::string records(bool after) const;
  /// Live rows by key: the keys behind the fixed ones, then as records. Parameters as for TableSql::lookup.
  std::string live_records() const;
  /// All of a partition: own keys, payload_raw, payload_hash, flags, deleted_at, whether a replay wrote it last.
  /// Parameters as for records without `after` and limit.
  std::string outlines() const;
  /// Own keys of live rows that are followed. Parameters as for records: `after`, then `last`, then the limit.
  std::string live_keys(bool after, bool last) const;
  /// $1 source, then all keys.
  std::string changed_at() const;
  /// Sets deleted_at of a live row. $1 source, then all keys, then the time.
  std::string mark() const;
  /// Marks a live row deleted now. $1 source, then all keys.
  std::string mark_now() const;

 private:
  std::string name() const;
  std::string of_partition(std::size_t& parameter) const;
  std::string own(const std::string& prefix) const;
  std::string compared(const char* sign, std::size_t& parameter) const;
  std::string all_keys() const;
  const model::Table& table_;
};

}  // namespace surveysync::store
