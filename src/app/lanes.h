#pragma once
// The sources that a verb works on, each with everything it is made of, and the threads that carry them side by side.
// Shared by all verbs that run something: sync, resync, backfill, replay, plan, verify, quarantine retry. Nothing
// starts before every source could be assembled and the schema fits.

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "app/assembly.h"
#include "app/incident_desk.h"
#include "app/program.h"
#include "app/progress.h"
#include "app/run_requests.h"
#include "app/run_story.h"

namespace surveysync::app {

/// One source of the command, assembled.
struct Lane {
  const SourceConfig* config = nullptr;
  std::unique_ptr<SourceParts> parts;
  sync::Job job;  ///< as configured; verbs fill in the rest
};

/// What a lane does: sync::run, sync::replay, ...
using LaneWork = std::function<sync::RunReport(Lane&, const store::OpenSession&, const std::stop_token&)>;

/// The progress as the log's hooks see it, who live longer than the lanes and begin before it.
struct ShownProgress {
  std::unique_ptr<Progress> progress;
  std::atomic<Progress*> shown = nullptr;  ///< once it is there
};

class Lanes {
 public:
  /// Starts the log and assembles `chosen`. Throws Error(config) with the mistakes of all of them together, and what a
  /// schema that does not fit throws.
  Lanes(Program& program, const std::vector<const SourceConfig*>& chosen);
  ~Lanes();
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  std::vector<Lane>& all() { return lanes_; }
  /// What they do is not meant to last: every job a dry run, nothing an incident.
  void rehearse();
  /// Carries all lanes at once, with progress, to their end. What goes wrong before or around the work of a lane is its
  /// report too.
  std::vector<sync::RunReport> carry(const LaneWork& work);
  /// What was worth telling while they worked.
  const RunStory& story() const { return story_; }
  /// What runs one source of them.
  RunHand hand(Lane& lane, const store::OpenSession& open, const std::stop_token& stop);

 private:
  void assemble(const std::vector<const SourceConfig*>& chosen);
  void check_schema_version();
  void check_tables();
  void show_progress();

  Program& program_;
  Accounts accounts_;
  std::vector<Lane> lanes_;
  RunStory story_;
  std::unique_ptr<IncidentDesk> desk_;
  std::shared_ptr<ShownProgress> progress_;
};

/// Sources by name, all when `names` is empty. Throws Error(config) naming the unknown ones with a "did you mean", and
/// when none is configured.
std::vector<const SourceConfig*> choose_sources_to_work(const Config& config, const std::vector<std::string>& names);

/// The partitions that --survey names. Throws Error(config) for a text that is no id, and when there is not exactly one
/// source to which they could belong. `verb`: for the hint.
std::set<std::string> chosen_surveys(const std::vector<std::string>& surveys, std::size_t sources,
                                     std::string_view verb);

/// What `work` throws becomes the report of a lane that failed.
sync::RunReport guarded(const std::string& source, const std::function<sync::RunReport()>& work);

/// How a verb that ran something ends: what went wrong on standard error, the exit code.
int conclude(Program& program, const Lanes& lanes, const std::vector<sync::RunReport>& reports);

}  // namespace surveysync::app
