#include "sandbox/alchemer.h"

#include <fmt/format.h>

#include "base/error.h"
#include "sandbox/change_json.h"

namespace surveysync::sandbox {
namespace {

// The value that `name` stands for; names are few and known.
template <typename Value>
Value named(std::string_view what, const std::string& name,
            std::initializer_list<std::pair<std::string_view, Value>> values) {
  std::string all;
  for (const auto& [known, value] : values) {
    if (known == name) return value;
    all += fmt::format("{}{}", all.empty() ? "" : ", ", known);
  }
  throw Error(ErrorKind::config, fmt::format("{}: '{}' is unknown", what, name), fmt::format("one of {}", all));
}

AccountSpec account_spec(const SandboxOptions& options) {
  AccountSpec out;
  out.seed = options.seed;
  out.surveys = options.surveys;
  out.responses_min = options.responses_min;
  out.responses_max = options.responses_max;
  out.questions = options.questions;
  out.region_zone = options.region_zone;
  out.active = options.active;
  out.updated_zone = options.updated_in_utc ? "UTC" : options.region_zone;
  if (!options.updated_zone.empty()) out.updated_zone = options.updated_zone;
  out.statistics = named<StatisticsShown>("statistics", options.statistics,
                                          {{"full", StatisticsShown::full},
                                           {"no-deleted", StatisticsShown::without_deleted},
                                           {"none", StatisticsShown::none}});
  out.statistics_lag = std::chrono::duration_cast<std::chrono::seconds>(options.statistics_lag).count();
  if (options.vendor_time) out.anchor = *options.vendor_time;
  out.visibility_lag = std::chrono::duration_cast<std::chrono::seconds>(options.visibility_lag).count();
  return out;
}

InventorySpec inventory_spec(const SandboxOptions& options, Seconds anchor) {
  InventorySpec out;
  out.seed = options.seed;
  out.anchor = anchor;
  out.users = options.users;
  out.lists = options.contact_lists;
  out.campaigns = options.campaigns;
  out.messages = options.messages;
  out.quotas = options.quotas;
  out.contacts_min = options.contacts_min;
  out.contacts_max = options.contacts_max;
  out.list_contacts_min = options.list_contacts_min;
  out.list_contacts_max = options.list_contacts_max;
  return out;
}

VendorSpec vendor_spec(const SandboxOptions& options) {
  return {{options.limit > 0 ? options.limit : 240, options.window, options.penalty.value_or(options.window),
           options.cache, options.refuse_repeats},
          options.page_cap,
          options.latency,
          options.suffix,
          named<DeletedAnswer>("deleted-answer", options.deleted_answer,
                               {{"by-id", DeletedAnswer::by_id},
                                {"404", DeletedAnswer::refused_404},
                                {"false200", DeletedAnswer::refused_200},
                                {"null", DeletedAnswer::null},
                                {"status", DeletedAnswer::status},
                                {"html404", DeletedAnswer::html_404}}),
          options.file_bytes,
          options.plain_http};
}

// A pair of 64 hexadecimal digits each; `generation` counts rotations.
KeyPair make_key(std::uint64_t seed, std::uint64_t generation) {
  Draw draw({seed, 0x6E1, generation});
  return {draw.hex(64), draw.hex(64)};
}

// {"survey":ID,"since":"2026-01-01T00:00:00Z"}
Reply prepare(Vendor& vendor, const std::string& body) {
  const auto from = parse_ordered(body);
  const auto since = parse_written_time(from->optValue<std::string>("since", "1990-01-01"));
  if (!since) return refusal(400, "since must be a time like 2026-01-02T03:04:05Z");
  const std::int64_t count =
      vendor.prepare(from->getValue<std::int64_t>("survey"), since->instant.value_or(since->wall));
  return json_reply(fmt::format(R"({{"ok":true,"count":{}}})", count));
}

}  // namespace

Alchemer::Alchemer(const SandboxOptions& options, VendorClock& clock)
    : clock_(clock),
      account_(account_spec(options)),
      inventory_(inventory_spec(options, account_.spec().anchor), account_.region()),
      vendor_(vendor_spec(options), account_, inventory_, clock, make_key(options.seed, 0)) {}

std::string Alchemer::key_text() const {
  const KeyPair pair = vendor_.key();
  return pair.token + "\n" + pair.secret + "\n";
}

// {"action":"rotate"[,"which":"both|token|secret"]}
NewKey Alchemer::change_key(const Poco::JSON::Object& wanted) {
  if (wanted.optValue<std::string>("action", "") != "rotate") throw Error(ErrorKind::config, "action must be rotate");
  const std::string which = wanted.optValue<std::string>("which", "both");
  KeyPair fresh = make_key(account_.spec().seed, ++rotations_);
  const KeyPair old = vendor_.key();
  if (which == "token") fresh.secret = old.secret;
  if (which == "secret") fresh.token = old.token;
  vendor_.rotate(fresh);
  return key_text();
}

Change Alchemer::read_change(const Poco::JSON::Object& from) const {
  return sandbox::read_change(from);
}

std::string Alchemer::shown(const Changed& changed) const {
  return fmt::format(R"({{"ok":true,"survey":{},"count":{},"responses":{}}})", changed.survey, changed.responses.size(),
                     ids_text(changed.responses));
}

std::optional<Reply> Alchemer::control(const HttpRequest& request) {
  if (request.method == "POST" && request.path == "/prepare") return prepare(vendor_, request.body);
  return std::nullopt;
}

// What a day at the vendor looks like: mostly new responses, some finished later, some edited.
Change Alchemer::live_change(Draw& draw, bool deletes) const {
  Change change;
  const std::int64_t luck = draw.below(deletes ? 11 : 10);
  change.op = luck < 4    ? Change::Op::insert
              : luck < 7  ? Change::Op::complete
              : luck < 10 ? Change::Op::edit
                          : Change::Op::remove;
  if (change.op == Change::Op::insert && draw.chance(300)) change.status = Status::partial;
  return change;
}

}  // namespace surveysync::sandbox
