#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "app/assembly.h"
#include "app/exit_code.h"
#include "app/progress.h"
#include "app/suggest.h"
#include "app/sync_summary.h"
#include "app/verbs.h"
#include "store/migrate.h"
#include "sync/run.h"

namespace surveysync::app {
namespace {

struct SyncFlags {
  std::vector<std::string> sources, surveys;
};

/// One source of the command, assembled.
struct Lane {
  const SourceConfig* config = nullptr;
  std::unique_ptr<SourceParts> parts;
  sync::Job job;
};

/// Builds every source before anything starts; the mistakes of all of them together.
std::vector<Lane> assemble(Program& program, const std::vector<const SourceConfig*>& chosen, const SyncFlags& flags) {
  std::vector<Lane> lanes;
  Accounts accounts(program.clock());
  std::string mistakes, hint;
  for (const SourceConfig* const source : chosen) {
    try {
      Lane lane;
      lane.config = source;
      lane.parts = std::make_unique<SourceParts>(*source, accounts.limiter(*source, program.config()), program.masker(),
                                                 program.observers(), program.clock());
      lane.job = lane.parts->job(program.config());
      lane.job.only = {flags.surveys.begin(), flags.surveys.end()};
      lanes.push_back(std::move(lane));
    } catch (const Error& failure) {
      if (failure.kind() != ErrorKind::config) throw;
      mistakes += fmt::format("{}source {}: {}", mistakes.empty() ? "" : "\n  ", source->name, failure.what());
      hint = failure.hint();
    }
  }
  if (!mistakes.empty()) throw Error(ErrorKind::config, mistakes, hint);
  return lanes;
}

bool follows_stream(const Lane& lane, const std::string& stream) {
  return lane.config->streams.empty() || lane.config->streams.contains(stream);
}

/// The stream whose records the progress counts: the certified one, which carries the mass, if it is followed.
std::string counted_stream(const Lane& lane) {
  std::string counted;
  bool certified = false;
  for (const model::StreamSpec& stream : lane.parts->source().streams()) {
    if (!follows_stream(lane, stream.name) || (certified && !stream.certified)) continue;
    counted = stream.name;
    certified = stream.certified;
  }
  return counted;
}

/// Fails at the start, not at page 700: the schema's version, and every table that a followed stream writes.
void check_schema(Program& program, std::vector<Lane>& lanes) {
  const auto connection = program.open_database();
  for (Lane& lane : lanes) {
    for (const model::StreamSpec& stream : lane.parts->source().streams()) {
      if (follows_stream(lane, stream.name)) store::verify_tables(*connection, stream);
    }
  }
}

/// One lane to its end. What goes wrong before or around the run is its report too.
sync::RunReport run_lane(Lane& lane, const store::OpenSession& open, Program& program, const std::stop_token& stop) {
  try {
    return sync::run(lane.job, lane.parts->source(), open, program.observers(), program.clock(), stop);
  } catch (const Error& failure) {
    sync::RunReport report;
    report.source = lane.job.source;
    report.outcome = failure.kind() == ErrorKind::cancelled ? sync::Outcome::cancelled : sync::Outcome::failed;
    report.error = failure;
    return report;
  } catch (const std::exception& failure) {
    sync::RunReport report;
    report.source = lane.job.source;
    report.error =
        Error(ErrorKind::bug, fmt::format("unexpected: {}", failure.what()), "please report this with the log");
    return report;
  }
}

std::vector<sync::RunReport> run_lanes(std::vector<Lane>& lanes, Program& program) {
  const store::OpenSession open = session_opener(program.connecting_config(), program.observers(), program.clock());
  const std::stop_token stop = program.stop();
  std::vector<sync::RunReport> reports(lanes.size());
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < lanes.size(); ++i) {
      threads.emplace_back([&, i] { reports[i] = run_lane(lanes[i], open, program, stop); });
    }
  }
  return reports;
}

std::shared_ptr<Progress> make_progress(Program& program, const std::vector<Lane>& lanes) {
  std::vector<Progress::Source> sources;
  for (const Lane& lane : lanes)
    sources.push_back({lane.config->name, counted_stream(lane)});
  Progress::Options options;
  options.terminal = program.live_terminal() && program.config().log_format == "text";
  options.columns = terminal_columns;
  options.write = [](std::string_view text) { write_text(STDERR_FILENO, text); };
  options.notes = &program.observers();
  return std::make_shared<Progress>(std::move(sources), std::move(options), program.clock());
}

int run_sync(Program& program, const SyncFlags& flags) {
  const std::vector<const SourceConfig*> chosen = choose_sources(program.config(), flags.sources);
  if (chosen.empty())
    throw Error(ErrorKind::config, "no source is configured", "add [source.NAME] to the configuration");
  if (!flags.surveys.empty() && chosen.size() != 1) {
    throw Error(ErrorKind::config, "--survey needs the one source that has it", "surveysync sync SOURCE --survey ID");
  }
  for (const std::string& survey : flags.surveys) {
    const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; };
    if (survey.empty() || !std::ranges::all_of(survey, fits)) {
      throw Error(ErrorKind::config, fmt::format("--survey \"{}\" is no id of a survey", survey),
                  "`surveysync status` lists the ids");
    }
  }
  // The log's hooks reach the progress through this, which is empty until there is one.
  const auto progress = std::make_shared<std::shared_ptr<Progress>>();
  program.start_log(
      [progress] {
        if (*progress) (*progress)->clear();
      },
      [progress] {
        if (*progress) (*progress)->draw();
      });
  for (const std::string& warning : program.config().warnings) {
    program.observers().on_event(event::Note{{}, Severity::warning, warning});
  }
  std::vector<Lane> lanes = assemble(program, chosen, flags);
  *progress = make_progress(program, lanes);
  program.observers().add(**progress);
  check_schema(program, lanes);
  const std::vector<sync::RunReport> reports = run_lanes(lanes, program);
  (*progress)->finish();
  program.print(summary_text(reports));
  for (const std::string& trouble : troubles(reports))
    program.complain(trouble);
  return exit_code_of(reports, program.signal());
}

}  // namespace

std::vector<const SourceConfig*> choose_sources(const Config& config, const std::vector<std::string>& names) {
  std::vector<const SourceConfig*> chosen;
  std::vector<std::string> known;
  for (const SourceConfig& source : config.sources)
    known.push_back(source.name);
  for (const std::string& name : names.empty() ? known : names) {
    const SourceConfig* const source = config.find(name);
    if (source == nullptr) throw unknown_name("source", name, known);
    if (std::find(chosen.begin(), chosen.end(), source) == chosen.end()) chosen.push_back(source);
  }
  return chosen;
}

void add_sync_verb(CLI::App& app, Program& program, Action& action) {
  CLI::App* const verb = app.add_subcommand("sync", "Make the database equal to the vendor, now");
  verb->footer(
      "Reads every followed survey of the named sources (default: all), stores what is new or changed, and ends with "
      "a\n"
      "certificate for each survey. Stop it whenever you like: it goes on where it was.\n"
      "\nExamples:\n  surveysync sync\n  surveysync sync us eu\n  surveysync sync us --survey 8611799 --survey "
      "8611800");
  const auto flags = std::make_shared<SyncFlags>();
  verb->add_option("SOURCE", flags->sources, "names of sources as configured; default: all");
  verb->add_option("--survey", flags->surveys, "only this survey; may be repeated")->expected(1)->take_all();
  verb->callback([&program, &action, flags] { action = [&program, flags] { return run_sync(program, *flags); }; });
}

}  // namespace surveysync::app
