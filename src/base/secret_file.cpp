#include "base/secret_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/descriptor.h"
#include "base/error.h"

namespace surveysync {
namespace {

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

[[noreturn]] void fail(const std::string& path, const std::string& what, int reason) {
  throw Error(ErrorKind::config,
              fmt::format("secret file {} cannot be written: {}: {}", path, what, std::strerror(reason)),
              fmt::format("run it as a user who may write in {}", directory_of(path)));
}

/// Removes a file that was not renamed.
class Draft {
 public:
  explicit Draft(const std::string& path) : path_(path + ".new.XXXXXX"), file_(::mkostemp(path_.data(), O_CLOEXEC)) {
    if (file_.get() < 0) fail(path, "creating a file beside it", errno);
  }
  ~Draft() {
    if (!kept_) ::unlink(path_.c_str());
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  int file() const { return file_.get(); }
  void become(const std::string& path) {
    if (std::rename(path_.c_str(), path.c_str()) != 0) fail(path, "renaming", errno);
    kept_ = true;
  }

 private:
  std::string path_;
  Descriptor file_;
  bool kept_ = false;
};

void write_all(int file, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(path, "writing", errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void give_to_reader(int file, const std::string& path, const std::string& owner_like) {
  if (::geteuid() != 0) return;
  struct stat like {};
  const bool known =
      ::stat(path.c_str(), &like) == 0 || (!owner_like.empty() && ::stat(owner_like.c_str(), &like) == 0);
  if (known && ::fchown(file, like.st_uid, like.st_gid) != 0) fail(path, "giving it to the user who reads it", errno);
}

}  // namespace

void require_writable_secret(const std::string& path) {
  struct stat place {};
  if (::stat(path.c_str(), &place) == 0 && !S_ISREG(place.st_mode)) {
    throw Error(ErrorKind::config, fmt::format("secret file {} cannot be written: it is no regular file", path));
  }
  if (::access(directory_of(path).c_str(), W_OK | X_OK) != 0) fail(path, directory_of(path), errno);
}

void write_secret_file(const std::string& path, const std::vector<Secret>& lines, const std::string& owner_like) {
  require_writable_secret(path);
  Draft draft(path);
  if (::fchmod(draft.file(), S_IRUSR | S_IWUSR) != 0) fail(path, "making it private", errno);
  give_to_reader(draft.file(), path, owner_like);
  for (const Secret& line : lines) {
    write_all(draft.file(), line.expose(), path);
    write_all(draft.file(), "\n", path);
  }
  if (::fsync(draft.file()) != 0) fail(path, "flushing", errno);
  draft.become(path);
  const Descriptor directory(::open(directory_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() >= 0) ::fsync(directory.get());  // the new name lasts; some file systems cannot, and need not
}

}  // namespace surveysync
