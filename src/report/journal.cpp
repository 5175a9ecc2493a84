#include "report/journal.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION  // where an event was told says nothing about where it happened
#include <systemd/sd-journal.h>

#include "report/log_line.h"

namespace surveysync::report {
namespace {

int priority_of(Severity severity) {
  switch (severity) {
    case Severity::debug:
      return LOG_DEBUG;
    case Severity::info:
      return LOG_INFO;
    case Severity::warning:
      return LOG_WARNING;
    case Severity::error:
      return LOG_ERR;
  }
  return LOG_INFO;
}

std::string upper(std::string_view name) {
  std::string result(name);
  for (char& c : result) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return result;
}

}  // namespace

bool is_journal(std::string_view journal_stream) {
  struct stat about {};
  return !journal_stream.empty() && ::fstat(STDERR_FILENO, &about) == 0 &&
         journal_stream == fmt::format("{}:{}", about.st_dev, about.st_ino);
}

std::vector<std::string> journal_entries(const EventText& event, std::string_view line) {
  std::vector<std::string> entries = {fmt::format("MESSAGE={}", line),
                                      fmt::format("PRIORITY={}", priority_of(event.severity)),
                                      "SYSLOG_IDENTIFIER=surveysync", fmt::format("SURVEYSYNC_EVENT={}", event.name)};
  for (const auto& [field, value] : event.fields)
    entries.push_back(fmt::format("SURVEYSYNC_{}={}", upper(field), printable(value)));
  return entries;
}

bool send_to_journal(const std::vector<std::string>& entries) noexcept {
  // The library says that all went well where no journal is (sd_journal_print(3)).
  if (::access("/run/systemd/journal/socket", F_OK) != 0) return false;
  try {
    std::vector<iovec> parts;
    parts.reserve(entries.size());
    for (const std::string& entry : entries)
      parts.push_back({const_cast<char*>(entry.data()), entry.size()});  // only read
    return ::sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) >= 0;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

}  // namespace surveysync::report
