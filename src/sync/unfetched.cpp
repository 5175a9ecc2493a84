#include "sync/unfetched.h"

#include <fmt/format.h>

namespace surveysync::sync {

std::string unfetched_text(const std::string& source, const store::Unfetched& unfetched) {
  std::string text;
  if (unfetched.waiting > 0) {
    text = fmt::format(
        "{} could not be fetched: tried again from {} on, or at once by `surveysync resync {}`", unfetched.waiting,
        format_utc(std::chrono::floor<std::chrono::seconds>(unfetched.next_try_at.value_or(UtcTime()))), source);
  }
  if (unfetched.left_out > 0) {
    text += fmt::format("{}{} left out, being above a limit of the configuration", text.empty() ? "" : "; ",
                        unfetched.left_out);
  }
  return text;
}

}  // namespace surveysync::sync
