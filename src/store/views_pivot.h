#pragma once
// The SELECT that makes rows of a wide table: answers become slots of a JSON object by one hash join with the plan's
// feeds, slots become typed columns. Its cost grows with the answers and not with answers times columns. Pure text.
// Inside of store/.

#include <map>
#include <string>
#include <vector>

#include "pg/connection.h"
#include "store/views_layout.h"

namespace surveysync::store {

class WidePivot {
 public:
  /// The rows of `part`; `plan` has all columns. Both outlive it.
  WidePivot(const WideStreams& streams, const WidePart& part, const model::WidePlan& plan);

  /// "SELECT ..." of live records; `condition` is about r, the record. $1 is the source, $2 the partition's name;
  /// further parameters are added to `params`.
  std::string select(const std::string& condition, std::vector<pg::Param>& params) const;

 private:
  /// Which answers go to which slots of a row; one element a feed.
  struct Slots {
    std::vector<std::int64_t> questions, takes, options;
    std::vector<std::string> items, slots, codes;
    std::vector<std::int64_t> counted;  ///< questions whose answers are counted
    std::vector<std::string> counted_slots;
    void add(const model::WideFeed& feed, const std::string& slot);
  };

  void add_column(const model::WideColumn& column, const std::string& slot);
  std::string answers(const std::string& condition, std::vector<pg::Param>& params) const;

  const WideStreams& streams_;
  const bool empty_;
  Slots slots_;
  std::string values_, definition_;
  std::map<int, std::string> groups_;  ///< by group: the slot that says that one of its booleans is true
};

}  // namespace surveysync::store
