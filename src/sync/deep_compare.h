#pragma once
// Compares one partition record by record: reads all pages of the vendor's list and holds keys and hashes against the
// database, then looks for live rows that no page held. Nothing is told before the vendor was asked for that record
// alone and the database was read again. While the list descends by ascending numeric ids, rows are compared range by
// range and memory stays constant; for another order 16 bytes a record are remembered. One thread. Throws Error for
// what makes the comparison impossible.

#include <set>
#include <string>
#include <vector>

#include "store/archive.h"
#include "sync/page_sizer.h"
#include "sync/store_door.h"
#include "sync/verify.h"

namespace surveysync::sync {

class DeepCompare {
 public:
  struct Context {
    const Job& job;
    sources::Source& source;
    const model::StreamSpec& stream;
    const model::Partition& partition;
    Clock& clock;
    std::stop_token stop;
  };
  DeepCompare(const Context& context, StoreDoor& door, PartitionVerdict& verdict);

  /// Fills the verdict's differences.
  void run();

 private:
  enum class Difference : std::uint8_t { missing, extra, different };
  /// What the database knows of some records.
  struct Known {
    std::vector<store::Archive::Stored> rows;  // sorted by key
    std::set<std::string> quarantined;
    const store::Archive::Stored* live(const model::Key& key) const;
  };

  /// One pass; false when the list's order turned out to be none.
  bool pass(bool by_range);
  model::Page fetch(const std::string& position);
  Known known(const std::vector<model::Key>& keys);
  bool excused(const Known& known, const std::string& record_key) const;
  void compare(const model::Page& page);
  void compare_unkeyed(const model::Page& page);
  /// Rows of the range whose keys are not among `met` (sorted).
  void find_extra(store::Archive::KeyRange range, const std::vector<model::Key>& met);
  void find_extra_everywhere(std::vector<model::Hash> met);
  /// Asks the vendor and the database again about one record, and tells what is left of the difference.
  void examine(Difference suspected, const model::Key& key, const model::Hash& listed);
  void compare_alone(const model::Key& key, const sources::Found& found, const model::Hash& listed);
  void tell(Difference difference, const std::string& record_key);
  void start_over();

  const Context context_;
  StoreDoor& door_;
  PartitionVerdict& verdict_;
  PageSizer sizer_;
  store::Exclusions excluded_;
  std::int64_t confirmed_[3] = {0, 0, 0};
  std::int64_t holes_ = 0;
  std::set<std::string> told_before_, told_now_;  // by the page before and by this one: they may share records
};

}  // namespace surveysync::sync
