#include "app/signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>

namespace surveysync::app {

SignalWatch::SignalWatch(std::stop_source stop, std::function<void(int)> first)
    : stop_(std::move(stop)), first_(std::move(first)) {
  sigset_t waited;
  sigemptyset(&waited);
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT})
    sigaddset(&waited, signal);
  // nohup ignores SIGHUP on purpose; everywhere else it means that the terminal is gone.
  struct sigaction hangup {};
  sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) sigaddset(&waited, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &waited, nullptr);
  signals_ = signalfd(-1, &waited, SFD_CLOEXEC | SFD_NONBLOCK);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  thread_ = std::thread([this] { watch(); });
}

SignalWatch::~SignalWatch() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);
  thread_.join();
  ::close(signals_);
  ::close(wake_);
}

void SignalWatch::watch() {
  while (true) {
    pollfd ready[] = {{signals_, POLLIN, 0}, {wake_, POLLIN, 0}};
    if (::poll(ready, 2, -1) < 0 && errno != EINTR) return;
    if (ready[1].revents != 0) return;
    signalfd_siginfo info{};
    if (::read(signals_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) continue;
    const int signal = static_cast<int>(info.ssi_signo);
    if (received_.load() != 0) std::_Exit(128 + signal);
    received_.store(signal);
    stop_.request_stop();
    first_(signal);
  }
}

}  // namespace surveysync::app
