// `resync` and `backfill`: the two kinds of run that a person asks for by name.
#include <fmt/format.h>

#include <algorithm>

#include "app/lanes.h"
#include "app/moment_argument.h"
#include "app/sync_summary.h"
#include "app/verbs.h"
#include "sync/run.h"

namespace surveysync::app {
namespace {

struct ResyncFlags {
  std::string source, from, until;
  std::vector<std::string> surveys, responses;
  bool confirmed = false, no_wait = false;
};

/// The responses that are named, and the one survey they belong to.
struct ChosenResponses {
  std::set<std::string> ids;
  std::set<std::string> surveys;
};

ChosenResponses chosen_responses(const std::vector<std::string>& words, std::set<std::string> surveys) {
  ChosenResponses chosen{{}, std::move(surveys)};
  bool bare = false;
  for (const std::string& word : words) {
    const std::size_t slash = word.find('/');
    const std::string id = slash == std::string::npos ? word : word.substr(slash + 1);
    const bool sound = !id.empty() && std::ranges::all_of(id, [](char c) { return c >= '0' && c <= '9'; });
    if (!sound || slash == 0) {
      throw Error(ErrorKind::config, fmt::format("--response \"{}\" is no id of a response", word),
                  "--response SURVEY/ID, or --survey SURVEY --response ID");
    }
    if (slash == std::string::npos) {
      bare = true;
    } else {
      chosen.surveys.insert(word.substr(0, slash));
    }
    chosen.ids.insert(id);
  }
  if (words.empty() || chosen.surveys.size() == 1) return chosen;
  throw Error(ErrorKind::config,
              chosen.surveys.empty() && bare ? "--response needs the one survey that has it"
                                             : "--response can name responses of one survey at a time",
              "--response SURVEY/ID, or --survey SURVEY --response ID");
}

sync::Job resync_job(sync::Job job, const ResyncFlags& flags) {
  job.kind = sync::RunKind::resync;
  job.confirmed = flags.confirmed;
  job.from = moment_argument("--from", flags.from);
  job.until = moment_argument("--until", flags.until);
  require_order(job.from, job.until);
  ChosenResponses chosen = chosen_responses(flags.responses, chosen_surveys(flags.surveys, 1, "resync"));
  chosen_surveys({chosen.surveys.begin(), chosen.surveys.end()}, 1, "resync");
  job.only = std::move(chosen.surveys);
  job.responses = std::move(chosen.ids);
  if (!job.responses.empty() && (job.from || job.until)) {
    throw Error(ErrorKind::config, "--response contradicts --from and --until",
                "name the responses, or the time in which they changed");
  }
  return job;
}

sync::Job backfill_job(sync::Job job, const ResyncFlags& flags) {
  job.kind = sync::RunKind::backfill;
  job.from = moment_argument("--from", flags.from);
  job.until = moment_argument("--until", flags.until);
  require_order(job.from, job.until);
  return job;
}

using MakeJob = sync::Job (*)(sync::Job, const ResyncFlags&);

int run_job(Program& program, const ResyncFlags& flags, MakeJob make_job) {
  const std::vector<const SourceConfig*> chosen = choose_sources(program.config(), {flags.source});
  make_job({}, flags);  // mistakes of the command line are told before anything starts
  Lanes lanes(program, chosen);
  for (Lane& lane : lanes.all())
    lane.job = make_job(lane.job, flags);
  const std::vector<sync::RunReport> reports =
      lanes.carry([&](Lane& lane, const store::OpenSession& open, const std::stop_token& stop) {
        return run_or_ask(lanes.hand(lane, open, stop), lane.job, !flags.no_wait);
      });
  program.print(summary_text(reports));
  return conclude(program, lanes, reports);
}

}  // namespace

void add_resync_verbs(CLI::App& app, Program& program, Action& action) {
  const auto flags = std::make_shared<ResyncFlags>();
  CLI::App* const resync = app.add_subcommand("resync", "Read again what is named, and mark what vanished");
  resync->footer(
      "Without --survey, dates or --response the whole source. Times are UTC unless they carry an offset. Rows stay\n"
      "readable all the while; stop it whenever you like: it goes on where it was.\n"
      "When so much is missing at the vendor that it looks like a lost permission, nothing is marked deleted and the\n"
      "exit code is 8: look at the vendor, then repeat it with --yes, which confirms a sample one by one.\n"
      "\nExamples:\n"
      "  surveysync resync us --survey 8611799\n"
      "  surveysync resync us --from 2026-11-01 --until 2026-11-08T12:00\n"
      "  surveysync resync us --response 8611799/42 --response 8611799/43\n"
      "  surveysync resync us --survey 8611799 --yes");
  resync->add_option("SOURCE", flags->source, "name of the source as configured")->required();
  resync->add_option("--survey", flags->surveys, "only this survey; may be repeated")->expected(1)->take_all();
  resync->add_option("--from", flags->from, "only what changed at this time or later")->type_name("TIME");
  resync->add_option("--until", flags->until, "only what changed before this time")->type_name("TIME");
  resync
      ->add_option("--response", flags->responses,
                   "only this response: SURVEY/ID, or ID with --survey; may be repeated")
      ->expected(1)
      ->take_all();
  resync->add_flag("--yes", flags->confirmed, "mark deletions also where the brake would stop");
  resync->add_flag("--no-wait", flags->no_wait, kNoWaitHelp);
  resync->callback(
      [&program, &action, flags] { action = [&program, flags] { return run_job(program, *flags, resync_job); }; });

  CLI::App* const backfill = app.add_subcommand("backfill", "Load a past window, newest first");
  backfill->footer(
      "For a first load that starts with what matters, or a window that was never read. Leaves the bookmark alone, "
      "and\n"
      "marks nothing deleted. Times are UTC unless they carry an offset.\n"
      "\nExamples:\n  surveysync backfill us --from 2026-01-01\n"
      "  surveysync backfill us --from 2025-01-01 --until 2026-01-01");
  backfill->add_option("SOURCE", flags->source, "name of the source as configured")->required();
  backfill->add_option("--from", flags->from, "what changed at this time or later")->type_name("TIME")->required();
  backfill->add_option("--until", flags->until, "and before this time; default: now")->type_name("TIME");
  backfill->add_flag("--no-wait", flags->no_wait, kNoWaitHelp);
  backfill->callback(
      [&program, &action, flags] { action = [&program, flags] { return run_job(program, *flags, backfill_job); }; });
}

}  // namespace surveysync::app
