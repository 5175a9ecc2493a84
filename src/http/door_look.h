#pragma once
// Looks at the way to a host without asking it anything: its addresses, the connection, the certificate. For `check`.
// Any thread. Throws Error: unavailable with what refused (no such host, no connection, which certificate and why),
// cancelled, config.

#include <optional>
#include <string>
#include <vector>

#include "http/transport.h"

namespace surveysync::http {

/// What was found on the way.
struct DoorFacts {
  std::vector<std::string> addresses;  ///< numeric; of the proxy where there is one between
  bool through_proxy = false;
  std::optional<UtcTime> certificate_until;  ///< when the host's certificate ends; empty without TLS
};

/// Resolves, connects, shakes hands, hangs up.
DoorFacts look_at_door(const TransportOptions& options, Clock& clock, const std::stop_token& stop);

/// The numeric addresses of a host alone. Throws Error(unavailable).
std::vector<std::string> addresses_of(const std::string& host, Clock& clock, const std::stop_token& stop);

}  // namespace surveysync::http
