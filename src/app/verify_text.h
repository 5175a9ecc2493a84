#pragma once
// What `verify` prints: where vendor and database differ. Pure.

#include <span>
#include <string>

#include "sync/verify.h"

namespace surveysync::app {

/// A table with one row for each survey that differs or could not be compared, the keys that were found, and how many
/// are equal.
std::string verify_text(const sync::VerifyReport& report, bool deep);
std::string verify_json(std::span<const sync::VerifyReport> reports, bool deep);

}  // namespace surveysync::app
