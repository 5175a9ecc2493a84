#pragma once
// AlfaOne's times: ISO 8601, UTC with milliseconds and Z by its pages. Pure; any thread.

#include <optional>
#include <string_view>

#include "base/time.h"

namespace surveysync::sources::alfaone {

/// "2026-03-19T15:58:55.123Z"; also a blank for T, other fractions, no seconds, another offset (+01:00, +0100, +01), or
/// none, which is read as UTC; a date alone is its midnight. Years 1970 to 2200. Empty when it is none of these.
std::optional<UtcTime> parse_time(std::string_view text);

}  // namespace surveysync::sources::alfaone
