#pragma once
// AlfaOne, API v1 (vendor-api.md section 2), as the program knows it: one constant. README.md lists the vendor's
// habits.

#include "sources/source.h"

namespace surveysync::sources::alfaone {

/// Any thread.
const SourceType& source_type();

}  // namespace surveysync::sources::alfaone
