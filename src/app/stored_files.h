#pragma once
// Files that were fetched for stored rows, below the directory that the configuration names. Any thread.

#include <string>
#include <vector>

namespace surveysync::app {

/// Removes those of the files that are below `directory`, and directories that became empty; how many files it were.
/// One that is gone already is no trouble. Throws Error(config) when one cannot be removed.
std::size_t remove_stored_files(const std::vector<std::string>& files, const std::string& directory);

}  // namespace surveysync::app
