#include "base/state_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace surveysync {
namespace {

namespace fs = std::filesystem;

/// Whether root has nothing to give, or gave it. A file with a second name may be somebody else's: it stays his.
bool give_to_owner(int file, const std::string& directory) {
  if (::geteuid() != 0) return true;
  struct stat place {
  }, own{};
  if (::stat(directory.c_str(), &place) != 0 || ::fstat(file, &own) != 0) return false;
  if (own.st_uid == place.st_uid || !S_ISREG(own.st_mode) || own.st_nlink > 1) return true;
  return ::fchown(file, place.st_uid, place.st_gid) == 0;
}

}  // namespace

void make_state_directory(const std::string& directory) noexcept {
  try {
    std::error_code failure;
    if (fs::create_directories(directory, failure)) fs::permissions(directory, fs::perms::owner_all, failure);
  } catch (...) {
    // Opening a file in it says what is wrong.
  }
}

Descriptor open_state_file(const std::string& path, int flags) noexcept {
  try {
    Descriptor file(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
    if (file.get() >= 0 && !give_to_owner(file.get(), fs::path(path).parent_path())) return Descriptor();
    return file;
  } catch (...) {
    return Descriptor();
  }
}

}  // namespace surveysync
