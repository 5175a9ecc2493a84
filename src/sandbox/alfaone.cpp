#include "sandbox/alfaone.h"

#include <fmt/format.h>

#include "base/error.h"
#include "sandbox/change_json.h"

namespace surveysync::sandbox {
namespace {

AlfaOneSpec store_spec(const SandboxOptions& options) {
  AlfaOneSpec out;
  out.seed = options.seed;
  out.anchor = options.vendor_time.value_or(1764547200);
  out.assessments = options.surveys;
  out.questions = options.questions;
  out.members = options.users;
  out.tags = options.tags;
  out.invites_min = options.responses_min;
  out.invites_max = options.responses_max;
  return out;
}

// This vendor's words for what can happen, beside the shared ones.
constexpr std::pair<std::string_view, std::string_view> kOps[] = {
    {"invite", "insert"},
    {"step", "edit"},
    {"revoke", "disqualify"},
    {"expire", "late"},
    {"edit-assessment", "edit-definition"},
    {"add-assessment", "add-survey"},
    {"delete-assessment", "delete-survey"},
    {"restore-assessment", "restore-survey"},
};

std::string snake_case(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper) out.push_back('_');
    out.push_back(upper ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return out;
}

}  // namespace

AlfaOne::AlfaOne(const SandboxOptions& options, VendorClock& clock)
    : clock_(clock),
      store_(store_spec(options)),
      limit_spec_{options.limit > 0 ? options.limit : 100, options.window, options.penalty.value_or(Duration::zero()),
                  Duration::zero(), false},
      latency_(options.latency),
      limits_(limit_spec_),
      generation_(options.generation) {
  if (options.generation != 1 && options.generation != 2)
    throw Error(ErrorKind::config, fmt::format("generation {} is unknown", options.generation), "1 or 2");
  keys_.push_back({make_key(0, options.test_key ? "ak_test_" : "ak_live_"), ""});
}

std::string AlfaOne::make_key(std::uint64_t generation, std::string_view prefix) const {
  return std::string(prefix) + Draw({store_.spec().seed, 0x6E2, generation}).hex(32);
}

std::string AlfaOne::key_text() const {
  const std::lock_guard lock(mutex_);
  return keys_.back().text + "\n";
}

// {"action":"rotate"[,"prefix":"ak_test_"][,"old":"invalid|expired|revoked|valid"]}, or {"action":"state","state":...}
// for the key in force.
NewKey AlfaOne::change_key(const Poco::JSON::Object& wanted) {
  static constexpr std::pair<std::string_view, std::string_view> kStates[] = {{"valid", ""},
                                                                              {"invalid", "Invalid API key"},
                                                                              {"expired", "API key has expired"},
                                                                              {"revoked", "API key has been revoked"}};
  const auto set_state = [&](Key& key, const std::string& state) {
    for (const auto& [name, refusal] : kStates) {
      if (name != state) continue;
      key.refusal = refusal;
      return;
    }
    throw Error(ErrorKind::config, fmt::format("state '{}' is unknown", state), "valid, invalid, expired or revoked");
  };
  const auto action = wanted.optValue<std::string>("action", "");
  const std::lock_guard lock(mutex_);
  if (action == "state") {
    set_state(keys_.back(), wanted.optValue<std::string>("state", ""));
    return std::nullopt;
  }
  if (action != "rotate") throw Error(ErrorKind::config, "action must be rotate or state");
  set_state(keys_.back(), wanted.optValue<std::string>("old", "invalid"));
  keys_.push_back({make_key(++rotations_, wanted.optValue<std::string>("prefix", "ak_live_")), ""});
  return keys_.back().text + "\n";
}

bool AlfaOne::has_table(std::string_view table) const {
  return alfaone_kind(table).has_value();
}

// The key, the columns that the single object's fields become, and both forms as sent.
void AlfaOne::truth(ChunkedBody& body, const std::string& table, const Query&) const {
  const AlfaOneKind kind = *alfaone_kind(table);
  for (const AlfaOneThing& thing : store_.all(kind)) {
    const Fields single = store_.render(thing, AlfaOneStore::View::single);
    Fields line(JsonWriter::Style::truth);
    for (const std::string& name : single.names())
      line.raw(name == "id" ? table + "_id" : snake_case(name), std::string(single.value(name)));
    line.text("payload", store_.render(thing, AlfaOneStore::View::list).json()).text("payload_single", single.json());
    body.text() += line.json() + "\n";
    body.flush_if_large();
  }
}

std::int64_t AlfaOne::number(AlfaOneKind kind, const Poco::JSON::Object& from, const std::string& name) const {
  const auto id = from.optValue<std::string>(name, "");
  if (id.empty()) return 0;
  const std::int64_t out = store_.number_of(kind, id);
  if (out == 0) throw Error(ErrorKind::config, fmt::format("{} '{}' is unknown", name, id));
  return out;
}

Change AlfaOne::read_change(const Poco::JSON::Object& from) const {
  Poco::JSON::Object shared(from);
  const auto op = from.optValue<std::string>("op", "");
  for (const auto& [own, other] : kOps) {
    if (own == op) shared.set("op", std::string(other));
  }
  shared.remove("status");
  Change out = sandbox::read_change(shared);
  out.survey = number(AlfaOneKind::assessment, from, "assessment");
  out.response = number(AlfaOneKind::invite, from, "invite");
  return out;
}

Act AlfaOne::read_act(const Poco::JSON::Object& from) {
  using Op = AlfaOneEdit::Op;
  static constexpr std::pair<std::string_view, Op> kEdits[] = {
      {"add", Op::add}, {"edit", Op::edit}, {"delete", Op::remove}, {"restore", Op::restore}};
  AlfaOneEdit edit;
  const auto table = from.optValue<std::string>("kind", "");
  const auto kind = alfaone_kind(table);
  if (!kind)
    throw Error(ErrorKind::config, fmt::format("kind '{}' is unknown", table),
                "one of assessment, question, invite, member, tag");
  edit.kind = *kind;
  const auto op = from.optValue<std::string>("op", "edit");
  bool known = false;
  for (const auto& [name, value] : kEdits) {
    if (name != op) continue;
    edit.op = value;
    known = true;
  }
  if (!known)
    throw Error(ErrorKind::config, fmt::format("op '{}' is unknown", op), "one of add, edit, delete, restore");
  edit.number = number(*kind, from, "id");
  edit.assessment = number(AlfaOneKind::assessment, from, "assessment");
  edit.count = edit.number != 0 ? 1 : std::max<std::int64_t>(1, from.optValue<std::int64_t>("count", 1));
  if (from.has("set")) edit.set = from.getObject("set");
  return [this, edit](Seconds now) { return store_.edit(edit, now); };
}

std::string AlfaOne::shown(const Changed& changed) const {
  std::string out;
  JsonWriter json(out, JsonWriter::Style::truth);
  json.begin_object().key("ok").boolean(true);
  json.key("assessment").text(store_.id_of(AlfaOneKind::assessment, changed.survey));
  json.key("count").number(static_cast<std::int64_t>(changed.responses.size())).key("invites").begin_array();
  for (std::size_t i = 0; i < std::min<std::size_t>(changed.responses.size(), 1000); ++i)
    json.text(store_.id_of(AlfaOneKind::invite, changed.responses[i]));
  json.end_array().end_object();
  return out;
}

// Mostly new invites and steps of those on their way.
Change AlfaOne::live_change(Draw& draw, bool deletes) const {
  static constexpr Change::Op kMix[] = {Change::Op::insert,     Change::Op::insert,   Change::Op::insert,
                                        Change::Op::insert,     Change::Op::edit,     Change::Op::edit,
                                        Change::Op::edit,       Change::Op::complete, Change::Op::complete,
                                        Change::Op::disqualify, Change::Op::remove};
  Change out;
  out.op = kMix[draw.index(deletes ? 11 : 10)];
  return out;
}

// POST /generation {"generation":1}
std::optional<Reply> AlfaOne::control(const HttpRequest& request) {
  if (request.method != "POST" || request.path != "/generation") return std::nullopt;
  const int wanted = parse_ordered(request.body)->optValue<int>("generation", 0);
  if (wanted != 1 && wanted != 2) throw Error(ErrorKind::config, "generation must be 1 or 2");
  generation_ = wanted;
  return json_reply(R"({"ok":true})");
}

}  // namespace surveysync::sandbox
