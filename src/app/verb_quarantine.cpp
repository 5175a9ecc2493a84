#include <fmt/format.h>

#include "app/history_json.h"
#include "app/human.h"
#include "app/verbs.h"
#include "report/log_line.h"

namespace surveysync::app {
namespace {

using Align = TextTable::Align;

struct QuarantineFlags {
  bool json = false;
  std::string source;
  int limit = 100;
  std::int64_t id = 0;
};

int list_quarantine(Program& program, const QuarantineFlags& flags) {
  program.start_log();
  if (!flags.source.empty()) choose_sources(program.config(), {flags.source});
  const auto connection = program.open_database();
  const std::vector<store::QuarantineRow> rows = store::History(*connection).quarantine(flags.source, flags.limit);
  if (flags.json) {
    program.print(quarantine_json(rows));
    return 0;
  }
  TextTable table({{"ID", Align::right},
                   {"SOURCE"},
                   {"STREAM"},
                   {"SURVEY"},
                   {"RECORD"},
                   {"FIRST SEEN (UTC)"},
                   {"BYTES", Align::right},
                   {"REASON"}});
  for (const store::QuarantineRow& row : rows) {
    table.add({fmt::format("{}", row.quarantine_id), row.source, row.stream, row.partition, row.record_key,
               moment(row.first_seen_at), grouped(row.size), shortened(report::printable(row.reason), 80)});
  }
  program.print(table.empty() ? "the quarantine is empty\n" : table.text());
  return 0;
}

int show_quarantine(Program& program, const QuarantineFlags& flags) {
  program.start_log();
  const auto connection = program.open_database();
  const std::optional<store::QuarantineRow> row = store::History(*connection).quarantine_item(flags.id);
  if (!row) {
    throw Error(ErrorKind::config, fmt::format("there is no record {} in quarantine", flags.id),
                "`surveysync quarantine list` lists them");
  }
  if (flags.json) {
    program.print(quarantine_item_json(*row));
    return 0;
  }
  program.print(
      fmt::format("{} {} {} record {}\n  reason      {}\n  first seen  {} UTC, run {}\n  {} bytes as the vendor sent "
                  "them{}:\n\n{}\n",
                  row->source, row->stream, row->partition, row->record_key, report::printable(row->reason),
                  moment(row->first_seen_at), row->run_id, grouped(static_cast<std::int64_t>(row->raw.size())),
                  " (control characters shown as <..>; --json has them exactly)", report::printable(row->raw)));
  return 0;
}

}  // namespace

void add_quarantine_verbs(CLI::App& app, Program& program, Action& action) {
  CLI::App* const verb = app.add_subcommand("quarantine", "Records that could not be stored");
  verb->footer(
      "Examples:\n  surveysync quarantine list\n  surveysync quarantine show 3 --json\n  surveysync quarantine retry\n"
      "  surveysync quarantine drop 3 --yes");
  const auto flags = std::make_shared<QuarantineFlags>();
  CLI::App* const list = verb->add_subcommand("list", "List them with their reasons");
  list->add_flag("--json", flags->json, "print JSON");
  list->add_option("--source", flags->source, "only this source's");
  list->add_option("--limit", flags->limit, "how many")->check(CLI::Range(1, 1000000))->capture_default_str();
  list->callback(
      [&program, &action, flags] { action = [&program, flags] { return list_quarantine(program, *flags); }; });
  CLI::App* const show = verb->add_subcommand("show", "One record with its exact bytes");
  show->add_option("ID", flags->id, "its number in the list")->required();
  show->add_flag("--json", flags->json, "print JSON");
  show->callback(
      [&program, &action, flags] { action = [&program, flags] { return show_quarantine(program, *flags); }; });
  add_quarantine_acts(*verb, program, action);
}

}  // namespace surveysync::app
