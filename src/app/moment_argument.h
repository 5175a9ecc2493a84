#pragma once
// Times on the command line: "2026-11-01", "2026-11-01T12:00", "2026-11-01T12:00:30.5Z", "2026-11-01 12:00+01:00". UTC
// where no offset is given. Pure.

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace surveysync::app {

/// Empty when the text is no such time.
std::optional<UtcTime> parse_moment(std::string_view text);

/// The value of a flag like --from; nothing when it is empty. Throws Error(config) naming the flag.
std::optional<UtcTime> moment_argument(std::string_view flag, const std::string& text);

/// Throws Error(config) unless --from lies before --until, where both are given.
void require_order(const std::optional<UtcTime>& from, const std::optional<UtcTime>& until);

}  // namespace surveysync::app
