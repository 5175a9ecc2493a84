#include "app/systemd.h"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <algorithm>

namespace surveysync::app {
namespace {

std::int64_t microseconds(Duration time) {
  return std::chrono::ceil<std::chrono::microseconds>(std::max(time, Duration::zero())).count();
}

}  // namespace

Systemd::Systemd(const Clock& clock, std::function<void(const std::string& state)> send)
    : clock_(clock), send_(std::move(send)) {
  if (!send_) send_ = [](const std::string& state) { ::sd_notify(0, state.c_str()); };
}

void Systemd::ready() {
  send_("READY=1");
}

void Systemd::reloading() {
  // The steady clock is CLOCK_MONOTONIC; managers after 252 refuse the message without the time.
  send_(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", microseconds(clock_.now().time_since_epoch())));
}

void Systemd::status(std::string_view text) {
  std::string line(text);
  // A line of its own would be another assignment.
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  send_("STATUS=" + line);
}

void Systemd::stopping() {
  send_("STOPPING=1");
}

void Systemd::extend(Duration time) {
  send_(fmt::format("EXTEND_TIMEOUT_USEC={}", microseconds(time)));
}

void Systemd::feed() {
  send_("WATCHDOG=1");
}

std::optional<Duration> Systemd::watchdog_interval() const {
  std::uint64_t interval = 0;
  if (::sd_watchdog_enabled(0, &interval) <= 0) return std::nullopt;
  return std::chrono::microseconds(static_cast<std::int64_t>(interval));
}

}  // namespace surveysync::app
