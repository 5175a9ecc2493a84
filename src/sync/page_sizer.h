#pragma once
// How many records to ask for at once. Halves when the vendor fails or times out, shrinks a little when it is slow,
// grows back slowly after a row of quick pages. Pure; one a partition walk.

#include "base/time.h"
#include "sync/run.h"

namespace surveysync::sync {

class PageSizer {
 public:
  /// `learned`: what the checkpoint remembers, 0 when nothing.
  PageSizer(PageSizes limits, int learned);
  int size() const { return size_; }
  bool may_shrink() const { return size_ > limits_.min; }
  /// After the vendor failed on a page of this size. False when it cannot get smaller.
  bool shrink();
  /// After a page that took `elapsed`.
  void note_success(Duration elapsed);

 private:
  PageSizes limits_;
  int size_, quick_ = 0;
};

}  // namespace surveysync::sync
