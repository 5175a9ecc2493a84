#pragma once
// Files of the state directory: nobody but the service reads them (0600 in a directory 0700), and what root makes there
// belongs to the directory's owner, who is the service's user: a verb that was run with sudo takes nothing away from
// it. Any thread. Nothing throws; what went wrong is in errno.

#include <string>

#include "base/descriptor.h"

namespace surveysync {

/// Makes the directory, where it is missing, for its owner alone.
void make_state_directory(const std::string& directory) noexcept;

/// Opens `path`, or makes it when `flags` (as of open(2)) have O_CREAT; never through a link. Holds nothing where that
/// cannot be done.
Descriptor open_state_file(const std::string& path, int flags) noexcept;

}  // namespace surveysync
