#include "app/config_environment.h"

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

}  // namespace surveysync::app
