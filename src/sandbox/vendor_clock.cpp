#include "sandbox/vendor_clock.h"

namespace surveysync::sandbox {

VendorClock::VendorClock(Clock& real, std::optional<Seconds> start, Duration skew) : real_(&real), begin_(real.now()) {
  start_ = start ? *start : std::chrono::duration_cast<std::chrono::seconds>(real.utc_now().time_since_epoch()).count();
  start_ += std::chrono::duration_cast<std::chrono::seconds>(skew).count();
}

Duration VendorClock::elapsed() const {
  return real_->now() - begin_ + Duration(pushed_.load());
}

Seconds VendorClock::now() const {
  return start_ + std::chrono::duration_cast<std::chrono::seconds>(elapsed()).count();
}

void VendorClock::advance(Duration by) {
  pushed_ += by.count();
}

}  // namespace surveysync::sandbox
