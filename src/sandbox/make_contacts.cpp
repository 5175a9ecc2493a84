// People: contact lists, their contacts, the account's custom fields, and the contacts of e-mail campaigns. One person
// is one e-mail address of the account, whose standard fields are the same wherever it appears.
#include <fmt/format.h>

#include "sandbox/inventory.h"
#include "sandbox/random.h"

namespace surveysync::sandbox {
namespace {

constexpr std::string_view kFirst[] = {"Jon",
                                       "Zo\xC3\xAB",
                                       "\xE6\xA1\x9C",
                                       "Ibrahim",
                                       "Ana Mar\xC3\xAD"
                                       "a",
                                       ""};
constexpr std::string_view kLast[] = {"Doe", "M\xC3\xBCller/Lang", "O'Neil", "\"Q\" Smith", "\xE5\xB1\xB1\xE7\x94\xB0"};

Draw person(const ObjectDraft& draft) {
  return Draw({draft.seed, 0x9E250, static_cast<std::uint64_t>(draft.path.back())});
}

void add_name(Fields& out, Draw& draw) {
  out.text("first_name", draw.pick(kFirst)).text("last_name", draw.pick(kLast));
}

void add_work(Fields& out, Draw& draw) {
  out.text("organization", draw.chance(500) ? "ACME & Co" : "").text("division", "").text("department", "R&D");
}

void add_phones(Fields& out, Draw& draw) {
  out.text("home_phone", draw.chance(300) ? fmt::format("+1 202 555 {:04}", draw.below(10000)) : "");
  out.text("fax_phone", "").text("business_phone", fmt::format("+44 20 7946 {:04}", draw.below(1000)));
}

void add_address(Fields& out, Draw& draw) {
  out.text("mailing_address", fmt::format("{} Main St", draw.below(900) + 1)).text("mailing_address2", "");
  out.text("mailing_address_city", "M\xC3\xBCnchen").text("mailing_address_state", "");
}

std::string address_of(std::int64_t id) {
  return fmt::format("person{}@example.org", id);
}

Fields make_list(const ObjectDraft& draft) {
  const std::int64_t id = draft.path.back();
  Fields out(JsonWriter::Style::wire);
  out.number("id", id).text("list_name", fmt::format("Customers {} \xE2\x80\x93 caf\xC3\xA9", id));
  out.text("date_modified", "2023-02-07 17:58:31").text("date_created", "2022-10-23 10:01:00");
  return out.number("user_id_created", 183830).number("user_id_modified", id % 2 == 0 ? 183831 : 0);
}

Fields make_custom_field(const ObjectDraft& draft) {
  static constexpr std::string_view kTypes[] = {"Number", "Text", "Date\\/Time", "Currency", "Yes\\/No"};
  const std::int64_t id = draft.path.back();
  Fields out(JsonWriter::Style::wire);
  out.text("id", std::to_string(id)).text("name", fmt::format("field {}", id));
  return out.raw("type", fmt::format("\"{}\"", kTypes[static_cast<std::size_t>(id - 1) % 5]));
}

Fields make_contact(const ObjectDraft& draft) {
  Draw draw = person(draft);
  const std::int64_t id = draft.path.back();
  Fields out(JsonWriter::Style::wire);
  out.number("id", id).text("email_address", address_of(id)).text("status", draw.chance(100) ? "Inactive" : "Active");
  add_name(out, draw);
  add_work(out, draw);
  out.text("group", "").text("role", "");
  id % 2 == 0 ? out.boolean("is_manager", false) : out.text("is_manager", "");
  out.text("team", "");
  add_phones(out, draw);
  add_address(out, draw);
  out.text("mailing_address_postal", "80331").text("mailing_address_country", "DE");
  out.text("title", "").text("url", "https://example.org/");
  return id % 3 == 0 ? out.text("field 1", "17").text("field 2", "gold/silver") : out;
}

Fields make_campaign_contact(const ObjectDraft& draft) {
  static constexpr std::string_view kStates[] = {"Unsent", "Sent", "Bounced", "Partial", "Complete"};
  Draw draw = person(draft);
  const std::int64_t id = draft.path.back();
  const bool inactive = draw.chance(100);
  Fields out(JsonWriter::Style::wire);
  out.text("id", std::to_string(id)).text("email_address", address_of(id));
  add_name(out, draw);
  add_work(out, draw);
  out.text("team", "").text("group", "").text("role", "");
  add_phones(out, draw);
  out.text("mobilephone", "");
  add_address(out, draw);
  out.text("mailing_address_country", "DE").text("mailing_address_postal", "80331").text("title", "").text("url", "");
  Draw own({draft.seed, 0xCA3, static_cast<std::uint64_t>(draft.path[0]), static_cast<std::uint64_t>(draft.path[1]),
            static_cast<std::uint64_t>(id)});
  const std::string_view state = own.pick(kStates);
  out.text("status", inactive ? "Inactive" : "Active").text("subscriber_status", state);
  const Seconds sent = draft.anchor - own.below(60) * 86400 - own.below(86400);
  out.text("date_last_sent", state == "Unsent" ? "" : draft.region->local(sent));
  for (int i = 1; i <= 10; ++i)
    out.text(fmt::format("customfield{}", i), i == 1 && own.chance(500) ? "vip" : "");
  return id % 3 == 0 ? out.text("field 1", "17").text("field 2", "gold/silver") : out;
}

}  // namespace

Fields make_contact_object(Kind kind, const ObjectDraft& draft) {
  if (kind == Kind::contact_list) return make_list(draft);
  if (kind == Kind::contact_custom_field) return make_custom_field(draft);
  return kind == Kind::contact ? make_contact(draft) : make_campaign_contact(draft);
}

Fields alone(Kind kind, const Path& path, Fields fields) {
  if (kind == Kind::campaign_contact) {
    fields.text("invitelink", fmt::format("https://survey.alchemer.com/s3/{}/i-{}-{}", path[0], path[1],
                                          Draw({0x11E, static_cast<std::uint64_t>(path[2])}).hex(12)));
  }
  return fields;
}

}  // namespace surveysync::sandbox
