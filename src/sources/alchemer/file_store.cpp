#include "sources/alchemer/file_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "base/descriptor.h"
#include "base/error.h"
#include "base/sha256.h"

namespace surveysync::sources::alchemer {
namespace {

constexpr std::size_t kLongestName = 200, kLongestExtension = 16, kDigest = 16;
constexpr mode_t kOurs = 0700, kOurFile = 0600;

[[noreturn]] void fail(std::string_view what, std::string_view where) {
  throw Error(ErrorKind::unavailable,
              fmt::format("storing a file: {} {}: {}", what, where, std::generic_category().message(errno)));
}

/// The longest part of `text` with at most `size` bytes that cuts no character.
std::string_view cut(std::string_view text, std::size_t size) {
  if (text.size() <= size) return text;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U)
    --size;
  return text.substr(0, size);
}

/// The directory `name` below `parent`, made where it is missing. Links are not followed.
Descriptor directory_below(const Descriptor& parent, const std::string& name) {
  if (::mkdirat(parent.get(), name.c_str(), kOurs) != 0 && errno != EEXIST) fail("cannot make", name);
  Descriptor found(::openat(parent.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (found.get() < 0) fail("cannot open", name);
  return found;
}

void write_all(const Descriptor& file, std::string_view bytes, const std::string& name) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("cannot write", name);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(file.get()) != 0) fail("cannot write", name);
}

void put(const Descriptor& directory, const std::string& name, std::string_view bytes) {
  static std::atomic<unsigned> number = 0;
  const std::string part = fmt::format(".part-{}-{}", ::getpid(), number++);
  Descriptor file(
      ::openat(directory.get(), part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, kOurFile));
  if (file.get() < 0) fail("cannot make", part);
  try {
    write_all(file, bytes, name);
    if (::renameat(directory.get(), part.c_str(), directory.get(), name.c_str()) != 0) fail("cannot name", name);
  } catch (const Error&) {
    ::unlinkat(directory.get(), part.c_str(), 0);
    throw;
  }
  if (::fsync(directory.get()) != 0) fail("cannot write the directory of", name);
}

}  // namespace

std::string safe_file_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7f || c == '/' || c == '\\' ? '_' : c;
  }
  if (out.empty() || out.front() == '.') out.insert(out.begin(), '_');
  if (out == name && out.size() <= kLongestName) return out;
  const std::size_t dot = out.rfind('.');
  const bool extended = dot != std::string::npos && out.size() - dot <= kLongestExtension;
  const std::string extension = extended ? out.substr(dot) : std::string();
  const std::string_view stem = cut(std::string_view(out).substr(0, out.size() - extension.size()),
                                    kLongestName - kDigest - 1 - extension.size());
  return fmt::format("{}~{}{}", stem, sha256_hex(name).substr(0, kDigest), extension);
}

std::string store_file(const FilePlace& place, std::string_view bytes) {
  if (::mkdir(place.directory.c_str(), kOurs) != 0 && errno != EEXIST) fail("cannot make", place.directory);
  const Descriptor top(::open(place.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (top.get() < 0) fail("cannot open", place.directory);
  const std::string survey = std::to_string(place.survey_id), response = std::to_string(place.response_id);
  const Descriptor of_source = directory_below(top, place.source);
  const Descriptor of_survey = directory_below(of_source, survey);
  const Descriptor of_response = directory_below(of_survey, response);
  const std::string name = safe_file_name(place.name);
  put(of_response, name, bytes);
  return fmt::format("{}/{}/{}/{}/{}", place.directory, place.source, survey, response, name);
}

}  // namespace surveysync::sources::alchemer
