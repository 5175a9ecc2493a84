// `quarantine retry` and `quarantine drop`.
#include <fmt/format.h>

#include <map>

#include "app/exit_code.h"
#include "app/human.h"
#include "app/lanes.h"
#include "app/sync_summary.h"
#include "app/verbs.h"
#include "report/log_line.h"
#include "store/archive.h"
#include "store/history.h"
#include "sync/replay.h"

namespace surveysync::app {
namespace {

using Align = TextTable::Align;

struct ActFlags {
  std::vector<std::int64_t> ids;
  std::string source;
  bool confirmed = false;
};

/// The named records by their sources. Throws Error(config) for an id that is not in quarantine, or of another source
/// than `source` (any, when empty).
std::map<std::string, std::vector<store::QuarantineRow>> look_up(Program& program, const std::vector<std::int64_t>& ids,
                                                                 const std::string& source) {
  const auto connection = program.open_database();
  store::History history(*connection);
  std::map<std::string, std::vector<store::QuarantineRow>> found;
  for (const std::int64_t id : ids) {
    std::optional<store::QuarantineRow> row = history.quarantine_item(id);
    if (!row || (!source.empty() && row->source != source)) {
      throw Error(ErrorKind::config,
                  fmt::format("there is no record {} in quarantine{}", id, source.empty() ? "" : " of " + source),
                  "`surveysync quarantine list` lists them");
    }
    row->raw.clear();
    found[row->source].push_back(std::move(*row));
  }
  return found;
}

std::vector<std::int64_t> ids_of(const std::vector<store::QuarantineRow>& rows) {
  std::vector<std::int64_t> ids;
  for (const store::QuarantineRow& row : rows)
    ids.push_back(row.quarantine_id);
  return ids;
}

int run_retry(Program& program, const ActFlags& flags) {
  std::map<std::string, std::vector<store::QuarantineRow>> rows;
  std::vector<std::string> names;
  if (!flags.source.empty()) names = {flags.source};
  choose_sources(program.config(), names);
  if (!flags.ids.empty()) {
    rows = look_up(program, flags.ids, flags.source);
    names.clear();
    for (const auto& [source, items] : rows)
      names.push_back(source);
  }
  Lanes lanes(program, choose_sources_to_work(program.config(), names));
  const std::vector<sync::RunReport> reports =
      lanes.carry([&](Lane& lane, const store::OpenSession& open, const std::stop_token& stop) {
        const auto found = rows.find(lane.job.source);
        const std::vector<std::int64_t> ids = found == rows.end() ? std::vector<std::int64_t>() : ids_of(found->second);
        return sync::retry_quarantined(lane.job, ids, lane.parts->source(), open, program.observers(), program.clock(),
                                       stop);
      });
  program.print(summary_text(reports));
  for (const sync::RunReport& report : reports) {
    if (report.counts.quarantined == 0) continue;
    program.print(fmt::format("{}: {} record{} still cannot be stored; `surveysync quarantine list` says why\n",
                              report.source, grouped(report.counts.quarantined),
                              report.counts.quarantined == 1 ? "" : "s"));
  }
  return conclude(program, lanes, reports);
}

void show_what_would_go(Program& program, const std::map<std::string, std::vector<store::QuarantineRow>>& found) {
  TextTable table({{"ID", Align::right}, {"SOURCE"}, {"STREAM"}, {"SURVEY"}, {"RECORD"}, {"REASON"}});
  for (const auto& [source, rows] : found) {
    for (const store::QuarantineRow& row : rows) {
      table.add({fmt::format("{}", row.quarantine_id), row.source, row.stream, row.partition, row.record_key,
                 shortened(report::printable(row.reason), 60)});
    }
  }
  program.print("would be dropped for good, with their bytes; the certificates count them as excluded from then on:\n" +
                table.text(2));
}

/// Under the lease of each source, since what is dropped counts as excluded in its certificates.
int run_drop(Program& program, const ActFlags& flags) {
  const auto found = look_up(program, flags.ids, "");
  if (!flags.confirmed) {
    show_what_would_go(program, found);
    program.complain("nothing was dropped: this needs a confirmation", "repeat it with --yes");
    return kExitConfirm;
  }
  std::vector<std::string> names;
  for (const auto& [source, rows] : found)
    names.push_back(source);
  Lanes lanes(program, choose_sources(program.config(), names));
  const store::OpenSession open = session_opener(program.connecting_config(), program.observers(), program.clock());
  for (Lane& lane : lanes.all()) {
    const auto session = open(program.stop());
    const store::Fence fence = session->acquire_lease(lane.job.source, lane.job.lease_ttl);
    const std::int64_t dropped = store::Archive(session->connection())
                                     .drop(fence, ids_of(found.at(lane.job.source)), lane.parts->source().streams());
    session->release_lease(fence);
    program.print(fmt::format("{}: {} record{} dropped\n", lane.job.source, grouped(dropped), dropped == 1 ? "" : "s"));
  }
  return kExitOk;
}

}  // namespace

void add_quarantine_acts(CLI::App& quarantine, Program& program, Action& action) {
  const auto flags = std::make_shared<ActFlags>();
  CLI::App* const retry = quarantine.add_subcommand("retry", "Decode and store them again, from their bytes");
  retry->footer(
      "After an update that understands them. No request is made; what still cannot be stored stays.\n"
      "\nExamples:\n  surveysync quarantine retry\n  surveysync quarantine retry 3 4");
  retry->add_option("ID", flags->ids, "their numbers in the list; default: all");
  retry->add_option("--source", flags->source, "only this source's");
  retry->callback([&program, &action, flags] { action = [&program, flags] { return run_retry(program, *flags); }; });
  CLI::App* const drop = quarantine.add_subcommand("drop", "Give them up: they are kept out for good");
  drop->footer(
      "Their bytes are gone then, and no sync brings them back; certificates count them as excluded. Without --yes it\n"
      "only shows what would go, and ends with exit code 8.\n"
      "\nExample:\n  surveysync quarantine drop 3 4 --yes");
  drop->add_option("ID", flags->ids, "their numbers in the list")->required();
  drop->add_flag("--yes", flags->confirmed, "really");
  drop->callback([&program, &action, flags] { action = [&program, flags] { return run_drop(program, *flags); }; });
}

}  // namespace surveysync::app
