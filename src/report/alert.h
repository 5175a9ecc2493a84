#pragma once
// What a person is told about one incident, and which ways there are to tell it: plain values shared by the outbox, the
// formats and the senders. Texts are masked before they get here.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace surveysync::report {

/// opened: told for the first time; repeated: it lasts; raised: it has become critical; resolved: it is over;
/// test: nobody must act; certified: no incident, but the sign of life after a certified run, for channels of type
/// ping.
enum class AlertState : std::uint8_t { opened, repeated, raised, resolved, test, certified };
/// "opened", ...
std::string_view name_of(AlertState state);
/// The state of that name; `opened` for any other text.
AlertState alert_state(std::string_view name);

struct Alert {
  AlertState state = AlertState::opened;
  std::string key;       ///< stable: "rule/source"; never anything that changes while the incident lasts
  std::string rule;      ///< "credentials_refused"
  std::string source;    ///< empty: the whole installation
  std::string severity;  ///< "critical", "warning"
  std::string verdict, evidence, affected, next_step;
  std::string message;  ///< why it is over, or what the test is for
  std::string host;     ///< who tells
  UtcTime since{};      ///< when it opened
  UtcTime at{};         ///< when this message was made
  std::optional<UtcTime> resolved_at;
};

/// One way to tell people, as configured; checked by app/config_alerts.
struct ChannelOptions {
  std::string name, type;
  std::map<std::string, std::string> settings;            ///< by key, as text
  std::map<std::string, std::vector<std::string>> lists;  ///< the keys that are lists
  std::vector<std::string> sources;                       ///< only these; empty: all
  std::string severity;                                   ///< the least that is told: "critical"; empty: everything
  bool operator==(const ChannelOptions&) const = default;

  /// A setting's text; empty when it is not there.
  std::string setting(const std::string& key) const;
};

/// Whether the channel is told `alert`: its source, its severity, pings only what is certified, and never that it fails
/// itself. Pure.
bool wants(const ChannelOptions& channel, const Alert& alert);
/// The rule of the incident that says that a channel does not take alerts; its key is "rule/channel/host".
inline constexpr const char* kDeliveryRule = "alert_delivery_failing";

}  // namespace surveysync::report
