#pragma once
// Records that stored rows of another stream name (model::Naming): files that answers speak of. Which of them are not
// stored yet, and which are stored though the row that named them is marked deleted. One thread, one connection. Throws
// what pg throws, and Error(locked) from the fence.

#include <map>
#include <string>
#include <vector>

#include "model/stream.h"
#include "pg/connection.h"
#include "store/lease.h"

namespace surveysync::store {

class NamedRecords {
 public:
  explicit NamedRecords(pg::Connection& connection) : connection_(connection) {}

  /// How many named records each partition lacks; partitions that lack none are left out.
  std::map<std::string, std::int64_t> missing(const std::string& source, const model::StreamSpec& stream);
  /// At most `limit` of those that the partition lacks, with keys above `after` (empty: from the first), ascending.
  std::vector<model::Key> missing_keys(const std::string& source, const model::StreamSpec& stream,
                                       const std::string& partition, const model::Key& after, std::size_t limit);
  /// Marks live rows whose naming parent is marked deleted. How many.
  std::int64_t mark_orphans(const Fence& fence, std::int64_t run_id, const model::StreamSpec& stream);

 private:
  pg::Connection& connection_;
};

}  // namespace surveysync::store
