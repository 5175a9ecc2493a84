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
#include <system_error>

namespace surveysync::app {
namespace {

// Kept back from the stop deadline for the end itself, and how much of it the last words may take.
constexpr Duration kEnd = std::chrono::milliseconds(300);
constexpr int kLastWords = 200;  // ms

void arm(int timer, Duration time) {
  const auto left = std::max<Duration>(time - kEnd, std::chrono::milliseconds(1));
  const auto whole = std::chrono::floor<std::chrono::seconds>(left);
  itimerspec when{};
  when.it_value.tv_sec = whole.count();
  when.it_value.tv_nsec = (left - whole).count();
  ::timerfd_settime(timer, 0, &when, nullptr);
}

void ring(int descriptor) {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(descriptor, &one, sizeof one);
}

/// A thread, where there can be one.
std::thread begin(std::function<void()> work) {
  try {
    return std::thread(std::move(work));
  } catch (const std::system_error&) {
    return {};
  }
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
  said_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  thread_ = std::thread([this] { watch(); });
}

SignalWatch::~SignalWatch() {
  leaving_ = true;
  ring(wake_);
  thread_.join();
  if (first_.joinable()) first_.join();
  for (const int descriptor : {signals_, wake_, timer_, said_})
    ::close(descriptor);
}

void SignalWatch::forget_listeners() {
  const std::lock_guard lock(calling_);
  forgotten_ = true;
}

/// Watches over the deadline until the last word was said.
void SignalWatch::watch() {
  while (!leaving_ || speaking_) {
    pollfd ready[] = {{signals_, POLLIN, 0}, {wake_, POLLIN, 0}, {timer_, POLLIN, 0}};
    if (::poll(ready, 3, -1) < 0 && errno != EINTR) return;
    if (ready[2].revents != 0) end_by_force(received_.load());
    std::uint64_t rung = 0;
    [[maybe_unused]] const ssize_t got = ::read(wake_, &rung, sizeof rung);
    signalfd_siginfo info{};
    if (::read(signals_, &info, sizeof info) == static_cast<ssize_t>(sizeof info))
      take(static_cast<int>(info.ssi_signo));
  }
}

void SignalWatch::take(int signal) {
  if (signal == SIGHUP && options_.hangup) {
    const std::lock_guard lock(calling_);
    if (received_.load() == 0 && !forgotten_) options_.hangup();
    return;
  }
  if (received_.load() != 0) end_by_force(signal);
  received_.store(signal);
  arm(timer_, options_.stop_deadline);
  stop_.request_stop();
  if (!options_.first) return;
  speaking_ = true;
  first_ = begin([this, signal] {
    options_.first(signal);
    speaking_ = false;
    ring(wake_);
  });
  if (!first_.joinable()) speaking_ = false;
}

/// Ends the process, after the last words as far as somebody takes them.
void SignalWatch::end_by_force(int signal) {
  const std::thread speaker = begin([this] {
    const std::lock_guard lock(calling_);
    if (options_.late && !forgotten_) options_.late();
    ring(said_);
  });
  pollfd said{said_, POLLIN, 0};
  if (speaker.joinable()) ::poll(&said, 1, kLastWords);
  std::_Exit(options_.status(signal));
}

}  // namespace surveysync::app
