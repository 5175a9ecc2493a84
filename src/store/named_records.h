#pragma once
// Records that stored rows of another stream name (model::Naming): files that answers speak of. Which of them are not
// stored yet or not in full (model/named.h), and which are stored though the row that named them is marked deleted. One
// thread, one connection. Throws what pg throws, and Error(locked) from the fence.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/stream.h"
#include "pg/connection.h"
#include "store/lease.h"

namespace surveysync::store {

/// Which of those that were not had in full are asked for again.
enum class AskAgain : std::uint8_t {
  due,  ///< those whose wait is over: as long as it was tried in vain until then, at most a week
  all   ///< whatever was tried, those that were left out on purpose as well
};

/// Stored rows of one partition that say that what they name was not had.
struct Unfetched {
  std::int64_t waiting = 0;  ///< to be tried again
  std::int64_t left_out = 0;
  std::int64_t tried = 0;              ///< of `waiting`: in vain since the time that was asked about
  std::optional<UtcTime> next_try_at;  ///< the first of `waiting`
};

class NamedRecords {
 public:
  explicit NamedRecords(pg::Connection& connection) : connection_(connection) {}

  /// How many named records each partition lacks; partitions that lack none are left out.
  std::map<std::string, std::int64_t> missing(const std::string& source, const model::StreamSpec& stream,
                                              AskAgain again = AskAgain::due);
  /// At most `limit` of those that the partition lacks, with keys above `after` (empty: from the first), ascending.
  std::vector<model::Key> missing_keys(const std::string& source, const model::StreamSpec& stream,
                                       const std::string& partition, const model::Key& after, std::size_t limit,
                                       AskAgain again = AskAgain::due);
  /// Partitions with rows that were not had in full. `since`: see Unfetched::tried.
  std::map<std::string, Unfetched> unfetched(const std::string& source, const model::StreamSpec& stream, UtcTime since);
  /// Marks live rows whose naming parent is marked deleted. How many.
  std::int64_t mark_orphans(const Fence& fence, std::int64_t run_id, const model::StreamSpec& stream);

 private:
  pg::Connection& connection_;
};

}  // namespace surveysync::store
