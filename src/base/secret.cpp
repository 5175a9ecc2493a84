#include "base/secret.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/sha.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>
#include <mutex>

#include "base/descriptor.h"
#include "base/error.h"
#include "base/secret_command.h"

namespace surveysync {
namespace {

constexpr std::size_t kMaxSecretBytes = 64UL << 10;

/// Overwrites all memory of `text`, also what lies between its size and its capacity.
void wipe(std::string& text) {
  text.resize(text.capacity());
  explicit_bzero(text.data(), text.size());
  text.clear();
}

[[noreturn]] void refuse(const std::string& what, const std::string& hint = {}) {
  throw Error(ErrorKind::config, what, hint);
}

/// systemd guards its credentials directory itself, and its access control lists show up as group bits: not checked
/// there.
enum class Permissions { strict, by_directory };

void check_permissions(const struct stat& status, const std::string& path) {
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) == 0) return;
  refuse(
      fmt::format("secret file {} has mode {:04o}: group or others have access to it", path, status.st_mode & 07777U),
      fmt::format("chmod 600 {}", path));
}

std::string read_file(const std::string& path, Permissions permissions) {
  // Not blocking: a named pipe in the place of a file must not hang the start.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) {
    const int reason = errno;
    refuse(fmt::format("secret file {} cannot be read: {}", path, std::strerror(reason)),
           reason == EACCES ? "the file must belong to the user that surveysync runs as" : "");
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    refuse(fmt::format("secret file {} is no regular file", path));
  }
  if (permissions == Permissions::strict) check_permissions(status, path);
  if (static_cast<std::size_t>(status.st_size) > kMaxSecretBytes)
    refuse(fmt::format("secret file {} is too large", path));

  std::string text(kMaxSecretBytes + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(file.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refuse(fmt::format("secret file {} cannot be read: {}", path, std::strerror(errno)));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  std::string result = text.substr(0, size);
  wipe(text);
  if (size > kMaxSecretBytes) refuse(fmt::format("secret file {} is too large", path));
  return result;
}

std::string read_credential(const std::string& name) {
  const char* const directory = std::getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr || *directory == '\0') {
    refuse(fmt::format("secret credential:{} cannot be read: CREDENTIALS_DIRECTORY is not set", name),
           fmt::format("systemd sets it for a service with LoadCredential={}:PATH; elsewhere use file:PATH", name));
  }
  return read_file(std::string(directory) + "/" + name, Permissions::by_directory);
}

/// Reads a variable once, overwrites its bytes (they stay readable in /proc/PID/environ otherwise), unsets it and keeps
/// the value for later reads: a client reads its secret again when it is refused.
std::string read_environment(const std::string& name) {
  static std::mutex mutex;
  static std::map<std::string, Secret> taken;
  const std::lock_guard lock(mutex);
  if (char* const value = std::getenv(name.c_str())) {
    std::string text(value);
    explicit_bzero(value, text.size());
    ::unsetenv(name.c_str());
    taken.insert_or_assign(name, Secret(std::move(text)));
  }
  const auto found = taken.find(name);
  if (found == taken.end()) refuse(fmt::format("secret env:{} cannot be read: the variable is not set", name));
  return std::string(found->second.expose());
}

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

/// The first that trimming finds, in words for the warning.
std::string_view trim_line(std::string_view line, std::vector<std::string>& warnings) {
  const std::string_view before = line;
  while (!line.empty() && (is_blank(line.back()) || line.back() == '\r'))
    line.remove_suffix(1);
  while (!line.empty() && is_blank(line.front()))
    line.remove_prefix(1);
  if (line.size() != before.size()) warnings.emplace_back("blanks or carriage returns around a line trimmed");
  if (line.size() >= 2 && line.front() == line.back() && (line.front() == '"' || line.front() == '\'')) {
    line = line.substr(1, line.size() - 2);
    warnings.emplace_back("quotes around a line trimmed");
  }
  return line;
}

/// The non-empty lines of `text`, trimmed. Throws for control characters.
std::vector<Secret> split_lines(std::string_view text, const std::string& display, std::vector<std::string>& warnings) {
  if (text.starts_with("\xEF\xBB\xBF")) {
    text.remove_prefix(3);
    warnings.emplace_back("byte-order mark trimmed");
  }
  // One newline at the end is how text files end; more of them were not meant.
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with("\n") || text.ends_with("\n\r")) warnings.emplace_back("trailing newlines trimmed");
  std::vector<Secret> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trim_line(text.substr(0, end), warnings);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    for (const char c : line) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
        refuse(fmt::format("secret {} has a control character in line {}", display, lines.size() + 1),
               "write it again with an editor, or with printf '%s\\n'");
      }
    }
    lines.emplace_back(std::string(line));
  }
  std::sort(warnings.begin(), warnings.end());
  warnings.erase(std::unique(warnings.begin(), warnings.end()), warnings.end());
  return lines;
}

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

void take_fingerprints(Credential& credential) {
  credential.line_fingerprints.clear();
  std::string whole;
  for (const Secret& line : credential.lines) {
    if (!whole.empty()) whole += '\n';
    whole += line.expose();
    credential.line_fingerprints.push_back(fingerprint(line.expose()));
  }
  credential.fingerprint = fingerprint(whole);
  wipe(whole);
}

}  // namespace

Secret::Secret(std::string value) : value_(std::move(value)) {
  // A short text moved from stays readable in the source's own buffer.
  wipe(value);
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe(value_);
    value_ = std::move(other.value_);
    wipe(other.value_);
  }
  return *this;
}

Secret::~Secret() {
  wipe(value_);
}

SecretReference::SecretReference(Form form, std::string target, std::string display)
    : form_(form), target_(std::move(target)), display_(std::move(display)) {}

SecretReference SecretReference::parse(std::string_view text) {
  static constexpr std::pair<std::string_view, Form> kForms[] = {
      {"file:", Form::file}, {"credential:", Form::credential}, {"env:", Form::env}, {"exec:", Form::exec}};
  for (const auto& [prefix, form] : kForms) {
    if (!text.starts_with(prefix)) continue;
    const std::string target(text.substr(prefix.size()));
    if (target.empty() || has_control_character(target)) break;
    if (form == Form::credential && (target.find('/') != std::string::npos || target.starts_with("."))) {
      refuse("a credential: reference is a plain name, without a path");
    }
    if (form == Form::env && target.find('=') != std::string::npos)
      refuse("an env: reference is the name of a variable");
    if (form == Form::exec && split_command(target).empty()) refuse("an exec: reference needs a command");
    // Arguments of a command may be secrets themselves: only the program is shown.
    return {form, target, form == Form::exec ? "exec:" + split_command(target).front() : std::string(text)};
  }
  // The text itself is not shown: people paste keys here.
  refuse("a secret is given by reference, not by value",
         "file:/path (two lines for a key pair), credential:NAME, env:NAME or exec:COMMAND");
}

std::string SecretReference::load() const {
  switch (form_) {
    case Form::file:
      return read_file(target_, Permissions::strict);
    case Form::credential:
      return read_credential(target_);
    case Form::env:
      return read_environment(target_);
    case Form::exec:
      return run_secret_command(split_command(target_), kMaxSecretBytes);
  }
  return {};
}

Credential SecretReference::read(std::size_t lines) const {
  std::string text = load();
  Credential credential;
  try {
    credential.lines = split_lines(text, display_, credential.warnings);
  } catch (...) {
    wipe(text);
    throw;
  }
  wipe(text);
  if (form_ == Form::env) {
    credential.warnings.emplace_back(
        "environment variables leak to child processes and crash reports; prefer file: or credential:");
  }
  if (credential.lines.empty()) refuse(fmt::format("secret {} is empty", display_));
  if (credential.lines.size() != lines) {
    refuse(fmt::format("secret {} has {} line{}, {} expected", display_, credential.lines.size(),
                       credential.lines.size() == 1 ? "" : "s", lines),
           lines == 2 ? "a key pair is one file of two lines: the token, then the secret" : "");
  }
  take_fingerprints(credential);
  return credential;
}

Credential joined(Credential first, Credential second) {
  std::ranges::move(second.lines, std::back_inserter(first.lines));
  std::ranges::move(second.warnings, std::back_inserter(first.warnings));
  take_fingerprints(first);
  return first;
}

std::string fingerprint(std::string_view bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  return fmt::format("{:02x}{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2], digest[3]);
}

}  // namespace surveysync
