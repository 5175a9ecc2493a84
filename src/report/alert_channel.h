#pragma once
// A configured channel becomes a function that sends one alert. Secrets are read anew for each message, since they may
// have been replaced, and are known to the masker from then on. Redirects are not followed. Functions throw Error:
// config (a secret or an address that cannot be used), unavailable, throttled (with retry_after), rejected (the
// receiver's refusal), cancelled. One thread for each channel.

#include <functional>
#include <memory>
#include <stop_token>

#include "base/secret.h"
#include "report/alert.h"

namespace surveysync::report {

struct Channel {
  ChannelOptions options;
  /// Sends one alert, once. What went wrong though somebody was told, masked; empty: nothing.
  std::function<std::string(const Alert& alert, const std::stop_token& stop)> send;
  /// Tells a receiver that forgets which incidents are open; empty for all others.
  std::function<void(const std::vector<Alert>& open, const std::stop_token& stop)> remind;
  /// The least time between two messages, and the longest that one may take.
  Duration gap{}, longest{};
};

/// `masker` and `clock` outlive it.
Channel make_channel(const ChannelOptions& options, Masker& masker, Clock& clock);

/// The types that make_channel knows.
const std::vector<std::string>& channel_types();

/// How long one message may take in all.
inline constexpr Duration kSendTime = std::chrono::seconds(10);
/// How long Alertmanager keeps an alert about which nobody reminds it: longer than a night without a daemon.
inline constexpr Duration kKeepAlert = std::chrono::hours(26);
/// How long it keeps one of which it was reminded; longer than some reminders that are lost.
inline constexpr Duration kKeepReminder = std::chrono::minutes(10);

}  // namespace surveysync::report
