#pragma once
// What was learned of an account, in words for `check` and `status`: how changes are read, and the evidence with its
// age. Pure.

#include <string>
#include <vector>

#include "model/stream.h"
#include "sources/source.h"

namespace surveysync::app {

/// What is done instead of reading changes by their date, and why; empty when nothing is missing.
std::string fallback_text(const sources::Abilities& abilities, const std::vector<model::Capability>& capabilities);

/// The capabilities that mean something to people: without our own bookkeeping.
std::vector<model::Capability> told_capabilities(const std::vector<model::Capability>& all);

/// "updated_filter kept (changes since ... begin with ...; learned 3 d ago)".
std::string capability_line(const model::Capability& capability, UtcTime now);

}  // namespace surveysync::app
