#pragma once
// The list of providers that this binary knows: the one line that a new one needs. Constants; any thread.

#include <string_view>
#include <vector>

#include "sources/source.h"

namespace surveysync::app {

/// All of them, in the order in which they are named to people.
const std::vector<const sources::SourceType*>& providers();
/// By name; null when unknown.
const sources::SourceType* find_provider(std::string_view name);

}  // namespace surveysync::app
