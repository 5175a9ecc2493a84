#pragma once
// How many different records a pass has met, without remembering them: a source that lists by ascending key is walked
// from its end to its beginning, so a key below the lowest or above the highest met is new, and one between was met
// before (pages shift when records are deleted). For a source that lists in another order the keys are remembered.
// Pure; resumable through its text.

#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "model/stream.h"

namespace surveysync::sync {

class PassTally {
 public:
  /// Counts one page's records by the last part of their key, and its unkeyed quarantined ones.
  void add(const model::Page& page);
  /// Different records met so far.
  std::int64_t fetched() const { return distinct_ + static_cast<std::int64_t>(unkeyed_.size()) + unkeyed_before_; }
  /// False once keys came out of order: then the tally cannot be resumed from its text and the pass starts over.
  bool resumable() const { return ordered_; }

  /// "distinct,unkeyed,lowest,highest": empty when not resumable.
  std::string text() const;
  static std::optional<PassTally> parse(std::string_view text);

 private:
  void add_ordered(std::vector<model::KeyPart> keys);

  std::int64_t distinct_ = 0, unkeyed_before_ = 0;
  bool ordered_ = true;
  std::optional<model::KeyPart> lowest_, highest_;
  std::unordered_set<std::string> unkeyed_, remembered_;
};

}  // namespace surveysync::sync
