#pragma once
// What Linux says of this process, from /proc/self only: the unit hides the rest of /proc (ProcSubset=pid). Any thread;
// what cannot be read is left empty.

#include <cstdint>
#include <optional>
#include <string>

namespace surveysync::report {

struct ProcessUse {
  std::optional<double> cpu_seconds;
  std::optional<std::int64_t> resident_bytes, virtual_bytes, open_files, files_limit, threads;
};

/// Reads it now. `root`: where /proc/self is, for tests.
ProcessUse process_use(const std::string& root = "/proc/self");

}  // namespace surveysync::report
