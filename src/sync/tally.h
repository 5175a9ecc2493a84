#pragma once
// How many different records a pass has met, without remembering them all: a source that lists by ascending key is
// walked from its end to its beginning, so a key below the lowest or above the highest met is new, and one between was
// met before (pages shift when records are deleted). Keys are remembered until that order is certain, and all of them
// for a source that lists in another order. Pure; resumable through its text.

#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "model/stream.h"

namespace surveysync::sync {

class PassTally {
 public:
  /// Counts one page's records by the last part of their key, and its unkeyed quarantined ones. Numeric keys up to
  /// `until` belong to another tally.
  void add(const model::Page& page, std::int64_t until = -1);
  /// Keys ascend, as far as enough of them tell.
  bool ascending() const { return order_ == Order::ascending; }
  /// Different records met so far.
  std::int64_t fetched() const { return distinct_ + static_cast<std::int64_t>(unkeyed_.size()) + unkeyed_before_; }
  /// The order turned out to be another after keys had been forgotten: the count is worth nothing, begin anew with
  /// remembering().
  bool lost() const { return order_ == Order::lost; }
  /// A tally that remembers every key, whatever the order.
  static PassTally remembering();

  /// "distinct,unkeyed,lowest,highest": empty when it cannot be resumed.
  std::string text() const;
  static std::optional<PassTally> parse(std::string_view text);

 private:
  enum class Order : std::uint8_t { learning, ascending, other, lost };
  void remember(const std::vector<model::KeyPart>& keys);
  void count_outside(const std::vector<model::KeyPart>& keys);

  std::int64_t distinct_ = 0, unkeyed_before_ = 0;
  Order order_ = Order::learning;
  std::optional<model::KeyPart> lowest_, highest_;
  std::unordered_set<std::string> unkeyed_, remembered_;
};

}  // namespace surveysync::sync
