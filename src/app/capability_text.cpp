#include "app/capability_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/human.h"
#include "report/log_line.h"

namespace surveysync::app {

std::string fallback_text(const sources::Abilities& abilities, const std::vector<model::Capability>& capabilities) {
  const std::string why = report::printable(abilities.reason);
  if (!abilities.newest_first) return "complete passes: " + why;
  if (!abilities.windows) return "complete passes over surveys that changed: " + why;
  if (!abilities.windows_counted) return "certificates compare whole totals: " + why;
  const auto zone = std::ranges::find(capabilities, "updated_zone", &model::Capability::name);
  const bool uncalibrated = zone == capabilities.end() || zone->value == "unknown";
  return uncalibrated ? "windows look back 26 h: the clock of the change dates is not calibrated yet" : "";
}

std::vector<model::Capability> told_capabilities(const std::vector<model::Capability>& all) {
  std::vector<model::Capability> told;
  std::ranges::copy_if(all, std::back_inserter(told), [](const auto& c) {
    const bool offered = c.name.starts_with("stream_") && c.value == "read";
    return c.name != "decoded_with" && !offered;
  });
  return told;
}

std::string capability_line(const model::Capability& capability, UtcTime now) {
  return fmt::format("{} {} ({}{}learned {})", capability.name, report::printable(capability.value),
                     report::printable(capability.evidence), capability.evidence.empty() ? "" : "; ",
                     ago(capability.learned_at, now));
}

}  // namespace surveysync::app
