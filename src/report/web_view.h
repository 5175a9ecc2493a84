#pragma once
// What the status page shows, as plain values: app fills them from the database, the lanes and the meters, report/web*
// draws them. Texts in them come from vendors and people: whoever draws escapes them. Shared between threads as
// constants.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/event.h"
#include "base/time.h"

namespace surveysync::report {

/// The four clocks of a source or survey; empty: never.
struct FourClocks {
  std::optional<UtcTime> attempt, success, certified, newest_change;
};

/// What the newest certificate says.
enum class Proof : std::uint8_t {
  none,
  balanced,
  unbalanced,
  by_list,  ///< of a survey: what it holds is certified with lists of the account
  not_followed,
  deleted
};

struct SurveyView {
  std::string id, title;  ///< title may be empty
  FourClocks clocks;
  std::int64_t stored = 0;
  Proof proof = Proof::none;
  std::string note;  ///< what the last run could not do; empty: nothing
};

/// A list of the account that has a certificate of its own.
struct ListView {
  std::string stream;
  std::int64_t stored = 0, vendor_total = 0;
  Proof proof = Proof::none;
  std::optional<UtcTime> certified;
};

/// One key of a source: its fingerprint, never the key.
struct KeyView {
  std::string slot, fingerprint, verdict;  ///< verdict empty: not refused
  std::optional<UtcTime> first_used_at, last_good_at, refused_at;
};

struct IncidentView {
  std::string key, rule, source, severity, verdict, evidence, next_step;
  UtcTime opened_at{};
};

struct RunView {
  std::int64_t run_id = 0;
  std::string source, kind, outcome, error;  ///< outcome empty: it runs
  UtcTime started_at{};
  std::optional<UtcTime> finished_at;
  Counts counts;
};

struct SourceView {
  std::string name;
  bool configured = true;
  FourClocks clocks;
  Proof proof = Proof::none;
  std::int64_t stored = 0;
  std::string reads;      ///< how changes are found where not by their date; empty: as usual
  std::string worked_by;  ///< the process that works it now
  std::optional<UtcTime> next_run;
  std::string next_reason;
  Duration stale_after = std::chrono::hours(26);  ///< as configured
  std::vector<KeyView> keys;
  std::vector<ListView> lists;
  std::vector<SurveyView> surveys;
};

/// What sources of one account may ask together.
struct BudgetView {
  std::string account;
  std::vector<std::string> sources;
  int share = 0, vendor_limit = 0;  ///< requests in one window: ours, and what the vendor allows
  Duration window = std::chrono::seconds(60);
  std::optional<UtcTime> booked_until, resting_until;  ///< from surveysync.rate_budget
};

struct DayView {
  std::string day;  ///< "2026-11-22", UTC
  std::int64_t inserted = 0, updated = 0;
};

/// What one look into the database found.
struct DatabaseView {
  UtcTime taken_at{};
  Duration took{};
  std::vector<SourceView> sources;
  std::vector<IncidentView> incidents;  ///< open ones
  std::vector<RunView> runs;            ///< newest first
  std::vector<BudgetView> budgets;
  std::vector<DayView> days;  ///< oldest first, without gaps
  std::string sources_json;   ///< the array of `status --json`
};

/// What a lane does, from memory.
struct LaneView {
  std::string source, text;  ///< "running", "next run ...", "held (rotated)"
  bool held = false, running = false;
};

/// How far a run of this process has come.
struct ProgressView {
  std::string source, kind;
  std::int64_t run_id = 0, parts = 0, parts_done = 0, expected = 0, records = 0;
  bool planned = false;
  UtcTime since{};
};

/// Everything at one moment.
struct StatusView {
  UtcTime at{}, started_at{};
  std::string version, host;
  bool alive = true;  ///< every lane shows life
  std::vector<LaneView> lanes;
  std::vector<ProgressView> progress;                ///< of the runs of this process
  std::map<std::string, std::int64_t> recent_calls;  ///< requests in the last minute, by source
  std::vector<IncidentView> told;                    ///< opened by this process, and not over
  std::shared_ptr<const DatabaseView> database;      ///< the last look that succeeded; null: none yet
  std::string trouble;                               ///< why the newest look failed; empty: it succeeded
  bool away = false;                                 ///< ... because the database does not answer
  std::optional<UtcTime> trouble_since;
  bool schema_current = false;
};

}  // namespace surveysync::report
