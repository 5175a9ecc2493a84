// What happens between requests: planned steps, chaos from a seed, lags, and the log of changes.
#include <set>

#include "fixture.h"

namespace surveysync::sandbox {
namespace {

std::string total(const Running& vendor, const std::string& query = {}) {
  return head_value(vendor.get(vendor.responses(), query).body, "total_count");
}

std::string on_first(const Running& vendor, const std::string& rest) {
  return "{\"survey\":" + std::to_string(vendor.first_survey()) + "," + rest + "}";
}

std::vector<std::string> lines(const std::string& body) {
  std::vector<std::string> out;
  for (std::size_t from = 0, end; (end = body.find('\n', from)) != std::string::npos; from = end + 1)
    out.push_back(body.substr(from, end - from));
  return out;
}

TEST(SandboxScript, AppliesAChangeBetweenTheNamedRequestAndTheNext) {
  const Running vendor;
  const std::string path = vendor.responses();
  const std::string step = on_first(vendor, R"("after":2,"path":"surveyresponse","op":"insert","count":3)");
  ASSERT_EQ(vendor.control("POST", "/between", step).status, 200);
  const auto count = [&](int number) {
    return head_value(vendor.get(path, "resultsperpage=1&x=" + std::to_string(number)).body, "total_count");
  };
  EXPECT_EQ(count(1), R"("60")");
  vendor.get("/v5/account");  // another path does not count
  EXPECT_EQ(count(2), R"("60")");
  EXPECT_EQ(count(3), R"("63")");
  EXPECT_EQ(count(4), R"("63")");
  const auto log = lines(vendor.control("GET", "/changes").body);
  ASSERT_EQ(log.size(), 1U);
  EXPECT_NE(log[0].find(R"("by":"between","op":"insert")"), std::string::npos) << log[0];
  EXPECT_NE(log[0].find(R"("count":3)"), std::string::npos);
}

TEST(SandboxScript, StepsMayRepeatCarryFaultsAndMoveTheClock) {
  const Running vendor;
  const std::string path = vendor.responses(), before = vendor.control("GET", "/now").body;
  vendor.control("POST", "/between", on_first(vendor, R"("after":2,"times":2,"path":"surveyresponse","op":"insert")"));
  vendor.control("POST", "/between", R"({"after":1,"path":"/domain","fault":"status:code=503,path=team"})");
  vendor.control("POST", "/between", R"({"after":2,"path":"/domain","remove-fault":"status","advance":"1h"})");
  for (int i = 0; i < 7; ++i)
    vendor.get(path, "resultsperpage=1");
  EXPECT_EQ(total(vendor, "resultsperpage=1"), R"("62")");
  EXPECT_EQ(vendor.get("/v5/accountteams").status, 200);
  vendor.get("/v5/domain");
  EXPECT_EQ(vendor.get("/v5/accountteams").status, 503);
  vendor.get("/v5/domain");
  EXPECT_EQ(vendor.get("/v5/accountteams").status, 200);
  EXPECT_NE(vendor.control("GET", "/now").body.substr(0, 22), before.substr(0, 22));
  EXPECT_EQ(vendor.control("POST", "/between", R"({"fault":"nonsense"})").status, 400);
  EXPECT_EQ(vendor.control("POST", "/between", R"({"op":"nonsense"})").status, 400);
  vendor.control("POST", "/between", R"({"after":5,"op":"insert"})");
  EXPECT_NE(vendor.control("GET", "/chaos").body.find(R"("steps":1)"), std::string::npos);
  vendor.control("DELETE", "/between");
  EXPECT_NE(vendor.control("GET", "/chaos").body.find(R"("steps":0)"), std::string::npos);
}

// Times depend on how fast the test runs; what was changed does not.
std::vector<std::string> chaos_of(std::uint64_t seed) {
  const Running vendor;
  vendor.control(
      "POST", "/chaos",
      "{\"seed\":" + std::to_string(seed) +
          R"(,"rate":0.5,"ops":["insert","complete","edit","delete","restore","disqualify","late",{"op":"edit","silent":true}]})");
  for (int i = 0; i < 80; ++i)
    vendor.get("/v5/account", "x=" + std::to_string(i));
  vendor.control("DELETE", "/chaos");
  vendor.get("/v5/account", "x=end");
  std::vector<std::string> out;
  for (const std::string& line : lines(vendor.control("GET", "/changes").body)) {
    const std::size_t time = line.find("\"time\""), by = line.find("\"by\"");
    out.push_back(line.substr(0, time) + line.substr(by));
  }
  return out;
}

TEST(SandboxScript, ChaosIsTheSameForTheSameSeed) {
  const auto one = chaos_of(1);
  EXPECT_EQ(one, chaos_of(1));
  EXPECT_NE(one, chaos_of(2));
  EXPECT_GT(one.size(), 20U);
  EXPECT_LT(one.size(), 70U);
}

TEST(SandboxScript, ChaosKeepsTruthAndListsTogether) {
  const Running vendor;
  const std::string path = vendor.responses();
  const std::string body =
      "{\"seed\":5,\"rate\":0.9,\"advance\":\"10m\",\"surveys\":[" + std::to_string(vendor.first_survey()) + "]}";
  ASSERT_EQ(vendor.control("POST", "/chaos", body).status, 200);
  for (int i = 0; i < 150; ++i)
    vendor.get(path, "resultsperpage=1&order_by=-date_updated&x=" + std::to_string(i));
  vendor.control("DELETE", "/chaos");
  const std::string page = vendor.get(path, "resultsperpage=500").body;
  std::set<std::string> listed;
  for (const std::string& id : record_values(page, "id"))
    listed.insert(id);
  std::set<std::string> truth;
  for (const std::string& line :
       lines(vendor.control("GET", "/truth/id?survey=" + std::to_string(vendor.first_survey())).body)) {
    const std::string id = head_value(line, "response_id");
    truth.insert(id);
    EXPECT_NE(page.find("{\"id\":\"" + id + "\",\"contact_id\""), std::string::npos);
  }
  EXPECT_EQ(listed, truth);
  EXPECT_EQ(head_value(page, "total_count"), "\"" + std::to_string(truth.size()) + "\"");
  auto updated = record_values(vendor.get(path, "resultsperpage=500&order_by=date_updated").body, "date_updated");
  EXPECT_TRUE(std::is_sorted(updated.begin(), updated.end()));
  EXPECT_EQ(updated.size(), truth.size());
}

TEST(SandboxScript, ChangesMayLagEachByItself) {
  const Running vendor;
  const auto at = [&](const std::string& rest) {
    ASSERT_EQ(vendor.control("POST", "/change", on_first(vendor, rest)).status, 200) << rest;
  };
  const auto advance = [&](const std::string& by) { vendor.control("POST", "/clock", "{\"advance\":\"" + by + "\"}"); };
  at(R"("op":"insert","lag":"10m")");
  at(R"("op":"delete","response":1,"lag":"2m")");
  EXPECT_EQ(total(vendor), R"("60")");
  advance("3m");
  EXPECT_EQ(total(vendor), R"("59")");
  advance("8m");
  EXPECT_EQ(total(vendor), R"("60")");
  // A change that overtakes an older one of the same response is not undone when that shows.
  at(R"("op":"disqualify","response":4,"lag":"10m")");
  at(R"("op":"delete","response":4)");
  EXPECT_EQ(total(vendor), R"("59")");
  advance("11m");
  EXPECT_EQ(total(vendor), R"("59")");
}

TEST(SandboxScript, StatisticsMayLagOrSayNothingOfDeletions) {
  SandboxOptions options = small_options();
  options.statistics_lag = std::chrono::minutes(30);
  const Running vendor(options);
  const auto deleted = [](const Running& of) {
    return of.get("/v5/survey").json()->getArray("data")->getObject(0)->getObject("statistics")->has("Deleted");
  };
  vendor.control("POST", "/change", on_first(vendor, R"("op":"delete","count":5)"));
  EXPECT_EQ(total(vendor), R"("55")");
  EXPECT_FALSE(deleted(vendor));
  vendor.control("POST", "/clock", R"({"advance":"31m"})");
  EXPECT_TRUE(deleted(vendor));
  EXPECT_NE(vendor.control("GET", "/truth/survey").body.find(R"("Deleted":5)"), std::string::npos);
  options = small_options();
  options.statistics = "no-deleted";
  const Running silent(options);
  silent.control("POST", "/change", on_first(silent, R"("op":"delete","count":5)"));
  EXPECT_FALSE(deleted(silent));
}

}  // namespace
}  // namespace surveysync::sandbox
