#include "app/signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

namespace surveysync::app {
namespace {

// Kept back from the stop deadline for the end itself.
constexpr Duration kLastWords = std::chrono::milliseconds(300);

void arm(int timer, Duration time) {
  const auto left = std::max<Duration>(time - kLastWords, std::chrono::milliseconds(1));
  const auto whole = std::chrono::floor<std::chrono::seconds>(left);
  itimerspec when{};
  when.it_value.tv_sec = whole.count();
  when.it_value.tv_nsec = (left - whole).count();
  ::timerfd_settime(timer, 0, &when, nullptr);
}

}  // namespace

SignalWatch::SignalWatch(std::stop_source stop, SignalOptions options)
    : stop_(std::move(stop)), options_(std::move(options)) {
  sigset_t waited;
  sigemptyset(&waited);
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT})
    sigaddset(&waited, signal);
  // nohup ignores SIGHUP on purpose; where nobody reads anything again it means that the terminal is gone.
  struct sigaction hangup {};
  sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN || options_.hangup) sigaddset(&waited, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &waited, nullptr);
  signals_ = signalfd(-1, &waited, SFD_CLOEXEC | SFD_NONBLOCK);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  thread_ = std::thread([this] { watch(); });
}

SignalWatch::~SignalWatch() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);
  thread_.join();
  for (const int descriptor : {signals_, wake_, timer_})
    ::close(descriptor);
}

void SignalWatch::watch() {
  while (true) {
    pollfd ready[] = {{signals_, POLLIN, 0}, {wake_, POLLIN, 0}, {timer_, POLLIN, 0}};
    if (::poll(ready, 3, -1) < 0 && errno != EINTR) return;
    if (ready[1].revents != 0) return;
    if (ready[2].revents != 0) {
      if (options_.late) options_.late();
      std::_Exit(options_.status(received_.load()));
    }
    signalfd_siginfo info{};
    if (::read(signals_, &info, sizeof info) == static_cast<ssize_t>(sizeof info))
      take(static_cast<int>(info.ssi_signo));
  }
}

void SignalWatch::take(int signal) {
  if (signal == SIGHUP && options_.hangup) {
    if (received_.load() == 0) options_.hangup();
    return;
  }
  if (received_.load() != 0) {
    if (options_.late) options_.late();
    std::_Exit(options_.status(signal));
  }
  received_.store(signal);
  arm(timer_, options_.stop_deadline);
  stop_.request_stop();
  if (options_.first) options_.first(signal);
}

}  // namespace surveysync::app
