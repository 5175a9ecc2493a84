#include <fmt/format.h>

#include <algorithm>

#include "app/assembly.h"
#include "app/exit_code.h"
#include "app/human.h"
#include "app/json_writer.h"
#include "app/key_records.h"
#include "app/lanes.h"
#include "app/verbs.h"
#include "report/log_line.h"

namespace surveysync::app {
namespace {

constexpr std::size_t kTitleColumns = 48;

struct DiscoverFlags {
  std::string source;
  bool json = false;
};

/// What one key sees.
struct Discovery {
  const SourceConfig* source = nullptr;
  sources::Following following;
  std::vector<model::Partition> surveys;
  std::vector<std::string> streams;  ///< that are read
  std::optional<Error> error;
};

/// Asks for the list alone: needs neither tables nor, where there is none yet, a database.
Discovery discover(Program& program, const SourceConfig& source, bool has_database) {
  Discovery found;
  found.source = &source;
  try {
    Surroundings around{program.masker(), program.observers(), program.clock()};
    const auto notes =
        std::make_shared<KeyNotes>(program.config().state_dir, source.limits.hold_probe, program.clock());
    around.key_memory = notes;
    if (has_database) {
      const pg::ConnectOptions database = connect_options(program.connecting_config());
      around.account_limiter = Accounts(program.clock(), database).limiter(source, program.config());
      around.key_memory = std::make_shared<KeyRecords>(database, source.name, source.limits.hold_probe,
                                                       KeyPatience::person, program.clock(), notes);
    }
    SourceParts parts(source, std::move(around));
    parts.client().probe_refused_key(program.stop());
    found.following = parts.following();
    for (const model::StreamSpec& stream : parts.source().streams())
      if (found.following.reads(stream)) found.streams.push_back(stream.name);
    found.surveys = parts.source().partitions({source.name, 0, "", ""}, program.stop());
  } catch (const Error& error) {
    found.error = error;
  }
  return found;
}

/// Whether the database can be asked for the account's budget and the key's past. Without it this process is alone.
bool database_answers(Program& program) {
  try {
    program.open_database();
    return true;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::cancelled) throw;
    program.complain(fmt::format("without the database, which keeps the account's budget: {}", error.message()));
    return false;
  }
}

std::string text_of(const Discovery& found) {
  TextTable table({{"ID"}, {"TITLE"}, {"STATUS"}, {"RECORDS", TextTable::Align::right}, {"LAST CHANGE"}, {"FOLLOWED"}});
  std::int64_t followed = 0;
  for (const model::Partition& survey : found.surveys) {
    const bool follows = found.following.follows(survey.name);
    followed += follows ? 1 : 0;
    table.add({survey.name, shortened(report::printable(survey.title), kTitleColumns),
               survey.status.empty() ? "-" : report::printable(survey.status), grouped(survey.expected_records),
               survey.changed.empty() ? "-" : report::printable(survey.changed), follows ? "yes" : "no"});
  }
  const auto count = static_cast<std::int64_t>(found.surveys.size());
  return fmt::format("{}: {} in the account, {} followed; streams: {}\n", found.source->name, grouped(count),
                     grouped(followed), fmt::join(found.streams, ", ")) +
         (table.empty() ? std::string() : table.text(2));
}

std::string json_of(const std::vector<Discovery>& all) {
  JsonWriter writer;
  writer.begin_object().key("sources").begin_array();
  for (const Discovery& found : all) {
    writer.begin_object().field("source", found.source->name).field("type", found.source->type);
    writer.text_or_null("error", found.error ? found.error->full_text() : std::string());
    writer.key("streams").begin_array();
    for (const std::string& stream : found.streams)
      writer.value(stream);
    writer.end_array().key("surveys").begin_array();
    for (const model::Partition& survey : found.surveys) {
      writer.begin_object().field("id", survey.name).field("title", survey.title);
      writer.text_or_null("status", survey.status)
          .field("records", survey.expected_records)
          .text_or_null("last_change", survey.changed)
          .field("followed", found.following.follows(survey.name))
          .end_object();
    }
    writer.end_array().end_object();
  }
  return writer.end_array().end_object().done();
}

int run_discover(Program& program, const DiscoverFlags& flags) {
  const std::vector<std::string> names = flags.source.empty() ? std::vector<std::string>() : std::vector{flags.source};
  const std::vector<const SourceConfig*> chosen = choose_sources_to_work(program.config(), names);
  for (const SourceConfig* source : chosen)
    require_sound(*source);
  program.start_log();
  const bool has_database = database_answers(program);
  std::vector<Discovery> all;
  std::vector<sync::RunReport> reports;  // they decide how the verb ends
  for (const SourceConfig* source : chosen) {
    all.push_back(discover(program, *source, has_database));
    sync::RunReport& report = reports.emplace_back();
    report.source = source->name;
    report.error = all.back().error;
    report.outcome = !report.error                                  ? sync::Outcome::succeeded
                     : report.error->kind() == ErrorKind::cancelled ? sync::Outcome::cancelled
                                                                    : sync::Outcome::failed;
  }
  if (flags.json) {
    program.print(json_of(all));
  } else {
    for (const Discovery& found : all)
      if (!found.error) program.print(text_of(found));
  }
  for (const Discovery& found : all) {
    if (found.error && found.error->kind() != ErrorKind::cancelled)
      program.complain("source " + found.source->name + ": " + found.error->what(), found.error->hint());
  }
  return exit_code_of(reports, program.signal());
}

}  // namespace

void add_discover_verb(CLI::App& app, Program& program, Action& action) {
  CLI::App* const verb =
      app.add_subcommand("discover", "What the key can see: surveys with counts, status and last change");
  verb->footer(
      "Asks the vendor for its list and nothing else; tables are not needed. RECORDS is the vendor's own hint, which\n"
      "lags; LAST CHANGE is its text, on its own clock. surveys.include and exclude take the ids.\n"
      "\nExamples:\n  surveysync discover\n  surveysync discover us --json");
  const auto flags = std::make_shared<DiscoverFlags>();
  verb->add_option("SOURCE", flags->source, "only this source; default: all");
  verb->add_flag("--json", flags->json, "print JSON");
  verb->callback([&program, &action, flags] { action = [&program, flags] { return run_discover(program, *flags); }; });
}

}  // namespace surveysync::app
