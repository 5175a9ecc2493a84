// Every kind of object: its table, and the row that the vendor's shape becomes.
#include <gtest/gtest.h>

#include "alchemer_rows.h"
#include "sources/alchemer/objects.h"
#include "sources/alchemer/objects_decode.h"
#include "sources/alchemer/objects_key.h"
#include "sources/alchemer/response_file.h"

namespace surveysync::sources::alchemer {
namespace {

const std::vector<model::StreamSpec>& specs() {
  static const std::vector<model::StreamSpec> kSpecs = object_specs();
  return kSpecs;
}

const model::StreamSpec& spec(std::string_view name) {
  return *std::ranges::find(specs(), name, &model::StreamSpec::name);
}

std::string names(const std::vector<model::Column>& columns) {
  std::string out;
  for (const model::Column& column : columns)
    out += (out.empty() ? "" : " ") + column.name;
  return out;
}

/// The rows of one object below `parents`.
std::string decoded(std::string_view name, const std::string& raw, model::Key parents = {},
                    const Privacy& privacy = {}) {
  const ObjectKind& kind = *object_kind(name);
  ObjectItem item{raw, 0, false, {}};
  if (const auto id = json::find_member(raw, "id")) item.id = json::int_of(id->value).value_or(0);
  if (item.id == 0) item.mistake = "no id";
  model::Page page;
  key_object(item, kind, parents, privacy, {}, page);
  if (page.records.empty()) return "quarantined: " + page.quarantined.at(0).reason + "\n";
  json::Document document;
  model::RowBatch rows;
  decode_object(document, page.records[0], kind, us_zones(), rows);
  return rows_text(rows, spec(name));
}

/// product.md section 3: the names are a contract.
TEST(Objects, KeysAreTheVendorsIdsOutermostFirst) {
  std::string all;
  for (const model::StreamSpec& stream : specs()) {
    ASSERT_EQ(stream.tables.size(), 1U);
    const model::Table& table = stream.tables[0];
    EXPECT_EQ(table.qualified(), "alchemer." + stream.name);
    EXPECT_EQ(table.scope, stream.of_account ? 0U : 1U) << stream.name;
    EXPECT_FALSE(stream.certified);
    EXPECT_EQ(stream.reading, stream.name == "response_file" ? model::Reading::named : model::Reading::whole);
    all += stream.name + (stream.of_account ? " of account" : "") + (stream.on_request ? " on request" : "") + ": " +
           names(table.key) + "\n";
  }
  EXPECT_EQ(all,
            "account of account: account_id\n"
            "team of account: team_id\n"
            "account_user of account: account_user_id\n"
            "contact_custom_field of account: contact_custom_field_id\n"
            "contact_list of account: contact_list_id\n"
            "contact of account on request: contact_list_id contact_id\n"
            "domain of account: domain_id\n"
            "theme of account: theme_id\n"
            "sso of account: sso_id\n"
            "campaign: survey_id campaign_id\n"
            "campaign_contact on request: survey_id campaign_id campaign_contact_id\n"
            "email_message: survey_id campaign_id email_message_id\n"
            "quota: survey_id quota_id\n"
            "report: survey_id report_id\n"
            "statistic: survey_id statistic_id\n"
            "response_file: survey_id response_id response_file_id\n");
}

TEST(Objects, PathsAreFilledFromOutside) {
  EXPECT_EQ(object_path(*object_kind("account_user"), {}), "/v5/accountuser");
  EXPECT_EQ(object_path(*object_kind("contact"), model::Key{std::int64_t{31}}),
            "/v5/contactlist/31/contactlistcontact");
  EXPECT_EQ(object_path(*object_kind("email_message"), model::Key{std::int64_t{8}, std::int64_t{12}}),
            "/v5/survey/8/surveycampaign/12/emailmessage");
  EXPECT_EQ(object_kind("response"), nullptr);
}

TEST(Objects, AccountObjects) {
  EXPECT_EQ(decoded("account", R"({"id":644416,"organization":"Sandbox","contact_phone":"","reseller":"0",)"
                               R"("resellers_customer_id":null,"sso":[],"date_created":"2015-07-01 00:00:00",)"
                               R"("login_link":"https:\/\/app.example.com\/login"})"),
            "account account_id=644416 organization='Sandbox' contact_phone='' reseller='0' sso='[]' "
            "date_created=2015-07-01T04:00:00Z login_link='https://app.example.com/login'\n");
  EXPECT_EQ(
      decoded("team", R"({"id":389746,"team_name":"Everyone","description":"","default_role":"","status":"Active"})"),
      "team team_id=389746 team_name='Everyone' description='' status='Active'\n");
  EXPECT_EQ(decoded("contact_custom_field", R"({"id":"5","name":"field 5","type":"Date\/Time"})"),
            "contact_custom_field contact_custom_field_id=5 name='field 5' type='Date/Time'\n");
  EXPECT_EQ(decoded("contact_list", R"({"id":31,"list_name":"Caf\u00e9","date_created":"2022-10-23 10:01:00",)"
                                    R"("date_modified":"","user_id_created":183830,"user_id_modified":0})"),
            "contact_list contact_list_id=31 list_name='Caf\xC3\xA9' date_created=2022-10-23T14:01:00Z "
            "user_id_created=183830 user_id_modified=0\n");
  EXPECT_EQ(
      decoded("domain", R"({"id":7,"customerID":"644416","type":"Private","domain":"s.example.com","redirect":"",)"
                        R"("eStatus":"Active","created":"2019-05-06 07:08:09"})"),
      "domain domain_id=7 customer_id=644416 type='Private' domain='s.example.com' redirect='' e_status='Active' "
      "created=2019-05-06T11:08:09Z\n");
  EXPECT_EQ(
      decoded("theme", R"({"id":3,"status":"Active","created":null,"name":"Plain",)"
                       R"("style_options":{"Font Family":"Open"},"Body":"<b>","css":".a{}"})"),
      R"(theme theme_id=3 status='Active' name='Plain' style_options='{"Font Family":"Open"}' body='<b>' css='.a{}')"
      "\n");
  EXPECT_EQ(decoded("sso", R"({"id":"9","entity_id":"urn:x","customerid":"644416","dModified":"2017-06-22 17:23:43",)"
                           R"("creatusers":"false","usersolo":"true","iUserIDCreated":"183830","disable_users":"0",)"
                           R"("attributes":["Dept"],"force_sso_login":"0","deleted":null})"),
            R"(sso sso_id=9 entity_id='urn:x' customerid=644416 d_modified=2017-06-22T21:23:43Z creatusers=false )"
            R"(i_user_id_created=183830 usersolo=true disable_users=0 attributes='["Dept"]' force_sso_login=false)"
            "\n");
}

TEST(Objects, UsersWithoutTheirKeys) {
  const std::string raw = R"({"id":"1","username":"Ann","email":"a@example.com","admin":1,"phone_support":0,)"
                          R"("userdata":[],"license":"","defaultteam":false,"status":"Disabled","last_login":"",)"
                          R"("api_key":"k-1","api_secret":"s-1"})";
  EXPECT_EQ(decoded("account_user", raw),
            "account_user account_user_id=1 username='Ann' email='a@example.com' admin=1 phone_support=0 "
            "userdata='[]' license='' status='Disabled'\n");
  model::Page page;
  key_object({raw, 1, false, {}}, *object_kind("account_user"), {}, {}, {}, page);
  EXPECT_EQ(page.records.at(0).payload.find("k-1"), std::string_view::npos);
  EXPECT_EQ(page.records.at(0).payload.find("s-1"), std::string_view::npos);
  EXPECT_FALSE(page.records.at(0).original.has_value());
}

TEST(Objects, SurveyObjects) {
  const model::Key survey = {std::int64_t{11}}, campaign = {std::int64_t{11}, std::int64_t{12}};
  EXPECT_EQ(decoded("campaign",
                    R"({"id":"12","invite_id":null,"type":"SurveyCampaign","link_type":"link","SSL":"True",)"
                    R"("limit_responses":"1,500","link_open_date":null,"date_created":"2026-01-05 09:00:00",)"
                    R"("primary_theme_options":[]})",
                    survey),
            "campaign survey_id=11 campaign_id=12 type='SurveyCampaign' link_type='link' ssl=true limit_responses=1500 "
            "date_created=2026-01-05T14:00:00Z primary_theme_options='[]'\n");
  EXPECT_EQ(decoded("email_message",
                    R"({"id":4,"subtype":"reminder","invite_identity":2,"from":{"email":"s@example.com"},)"
                    R"("body":{"text":"Hi"},"embed_question":false,"disable_styles":null})",
                    campaign),
            R"(email_message survey_id=11 campaign_id=12 email_message_id=4 subtype='reminder' invite_identity=2 )"
            R"(from='{"email":"s@example.com"}' body='{"text":"Hi"}' embed_question=false)"
            "\n");
  EXPECT_EQ(decoded("quota",
                    R"({"id":"2","name":"Q","description":"","limit":"1,000","responses":"42",)"
                    R"("distributed":"true","groups":[]})",
                    survey),
            "quota survey_id=11 quota_id=2 name='Q' description='' limit=1000 responses=42 distributed=true "
            "groups='[]'\n");
  EXPECT_EQ(decoded("report",
                    R"({"id":"24","surveyID":"11","name":"R","type":"turf","status":"Active","lastRun":"N/A",)"
                    R"("responses":"1,401","version":"3","publish_link":"https:\/\/r.example.com"})",
                    survey),
            "report survey_id=11 report_id=24 name='R' type='turf' status='Active' responses=1401 version=3 "
            "publish_link='https://r.example.com'\n");
  EXPECT_EQ(decoded("report", R"({"id":"25","last_run":"2026-06-01 01:00:00","lastRun":""})", survey),
            decoded("report", R"({"id":"25","last_run":"","lastRun":"2026-06-01 01:00:00"})", survey));
  EXPECT_NE(decoded("report", R"({"id":"25","last_run":"2026-06-01 01:00:00"})", survey).find("last_run=2026-06-01"),
            std::string::npos);
  EXPECT_EQ(
      decoded("statistic",
              R"({"id":5,"type":"NPS","breakdown":[{"label":"9","percentage":"66.7","count":"1,002"}],)"
              R"("total responses":"1,503","sum":"12,345.5","average":"","stdDev":1.25,"min":"0","max":""})",
              survey),
      R"(statistic survey_id=11 statistic_id=5 type='NPS' breakdown='[{"label":"9","percentage":"66.7","count":"1,002"}]' )"
      "total_responses=1503 sum='12345.5' std_dev='1.25' min='0'\n");
  EXPECT_EQ(decoded("statistic", R"({"id":6,"type":"LOGIC"})", survey),
            "statistic survey_id=11 statistic_id=6 type='LOGIC'\n");
}

const std::string kContact =
    R"({"id":"7","email_address":"p@example.org","status":"Active","subscriber_status":"Sent","date_last_sent":"",)"
    R"("is_manager":"","customfield1":"vip","field 1":"17","region":null})";

TEST(Objects, ContactsKeepFieldsOfTheAccountsOwn) {
  EXPECT_EQ(decoded("campaign_contact", kContact, {std::int64_t{11}, std::int64_t{12}}),
            R"(campaign_contact survey_id=11 campaign_id=12 campaign_contact_id=7 email_address='p@example.org' )"
            R"(status='Active' subscriber_status='Sent' customfield1='vip' )"
            R"(custom_fields='{"is_manager":"","field 1":"17","region":null}')"
            "\n");
  EXPECT_EQ(decoded("contact", R"({"id":7,"email_address":"p@example.org","is_manager":"False","group":"g"})",
                    {std::int64_t{31}}),
            "contact contact_list_id=31 contact_id=7 email_address='p@example.org' group='g' is_manager=false\n");
}

TEST(Objects, PeopleFollowTheRuleOfContacts) {
  Privacy drop{{{"contacts", "drop"}}, {}, nullptr};
  EXPECT_EQ(
      decoded("contact", kContact, {std::int64_t{31}}, drop),
      R"(contact contact_list_id=31 contact_id=7 status='Active' )"
      R"(custom_fields='{"subscriber_status":"Sent","date_last_sent":"","customfield1":null,"field 1":null,"region":null}')"
      "\n");
  Privacy hash{{{"contacts", "hash"}}, {}, std::make_shared<KeyedDigest>(Secret("0123456789abcdef0123456789abcdef"))};
  const std::string text =
      decoded("contact", R"({"id":7,"email_address":"p@example.org","is_manager":true})", {std::int64_t{31}}, hash);
  EXPECT_EQ(text,
            "contact contact_list_id=31 contact_id=7 email_address='" + hash.digest->hex("p@example.org") + "'\n");
}

TEST(Objects, WhatDoesNotFitIsNullAndSeen) {
  EXPECT_EQ(decoded("quota", R"({"id":"2","limit":"12,34","responses":[1],"distributed":"maybe","colour":"red"})",
                    {std::int64_t{11}}),
            "quota survey_id=11 quota_id=2\n"
            "notice quota.limit: no integer | \"99,99\"\n"
            "notice quota.responses: no integer | [number, ...] (1)\n"
            "notice quota.distributed: no boolean | \"xxxxx\"\n"
            "notice quota.field: new field `colour` | \"xxx\"\n");
  EXPECT_EQ(decoded("domain", R"({"id":7,"created":"soon"})"), "domain domain_id=7\nflag date\n");
  EXPECT_EQ(decoded("domain", R"({"name":"x"})"), "quarantined: no id\n");
}

}  // namespace
}  // namespace surveysync::sources::alchemer
