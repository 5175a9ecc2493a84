#include "app/lanes.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <thread>

#include "app/exit_code.h"
#include "app/hook.h"
#include "app/key_records.h"
#include "app/sync_summary.h"
#include "app/verbs.h"
#include "store/migrate.h"

namespace surveysync::app {
namespace {

// Incidents are written and told before a verb ends, for at most this long.
constexpr Duration kTellTime = std::chrono::seconds(5);

/// The stream whose records the progress counts: the certified one, which carries the mass, if it is followed.
std::string counted_stream(const Lane& lane) {
  std::string counted;
  for (const model::StreamSpec& stream : lane.parts->source().streams()) {
    if (!lane.job.following.reads(stream)) continue;
    if (stream.certified) return stream.name;
    if (counted.empty()) counted = stream.name;
  }
  return counted;
}

bool is_survey_id(std::string_view text) {
  const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; };
  return !text.empty() && std::ranges::all_of(text, fits);
}

}  // namespace

Lanes::Lanes(Program& program, const std::vector<const SourceConfig*>& chosen)
    : program_(program),
      accounts_(program.clock(), connect_options(program.connecting_config()), &program.observers()),
      progress_(std::make_shared<ShownProgress>()) {
  program.start_log(
      [progress = progress_] {
        if (Progress* const shown = progress->shown) shown->clear();
      },
      [progress = progress_] {
        if (Progress* const shown = progress->shown) shown->draw();
      });
  program.observers().add(story_);
  for (const std::string& warning : program.config().warnings)
    program.observers().on_event(event::Note{{}, Severity::warning, warning});
  check_schema_version();
  desk_ = std::make_unique<IncidentDesk>(desk_options(program.connecting_config(), false), program.masker(),
                                         program.observers(), program.clock());
  program.observers().add(*desk_);
  assemble(chosen);
  check_tables();
}

Lanes::~Lanes() = default;

/// Builds every source before anything starts; the mistakes of all of them together.
void Lanes::assemble(const std::vector<const SourceConfig*>& chosen) {
  std::string mistakes, hint;
  for (const SourceConfig* const source : chosen) {
    try {
      Lane lane;
      lane.config = source;
      Surroundings around{program_.masker(), program_.observers(), program_.clock()};
      around.account_limiter = accounts_.limiter(*source, program_.config());
      around.alarm = accounts_.alarm(*source);
      around.secret_may_be_missing = chosen.size() > 1;  // then it is that source's trouble, not the others'
      around.key_memory = std::make_shared<KeyRecords>(
          connect_options(program_.connecting_config()), source->name, source->limits.hold_probe, KeyPatience::person,
          program_.clock(),
          std::make_shared<KeyNotes>(program_.config().state_dir, source->limits.hold_probe, program_.clock()));
      lane.parts = std::make_unique<SourceParts>(*source, std::move(around));
      lane.job = lane.parts->job(program_.config());
      lanes_.push_back(std::move(lane));
    } catch (const Error& failure) {
      if (failure.kind() != ErrorKind::config) throw;
      mistakes += fmt::format("{}source {}: {}", mistakes.empty() ? "" : "\n  ", source->name, failure.what());
      hint = failure.hint();
    }
  }
  if (!mistakes.empty()) throw Error(ErrorKind::config, mistakes, hint);
}

/// Fails at the start, not at page 700: the schema's version ...
void Lanes::check_schema_version() {
  program_.open_database();
}

/// ... and every table that a followed stream writes.
void Lanes::check_tables() {
  const auto connection = program_.open_database();
  for (Lane& lane : lanes_) {
    for (const model::StreamSpec& stream : lane.parts->source().streams()) {
      if (lane.job.following.reads(stream)) store::verify_tables(*connection, stream);
    }
  }
}

void Lanes::show_progress() {
  std::vector<Progress::Source> sources;
  for (const Lane& lane : lanes_)
    sources.push_back({lane.config->name, counted_stream(lane)});
  Progress::Options options;
  options.terminal = program_.live_terminal() && program_.config().log_format == "text";
  options.columns = terminal_columns;
  options.write = [](std::string_view text) { write_text(STDERR_FILENO, text); };
  options.notes = &program_.observers();
  progress_->progress = std::make_unique<Progress>(std::move(sources), std::move(options), program_.clock());
  progress_->shown = progress_->progress.get();
  program_.observers().add(*progress_->progress);
}

std::vector<sync::RunReport> Lanes::carry(const LaneWork& work) {
  show_progress();
  const store::OpenSession open = session_opener(program_.connecting_config(), program_.observers(), program_.clock());
  const std::stop_token stop = program_.stop();
  std::vector<sync::RunReport> reports(lanes_.size());
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      threads.emplace_back([&, i] {
        Lane& lane = lanes_[i];
        reports[i] = guarded(lane.job.source, [&] { return work(lane, open, stop); });
        if (lane.job.dry_run || reports[i].run_id == 0) return;
        run_hooks({lane.job.source, lane.config->hook, lane.job.lease_ttl}, open, program_.observers(),
                  program_.clock(), stop);
      });
    }
  }
  progress_->progress->finish();
  desk_->flush(kTellTime);
  return reports;
}

void Lanes::rehearse() {
  desk_->mute();
  for (Lane& lane : lanes_)
    lane.job.dry_run = true;
}

RunHand Lanes::hand(Lane& lane, const store::OpenSession& open, const std::stop_token& stop) {
  return {lane.parts->source(), lane.parts->client(), open, program_.observers(), program_.clock(), stop};
}

sync::RunReport guarded(const std::string& source, const std::function<sync::RunReport()>& work) {
  sync::RunReport report;
  report.source = source;
  try {
    return work();
  } catch (const Error& failure) {
    report.outcome = failure.kind() == ErrorKind::cancelled ? sync::Outcome::cancelled : sync::Outcome::failed;
    report.error = failure;
  } catch (const std::exception& failure) {
    report.error =
        Error(ErrorKind::bug, fmt::format("unexpected: {}", failure.what()), "please report this with the log");
  }
  return report;
}

std::vector<const SourceConfig*> choose_sources_to_work(const Config& config, const std::vector<std::string>& names) {
  std::vector<const SourceConfig*> chosen = choose_sources(config, names);
  if (chosen.empty())
    throw Error(ErrorKind::config, "no source is configured", "add [source.NAME] to the configuration");
  return chosen;
}

std::set<std::string> chosen_surveys(const std::vector<std::string>& surveys, std::size_t sources,
                                     std::string_view verb) {
  if (!surveys.empty() && sources != 1) {
    throw Error(ErrorKind::config, "--survey needs the one source that has it",
                fmt::format("surveysync {} SOURCE --survey ID", verb));
  }
  for (const std::string& survey : surveys) {
    if (is_survey_id(survey)) continue;
    throw Error(ErrorKind::config, fmt::format("--survey \"{}\" is no id of a survey", survey),
                "`surveysync status` lists the ids");
  }
  return {surveys.begin(), surveys.end()};
}

int conclude(Program& program, const Lanes& lanes, const std::vector<sync::RunReport>& reports) {
  for (const sync::RunReport& report : reports) {
    for (const std::string& text : notices(report, lanes.story().of(report.source)))
      program.complain(text);
  }
  for (const std::string& trouble : troubles(reports))
    program.complain(trouble);
  return exit_code_of(reports, program.signal());
}

}  // namespace surveysync::app
