#include "http/signing_clock.h"

namespace surveysync::http {
namespace {

// Dates come in whole seconds, and answers travel: below this nothing is learned from them.
constexpr Duration kDateIsVague = std::chrono::seconds(2);

}  // namespace

SigningClock::Moment SigningClock::now() const {
  const std::lock_guard lock(mutex_);
  return {clock_.utc_now() + std::chrono::floor<std::chrono::microseconds>(correction_), correction_};
}

SigningClock::Lesson SigningClock::refused(const Moment& moment, std::optional<UtcTime> vendor_time, bool about_time) {
  if (!vendor_time) return {};
  const Duration wrong = *vendor_time - clock_.utc_now(), least = about_time ? kDateIsVague : kClocksAgree;
  const auto differs = [&](Duration correction) { return std::chrono::abs(wrong - correction) > least; };
  if (!differs(moment.correction)) return {};
  const std::lock_guard lock(mutex_);
  if (!differs(correction_)) return {true, std::nullopt};  // another call learned it meanwhile
  correction_ = wrong;
  return {true, wrong};
}

}  // namespace surveysync::http
