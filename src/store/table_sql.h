#pragma once
// The SQL of one declared table: every statement that store/ makes from a model::Table. Pure text; names come from
// declarations in our own code, never from data. Parameters are described at each statement.

#include <string>
#include <vector>

#include "model/stream.h"

namespace surveysync::store {

/// The type's name in SQL: "bigint", "text[]".
std::string sql_type(model::ColumnType type);
/// The standard columns of a main table that a new row gets, in the order in which the writer encodes them.
inline constexpr const char* kStandardColumns[] = {"payload",       "payload_raw", "payload_hash", "flags",
                                                   "first_seen_at", "changed_at",  "run_id"};

/// Which stored rows an upsert replaces, beside those that are marked deleted.
enum class Replace : std::uint8_t {
  changed,    ///< with another hash
  different,  ///< with another hash, other flags, or another value in a typed column
  not_newer,  ///< with another hash, unless they are newer by their version column
};
/// What an upsert does with rows that are marked deleted.
enum class Marked : std::uint8_t {
  revive,  ///< the vendor has them: they come back to life
  keep,    ///< they are replaced like all others and stay marked
};

class TableSql {
 public:
  explicit TableSql(const model::Table& table) : table_(table) {}

  /// How many leading key columns of a group of rows are given as single values: those of the partition, but never all.
  std::size_t fixed() const { return std::min(table_.scope, table_.key.size() - 1); }

  /// COPY of source, keys, columns, then the standard columns (main) or run_id (child).
  std::string copy() const;
  /// Hash and mark of rows. $1 source, $2… the fixed key columns, then an array for each other one. Gives the other key
  /// columns, payload_hash, whether it is marked deleted.
  std::string lookup() const;
  /// Insert or replace. $1 source, $2 now, $3 run, then an array for each key, column, payload, payload_raw,
  /// payload_hash, flags. Array columns and flags come as array literals in text. Gives all key columns of the rows
  /// that it took, and whether new. `replace`: which stored rows give way.
  std::string upsert(Replace replace, Marked marked = Marked::revive) const;
  /// Deletes the rows whose leading key columns are those of `parent`. Parameters as for lookup.
  std::string delete_children(const model::Table& parent) const;
  /// The child rows of records, in the order of their keys: source, keys, columns. Parameters as for lookup.
  std::string children(const model::Table& parent) const;
  /// Says that rows were changed, though none of their own columns was. $1 source, $2 now, $3 run, then keys as for
  /// lookup.
  std::string touch() const;
  /// Marks live rows of a partition that are not named. $1 source, $2 now, $3 run, $4 the partition's name (only if
  /// `partitioned`), then an array for each key column after the partition's.
  std::string mark_missing(bool partitioned) const;
  /// Live rows, quarantined records without a live row, excluded records, live rows newer than a time, live rows
  /// without a version: of a partition.
  /// $1 source, $2 stream, $3 partition, $4 the time.
  std::string holdings(bool partitioned) const;

 private:
  const model::Table& table_;
};

}  // namespace surveysync::store
