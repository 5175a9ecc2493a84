// Everything the account holds beside surveys and responses: each in its own envelope, changed by control, and told by
// the truth byte for byte.
#include <functional>
#include <map>
#include <sstream>

#include "fixture.h"

namespace surveysync::sandbox {
namespace {

// The lines of a truth table.
std::vector<Poco::JSON::Object::Ptr> truth_of(const Running& vendor, const std::string& table) {
  std::vector<Poco::JSON::Object::Ptr> out;
  std::istringstream lines(vendor.control("GET", "/truth/" + table).body);
  for (std::string line; std::getline(lines, line);)
    out.push_back(Poco::JSON::Parser().parse(line).extract<Poco::JSON::Object::Ptr>());
  return out;
}

std::string survey_path(const Running& vendor, int index = 0) {
  const auto list = vendor.get("/v5/survey").json()->getArray("data");
  return "/v5/survey/" + list->getObject(static_cast<unsigned>(index))->getValue<std::string>("id");
}

class SandboxObjects : public testing::Test {
 protected:
  Running vendor;
  std::string change(const std::string& body) {
    const Answer done = vendor.control("POST", "/object", body);
    EXPECT_EQ(done.status, 200) << body << done.body;
    return done.body;
  }
};

TEST_F(SandboxObjects, EveryPayloadOfTheTruthStandsInItsListByteForByte) {
  const std::map<std::string, std::string> account{
      {"account", "/v5/account"},          {"account_user", "/v5/accountuser"},
      {"team", "/v5/accountteams"},        {"domain", "/v5/domain"},
      {"theme", "/v5/surveytheme"},        {"sso", "/v5/sso"},
      {"contact_list", "/v5/contactlist"}, {"contact_custom_field", "/v5/contactcustomfield"}};
  for (const auto& [table, path] : account) {
    const std::string body = vendor.get(path).body;
    const auto rows = truth_of(vendor, table);
    EXPECT_FALSE(rows.empty()) << table;
    for (const auto& row : rows) {
      EXPECT_NE(body.find(row->getValue<std::string>("payload")), std::string::npos) << table;
      EXPECT_TRUE(row->has(table + "_id")) << table;
    }
  }
  for (const auto& [table, sub] : std::map<std::string, std::string>{{"campaign", "surveycampaign"},
                                                                     {"quota", "quotas"},
                                                                     {"report", "surveyreport"},
                                                                     {"statistic", "surveystatistic"}}) {
    const auto rows = truth_of(vendor, table);
    EXPECT_FALSE(rows.empty()) << table;
    for (const auto& row : rows) {
      const std::string body = vendor.get("/v5/survey/" + row->getValue<std::string>("survey_id") + "/" + sub).body;
      EXPECT_NE(body.find(row->getValue<std::string>("payload")), std::string::npos) << table;
    }
  }
}

TEST_F(SandboxObjects, NestedPayloadsStandBelowTheirParents) {
  const auto check = [&](const std::string& table, const std::function<std::string(const Poco::JSON::Object&)>& path) {
    const auto rows = truth_of(vendor, table);
    EXPECT_GE(rows.size(), 2U) << table;
    for (const auto& row : rows)
      EXPECT_NE(vendor.get(path(*row)).body.find(row->getValue<std::string>("payload")), std::string::npos) << table;
  };
  const auto campaign = [](const Poco::JSON::Object& row) {
    return "/v5/survey/" + row.getValue<std::string>("survey_id") + "/surveycampaign/" +
           row.getValue<std::string>("campaign_id");
  };
  check("campaign_contact", [&](const auto& row) { return campaign(row) + "/surveycontact"; });
  check("email_message", [&](const auto& row) { return campaign(row) + "/emailmessage"; });
  check("contact", [](const auto& row) {
    return "/v5/contactlist/" + row.template getValue<std::string>("contact_list_id") + "/contactlistcontact";
  });
}

TEST_F(SandboxObjects, TheEnvelopesAreTheVendorsOwn) {
  EXPECT_TRUE(vendor.get("/v5/account").body.starts_with(R"({"result_ok":true,"data":{"id":644416,)"));
  EXPECT_TRUE(vendor.get("/v5/accountuser").body.starts_with(R"({"result_ok":true,"total_count":"5","page":1,)"));
  EXPECT_TRUE(vendor.get("/v5/accountteams").body.starts_with(R"({"result_ok":true,"total_count":3,"page":1,)"));
  EXPECT_TRUE(vendor.get("/v5/contactlist")
                  .body.starts_with(R"({"result_ok":true,"page":1,"results_per_page":50,"data":[{"id":1,)"));
  EXPECT_TRUE(vendor.get("/v5/domain").body.starts_with(R"({"result_ok":true,"data":{"7001":{"id":7001,)"));
  EXPECT_TRUE(vendor.get("/v5/sso/123").body.starts_with(R"({"result_ok":true,"data":{"123":{"id":"123",)"));
  EXPECT_TRUE(vendor.get("/v5/contactcustomfield").body.starts_with(R"({"result_ok":true,"data":{"1":{"id":"1",)"));
  const std::string survey = survey_path(vendor);
  EXPECT_TRUE(vendor.get(survey + "/surveycampaign", "page=1&resultsperpage=1")
                  .body.starts_with(R"({"result_ok":true,"total_count":"2","page":"1","total_pages":2,)"));
  EXPECT_TRUE(vendor.get(survey + "/quotas").body.starts_with(R"({"result_ok":true,"quotas":[{"id":"1","name":)"));
  EXPECT_TRUE(vendor.get(survey + "/quotas/1").body.starts_with(R"({"result_ok":true,"id":"1","name":)"));
  EXPECT_TRUE(vendor.get(survey_path(vendor, 1) + "/surveyreport").body.starts_with(R"({"result_ok":true,)"));
  const Answer none = vendor.get(survey + "/surveyreport");
  EXPECT_EQ(none.status, 200);
  EXPECT_TRUE(none.body.starts_with(R"({"result_ok":false,)"));
}

TEST_F(SandboxObjects, OddValuesComeAsDocumented) {
  const std::string users = vendor.get("/v5/accountuser").body;
  EXPECT_NE(users.find(R"("last_login":"")"), std::string::npos);
  const std::string campaigns = vendor.get(survey_path(vendor) + "/surveycampaign").body;
  EXPECT_NE(campaigns.find(R"("invite_id":null)"), std::string::npos);
  EXPECT_NE(campaigns.find(R"("SSL":")"), std::string::npos);
  const std::string statistics = vendor.get(survey_path(vendor) + "/surveystatistic").body;
  EXPECT_NE(statistics.find(R"("total responses":")"), std::string::npos);
  EXPECT_NE(statistics.find(R"("percentage":")"), std::string::npos);
}

TEST_F(SandboxObjects, AnInviteLinkIsSeenBySingleGetsOnly) {
  const auto row = truth_of(vendor, "campaign_contact").front();
  const std::string list = "/v5/survey/" + row->getValue<std::string>("survey_id") + "/surveycampaign/" +
                           row->getValue<std::string>("campaign_id") + "/surveycontact";
  EXPECT_EQ(vendor.get(list).body.find("invitelink"), std::string::npos);
  const std::string one = vendor.get(list + "/" + row->getValue<std::string>("campaign_contact_id")).body;
  EXPECT_NE(one.find(R"("invitelink":"https:\/\/)"), std::string::npos);
}

TEST_F(SandboxObjects, ASurveyWithoutDataHasNoStatistics) {
  SandboxOptions options = small_options();
  options.responses_min = options.responses_max = 0;
  const Running empty(options);
  const Answer none = empty.get(survey_path(empty) + "/surveystatistic");
  EXPECT_EQ(none.status, 200);
  EXPECT_TRUE(none.body.starts_with(R"({"result_ok":false,)"));
  EXPECT_TRUE(truth_of(empty, "statistic").empty());
}

TEST_F(SandboxObjects, ManyContactsComeInPagesWithoutCounts) {
  SandboxOptions options = small_options();
  options.list_contacts_min = options.list_contacts_max = 1203;
  const Running large(options);
  std::size_t seen = 0, pages = 0;
  for (int page = 1;; ++page) {
    const Answer answer =
        large.get("/v5/contactlist/2/contactlistcontact", "page=" + std::to_string(page) + "&resultsperpage=500");
    EXPECT_EQ(answer.body.find("total_"), std::string::npos);
    const auto data = answer.json()->getArray("data");
    if (data->size() == 0) break;
    seen += data->size();
    ++pages;
  }
  EXPECT_EQ(seen, 1203U);
  EXPECT_EQ(pages, 3U);
}

TEST_F(SandboxObjects, TheSameSeedGivesTheSameObjects) {
  const Running again;
  for (const char* table : {"campaign", "campaign_contact", "contact", "quota", "account_user", "statistic"})
    EXPECT_EQ(vendor.control("GET", std::string("/truth/") + table).body,
              again.control("GET", std::string("/truth/") + table).body);
}

TEST_F(SandboxObjects, ChangesByControlAreSeenAndLogged) {
  const std::string survey = survey_path(vendor);
  const std::string id = survey.substr(survey.rfind('/') + 1);
  change(R"({"kind":"campaign","op":"edit","survey":)" + id +
         R"(,"id":9000000,"set":{"name":"caf\u00e9/1","z":[1,{"b":2,"a":null}]}})");
  EXPECT_NE(vendor.get(survey + "/surveycampaign/9000000").body.find(R"("name":"caf\u00e9\/1")"), std::string::npos);
  EXPECT_NE(vendor.get(survey + "/surveycampaign/9000000").body.find(R"("z":[1,{"b":2,"a":null}])"), std::string::npos);
  EXPECT_NE(change(R"({"kind":"campaign","op":"add","survey":)" + id + "}").find(R"("ids":[9000002])"),
            std::string::npos);
  EXPECT_TRUE(vendor.get(survey + "/surveycampaign").body.starts_with(R"({"result_ok":true,"total_count":"3",)"));
  change(R"({"kind":"campaign","op":"delete","survey":)" + id + R"(,"id":9000001})");
  EXPECT_EQ(vendor.get(survey + "/surveycampaign/9000001").body, R"({"result_ok":true,"data":null})");
  EXPECT_EQ(vendor.get(survey + "/surveycampaign/77").status, 404);
  EXPECT_EQ(vendor.get(survey + "/surveycampaign/9000001/surveycontact").json()->getArray("data")->size(), 0U);
  for (const auto& row : truth_of(vendor, "campaign_contact"))
    EXPECT_NE(row->getValue<std::string>("survey_id") + row->getValue<std::string>("campaign_id"), id + "9000001");
  change(R"({"kind":"campaign","op":"restore","survey":)" + id + R"(,"id":9000001})");
  EXPECT_GT(vendor.get(survey + "/surveycampaign/9000001/surveycontact").json()->getArray("data")->size(), 0U);
  EXPECT_NE(vendor.control("GET", "/changes").body.find(R"("op":"restore campaign")"), std::string::npos);
}

TEST_F(SandboxObjects, EveryKindCanBeAddedEditedDeletedAndRestored) {
  for (const char* kind : {"account_user", "team", "contact_custom_field", "contact_list", "contact", "domain", "theme",
                           "sso", "campaign", "campaign_contact", "email_message", "quota", "report"}) {
    const std::string start = std::string(R"({"kind":")") + kind + R"(","op":")";
    const std::size_t before = truth_of(vendor, kind).size();
    change(start + R"(add","count":2})");
    EXPECT_EQ(truth_of(vendor, kind).size(), before + 2) << kind;
    const std::string text = vendor.control("GET", std::string("/truth/") + kind).body;
    change(start + R"(edit"})");
    EXPECT_NE(vendor.control("GET", std::string("/truth/") + kind).body, text) << kind;
  }
  const std::size_t before = truth_of(vendor, "quota").size();
  change(R"({"kind":"quota","op":"delete"})");
  EXPECT_EQ(truth_of(vendor, "quota").size(), before - 1);
  change(R"({"kind":"domain","op":"delete","count":10})");
  EXPECT_EQ(vendor.get("/v5/domain").body, R"({"result_ok":true,"data":[]})");
  change(R"({"kind":"campaign","op":"delete","as":"status","id":9000000})");
  EXPECT_NE(vendor.control("GET", "/truth/campaign").body.find(R"(\"status\":\"Deleted\")"), std::string::npos);
  EXPECT_EQ(vendor.control("POST", "/object", R"({"kind":"nonsense"})").status, 400);
  EXPECT_EQ(vendor.control("POST", "/object", R"({"kind":"quota","op":"edit","id":4711})").status, 400);
}

TEST_F(SandboxObjects, AChangeCanWaitForARequest) {
  vendor.control("POST", "/between",
                 R"({"after":1,"path":"accountuser","kind":"account_user","op":"delete","id":183830})");
  EXPECT_NE(vendor.get("/v5/accountuser").body.find(R"("id":"183830")"), std::string::npos);
  EXPECT_EQ(vendor.get("/v5/accountuser").body.find(R"("id":"183830")"), std::string::npos);
}

TEST_F(SandboxObjects, AKeyMayBeDeniedOneEndpoint) {
  vendor.fault("denied:path=/v5/contactlist");
  const Answer refused = vendor.get("/v5/contactlist");
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.body, R"({"result_ok":false,"code":403,"message":"Permission Denied"})");
  EXPECT_EQ(vendor.get("/v5/accountuser").status, 200);
  vendor.fault("denied:path=/v5/accountuser,inside=200");
  const Answer inside = vendor.get("/v5/accountuser");
  EXPECT_EQ(inside.status, 200);
  EXPECT_TRUE(inside.body.starts_with(R"({"result_ok":false,"code":403,)"));
}

TEST_F(SandboxObjects, FaultsSpoilTheseListsToo) {
  vendor.fault("null-rows:path=accountuser,count=1");
  EXPECT_NE(vendor.get("/v5/accountuser").body.find(R"("data":[null,)"), std::string::npos);
  vendor.fault("bare-keys:path=domain");
  EXPECT_TRUE(vendor.get("/v5/domain").body.starts_with(R"({"result_ok":true,"data":{"7001":{"customerID":)"));
  vendor.fault("null-data:path=quotas");
  EXPECT_EQ(vendor.get(survey_path(vendor) + "/quotas").body, R"({"result_ok":true,"quotas":null})");
}

TEST_F(SandboxObjects, UsersAndCampaignsCanBeFiltered) {
  const auto data =
      vendor
          .get("/v5/accountuser",
               "filter%5Bfield%5D%5B0%5D=status&filter%5Boperator%5D%5B0%5D==&filter%5Bvalue%5D%5B0%5D=disabled")
          .json()
          ->getArray("data");
  EXPECT_GE(data->size(), 1U);
  EXPECT_LT(data->size(), 5U);
  for (unsigned i = 0; i < data->size(); ++i)
    EXPECT_EQ(data->getObject(i)->getValue<std::string>("status"), "Disabled");
}

// Uploaded files: the path and query of the temporary URL that the API names.
std::string file_target(const Running& vendor, const Poco::JSON::Object& file, const std::string& query = {}) {
  std::string encoded;
  Poco::URI::encode(file.getValue<std::string>("response_file_id"), "", encoded);
  const std::string path = "/v5/survey/" + file.getValue<std::string>("survey_id") + "/surveyresponse/" +
                           file.getValue<std::string>("response_id") + "/file";
  const Answer answer = vendor.get(path, "filename=" + encoded + query);
  EXPECT_EQ(answer.status, 200) << answer.body;
  const auto data = answer.json()->getObject("data");
  const auto url = data->optValue<std::string>("url", data->optValue<std::string>("download_url", ""));
  EXPECT_TRUE(url.starts_with(const_cast<Running&>(vendor).sandbox().base_url().substr(0, 7))) << url;
  return url.substr(url.find("/files/"));
}

TEST_F(SandboxObjects, AnUploadedFileCanBeFetchedUntilItsUrlExpires) {
  const auto files = truth_of(vendor, "response_file");
  ASSERT_GE(files.size(), 10U);
  const std::string target = file_target(vendor, *files[0], "&expires=60");
  const Answer file = Running::send(vendor.sandbox().base_url(), "GET", target);
  EXPECT_EQ(file.status, 200);
  EXPECT_EQ(file.body.size(), files[0]->getValue<std::size_t>("bytes"));
  EXPECT_TRUE(file.body.starts_with("%PDF-1.4"));
  EXPECT_EQ(Running::send(vendor.sandbox().base_url(), "GET", target + "0").status, 403);
  vendor.control("POST", "/clock", R"({"advance":"61s"})");
  EXPECT_EQ(Running::send(vendor.sandbox().base_url(), "GET", target).status, 403);
  const auto lasting = file_target(vendor, *files[0]);
  vendor.control("POST", "/clock", R"({"advance":"299s"})");
  EXPECT_EQ(Running::send(vendor.sandbox().base_url(), "GET", lasting).status, 200);
}

TEST_F(SandboxObjects, FileCallsThatMakeNoSenseAreRefused) {
  EXPECT_EQ(vendor.get(vendor.responses() + "/1/file").status, 400);
  EXPECT_EQ(vendor.get(vendor.responses() + "/1/file", "filename=nothing").status, 404);
  vendor.fault("download-url");
  const auto file = truth_of(vendor, "response_file").front();
  EXPECT_EQ(Running::send(vendor.sandbox().base_url(), "GET", file_target(vendor, *file)).status, 200);
}

TEST_F(SandboxObjects, FilesCanBeMadeLarge) {
  SandboxOptions options = small_options();
  options.file_bytes = 200000;
  Running large(options);
  const auto file = truth_of(large, "response_file").front();
  EXPECT_EQ(file->getValue<std::size_t>("bytes"), 200000U);
  EXPECT_EQ(Running::send(large.sandbox().base_url(), "GET", file_target(large, *file)).body.size(), 200000U);
}

}  // namespace
}  // namespace surveysync::sandbox
