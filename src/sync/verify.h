#pragma once
// Compares vendor and database from both sides, and writes nothing: `surveysync verify`. Takes no lease.

#include <string>
#include <vector>

#include "sync/run.h"

namespace surveysync::sync {

/// What one followed partition showed. Differences are lists of record keys ("survey/id"), at most kListedDifferences
/// each, with their full counts.
struct PartitionVerdict {
  std::string stream, partition, title;  ///< partition empty: a list of the account
  std::string error;                     ///< it could not be compared
  std::int64_t vendor_total = 0;
  store::Ledger::Holdings holdings;
  std::int64_t missing = 0;    ///< the vendor has it, the database does not (deep)
  std::int64_t extra = 0;      ///< live in the database, gone at the vendor (deep)
  std::int64_t different = 0;  ///< stored with other content (deep)
  std::vector<std::string> missing_keys, extra_keys, different_keys;
  bool equal() const;
};
inline constexpr std::size_t kListedDifferences = 20;

struct VerifyReport {
  std::string source;
  std::vector<PartitionVerdict> partitions;
  std::vector<std::string> unknown_at_vendor;  ///< stored live surveys that the list does not show
  std::vector<std::string> unknown_here;       ///< followed surveys of the list that were never stored
  std::int64_t requests = 0;
  std::optional<Error> error;
  bool equal() const;
};
/// `deep`: ids and hashes of all records; a difference is looked at once more before it is told, since the vendor may
/// have changed meanwhile. Otherwise counts.
VerifyReport verify(const Job& job, bool deep, sources::Source& source, const store::OpenSession& open_session,
                    Observer& observer, Clock& clock, const std::stop_token& stop);

}  // namespace surveysync::sync
