#pragma once
// The SQL of deletions in one declared table: what a pass has not met, and marking it. Pure text; inside of store/. A
// sighting is the text of a key's own part, the one behind the partition's: a cast makes it the column's type again. Of
// a key with several own parts it is their texts joined by /.
//
// What was met is subtracted by EXCEPT and not by NOT EXISTS: a planner without statistics loops over an anti-join,
// while EXCEPT is always hashed or sorted. Against the same mistake in mark_unseen there is kNoLoops.

#include <string>

#include "model/stream.h"

namespace surveysync::store {

/// Before and after mark_unseen, in its transaction: a million rows are joined with as many, by hash or by order.
inline constexpr const char *kNoLoops = "SET LOCAL enable_nestloop = off",
                            *kLoopsAgain = "SET LOCAL enable_nestloop TO DEFAULT";

/// How many of a table's key columns stand behind the partition's.
inline std::size_t own_keys(const model::Table& table, bool partitioned) {
  return table.key.size() - (partitioned && table.key.size() > 1 ? 1 : 0);
}

class DeletionSql {
 public:
  /// `partitioned`: the first key column is the partition's name.
  DeletionSql(const model::Table& table, bool partitioned) : table_(table), partitioned_(partitioned) {}

  /// How many live rows were not met. $1 source, $2 stream, $3 partition, $4 stored and changed before, $5 and $6 the
  /// version's bounds or null.
  std::string count_unseen() const;
  /// Their own key parts, ascending or by chance; $7 how many at most.
  std::string unseen(bool random_sample) const;
  /// Marks them; $7 now, $8 run.
  std::string mark_unseen() const;
  /// Marks live rows by key. $1 source, $2 now, $3 run, then the fixed key columns and an array for each other one as
  /// in TableSql::lookup.
  std::string mark_keys() const;
  /// Marks all live rows of the partition. $1 source, $2 now, $3 run, $4 the partition's name (only if partitioned).
  std::string mark_all() const;

 private:
  std::string unseen_query() const;
  std::string in_partition(std::size_t parameter) const;
  std::string update(int now, int run) const;
  std::string own_key() const;
  std::string own_type() const;

  const model::Table& table_;
  bool partitioned_;
};

}  // namespace surveysync::store
