#include <Poco/Net/Context.h>
#include <Poco/Net/HTTPSClientSession.h>
#include <Poco/Net/SSLException.h>
#include <sys/stat.h>

#include <set>

#include "fixture.h"

namespace surveysync::sandbox {
namespace {

TEST(SandboxApi, TheSameSeedGivesTheSameBytes) {
  const Running one, two;
  EXPECT_EQ(one.get("/v5/survey").body, two.get("/v5/survey").body);
  const std::string path = one.responses();
  const std::string bytes = one.get(path, "resultsperpage=500").body;
  EXPECT_EQ(bytes, two.get(path, "resultsperpage=500").body);
  SandboxOptions options = small_options();
  options.seed = 2;
  const Running other(options);
  EXPECT_NE(bytes, other.get(other.responses(), "resultsperpage=500").body);
}

TEST(SandboxApi, FilesAndKeyAreInPlace) {
  Running vendor;
  struct stat about {};
  ASSERT_EQ(::stat(vendor.sandbox().secret_file().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0600U);
  ASSERT_EQ(::stat(vendor.sandbox().secret_file().parent_path().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0700U);
  std::ifstream file(vendor.sandbox().secret_file().parent_path() / "sandbox.json");
  const auto json = Poco::JSON::Parser().parse(file).extract<Poco::JSON::Object::Ptr>();
  EXPECT_EQ(json->getValue<std::string>("control_url"), vendor.sandbox().control_url());
}

TEST(SandboxApi, PagesAreEchoedAsSent) {
  const Running vendor;
  const std::string path = vendor.responses();
  const std::string plain = vendor.get(path).body;
  EXPECT_TRUE(plain.starts_with(
      R"({"result_ok":true,"total_count":"60","page":1,"total_pages":2,"results_per_page":50,"data":[{"id":"1",)"))
      << plain.substr(0, 120);
  const std::string second = vendor.get(path, "page=2&resultsperpage=7&results_per_page=9").body;
  EXPECT_TRUE(second.starts_with(
      R"({"result_ok":true,"total_count":"60","page":"2","total_pages":9,"results_per_page":"7","data":[)"))
      << second.substr(0, 120);
  EXPECT_TRUE(vendor.get(path, "page=99").body.ends_with(R"("data":[]})"));
  EXPECT_EQ(vendor.get(path, "page=none").status, 400);
  EXPECT_EQ(head_value(vendor.get(path, "resultsperpage=9999").body, "results_per_page"), R"("500")");
  EXPECT_EQ(vendor.get(path + ".json", "resultsperpage=1").status, 200);
}

TEST(SandboxApi, PagesTogetherAreTheWholeList) {
  const Running vendor;
  const std::string path = vendor.responses();
  std::vector<int> ids;
  std::vector<std::string> dates;
  for (int page = 1; page <= 6; ++page) {
    const std::string body = vendor.get(path, "resultsperpage=10&page=" + std::to_string(page)).body;
    for (const auto& id : record_values(body, "id"))
      ids.push_back(std::stoi(id));
    for (const auto& date : record_values(body, "date_submitted"))
      dates.push_back(date);
  }
  EXPECT_EQ(ids.size(), 60U);
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
  EXPECT_EQ(std::set<int>(ids.begin(), ids.end()).size(), 60U);
  EXPECT_GT(ids.back(), 60) << "ids have gaps";
  SandboxOptions options = small_options();
  options.responses_min = options.responses_max = 5000;
  const Running busy(options);
  dates = record_values(busy.get(busy.responses(), "resultsperpage=500").body, "date_submitted");
  EXPECT_FALSE(std::is_sorted(dates.begin(), dates.end())) << "dates are not monotonic in id order";
}

TEST(SandboxApi, StructureListsCountByIntegersAndAreNotPaged) {
  const Running vendor;
  const std::string survey = "/v5/survey/" + std::to_string(vendor.first_survey());
  const auto list = vendor.get(survey + "/surveyquestion", "resultsperpage=2").json();
  EXPECT_EQ(list->getArray("data")->size(), list->getValue<unsigned>("total_count"));
  EXPECT_TRUE(list->get("total_count").isInteger());
  EXPECT_GT(list->getArray("data")->size(), 30U);
  EXPECT_TRUE(vendor.get("/v5/survey").json()->get("total_count").isString());
  const auto tree = vendor.get(survey).json()->getObject("data");
  EXPECT_EQ(tree->getArray("pages")->size(), 3U);
  EXPECT_FALSE(vendor.get(survey, "metaonly=true").json()->getObject("data")->has("pages"));
  EXPECT_EQ(vendor.get(survey + "/surveystatistic").status, 200);
  EXPECT_EQ(vendor.get(survey + "/surveypage").json()->getArray("data")->size(), 3U);
}

TEST(SandboxApi, OrdersAndFilters) {
  const Running vendor;
  const std::string path = vendor.responses();
  const auto dates = [&](const std::string& query, const std::string& field) {
    return record_values(vendor.get(path, "resultsperpage=500&" + query).body, field);
  };
  auto updated = dates("order_by=date_updated", "date_updated");
  EXPECT_TRUE(std::is_sorted(updated.begin(), updated.end()));
  auto down = dates("order_by=-date_updated", "date_updated");
  EXPECT_TRUE(std::is_sorted(down.rbegin(), down.rend()));
  const std::string middle = updated[30];
  const std::string encoded = middle.substr(0, 10) + "%20" + middle.substr(11);
  const auto since = dates(
      "filter%5Bfield%5D%5B0%5D=date_updated&filter%5Boperator%5D%5B0%5D=%3E%3D&filter%5Bvalue%5D%5B0%5D=" + encoded +
          "&filter[field][1]=date_updated&filter[operator][1]=<&filter[value][1]=2999-01-01",
      "date_updated");
  EXPECT_EQ(since.size(), static_cast<std::size_t>(std::count_if(updated.begin(), updated.end(),
                                                                 [&](const auto& at) { return at >= middle; })));
  for (const auto& status :
       dates("filter[field][0]=status&filter[operator][0]=%3D&filter[value][0]=complete", "status"))
    EXPECT_EQ(status, "Complete");
  EXPECT_EQ(dates("altfilter=filter%5Bfield%5D%5B0%5D%3Dstatus%26filter%5Boperator%5D%5B0%5D%3Din%26filter%5Bvalue%5D%"
                  "5B0%5D%3DComplete%2CPartial%2CDisqualified",
                  "status")
                .size(),
            60U);
  EXPECT_EQ(dates("filter[field][0]=date_updated&filter[operator][0]=%3E&filter[value][0]=2999-01-01", "id").size(),
            0U);
  EXPECT_EQ(vendor.get(path, "filter[field][0]=status").status, 400);
}

TEST(SandboxApi, RefusesWrongKeysInTheVendorsWords) {
  Running vendor;
  const Answer wrong = Running::send(vendor.sandbox().base_url(), "GET", "/v5/survey?api_token=a&api_token_secret=b");
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(wrong.body, R"({"result_ok":false,"code":401,"message":"Invalid api_token or api_token_secret supplied"})");
  const std::string old = vendor.signed_target("/v5/survey");
  EXPECT_EQ(vendor.control("POST", "/key", R"({"action":"rotate","write":true})").status, 200);
  const Answer deleted = Running::send(vendor.sandbox().base_url(), "GET", old);
  EXPECT_EQ(deleted.body, R"({"result_ok":false,"code":401,"message":"Login failed \/ Invalid auth token"})");
  EXPECT_EQ(vendor.get("/v5/survey").status, 200);
  EXPECT_EQ(Running::send(vendor.sandbox().base_url(), "POST", old).status, 405);
  EXPECT_EQ(vendor.get("/v5/nothing").status, 404);
}

TEST(SandboxApi, KeepsTheLimitAndItsPenalty) {
  SandboxOptions options = small_options();
  options.limit = 20;
  Running vendor(options);
  bool warned = false;
  for (int i = 0; i < 20; ++i) {
    const Answer answer = vendor.get("/v5/account", "x=" + std::to_string(i));
    ASSERT_EQ(answer.status, 200);
    warned = warned || answer.head.has("X-SG-Warning");
    EXPECT_EQ(answer.head.has("X-SG-Warning"), i >= 18) << i;
  }
  EXPECT_EQ(vendor.get("/v5/account").status, 429);
  vendor.control("POST", "/clock", R"({"advance":"59s"})");
  EXPECT_EQ(vendor.get("/v5/account").status, 429);
  vendor.control("POST", "/clock", R"({"advance":"61s"})");
  EXPECT_EQ(vendor.get("/v5/account").status, 200);
  const auto stats = vendor.control("GET", "/stats").json();
  EXPECT_EQ(stats->getObject("statuses")->getValue<int>("429"), 2);
  EXPECT_EQ(stats->getValue<int>("max_in_window"), 22);
}

TEST(SandboxApi, CachesIdenticalCallsForAWhile) {
  SandboxOptions options = small_options();
  options.cache = std::chrono::seconds(60);
  Running vendor(options);
  const std::string path = vendor.responses();
  const std::string first = vendor.get(path, "resultsperpage=1&order_by=-date_updated").body;
  vendor.control("POST", "/change", R"({"op":"insert"})");
  const Answer again = vendor.get(path, "resultsperpage=1&order_by=-date_updated");
  EXPECT_EQ(again.body, first);
  EXPECT_EQ(again.head.get("X-SG-Cached", ""), "true");
  vendor.control("POST", "/change", "{\"op\":\"insert\",\"survey\":" + std::to_string(vendor.first_survey()) + "}");
  EXPECT_NE(vendor.get(path, "resultsperpage=1&order_by=-date_updated&y=1").body, first);
  vendor.control("POST", "/clock", R"({"advance":"61s"})");
  EXPECT_FALSE(vendor.get(path, "resultsperpage=1&order_by=-date_updated").head.has("X-SG-Cached"));
  options.refuse_repeats = true;
  Running strict(options);
  EXPECT_EQ(strict.get("/v5/account").status, 200);
  const Answer refused = strict.get("/v5/account");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.body, R"({"result_ok":false,"code":429,"message":"Please wait for other requests to complete"})");
}

TEST(SandboxApi, ServesTlsThatItsOwnCaVerifies) {
  SandboxOptions options = small_options();
  options.plain_http = false;
  Running vendor(options);
  const Poco::URI uri(vendor.sandbox().base_url());
  EXPECT_EQ(uri.getScheme(), "https");
  for (const char* host : {"localhost", "127.0.0.1"}) {
    Poco::Net::Context::Ptr context(new Poco::Net::Context(Poco::Net::Context::TLS_CLIENT_USE, "", "",
                                                           vendor.sandbox().ca_file().string(),
                                                           Poco::Net::Context::VERIFY_STRICT, 9, false));
    context->enableExtendedCertificateVerification(true);
    Poco::Net::HTTPSClientSession session(host, uri.getPort(), context);
    Poco::Net::HTTPRequest request("GET", vendor.signed_target("/v5/account"), "HTTP/1.1");
    session.sendRequest(request);
    Poco::Net::HTTPResponse response;
    std::string body;
    Poco::StreamCopier::copyToString(session.receiveResponse(response), body);
    EXPECT_EQ(response.getStatus(), 200) << host;
  }
  const Poco::Net::Context::Ptr stranger(new Poco::Net::Context(Poco::Net::Context::TLS_CLIENT_USE, "", "", "",
                                                                Poco::Net::Context::VERIFY_STRICT, 9, true));
  Poco::Net::HTTPSClientSession session("localhost", uri.getPort(), stranger);
  Poco::Net::HTTPRequest request("GET", "/v5/account", "HTTP/1.1");
  EXPECT_THROW(session.sendRequest(request), Poco::Exception);
}

}  // namespace
}  // namespace surveysync::sandbox
