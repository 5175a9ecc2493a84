#pragma once
// Names to addresses, within an exchange's patience. getaddrinfo cannot be interrupted, so it runs on a thread of its
// own that is left behind when patience ends first; what it finds then is dropped. Any thread. Throws
// Error(unavailable), Error(cancelled).

#include <functional>
#include <string>
#include <vector>

#include "http/patience.h"

namespace surveysync::http {

/// Numeric addresses of `host`, in the order in which to try them (RFC 6724, as the system sorts them).
std::vector<std::string> resolve(const std::string& host, Patience& patience);
/// Whether `host` is an address already.
bool is_numeric(const std::string& host);

}  // namespace surveysync::http
