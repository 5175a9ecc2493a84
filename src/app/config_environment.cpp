#include "app/config_environment.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

namespace surveysync::app {

bool cursor_allowed() {
  const char* const terminal = std::getenv("TERM");
  return terminal == nullptr || std::string_view(terminal) != "dumb";
}

bool colours_allowed() {
  const char* const no_color = std::getenv("NO_COLOR");
  return cursor_allowed() && (no_color == nullptr || *no_color == '\0');
}

std::string environment_text(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

std::string journal_stream() {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  return stream == nullptr ? "" : stream;
}

std::vector<std::string> environment_without_settings() {
  static constexpr std::array<std::string_view, 7> kOurs{"SURVEYSYNC__",    "NOTIFY_SOCKET=", "WATCHDOG_",
                                                         "JOURNAL_STREAM=", "LISTEN_",        "CREDENTIALS_DIRECTORY=",
                                                         "INVOCATION_ID="};
  std::vector<std::string> kept;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    if (std::ranges::none_of(kOurs, [&](std::string_view name) { return text.starts_with(name); }))
      kept.emplace_back(text);
  }
  return kept;
}

}  // namespace surveysync::app
