#include "report/web_process.h"

#include <dirent.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <memory>
#include <sstream>

namespace surveysync::report {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream stream(path);
  std::ostringstream text;
  if (stream) text << stream.rdbuf();
  return text.str();
}

std::optional<std::int64_t> number_after(const std::string& text, const std::string& name) {
  const std::size_t at = text.find(name);
  if (at == std::string::npos) return std::nullopt;
  const std::size_t begin = text.find_first_not_of(" \t", at + name.size());
  if (begin == std::string::npos) return std::nullopt;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data() + begin, text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  return number;
}

/// Fields 14 and 15 of stat, user and system time in ticks; the name before them may hold anything, also brackets.
std::optional<double> cpu_seconds(const std::string& stat) {
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field)
    fields >> skipped;
  double user = 0, system = 0;
  if (!(fields >> user >> system)) return std::nullopt;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::optional<std::int64_t> entries(const std::string& folder) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(folder.c_str()), ::closedir);
  if (!directory) return std::nullopt;
  std::int64_t count = 0;
  while (const dirent* const entry = ::readdir(directory.get()))
    if (entry->d_name[0] != '.') ++count;
  return count;
}

}  // namespace

ProcessUse process_use(const std::string& root) {
  ProcessUse use;
  const std::string status = read_file(root + "/status");
  const auto kilobytes = [&](const char* name) {
    const std::optional<std::int64_t> number = number_after(status, name);
    return number ? std::optional(*number * 1024) : std::nullopt;
  };
  use.resident_bytes = kilobytes("VmRSS:");
  use.virtual_bytes = kilobytes("VmSize:");
  use.threads = number_after(status, "Threads:");
  use.cpu_seconds = cpu_seconds(read_file(root + "/stat"));
  use.open_files = entries(root + "/fd");
  use.files_limit = number_after(read_file(root + "/limits"), "Max open files");
  return use;
}

}  // namespace surveysync::report
