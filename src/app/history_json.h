#pragma once
// The JSON of runs, clocks, certificates and quarantine: keys are the columns of the tables (product contract). Pure.

#include <string>
#include <vector>

#include "report/web_view.h"
#include "store/history.h"
#include "store/incidents.h"
#include "store/key_book.h"
#include "sync/agenda.h"

namespace surveysync::app {

/// The sources and surveys of `status`, with what the configuration adds.
struct StatusSurvey {
  store::ClockRow clocks;
  std::optional<UtcTime> probed_at = std::nullopt;  ///< when the vendor was last asked about it
  std::optional<UtcTime> swept_at = std::nullopt;   ///< when all its ids were last compared
  bool deleted = false;                             ///< the vendor has no such survey any more
  std::string error = {};                           ///< of the last run, where it could not be worked
};
struct StatusSource {
  std::string source;
  bool configured = true;
  store::ClockRow clocks;  ///< of the whole source; empty when it never ran
  std::optional<store::RunRow> last_run;
  std::string last_trouble = {};  ///< why it did not succeed; empty: it did, or nobody knows
  std::vector<model::Capability> capabilities;
  std::string fallback;                                    ///< see fallback_text
  Duration probe_all = std::chrono::hours(24);             ///< as configured
  std::optional<sync::Due> next_run = std::nullopt;        ///< by the schedule or after a failure; none: when asked
  std::string worked_by = {};                              ///< the process that works it now
  std::optional<store::KeyRecord> refused = std::nullopt;  ///< its key, when it is refused
  std::vector<store::Incident> incidents = {};             ///< open ones
  std::vector<store::ListRow> lists = {};                  ///< certified lists of the account
  std::vector<StatusSurvey> surveys;
};

/// All that `status` says.
struct Status {
  std::vector<StatusSource> sources = {};
  std::vector<store::Incident> incidents = {};   ///< open ones that are about no source
  std::vector<report::BudgetView> budgets = {};  ///< one for each account
};

std::string runs_json(const std::vector<store::RunRow>& runs);
std::string run_json(const store::RunRow& run, const std::vector<store::RunStreamRow>& streams,
                     const std::vector<store::Certificate>& certificates);
std::string status_json(const Status& status);
/// Its array of sources alone.
std::string sources_json(const std::vector<StatusSource>& sources);
std::string quarantine_json(const std::vector<store::QuarantineRow>& rows);
/// With `raw` (broken UTF-8 replaced) and `raw_base64` (exact).
std::string quarantine_item_json(const store::QuarantineRow& row);

}  // namespace surveysync::app
