#pragma once
// The JSON of runs, clocks, certificates and quarantine: keys are the columns of the tables (product contract). Pure.

#include <string>
#include <vector>

#include "store/history.h"

namespace surveysync::app {

/// The sources and surveys of `status`, with what the configuration adds.
struct StatusSurvey {
  store::ClockRow clocks;
};
struct StatusSource {
  std::string source;
  bool configured = true;
  store::ClockRow clocks;  ///< of the whole source; empty when it never ran
  std::optional<store::RunRow> last_run;
  std::vector<StatusSurvey> surveys;
};

std::string runs_json(const std::vector<store::RunRow>& runs);
std::string run_json(const store::RunRow& run, const std::vector<store::RunStreamRow>& streams,
                     const std::vector<store::Certificate>& certificates);
std::string status_json(const std::vector<StatusSource>& sources);
std::string quarantine_json(const std::vector<store::QuarantineRow>& rows);
/// With `raw` (broken UTF-8 replaced) and `raw_base64` (exact).
std::string quarantine_item_json(const store::QuarantineRow& row);

}  // namespace surveysync::app
