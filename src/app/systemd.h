#pragma once
// What the daemon tells systemd about itself (sd_notify), and how often it wants to hear that we are alive. Everything
// does nothing where systemd does not listen (NOTIFY_SOCKET is not set); a message that cannot be sent is lost, like in
// a terminal. Any thread.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace surveysync::app {

class Systemd {
 public:
  /// `clock` outlives it. `send` replaces sd_notify in tests.
  explicit Systemd(const Clock& clock, std::function<void(const std::string& state)> send = {});

  /// Start-up, or a reload, is over.
  void ready();
  /// The configuration is being read again; ready() must follow.
  void reloading();
  /// The line that `systemctl status` shows.
  void status(std::string_view text);
  /// We are going; nothing but extend() follows.
  void stopping();
  /// Start-up, reload or stop takes up to `time` from now on: systemd waits that long for the next message.
  void extend(Duration time);
  /// We are alive, and so is everybody we look after.
  void feed();
  /// Within this time feed() must come again, half of it is the advised pace. Empty: nobody waits for it.
  std::optional<Duration> watchdog_interval() const;

 private:
  const Clock& clock_;
  std::function<void(const std::string& state)> send_;
};

}  // namespace surveysync::app
