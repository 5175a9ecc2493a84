// Every secret that the configuration names: its file and directory, and for commands whether the service may run them.
#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/check_judge.h"
#include "app/check_steps.h"
#include "app/privacy_key.h"
#include "base/secret_command.h"
#include "store/ledger.h"

namespace surveysync::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* kService = "surveysync";

/// A reference and whose it is.
struct NamedSecret {
  std::string name, reference;
};

bool is_reference(std::string_view text) {
  static constexpr std::array<std::string_view, 4> kForms{"file:", "credential:", "env:", "exec:"};
  return std::ranges::any_of(kForms, [&](std::string_view form) { return text.starts_with(form); });
}

std::vector<NamedSecret> secrets_of(const Config& config, const std::vector<const SourceConfig*>& chosen) {
  std::vector<NamedSecret> all;
  const auto add = [&](std::string name, const std::string& reference) {
    if (!reference.empty()) all.push_back({std::move(name), reference});
  };
  add("database", config.database_password);
  add("status", config.status_token);
  if (!config.privacy_key.ours) add("privacy key", config.privacy_key.reference);
  for (const SourceConfig* const source : chosen) {
    const std::string name = "source " + source->name;
    add(name, source->auth.secret);
    add(name + " next", source->auth.next);
    add(name + " consumer", source->auth.consumer);
    add(name + " token", source->auth.token);
    add(name + " proxy", source->proxy_auth);
  }
  for (const AlertConfig& alert : config.alerts) {
    for (const auto& [key, value] : alert.settings)
      if (is_reference(value)) add(fmt::format("alert {} {}", alert.name, key), value);
  }
  return all;
}

SecretFileFacts facts_of(const std::string& path) {
  SecretFileFacts facts;
  facts.path = path;
  struct stat status {};
  facts.exists = ::stat(path.c_str(), &status) == 0;
  if (!facts.exists) return facts;
  facts.regular = S_ISREG(status.st_mode);
  facts.mode = status.st_mode;
  facts.owner = status.st_uid;
  facts.readable = ::access(path.c_str(), R_OK) == 0;
  std::error_code ignored;
  const fs::path real = fs::canonical(path, ignored);
  if (fs::is_symlink(path, ignored)) facts.link_to = real.string();
  facts.directory = real.parent_path().string();
  if (::stat(facts.directory.c_str(), &status) == 0) {
    facts.directory_mode = status.st_mode;
    facts.directory_owner = status.st_uid;
  }
  return facts;
}

SecretReaders readers() {
  SecretReaders readers;
  readers.us = ::geteuid();
  if (const passwd* const user = ::getpwnam(kService)) readers.service = user->pw_uid;
  return readers;
}

std::string content_of(const std::ifstream& file) {
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

/// The unit as systemd reads it: the file, then its drop-ins. Empty where none is installed.
std::string unit_text() {
  std::string text;
  std::error_code ignored;
  for (const char* const directory :
       {"/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}) {
    std::ifstream unit(fmt::format("{}/{}.service", directory, kService));
    if (!unit) continue;
    text = content_of(unit);
    break;
  }
  if (text.empty()) return text;
  for (const char* const directory : {"/usr/lib/systemd/system", "/run/systemd/system", "/etc/systemd/system"}) {
    for (const fs::directory_entry& part :
         fs::directory_iterator(fmt::format("{}/{}.service.d", directory, kService), ignored)) {
      std::ifstream file(part.path());
      text += "\n" + content_of(file);
    }
  }
  return text;
}

/// Where a program of a command line is; empty where nowhere.
std::string found_in_path(const std::string& program) {
  if (program.find('/') != std::string::npos) return ::access(program.c_str(), X_OK) == 0 ? program : "";
  for (const char* const directory : {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}) {
    const std::string path = fmt::format("{}/{}", directory, program);
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return {};
}

/// A command that the service runs: a secret's, or a hook.
void check_command(CheckReport& report, const std::string& name, const std::string& line, const std::string& unit) {
  report.run(name, [&]() -> std::string {
    const std::vector<std::string> words = split_command(line);
    const std::string program = words.empty() ? "" : found_in_path(words.front());
    if (program.empty()) {
      throw Error(ErrorKind::config,
                  fmt::format("{} is not there, or cannot be executed", words.empty() ? line : words.front()),
                  "name a program with its path");
    }
    std::error_code ignored;
    const std::string real = fs::canonical(program, ignored).string();
    if (unit_allows(unit, real))
      return program + (unit.empty() ? " (no unit is installed here)" : ", and the unit allows it");
    throw Error(ErrorKind::config, fmt::format("the unit lets the service execute nothing but itself: not {}", program),
                fmt::format("systemctl edit surveysync: [Service] ExecPaths={}", real));
  });
}

/// Whether values of the source were hashed, or persons erased: any other key than theirs is refused.
bool is_known_by_a_key(store::Ledger& ledger, const std::string& source) {
  try {
    ledger.require_privacy_key(source, "");
    return false;
  } catch (const Error& other_key) {
    if (other_key.kind() != ErrorKind::config) throw;
    return true;
  }
}

}  // namespace

void check_secrets(CheckReport& report, Program& program, const std::vector<const SourceConfig*>& chosen) {
  const SecretReaders who = readers();
  const std::string unit = unit_text();
  for (const NamedSecret& secret : secrets_of(program.config(), chosen)) {
    const std::string name = "permissions " + secret.name;
    constexpr std::string_view kExec = "exec:";
    if (secret.reference.starts_with(kExec)) {
      check_command(report, name, secret.reference.substr(kExec.size()), unit);
      continue;
    }
    constexpr std::string_view kFile = "file:";
    if (secret.reference.starts_with(kFile))
      report.add(judge_secret_file(name, facts_of(secret.reference.substr(kFile.size())), who));
  }
  for (const SourceConfig* const source : chosen)
    if (!source->hook.empty()) check_command(report, fmt::format("hook {}", source->name), source->hook, unit);
}

void check_privacy_key(CheckReport& report, Program& program, const std::vector<const SourceConfig*>& chosen,
                       pg::Connection& database) {
  store::Ledger ledger(database);
  for (const SourceConfig* const source : chosen) {
    if (!is_known_by_a_key(ledger, source->name)) continue;
    report.run(fmt::format("source {} privacy key", source->name), [&]() -> std::string {
      const auto digest = privacy_digest_source(program.config().privacy_key)();
      if (!digest) {
        throw Error(ErrorKind::config, "hashed values or erased persons are known by a key, and this host has none",
                    "bring it from the host or the backup that had it: privacy.key in state.dir, or the file that "
                    "[privacy] key names; every run fails until then");
      }
      ledger.require_privacy_key(source->name, digest->fingerprint());
      return "the one by which hashed values and erased persons are known";
    });
  }
}

}  // namespace surveysync::app
