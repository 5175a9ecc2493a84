#include "app/tidy.h"

#include <fmt/format.h>

#include "store/retention.h"

namespace surveysync::app {

void forget_old(const store::OpenSession& open, const Config& config, const std::string& source, int slices,
                Observer& observer, const std::stop_token& stop) {
  const Scope scope{source, 0, "", ""};
  try {
    const auto session = open(stop);
    const store::RetentionLimits limits{config.retention_runs, config.retention_quarantine};
    const store::Forgotten gone = store::Retention(session->connection()).carry_out(source, limits, slices);
    if (gone != store::Forgotten())
      observer.on_event(event::Note{scope, Severity::info, "older than [retention] says, removed: " + words_of(gone)});
  } catch (const Error& error) {
    if (stop.stop_requested()) return;
    observer.on_event(
        event::Note{scope, Severity::warning,
                    fmt::format("what is older than [retention] says stays for now: {}", error.full_text())});
  }
}

}  // namespace surveysync::app
