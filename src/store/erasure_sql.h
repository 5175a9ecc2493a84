#pragma once
// Statements that erase. Inside of store/.

#include <string>

#include "model/stream.h"
#include "pg/connection.h"

namespace surveysync::store {

/// One row of surveysync.erasure.
struct ErasureRow {
  std::string source, stream, partition;
  model::Hash digest{};
  std::string kind;  ///< erasure | person
  bool present = false;
  std::string key_fingerprint;
};
/// Writes it; a row that is there only learns that the vendor has the record.
pg::Statement erasure_row(const ErasureRow& row);
/// Deletes the rows of `qualified` (a table that has the key columns of `table`) with this key.
pg::Statement delete_by_key(const std::string& source, const std::string& qualified, const model::Table& table,
                            const model::Key& key);

}  // namespace surveysync::store
