// `keys status` and `keys test`: fingerprints, ages, verdicts; never a value.
#include <fmt/format.h>

#include <algorithm>

#include "app/assembly.h"
#include "app/exit_code.h"
#include "app/human.h"
#include "app/json_writer.h"
#include "app/key_records.h"
#include "app/key_slots.h"
#include "app/verbs.h"
#include "report/log_line.h"

namespace surveysync::app {
namespace {

struct KeysFlags {
  std::vector<std::string> sources;
  bool json = false;
};

/// One slot of one source, as far as file, database and perhaps the vendor tell.
struct KeyLine {
  std::string source, slot, reference;
  std::string fingerprint;  ///< of what the reference holds now; empty: it cannot be read
  std::string verdict, evidence, next_step;
  std::optional<UtcTime> first_used_at, last_good_at, refused_at, next_probe_at;
};

std::string word(const KeyLine& key) {
  if (!key.verdict.empty()) return key.verdict;
  return key.last_good_at ? "good" : "not used yet";
}

/// What the file holds: the fingerprint, or why it cannot be read.
void read_file(KeyLine& key, const KeySlot& slot, Program& program) {
  try {
    const Credential found = slot.read();
    program.masker().add(found);
    key.fingerprint = found.fingerprint;
  } catch (const Error& failure) {
    key.verdict = "missing";
    key.evidence = failure.what();
    key.next_step = failure.hint();
  }
}

/// What is known of the key that the file holds; another key's story in the same slot is not this one's.
void add_story(KeyLine& key, const std::vector<store::KeyRecord>& records) {
  const auto known = std::ranges::find_if(records, [&](const store::KeyRecord& record) {
    return record.source == key.source && record.slot == key.slot && record.fingerprint == key.fingerprint;
  });
  if (known == records.end() || key.fingerprint.empty()) return;
  key.verdict = known->verdict;
  key.evidence = known->evidence;
  key.next_step = known->next_step;
  key.first_used_at = known->first_used_at;
  key.last_good_at = known->last_good_at;
  key.refused_at = known->refused_at;
  key.next_probe_at = known->verdict.empty() ? std::nullopt : known->next_probe_at;
}

std::vector<KeyLine> key_lines(Program& program, const SourceConfig& source,
                               const std::vector<store::KeyRecord>& records) {
  std::vector<KeyLine> keys;
  for (const KeySlot& slot : key_slots(source)) {
    KeyLine key;
    key.source = source.name;
    key.slot = slot.name;
    key.reference = slot.display();
    read_file(key, slot, program);
    add_story(key, records);
    keys.push_back(std::move(key));
  }
  return keys;
}

std::string age(const std::optional<UtcTime>& time, UtcTime now) {
  return time ? ago(time, now) : "-";
}

std::string table_text(const std::vector<KeyLine>& keys, UtcTime now) {
  TextTable table(
      {{"SOURCE"}, {"SLOT"}, {"FINGERPRINT"}, {"VERDICT"}, {"FIRST USED"}, {"LAST GOOD"}, {"REFUSED"}, {"NEXT PROBE"}});
  for (const KeyLine& key : keys) {
    table.add({key.source, key.slot, key.fingerprint.empty() ? "-" : key.fingerprint, word(key),
               age(key.first_used_at, now), age(key.last_good_at, now), age(key.refused_at, now),
               key.next_probe_at ? format_utc(std::chrono::floor<std::chrono::seconds>(*key.next_probe_at)) : "-"});
  }
  std::string text = table.text();
  for (const KeyLine& key : keys) {
    if (key.verdict.empty()) continue;
    text += fmt::format("\n{} {}: {}\n", key.source, key.slot, report::printable(key.evidence));
    if (!key.next_step.empty()) text += fmt::format("  hint: {}\n", report::printable(key.next_step));
  }
  return text;
}

std::string json_text(const std::vector<KeyLine>& keys) {
  JsonWriter json;
  json.begin_object().key("keys").begin_array();
  for (const KeyLine& key : keys) {
    json.begin_object().field("source", key.source).field("slot", key.slot).field("secret", key.reference);
    json.text_or_null("fingerprint", key.fingerprint).field("verdict", word(key));
    json.field("usable", key.verdict.empty());
    json.text_or_null("evidence", key.evidence).text_or_null("next_step", key.next_step);
    json.field("first_used_at", key.first_used_at).field("last_good_at", key.last_good_at);
    json.field("refused_at", key.refused_at).field("next_probe_at", key.next_probe_at);
    json.end_object();
  }
  json.end_array().end_object();
  return json.done();
}

/// 0: all can be used; 4: none can; 5: some.
int code_of(const std::vector<KeyLine>& keys) {
  const auto bad = std::ranges::count_if(keys, [](const KeyLine& key) { return !key.verdict.empty(); });
  if (bad == 0) return kExitOk;
  return bad == std::ssize(keys) ? kExitRefused : kExitPartial;
}

std::vector<store::KeyRecord> known_records(Program& program) {
  const auto connection = program.open_database();
  return store::KeyBook(*connection).records("");
}

int print_keys(Program& program, const std::vector<KeyLine>& keys, bool json) {
  program.print(json ? json_text(keys) : table_text(keys, program.clock().utc_now()));
  return code_of(keys);
}

int run_status(Program& program, const KeysFlags& flags) {
  program.start_log();
  const std::vector<store::KeyRecord> records = known_records(program);
  std::vector<KeyLine> keys;
  for (const SourceConfig* const source : choose_sources(program.config(), flags.sources))
    std::ranges::move(key_lines(program, *source, records), std::back_inserter(keys));
  print_keys(program, keys, flags.json);
  return kExitOk;
}

/// One probe for each key. What the vendor said is added to what is known.
int run_test(Program& program, const KeysFlags& flags) {
  program.start_log();
  const pg::ConnectOptions database = connect_options(program.connecting_config());
  program.open_database();
  Accounts accounts(program.clock(), database);
  std::vector<KeyLine> keys;
  for (const SourceConfig* const source : choose_sources(program.config(), flags.sources)) {
    Surroundings around{program.masker(), program.observers(), program.clock()};
    around.account_limiter = accounts.limiter(*source, program.config());
    around.key_memory = std::make_shared<KeyRecords>(
        database, source->name, source->limits.hold_probe, KeyPatience::person, program.clock(),
        std::make_shared<KeyNotes>(program.config().state_dir, source->limits.hold_probe, program.clock()));
    around.secret_may_be_missing = true;
    SourceParts parts(*source, std::move(around));
    const std::vector<http::KeyState> tested = parts.client().test_keys(program.stop());
    for (KeyLine& key : key_lines(program, *source, known_records(program))) {
      for (const http::KeyState& state : tested) {
        if (state.slot != key.slot) continue;
        key.verdict = state.usable ? "" : state.verdict;
        key.evidence = state.evidence;
        key.next_step = state.next_step;
      }
      keys.push_back(std::move(key));
    }
  }
  return print_keys(program, keys, flags.json);
}

void add_flags(CLI::App& verb, const std::shared_ptr<KeysFlags>& flags) {
  verb.add_option("SOURCE", flags->sources, "names of sources as configured; default: all");
  verb.add_flag("--json", flags->json, "as JSON");
}

}  // namespace

void add_keys_verbs(CLI::App& app, Program& program, Action& action) {
  CLI::App* const keys = app.add_subcommand("keys", "The sources' keys: fingerprints, ages, verdicts; never a value");
  keys->require_subcommand(1);
  const auto flags = std::make_shared<KeysFlags>();
  CLI::App* const status = keys->add_subcommand("status", "What is known of each key; asks the vendor nothing");
  add_flags(*status, flags);
  status->callback([&program, &action, flags] { action = [&program, flags] { return run_status(program, *flags); }; });
  CLI::App* const test = keys->add_subcommand("test", "Try each key now, with one request");
  test->footer(
      "A key that is refused already is asked again only when its next probe is due: the vendor switches off accounts\n"
      "that hammer. Exit code 0: all can be used, 4: none, 5: some.");
  add_flags(*test, flags);
  test->callback([&program, &action, flags] { action = [&program, flags] { return run_test(program, *flags); }; });
}

}  // namespace surveysync::app
