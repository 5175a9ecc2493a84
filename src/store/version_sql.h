#pragma once
// The SQL that keeps surveysync.definition_history of one declared table: a version for each new content that a row
// got, an end (payload null) for each row that vanished. Pure text; inside of store/. It reads the rows that are stored
// by then and compares them with the newest version, so that rows stored before there was a history get theirs too.
// Equal bytes are the same version: only the newest one's context follows.

#include <string>

#include "model/stream.h"

namespace surveysync::store {

class VersionSql {
 public:
  /// `stream`: its first table tells when the partition was modified (version column, or one named modified_at). Throws
  /// Error(bug) for a table whose first key column is no number.
  VersionSql(const model::StreamSpec& stream, const model::Table& table);

  /// Takes over the context of rows whose newest version has their bytes. $1 source, $2 partition, then an array for
  /// each key column after the partition's, then arrays of payload_hash and context.
  std::string update_contexts() const;
  /// A version for each such row whose newest version has other bytes, is an end, or is missing. Parameters as above,
  /// then now and run.
  std::string add_versions() const;
  /// An end for each row of the partition that is marked deleted and whose newest version is none. $1 source, $2
  /// partition, $3 now, $4 run.
  std::string add_ends() const;

 private:
  std::string object_id() const;
  std::string newest() const;
  std::string given() const;
  std::string valid_from(const std::string& now) const;
  std::string modified() const;

  const model::StreamSpec& stream_;
  const model::Table& table_;
};

}  // namespace surveysync::store
