#include "app/privacy_key.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>

#include "base/descriptor.h"
#include "base/error.h"
#include "base/state_file.h"
#include "base/time.h"

namespace surveysync::app {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kKeyBytes = 32;

Error trouble(const std::string& what, const std::string& path) {
  return Error(
      ErrorKind::config, fmt::format("the privacy key {} cannot be {}: {}", path, what, std::strerror(errno)),
      "state.dir must be writable, or name a key: [privacy] key = \"file:/etc/surveysync/secrets/privacy.key\"");
}

/// Flushes a directory's entries.
void sync_directory(const std::string& directory) {
  const Descriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0 || ::fsync(opened.get()) != 0) throw trouble("kept in its directory", directory);
}

void write_all(int descriptor, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw trouble("written", path);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(descriptor) != 0) throw trouble("written", path);
}

/// A link is made or it is not, and never replaces another's: of two processes one is first.
void make_key(const std::string& path) {
  const std::string directory = fs::path(path).parent_path();
  make_state_directory(directory);
  const std::string fresh = fmt::format("{}.{:016x}", path, random_u64());
  Secret hex([] {
    std::string digits;
    for (const char byte : random_bytes(kKeyBytes))
      digits += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return digits + "\n";
  }());
  const Descriptor file = open_state_file(fresh, O_WRONLY | O_CREAT | O_EXCL);
  if (file.get() < 0) throw trouble("made", path);
  try {
    write_all(file.get(), hex.expose(), path);
    if (::link(fresh.c_str(), path.c_str()) != 0 && errno != EEXIST) throw trouble("made", path);
  } catch (...) {
    ::unlink(fresh.c_str());
    throw;
  }
  ::unlink(fresh.c_str());
  sync_directory(directory);
}

std::string path_of(const PrivacyKeyConfig& key) {
  return SecretReference::parse(key.reference).watched_path();
}

std::shared_ptr<const KeyedDigest> read_digest(const PrivacyKeyConfig& key, Masker* masker) {
  Credential credential = SecretReference::parse(key.reference).read(1);
  if (masker != nullptr) masker->add(credential);
  return std::make_shared<const KeyedDigest>(std::move(credential.lines.at(0)));
}

bool is_missing(const PrivacyKeyConfig& key) {
  std::error_code failure;
  return key.ours && !fs::exists(path_of(key), failure);
}

}  // namespace

std::shared_ptr<const KeyedDigest> make_privacy_digest(const PrivacyKeyConfig& key, Masker* masker) {
  if (is_missing(key)) make_key(path_of(key));
  return read_digest(key, masker);
}

DigestSource privacy_digest_source(const PrivacyKeyConfig& key) {
  struct Held {
    std::mutex mutex;
    std::shared_ptr<const KeyedDigest> digest;
  };
  return [key, held = std::make_shared<Held>()]() -> std::shared_ptr<const KeyedDigest> {
    const std::lock_guard lock(held->mutex);
    if (!held->digest && !key.reference.empty() && !is_missing(key)) held->digest = read_digest(key, nullptr);
    return held->digest;
  };
}

}  // namespace surveysync::app
