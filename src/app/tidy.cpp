#include "app/tidy.h"

#include <fmt/format.h>

#include <algorithm>

#include "store/retention.h"

namespace surveysync::app {
namespace {

// Between two signs of life.
constexpr int kSlicesAtOnce = 50;

store::Forgotten sum(const store::Forgotten& a, const store::Forgotten& b) {
  return {a.runs + b.runs, a.streams + b.streams, a.certificates + b.certificates, a.requests + b.requests,
          a.quarantined_bytes + b.quarantined_bytes};
}

}  // namespace

void forget_old(const store::OpenSession& open, const Config& config, const std::string& source, int slices,
                Observer& observer, const std::stop_token& stop, const std::function<void()>& alive) {
  const Scope scope{source, 0, "", ""};
  store::Forgotten all;
  try {
    const auto session = open(stop);
    const store::RetentionLimits limits{config.retention_runs, config.retention_quarantine};
    store::Forgotten gone;
    do {
      if (alive) alive();
      gone = store::Retention(session->connection()).carry_out(source, limits, std::min(slices, kSlicesAtOnce));
      all = sum(all, gone);
      slices -= kSlicesAtOnce;
    } while (slices > 0 && gone != store::Forgotten() && !stop.stop_requested());
  } catch (const Error& error) {
    if (!stop.stop_requested()) {
      observer.on_event(
          event::Note{scope, Severity::warning,
                      fmt::format("what is older than [retention] says stays for now: {}", error.full_text())});
    }
  }
  if (all != store::Forgotten())
    observer.on_event(event::Note{scope, Severity::info, "older than [retention] says, removed: " + words_of(all)});
}

}  // namespace surveysync::app
