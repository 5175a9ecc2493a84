// `erase`: a person's or a response's data goes, everywhere, and does not come back.
#include <fmt/format.h>

#include <algorithm>

#include "app/exit_code.h"
#include "app/human.h"
#include "app/json_writer.h"
#include "app/lanes.h"
#include "app/privacy_key.h"
#include "app/stored_files.h"
#include "app/verbs.h"
#include "store/erasure.h"

namespace surveysync::app {
namespace {

using Align = TextTable::Align;

// More than a person usually leaves: somebody should look before it goes.
constexpr std::size_t kMostUnconfirmed = 20;

struct EraseFlags {
  std::string source;
  std::vector<std::string> responses, contacts;
  bool verify = false, confirmed = false, json = false;
  bool names_something() const { return !responses.empty() || !contacts.empty(); }
};

/// What is told; no name of anybody.
struct Told {
  std::size_t records = 0;
  std::vector<store::ErasureCount> erased, left;
  std::vector<store::Mention> mentions;
  std::size_t files = 0;
  bool done = false, verified = false;
};

/// `redacted`: rows of others that stay without what described the person.
std::string table_of(const std::vector<store::ErasureCount>& counts) {
  const bool redacted = std::ranges::any_of(counts, [](const auto& count) { return count.redacted > 0; });
  std::vector<TextTable::Heading> columns = {{"TABLE"}, {"ROWS", Align::right}};
  if (redacted) columns.push_back({"REDACTED", Align::right});
  TextTable table(std::move(columns));
  for (const store::ErasureCount& count : counts) {
    std::vector<std::string> cells = {count.place, grouped(count.rows)};
    if (redacted) cells.push_back(grouped(count.redacted));
    table.add(std::move(cells));
  }
  return table.text(2);
}

/// "8600001/8, 8600001/9 and 3 more", or as the flags that erase them.
std::string named_responses(const std::vector<store::Mention>& mentions, std::string_view flag,
                            std::string_view comma) {
  std::string text;
  std::size_t count = 0;
  for (const store::Mention& mention : mentions) {
    if (mention.response.empty() || ++count > kMostUnconfirmed) continue;
    text += fmt::format("{}{}{}", text.empty() ? "" : comma, flag, mention.response);
  }
  if (count > kMostUnconfirmed && flag.empty()) text += fmt::format(" and {} more", count - kMostUnconfirmed);
  return text;
}

/// The address stands where nobody can tell whose it is.
void tell_mentions(Program& program, const EraseFlags& flags, const Told& told) {
  std::string text = "what --contact names still stands in ";
  const std::string responses = named_responses(told.mentions, "", ", ");
  if (!responses.empty()) text += "what was written in response " + responses;
  std::string others;
  for (const store::Mention& mention : told.mentions) {
    if (mention.response.empty())
      others += fmt::format("{}{} ({} rows)", others.empty() ? "" : ", ", mention.place, grouped(mention.rows));
  }
  if (!others.empty()) text += (responses.empty() ? "" : ", and in ") + others;
  const std::string command =
      fmt::format("surveysync erase {} {}", flags.source, named_responses(told.mentions, "--response ", " "));
  program.complain(text,
                   responses.empty()
                       ? "it is not theirs to erase with a person: change it at the vendor, then `surveysync sync`"
                       : "an answer does not tell whose it is; where it is the person's: " + command);
}

std::string json_of(const std::string& source, const Told& told) {
  JsonWriter json;
  const auto counts = [&](std::string_view name, const std::vector<store::ErasureCount>& rows) {
    json.key(name).begin_array();
    for (const store::ErasureCount& count : rows) {
      json.begin_object().field("table", count.place).field("rows", count.rows);
      if (count.redacted > 0) json.field("redacted", count.redacted);
      json.end_object();
    }
    json.end_array();
  };
  json.begin_object().field("source", source).field("done", told.done);
  json.field("records", static_cast<std::int64_t>(told.records)).field("files", static_cast<std::int64_t>(told.files));
  counts("erased", told.erased);
  json.key("left");
  if (told.verified) {
    json.begin_array();
    for (const store::ErasureCount& count : told.left)
      json.begin_object().field("table", count.place).field("rows", count.rows).end_object();
    json.end_array();
  } else {
    json.null();
  }
  json.key("mentions").begin_array();
  for (const store::Mention& mention : told.mentions) {
    json.begin_object().field("table", mention.place).field("rows", mention.rows);
    if (!mention.response.empty()) json.field("response", mention.response);
    json.end_object();
  }
  json.end_array();
  return json.end_object().done();
}

int tell(Program& program, const EraseFlags& flags, const Told& told) {
  if (flags.json) {
    program.print(json_of(flags.source, told));
  } else {
    if (told.done) {
      program.print(fmt::format("{}: {} record{} erased, and kept out from now on\n", flags.source,
                                grouped(static_cast<std::int64_t>(told.records)), told.records == 1 ? "" : "s"));
      if (!told.erased.empty()) program.print(table_of(told.erased));
      if (told.files > 0) program.print(fmt::format("  {} files removed\n", told.files));
    }
    if (told.verified && told.left.empty()) program.print(flags.source + ": nothing is left\n");
  }
  if (told.left.empty() && told.mentions.empty()) return kExitOk;
  if (!flags.json && !told.left.empty())
    program.print(fmt::format("{}: still there:\n{}", flags.source, table_of(told.left)));
  if (!told.mentions.empty()) {
    tell_mentions(program, flags, told);
    return kExitUnbalanced;
  }
  program.complain("something that was erased is still stored", "run it again; if it stays, please report it");
  return kExitUnbalanced;
}

int ask_for_yes(Program& program, const EraseFlags& flags, const Told& told) {
  if (flags.json) program.print(json_of(flags.source, told));
  program.complain(
      fmt::format("nothing was erased: {} records are meant, which is more than {}", told.records, kMostUnconfirmed),
      "repeat it with --yes");
  return kExitConfirm;
}

/// Under the source's lease, as everything that writes.
int erase(Program& program, const EraseFlags& flags, Lane& lane, store::Session& session,
          const std::shared_ptr<const KeyedDigest>& digest) {
  const store::Fence fence = session.acquire_lease(flags.source, lane.job.lease_ttl);
  store::Erasure erasure(session.connection(), flags.source, lane.parts->source().streams(), digest);
  store::ErasureWish wish;
  for (const std::string& response : flags.responses)
    erasure.add_record(response, wish);
  for (const std::string& contact : flags.contacts)
    erasure.add_person(contact, wish);
  Told told;
  told.records = wish.records.size();
  if (told.records > kMostUnconfirmed && !flags.confirmed) {
    session.release_lease(fence);
    return ask_for_yes(program, flags, told);
  }
  const std::vector<std::string> files = erasure.files_of(wish);
  told.erased = erasure.erase(fence, wish);
  told.files = remove_stored_files(files, lane.config->files.dir);
  told.done = true;
  if (!flags.contacts.empty()) told.mentions = erasure.mentions(wish);
  if (flags.verify) {
    told.left = erasure.left_of(wish);
    told.verified = true;
  }
  session.release_lease(fence);
  return tell(program, flags, told);
}

int run_erase(Program& program, const EraseFlags& flags) {
  if (!flags.names_something() && !flags.verify) {
    throw Error(ErrorKind::config, "erase whom? --response SURVEY/ID or --contact EMAIL-OR-ID is needed",
                "surveysync erase --help");
  }
  Lanes lanes(program, choose_sources(program.config(), {flags.source}));
  Lane& lane = lanes.all().front();
  const auto digest = make_privacy_digest(program.config().privacy_key, &program.masker());
  const store::OpenSession open = session_opener(program.connecting_config(), program.observers(), program.clock());
  const auto session = open(program.stop());
  session->ledger().require_privacy_key(flags.source, digest->fingerprint());
  if (flags.names_something()) return erase(program, flags, lane, *session, digest);
  Told told;
  told.left = store::Erasure(session->connection(), flags.source, lane.parts->source().streams(), digest).left_of_all();
  told.verified = true;
  return tell(program, flags, told);
}

}  // namespace

void add_erase_verb(CLI::App& app, Program& program, Action& action) {
  const auto flags = std::make_shared<EraseFlags>();
  CLI::App* const verb = app.add_subcommand("erase", "Delete a person's data everywhere, and keep it out");
  verb->footer(
      "Rows, answers, files, quarantine and what logs of runs say of them go; keyed digests remember them, so that no\n"
      "sync, resync, replay or retry brings them back. What is not stored yet is kept out too. Certificates count "
      "what\n"
      "the vendor still has as excluded. Where another record describes the person in a part of its own (a grader), "
      "that\n"
      "part becomes null. An address that somebody wrote into an answer is told of with the response (exit code 6). "
      "More than 20 records need --yes (exit code 8). --verify searches every table\n"
      "afterwards, or, alone, compares all that is stored with everything that was ever erased (exit code 6 when\n"
      "something is found). The vendor's own copy stays: erase it there too.\n"
      "\nExamples:\n  surveysync erase us --response 8611799/345 --verify\n"
      "  surveysync erase us --contact jane@example.org --yes\n  surveysync erase us --verify");
  verb->add_option("SOURCE", flags->source, "the source's name")->required();
  verb->add_option("--response", flags->responses, "SURVEY/ID of a response")->type_name("SURVEY/ID");
  verb->add_option("--contact", flags->contacts, "a person, by e-mail address or contact id")->type_name("EMAIL-OR-ID");
  verb->add_flag("--verify", flags->verify, "prove that nothing is left");
  verb->add_flag("--yes", flags->confirmed, "also more than 20 records");
  verb->add_flag("--json", flags->json, "print JSON");
  verb->callback([&program, &action, flags] { action = [&program, flags] { return run_erase(program, *flags); }; });
}

}  // namespace surveysync::app
