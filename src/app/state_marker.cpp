#include "app/state_marker.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "base/state_file.h"

namespace surveysync::app {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kPrefix = "serve-", kSuffix = ".running";

Error trouble(const std::string& what, const std::string& path) {
  return Error(ErrorKind::config, fmt::format("{} {}: {}", what, path, std::strerror(errno)),
               "state.dir must be writable by the daemon's user");
}

std::string content(int descriptor) {
  std::array<char, 512> buffer{};
  const ssize_t size = ::pread(descriptor, buffer.data(), buffer.size(), 0);
  return size <= 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(size));
}

}  // namespace

StateMarker::StateMarker(const std::string& directory, const std::string& identity) {
  make_state_directory(directory);
  find_unclean(directory);
  std::string name = identity;
  std::ranges::replace_if(
      name, [](char c) { return c == '/' || c == ':'; }, '-');
  path_ = fmt::format("{}/{}{}{}", directory, kPrefix, name, kSuffix);
  file_ = open_state_file(path_, O_RDWR | O_CREAT);
  if (file_.get() < 0 || ::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) throw trouble("writing", path_);
  if (::ftruncate(file_.get(), 0) != 0 ||
      ::write(file_.get(), identity.data(), identity.size()) != static_cast<ssize_t>(identity.size())) {
    throw trouble("writing", path_);
  }
}

StateMarker::~StateMarker() {
  remove();
}

void StateMarker::remove() noexcept {
  if (!path_.empty()) ::unlink(path_.c_str());
}

/// A file that can be locked belongs to nobody who lives.
void StateMarker::find_unclean(const std::string& directory) {
  std::error_code failure;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, failure)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    const Descriptor file(::open(entry.path().c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (file.get() < 0 || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) continue;
    unclean_.push_back(content(file.get()));
    ::unlink(entry.path().c_str());
  }
}

}  // namespace surveysync::app
