#pragma once
// Reads the dictionary of wide tables, and their rows as texts for files. Read only, one connection, one thread. Throws
// what pg throws.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "pg/connection.h"

namespace surveysync::store {

/// One column of a wide table.
struct DictionaryRow {
  std::string schema, source, partition, table, variable, type, question_type, title;
  std::int64_t position = 0;
  std::optional<std::int64_t> question_id, row_id, option_id;
  std::string labels;  ///< JSON, [{"value": ..., "label": ...}]; empty: none
};

class Dictionary {
 public:
  explicit Dictionary(pg::Connection& connection) : connection_(connection) {}

  /// Columns of all wide tables of the sources (empty: all) and partitions (empty: all), table by table in their order.
  std::vector<DictionaryRow> rows(const std::set<std::string>& sources, const std::set<std::string>& partitions);

  /// Values of one record as texts; nothing for NULL. Booleans are 0 and 1, times UTC "2026-12-31 23:59:59", dates
  /// "2026-12-31"; line breaks and tabs in texts are blanks.
  using Values = std::vector<std::optional<std::string>>;
  /// The next rows of the table above the record `after` (the first column's value), ascending; `columns` are all of
  /// one table.
  std::vector<Values> data(const std::vector<DictionaryRow>& columns, std::int64_t after, std::int64_t limit);

 private:
  pg::Connection& connection_;
};

}  // namespace surveysync::store
