#include "sync/page_sizer.h"

#include <algorithm>

namespace surveysync::sync {
namespace {

// The vendor ends a request after 30 s (vendor-api.md 1.5): a page that takes two thirds of that is too large.
constexpr Duration kSlow = std::chrono::seconds(20);
constexpr Duration kQuick = std::chrono::seconds(8);
constexpr int kQuickPagesToGrow = 4;

}  // namespace

PageSizer::PageSizer(PageSizes limits, int learned)
    : limits_(limits), size_(std::clamp(learned > 0 ? learned : limits.start, limits.min, limits.max)) {}

bool PageSizer::shrink() {
  quick_ = 0;
  if (!may_shrink()) return false;
  size_ = std::max(limits_.min, size_ / 2);
  return true;
}

void PageSizer::note_success(Duration elapsed) {
  if (elapsed > kSlow) {
    quick_ = 0;
    size_ = std::max(limits_.min, size_ * 3 / 4);
  } else if (elapsed > kQuick) {
    quick_ = 0;
  } else if (++quick_ >= kQuickPagesToGrow && size_ < limits_.start) {
    quick_ = 0;
    size_ = std::min(limits_.start, size_ + std::max(1, size_ / 4));
  }
}

}  // namespace surveysync::sync
