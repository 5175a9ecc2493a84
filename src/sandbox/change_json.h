#pragma once
// Changes as JSON: {"op":"edit","survey":1,...}; README.md lists names and keys. Pure. Throws Error{config} for what it
// cannot read.

#include <Poco/JSON/Object.h>

#include "sandbox/change.h"

namespace surveysync::sandbox {

Change read_change(const Poco::JSON::Object& from);

}  // namespace surveysync::sandbox
