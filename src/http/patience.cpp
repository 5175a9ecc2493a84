#include "http/patience.h"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <system_error>

namespace surveysync::http {
namespace {

timespec timespec_of(Duration time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return {static_cast<std::time_t>(seconds.count()), static_cast<long>((time - seconds).count())};
}

}  // namespace

void Patience::Waker::operator()() const noexcept {
  const std::uint64_t one = 1;
  // The counter of an eventfd cannot be full here: it is written once.
  [[maybe_unused]] const auto written = ::write(descriptor, &one, sizeof one);
}

Patience::Patience(const Deadline& deadline, const std::stop_token& stop, const Clock& clock)
    : deadline_(deadline), stop_(stop), clock_(clock), allowed_(deadline.left()) {
  if (!stop.stop_possible()) return;
  wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_ < 0) throw Error(ErrorKind::unavailable, "no descriptor left for a network wait");
  on_stop_.emplace(stop_, Waker{wake_});
}

Patience::Patience(const Patience& whole, Duration at_most)
    : Patience(Deadline(whole.clock_, std::min(at_most, whole.left())), whole.stop_, whole.clock_) {}

Patience::~Patience() {
  on_stop_.reset();  // waits for a running callback, so the descriptor is still ours to close
  if (wake_ >= 0) ::close(wake_);
}

void Patience::check() const {
  if (stop_.stop_requested()) throw Error(ErrorKind::cancelled, "stopped during " + doing_);
  if (!deadline_.passed()) return;
  const auto allowed = std::chrono::round<std::chrono::milliseconds>(allowed_);
  Error error(ErrorKind::unavailable,
              fmt::format("time-out: {} took longer than {}", doing_, format_duration(allowed)));
  error.with_timed_out(sent_);
  throw error;
}

void Patience::await(int descriptor, short events) const {
  for (;;) {
    check();
    pollfd watched[2] = {{descriptor, events, 0}, {wake_, POLLIN, 0}};
    const timespec wait = timespec_of(deadline_.left());
    const int ready = ::ppoll(watched, wake_ >= 0 ? 2 : 1, &wait, nullptr);
    if (ready < 0 && errno != EINTR) {
      throw Error(ErrorKind::unavailable, "waiting failed: " + std::generic_category().message(errno));
    }
    if (ready > 0 && watched[0].revents != 0) return check();
  }
}

}  // namespace surveysync::http
