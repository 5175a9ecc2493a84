#include "base/secret_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "base/descriptor.h"
#include "base/error.h"

namespace surveysync {
namespace {

// From the first sign of a change until it is told: writers take a moment, and tell of each step.
constexpr Duration kSettle = std::chrono::milliseconds(500);
constexpr std::uint32_t kSigns = IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                 IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

/// Takes away all that can be read.
void drain(int descriptor) {
  alignas(inotify_event) std::array<char, 4096> bytes;
  while (::read(descriptor, bytes.data(), bytes.size()) > 0) {
  }
}

/// What tells one state of a file from another without reading it: contents can only change together with one of these.
using Look = std::tuple<int, dev_t, ino_t, off_t, mode_t, std::int64_t, std::int64_t>;

std::int64_t nanoseconds(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

Look look_at(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {errno, 0, 0, 0, 0, 0, 0};
  return {0,
          status.st_dev,
          status.st_ino,
          status.st_size,
          status.st_mode,
          nanoseconds(status.st_mtim),
          nanoseconds(status.st_ctim)};
}

struct Waker {
  int descriptor;
  void operator()() const noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(descriptor, &one, sizeof one);
  }
};

}  // namespace

struct SecretWatch::Impl {
  Impl(Duration its_poll, Clock& its_clock, Means means)
      : poll(std::max<Duration>(its_poll, kSettle)),
        clock(its_clock),
        notices(means == Means::polling_only ? -1 : ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)),
        wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (wake.get() < 0) throw Error(ErrorKind::unavailable, "no descriptor left to watch the secrets with");
  }

  void watch_directories();
  bool has_changed();
  bool notices_within(Duration time) const;

  const Duration poll;
  Clock& clock;
  const Descriptor notices;  // inotify; negative where there is none
  const Descriptor wake;     // written to on stop
  std::optional<SteadyTime> told_at;
  std::map<std::string, Look> files;
  /// Directory to its watch and to what it was (device, inode) when the watch began.
  struct Watched {
    int watch = -1;
    dev_t device = 0;
    ino_t inode = 0;
  };
  std::map<std::string, Watched> directories;
};

/// Begins to watch each directory that is not watched, also one that has taken another's place.
void SecretWatch::Impl::watch_directories() {
  if (notices.get() < 0) return;
  for (auto& [path, watched] : directories) {
    struct stat status {};
    const bool there = ::stat(path.c_str(), &status) == 0;
    if (there && watched.watch >= 0 && watched.device == status.st_dev && watched.inode == status.st_ino) continue;
    // Two paths may lead to one directory and share a watch: it is left to the kernel, which drops it with the
    // directory.
    watched = {there ? ::inotify_add_watch(notices.get(), path.c_str(), kSigns) : -1, status.st_dev, status.st_ino};
  }
}

bool SecretWatch::Impl::has_changed() {
  bool changed = false;
  for (auto& [path, before] : files) {
    const Look now = look_at(path);
    changed = changed || now != before;
    before = now;
  }
  return changed;
}

/// Waits for a notice (then takes it) or a stop, at most `time`. Whether there was a notice.
bool SecretWatch::Impl::notices_within(Duration time) const {
  pollfd watched[2] = {{wake.get(), POLLIN, 0}, {notices.get(), POLLIN, 0}};  // a negative one is passed over
  const auto left = std::max(time, Duration::zero());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
  const timespec wait{static_cast<std::time_t>(seconds.count()), static_cast<long>((left - seconds).count())};
  if (::ppoll(watched, 2, &wait, nullptr) <= 0 || watched[1].revents == 0) return false;
  drain(notices.get());
  return true;
}

SecretWatch::SecretWatch(const std::vector<SecretReference>& references, Duration poll, Clock& clock, Means means)
    : impl_(std::make_unique<Impl>(poll, clock, means)) {
  for (const SecretReference& reference : references) {
    const std::string path = reference.watched_path();
    if (path.empty()) continue;
    impl_->files.emplace(path, Look{});
    const std::string directory = std::filesystem::path(path).parent_path().string();
    impl_->directories.emplace(directory.empty() ? "." : directory, Impl::Watched{});
  }
  impl_->watch_directories();
  impl_->has_changed();
}

SecretWatch::~SecretWatch() = default;

bool SecretWatch::wait_for_change(Duration at_most, const std::stop_token& stop) {
  Impl& my = *impl_;
  std::uint64_t left_over = 0;  // a stop of an earlier wait
  [[maybe_unused]] const auto got = ::read(my.wake.get(), &left_over, sizeof left_over);
  const std::stop_callback on_stop(stop, Waker{my.wake.get()});
  const SteadyTime begun = my.clock.now();
  const SteadyTime end = at_most < SteadyTime::max() - begun ? begun + at_most : SteadyTime::max();
  // A writer that never ends must not keep whoever waits busy.
  if (my.told_at && !my.clock.wait_until(*my.told_at + kSettle, stop)) return false;
  for (;;) {
    if (stop.stop_requested()) return false;
    my.watch_directories();
    if (my.has_changed()) {
      my.told_at = my.clock.now();
      return true;
    }
    const SteadyTime now = my.clock.now();
    if (now >= end) return false;
    const bool noticed = my.notices_within(std::min<Duration>(end - now, my.poll));
    if (noticed && !my.clock.wait_for(kSettle, stop)) return false;
  }
}

}  // namespace surveysync
