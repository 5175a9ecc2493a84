// The objects of the account itself: account, users, teams, domains, themes, sign-on.
#include <fmt/format.h>

#include <algorithm>

#include "sandbox/inventory.h"
#include "sandbox/random.h"

namespace surveysync::sandbox {
namespace {

constexpr Seconds kDay = 86400;

Fields make_account() {
  Fields out(JsonWriter::Style::wire);
  out.number("id", 644416).text("organization", "Sandbox").text("contact_phone", "").text("reseller", "0");
  out.null("resellers_customer_id").null("reseller_uuid").raw("sso", "[]");
  return out.text("date_created", "2015-01-01 00:00:00").text("login_link", "https://app.alchemer.com/login");
}

Fields make_user(const ObjectDraft& draft, Draw& draw) {
  static constexpr std::string_view kNames[] = {
      "Jos\xC3\xA9 N\xC3\xBA\xC3\xB1"
      "ez",
      "Ann O'Hara", "\xE6\x9D\x8E \xE9\x9B\xB7", "Bo \"Bobby\" Lee"};
  const std::int64_t id = draft.path.back();
  Fields out(JsonWriter::Style::wire);
  out.text("id", std::to_string(id)).text("username", draw.pick(kNames));
  out.text("email", fmt::format("user{}@example.com", id)).number("admin", id % 5 == 0 ? 1 : 0);
  out.number("phone_support", 0);
  out.raw("userdata",
          id % 2 == 0 ? "[]" : R"([{"id":"75","name":"Course","description":"taught by this user","value":""}])");
  out.text("license", id % 3 == 0 ? "" : "Full Access");
  id % 2 == 0 ? out.boolean("defaultteam", false) : out.text("defaultteam", "");
  out.text("status", id % 4 == 3 ? "Disabled" : "Active");
  // Never: mostly "", sometimes null.
  if (id % 3 == 0) {
    out.text("last_login", "");
  } else if (id % 7 == 1) {
    out.null("last_login");
  } else {
    out.text("last_login", draft.region->local(draft.anchor - draw.below(90) * kDay - draw.below(kDay)));
  }
  return out.null("api_key").null("api_secret");
}

Fields make_team(const ObjectDraft& draft) {
  const std::int64_t id = draft.path.back();
  Fields out(JsonWriter::Style::wire);
  out.number("id", id).text("team_name", fmt::format("Team {}", id));
  out.text("description", id % 2 == 0 ? "" : "R&D / \xC3\xA9quipe");
  id % 2 == 0 ? out.text("default_role", "") : out.number("default_role", 4);
  return out.text("status", "Active");
}

Fields make_domain(const ObjectDraft& draft) {
  const std::int64_t id = draft.path.back();
  Fields out(JsonWriter::Style::wire);
  out.number("id", id).text("customerID", "644416").text("type", id % 2 == 0 ? "Subdomain" : "Private");
  out.text("domain", fmt::format("surveys{}.example.com", id)).text("redirect", "").text("eStatus", "Active");
  return out.text("created", "2019-05-06 07:08:09");
}

Fields make_theme(const ObjectDraft& draft) {
  const std::int64_t id = draft.path.back();
  Fields out(JsonWriter::Style::wire);
  out.number("id", id).text("status", "Active").null("created").text("name", fmt::format("Theme {}/plain", id));
  if (id % 2 == 0) {
    out.raw("style_options", "[]");
  } else {
    out.raw("style_options", R"({"Background Color":"#ffffff","Font Family":"Open Sans, \"Arial\"","Logo":null})");
  }
  out.text("Body", "<div class=\"sg-body\">[%%content%%]</div>\r\n");
  return out.text("css", ".sg-question { color: #333; }\n/* \xE2\x86\x92 */");
}

Fields make_sso(const ObjectDraft& draft, Draw& draw) {
  const std::string id = std::to_string(draft.path.back());
  Fields out(JsonWriter::Style::wire);
  out.text("id", id).text("entity_id", "https://login.example.com/adfs/services/trust");
  out.text("login", "https://login.example.com/adfs/ls/").text("logout", "https://login.example.com/adfs/ls/");
  out.text("cert_fingerprint", draw.hex(40)).text("customerid", "644416").text("created", "2017-02-06 15:51:04");
  out.text("dModified", "2017-06-22 17:23:43").text("status", "Active").null("cert_domain");
  out.text("user_last_modified", "0").text("creatusers", "false").text("userteam", "0").text("userlicense", "0");
  out.text("userrole", "2").text("iUserIDCreated", "183830").text("usersolo", "true").null("email_notification");
  out.text("disable_users", "0").null("weeks_to_disable").text("type", "Survey");
  out.raw("attributes", R"(["Dept","Street","DisplayName"])").text("name", "Respondents");
  out.text("force_sso_login", "0").null("user_deleted").null("deleted");
  return out.text("sp_metadata", "app.alchemer.com/login/getsamlxml/idp/" + id);
}

}  // namespace

Fields make_account_object(Kind kind, const ObjectDraft& draft) {
  Draw draw({draft.seed, 0xACC, static_cast<std::uint64_t>(kind), static_cast<std::uint64_t>(draft.path.back())});
  switch (kind) {
    case Kind::account:
      return make_account();
    case Kind::account_user:
      return make_user(draft, draw);
    case Kind::team:
      return make_team(draft);
    case Kind::domain:
      return make_domain(draft);
    case Kind::theme:
      return make_theme(draft);
    default:
      return make_sso(draft, draw);
  }
}

}  // namespace surveysync::sandbox
