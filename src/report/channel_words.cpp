// What the configuration asks of channels, apart from what they are made of.
#include <algorithm>

#include "report/alert_channel.h"
#include "report/alerts_mail.h"

namespace surveysync::report {

const std::vector<std::string>& channel_types() {
  static const std::vector<std::string> types = {"webhook", "slack", "pagerduty", "alertmanager",
                                                 "email",   "exec",  "journal",   "ping"};
  return types;
}

bool is_mail_address(std::string_view text) {
  const std::size_t at = text.find('@');
  const auto fits = [](char c) {
    return c > ' ' && c <= '~' && std::string_view("<>()[],;:\\\"").find(c) == std::string_view::npos;
  };
  return at != std::string_view::npos && at > 0 && at + 1 < text.size() &&
         text.find('@', at + 1) == std::string_view::npos && text.size() <= 254 && std::ranges::all_of(text, fits);
}

}  // namespace surveysync::report
