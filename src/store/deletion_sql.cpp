#include "store/deletion_sql.h"

#include <fmt/format.h>

#include "store/sql_text.h"
#include "store/table_sql.h"

namespace surveysync::store {

std::string DeletionSql::in_partition(std::size_t parameter) const {
  return store::in_partition(table_, partitioned_, parameter);
}

std::string DeletionSql::update(int now, int run) const {
  return fmt::format("UPDATE {} AS t SET deleted_at = ${}, changed_at = ${}, run_id = ${}", qualified(table_), now, now,
                     run);
}

/// The expression over row t that sightings are compared with.
std::string DeletionSql::own_key() const {
  const std::size_t own = own_keys(table_, partitioned_), first = table_.key.size() - own;
  if (own == 1) return "t." + quoted(table_.key.back().name);
  return list(
      own, [&](std::size_t i) { return "t." + quoted(table_.key[first + i].name) + "::text"; }, " || '/' || ");
}

std::string DeletionSql::own_type() const {
  return own_keys(table_, partitioned_) == 1 ? std::string(sql_type(table_.key.back().type)) : "text";
}

std::string DeletionSql::unseen_query() const {
  std::string window;
  if (table_.version) {
    window = fmt::format(" AND ($5::timestamptz IS NULL OR t.{0} >= $5) AND ($6::timestamptz IS NULL OR t.{0} < $6)",
                         quoted(table_.columns[*table_.version].name));
  }
  return fmt::format(
      "SELECT {0} FROM {1} AS t WHERE t.source = $1{2} AND t.deleted_at IS NULL AND t.first_seen_at < $4 "
      "AND t.changed_at < $4{3}{5} EXCEPT SELECT u.k::{4} FROM surveysync.sighting AS s "
      "CROSS JOIN LATERAL unnest(s.record_keys) AS u (k) WHERE s.source = $1 AND s.stream = $2 AND s.partition = $3",
      own_key(), qualified(table_), in_partition(3), window, own_type(), followed_rows(table_));
}

std::string DeletionSql::count_unseen() const {
  return "SELECT count(*) FROM (" + unseen_query() + ") AS x";
}

std::string DeletionSql::unseen(bool random_sample) const {
  return "SELECT x.k FROM (" + unseen_query() + ") AS x (k) ORDER BY " +
         (random_sample ? "pg_catalog.random()" : "x.k") + " LIMIT $7";
}

std::string DeletionSql::mark_unseen() const {
  // The conditions again: a row that was changed meanwhile is looked at anew when its lock is taken.
  return fmt::format(
      "{} FROM ({}) AS x (k) WHERE t.source = $1{} AND {} = x.k AND t.deleted_at IS NULL AND t.changed_at < $4",
      update(7, 8), unseen_query(), in_partition(3), own_key());
}

std::string DeletionSql::mark_keys() const {
  const KeyMatch match = match_keys(table_.key, TableSql(table_).fixed(), 4);
  return update(2, 3) + (match.from.empty() ? "" : " FROM " + match.from) +
         " WHERE t.source = $1 AND t.deleted_at IS NULL" + match.where;
}

std::string DeletionSql::mark_all() const {
  return update(2, 3) + " WHERE t.source = $1 AND t.deleted_at IS NULL" + in_partition(4) + followed_rows(table_);
}

}  // namespace surveysync::store
