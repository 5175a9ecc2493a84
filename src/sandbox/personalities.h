#pragma once
// The vendors that can be simulated, by name. A new one needs its own files and one line here.

#include <memory>
#include <string_view>
#include <vector>

#include "sandbox/personality.h"
#include "sandbox/sandbox.h"
#include "sandbox/vendor_clock.h"

namespace surveysync::sandbox {

/// The first is taken when none is named.
std::vector<std::string_view> personality_names();
/// Throws Error{config} for an unknown options.provider. The clock outlives it.
std::unique_ptr<Personality> make_personality(const SandboxOptions& options, VendorClock& clock);

}  // namespace surveysync::sandbox
