#pragma once
// Which hosts are this machine: what stays on it may go in clear text. Pure, any thread.

#include <string_view>

namespace surveysync {

/// "localhost", an address of 127.0.0.0/8, or ::1 (also in brackets). A name that only begins like one is none.
bool is_loopback(std::string_view host);

}  // namespace surveysync
