#pragma once
// The name of this machine, for texts that people read. Any thread.

#include <string>

namespace surveysync::app {

/// "warehouse1"; "localhost" when it has none.
std::string host_name();

}  // namespace surveysync::app
