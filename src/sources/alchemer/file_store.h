#pragma once
// Keeps files that respondents uploaded in a directory of the operator's: <dir>/<source>/<survey>/<response>/<name>.
// A file is there whole or not at all, readable for us alone, and never outside of the directory, whatever names and
// links come. Any thread.

#include <cstdint>
#include <string>
#include <string_view>

namespace surveysync::sources::alchemer {

/// A name for a file called `name` by a stranger: one component, no control characters, not hidden, at most 200 bytes.
/// Names that had to be altered carry a digest of the original, so that two never become one.
std::string safe_file_name(std::string_view name);

/// Where a file is kept.
struct FilePlace {
  std::string directory;  ///< absolute; made where it is missing, its parent is not
  std::string source;
  std::int64_t survey_id = 0, response_id = 0;
  std::string name;  ///< as the vendor calls it
};

/// Stores the bytes, replacing what was there; its path. Throws Error(unavailable) with the system's reason.
std::string store_file(const FilePlace& place, std::string_view bytes);

}  // namespace surveysync::sources::alchemer
