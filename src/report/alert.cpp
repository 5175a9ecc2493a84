#include "report/alert.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace surveysync::report {
namespace {

constexpr std::array<std::pair<AlertState, std::string_view>, 6> kStates = {{{AlertState::opened, "opened"},
                                                                             {AlertState::repeated, "repeated"},
                                                                             {AlertState::raised, "raised"},
                                                                             {AlertState::resolved, "resolved"},
                                                                             {AlertState::test, "test"},
                                                                             {AlertState::certified, "certified"}}};

}  // namespace

std::string_view name_of(AlertState state) {
  for (const auto& [known, name] : kStates) {
    if (known == state) return name;
  }
  return "";
}

AlertState alert_state(std::string_view name) {
  for (const auto& [known, text] : kStates) {
    if (text == name) return known;
  }
  return AlertState::opened;
}

std::string ChannelOptions::setting(const std::string& key) const {
  const auto found = settings.find(key);
  return found == settings.end() ? std::string() : found->second;
}

bool wants(const ChannelOptions& channel, const Alert& alert) {
  if ((channel.type == "ping") != (alert.state == AlertState::certified)) return false;
  if (alert.state == AlertState::test) return true;
  if ((alert.key + "/").starts_with(fmt::format("{}/{}/", kDeliveryRule, channel.name))) return false;
  const bool concerned = alert.source.empty() || channel.sources.empty() ||
                         std::ranges::find(channel.sources, alert.source) != channel.sources.end();
  // What has been told as critical is also resolved: severity does not fall while an incident lasts.
  return concerned && (channel.severity != "critical" || alert.severity == "critical" || channel.type == "ping");
}

}  // namespace surveysync::report
