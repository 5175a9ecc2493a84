#include "app/stored_files.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/error.h"

namespace surveysync::app {
namespace {

namespace fs = std::filesystem;

/// Below it by its real path: what a row says is not trusted to name files elsewhere.
bool is_below(const fs::path& file, const fs::path& directory) {
  std::error_code failure;
  const fs::path real = fs::weakly_canonical(file.parent_path(), failure),
                 root = fs::weakly_canonical(directory, failure);
  const auto [rest, at] = std::mismatch(root.begin(), root.end(), real.begin(), real.end());
  return !failure && rest == root.end();
}

}  // namespace

std::size_t remove_stored_files(const std::vector<std::string>& files, const std::string& directory) {
  std::size_t removed = 0;
  if (directory.empty()) return removed;
  for (const fs::path file : files) {
    if (!is_below(file, directory)) continue;
    std::error_code failure;
    removed += fs::remove(file, failure) ? 1U : 0U;
    if (failure) {
      throw Error(ErrorKind::config, fmt::format("a stored file cannot be removed: {}", failure.message()),
                  "the rows are erased; remove " + file.parent_path().string() + " by hand");
    }
    fs::path parent = file.parent_path();
    while (is_below(parent, directory) && fs::remove(parent, failure) && !failure)
      parent = parent.parent_path();
  }
  return removed;
}

}  // namespace surveysync::app
