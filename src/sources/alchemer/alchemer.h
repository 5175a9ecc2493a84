#pragma once
// Alchemer REST v5 as a source: its requests and pages. What its records mean is decode.h, how it says no is judge.h,
// where a pass stands is pages.h; README.md lists the API's quirks, each with the test that proves it.

#include "sources/source.h"

namespace surveysync::sources::alchemer {

/// The one constant of this provider.
const SourceType& source_type();

}  // namespace surveysync::sources::alchemer
