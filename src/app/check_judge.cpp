#include "app/check_judge.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <sstream>

#include "app/human.h"

namespace surveysync::app {
namespace {

constexpr mode_t kOthers = S_IRWXG | S_IRWXO;

std::string octal(mode_t mode) {
  return fmt::format("{:04o}", mode & 07777U);
}

CheckResult fail(const std::string& name, std::string message, std::string hint) {
  return {name, Verdict::fail, std::move(message), std::move(hint)};
}
CheckResult warn(const std::string& name, std::string message, std::string hint) {
  return {name, Verdict::warn, std::move(message), std::move(hint)};
}

/// What is wrong with the directory: whoever may write there can replace the secret.
std::optional<CheckResult> judge_directory(const std::string& name, const SecretFileFacts& facts,
                                           const SecretReaders& readers) {
  const mode_t mode = facts.directory_mode;
  const bool trusted =
      facts.directory_owner == 0 || facts.directory_owner == readers.us || facts.directory_owner == readers.service;
  if (!trusted) {
    return fail(name, fmt::format("{} belongs to another user, who can replace the secret", facts.directory),
                fmt::format("chown root {}", facts.directory));
  }
  if ((mode & S_IWOTH) != 0 && (mode & S_ISVTX) == 0) {
    return fail(name, fmt::format("everybody may replace files in {} (mode {})", facts.directory, octal(mode)),
                fmt::format("chmod 0750 {}", facts.directory));
  }
  if ((mode & S_IWGRP) != 0 && (mode & S_ISVTX) == 0) {
    return warn(name, fmt::format("a group may replace files in {} (mode {})", facts.directory, octal(mode)),
                fmt::format("chmod 0750 {}", facts.directory));
  }
  return std::nullopt;
}

}  // namespace

CheckResult judge_secret_file(const std::string& name, const SecretFileFacts& facts, const SecretReaders& readers) {
  if (!facts.exists)
    return fail(name, fmt::format("{} is not there", facts.path), "write the secret into it, mode 0600");
  if (!facts.regular) return fail(name, fmt::format("{} is no regular file", facts.path), "name a file");
  if ((facts.mode & kOthers) != 0) {
    const char* const who = (facts.mode & S_IRWXO) != 0 ? "everybody" : "a group";
    return fail(name, fmt::format("{} is open to {} (mode {})", facts.path, who, octal(facts.mode)),
                fmt::format("chmod 0600 {}; and change the secret: it may have been read", facts.path));
  }
  const bool ours = facts.owner == readers.us || facts.owner == 0 || facts.owner == readers.service;
  if (!ours || !facts.readable) {
    return fail(name,
                fmt::format("{} belongs to another user{}", facts.path, facts.readable ? "" : ", and cannot be read"),
                fmt::format("chown it to the user that surveysync runs as: {}", facts.path));
  }
  if (auto directory = judge_directory(name, facts, readers)) return *directory;
  if (readers.us == 0 && readers.service && facts.owner != *readers.service) {
    return warn(name, fmt::format("{} belongs to root: the service's user cannot read it", facts.path),
                fmt::format("chown surveysync: {}", facts.path));
  }
  std::string message = fmt::format("{}, mode {}", facts.path, octal(facts.mode));
  if (!facts.link_to.empty()) message += ", a link to " + facts.link_to;
  return {name, Verdict::pass, std::move(message), {}};
}

CheckResult judge_certificate(const std::string& name, const std::string& whose, UtcTime until, UtcTime now) {
  const auto days = std::chrono::floor<std::chrono::days>(until - now).count();
  const std::string date = moment(until).substr(0, 10);
  if (until <= now) {
    return warn(name, fmt::format("{} ended on {}", whose, date), "renew it; who verifies it refuses the connection");
  }
  std::string message =
      fmt::format("{} is good for {} more day{}, until {}", whose, grouped(days), days == 1 ? "" : "s", date);
  if (days < kFewDays)
    return warn(name, std::move(message), "it must be renewed in time, or every run fails from then on");
  return {name, Verdict::pass, std::move(message), {}};
}

CheckResult judge_database_tls(const std::string& name, const WayToDatabase& way) {
  const std::string used = way.protocol.empty() ? "not encrypted" : way.protocol;
  if (way.local) return {name, Verdict::pass, used + ", on this machine", {}};
  if (way.protocol.empty()) {
    return warn(name, fmt::format("the way to the database is not encrypted (sslmode={})", way.ssl_mode),
                "sslmode=verify-full and sslrootcert=FILE in [database] uri; ssl = on at the server");
  }
  if (way.ssl_mode != "verify-full") {
    return warn(name, fmt::format("{}, but sslmode={} lets another server stand in for it", used, way.ssl_mode),
                "sslmode=verify-full and sslrootcert=FILE in [database] uri");
  }
  return {name, Verdict::pass, used + ", the server's name is verified", {}};
}

bool unit_allows(const std::string& unit_text, const std::string& program) {
  bool closed = false;
  std::vector<std::string> open;
  std::istringstream lines(unit_text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string key = line.substr(0, equals);
    if (key != "NoExecPaths" && key != "ExecPaths") continue;
    std::istringstream words(line.substr(equals + 1));
    std::string word;
    bool any = false;
    while (words >> word) {
      any = true;
      while (!word.empty() && (word.front() == '-' || word.front() == '+'))
        word.erase(0, 1);
      key == "ExecPaths" ? open.push_back(word) : void(closed = closed || word == "/");
    }
    if (!any) key == "ExecPaths" ? open.clear() : void(closed = false);  // an empty value forgets what was said before
  }
  if (!closed) return true;
  for (const std::string& path : open) {
    if (program == path) return true;
    if (program.starts_with(path) && (path.ends_with('/') || program[path.size()] == '/')) return true;
  }
  return false;
}

Wanted who_wants(bool on_request, bool by_change, bool streams_named, const SourceConfig& source) {
  if (by_change || streams_named) return Wanted::by_name;
  const auto contacts = source.privacy.find("contacts");
  if (on_request && contacts != source.privacy.end() && contacts->second != "off") return Wanted::privacy;
  return Wanted::nobody;
}

CheckResult judge_denied(const std::string& name, Wanted wanted, const std::string& refusal) {
  const std::string message = fmt::format("this key may not read it: {}", refusal);
  switch (wanted) {
    case Wanted::by_name:
      return fail(name, message, "give the key's user the permission, or leave the stream out of `streams`");
    case Wanted::privacy:
      return fail(
          name, message,
          "privacy.contacts asks for people, but this key does not get them: give the key's user the permission, "
          "or write contacts = \"off\"");
    case Wanted::nobody:
      break;
  }
  return warn(name, message, "give the key's user the permission, or leave the stream out of `streams`");
}

}  // namespace surveysync::app
