// The second vendor: both generations of its API, its keys, its limit, what changes while it is read, and its truth.
#include <functional>
#include <map>
#include <set>
#include <sstream>

#include "fixture.h"

namespace surveysync::sandbox {
namespace {

using Object = Poco::JSON::Object::Ptr;

SandboxOptions second_vendor(int generation = 2) {
  SandboxOptions out = small_options();
  out.provider = "alfaone";
  out.generation = generation;
  return out;
}

class Second {
 public:
  explicit Second(const SandboxOptions& options = second_vendor()) : vendor_(options) {}

  std::string key() const {
    std::ifstream file(const_cast<Running&>(vendor_).sandbox().secret_file());
    std::string out;
    file >> out;
    return out;
  }
  Answer ask(const std::string& target, const std::string& key, const std::string& method = "GET") const {
    const Poco::URI uri(const_cast<Running&>(vendor_).sandbox().base_url());
    Poco::Net::HTTPClientSession session("127.0.0.1", uri.getPort());
    session.setTimeout(Poco::Timespan(20, 0));
    Poco::Net::HTTPRequest request(method, "/api/v1" + target, "HTTP/1.1");
    if (!key.empty()) request.set("x-api-key", key);
    request.setContentLength(0);
    session.sendRequest(request);
    Answer out;
    std::istream& stream = session.receiveResponse(out.head);
    Poco::StreamCopier::copyToString(stream, out.body);
    out.status = out.head.getStatus();
    return out;
  }
  Answer get(const std::string& target) const { return ask(target, key()); }
  Answer control(const std::string& method, const std::string& path, const std::string& body = {}) const {
    return vendor_.control(method, path, body);
  }
  std::string done(const std::string& path, const std::string& body) const {
    const Answer answer = control("POST", path, body);
    EXPECT_EQ(answer.status, 200) << path << body << answer.body;
    return answer.body;
  }
  std::vector<Object> truth(const std::string& table) const {
    std::vector<Object> out;
    std::istringstream lines(control("GET", "/truth/" + table).body);
    for (std::string line; std::getline(lines, line);)
      out.push_back(Poco::JSON::Parser().parse(line).extract<Object>());
    return out;
  }
  std::vector<std::string> ids(const std::string& list, const std::string& query) const {
    std::vector<std::string> out;
    const auto data = get("/" + list + query).json()->getArray(list);
    for (unsigned i = 0; i < data->size(); ++i)
      out.push_back(data->getObject(i)->getValue<std::string>("id"));
    return out;
  }
  std::int64_t violations() const { return control("GET", "/stats").json()->getValue<std::int64_t>("violations"); }

 private:
  Running vendor_;
};

TEST(SandboxSecondVendor, TheNewGenerationComesInPagesNewestFirst) {
  const Second vendor;
  const Answer first = vendor.get("/invites");
  EXPECT_NE(first.body.find(R"("pagination":{"page":1,"limit":20,"total":120,"totalPages":6})"), std::string::npos);
  std::set<std::string> seen;
  std::string last = "9";
  for (int page = 1; page <= 6; ++page) {
    const auto data = vendor.get("/invites?page=" + std::to_string(page)).json()->getArray("invites");
    EXPECT_EQ(data->size(), 20U);
    for (unsigned i = 0; i < data->size(); ++i) {
      const auto sent = data->getObject(i)->getValue<std::string>("sentAt");
      EXPECT_LE(sent, last);
      EXPECT_EQ(sent.size(), std::string("2026-01-02T03:04:05.678Z").size());
      last = sent;
      seen.insert(data->getObject(i)->getValue<std::string>("id"));
    }
  }
  EXPECT_EQ(seen.size(), 120U);
  EXPECT_TRUE(vendor.get("/invites?page=7").body.starts_with(R"({"invites":[],"pagination":{"page":7,)"));
}

TEST(SandboxSecondVendor, TheOldGenerationSendsEverythingAndReadsNoParameters) {
  const Second vendor(second_vendor(1));
  const Answer answer = vendor.get("/invites?page=2&limit=5&status=pending&sort=nonsense");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json()->getArray("invites")->size(), 120U);
  EXPECT_FALSE(answer.json()->has("pagination"));
  vendor.done("/generation", R"({"generation":2})");
  EXPECT_TRUE(vendor.get("/invites").json()->has("pagination"));
  EXPECT_EQ(vendor.control("POST", "/generation", R"({"generation":3})").status, 400);
}

TEST(SandboxSecondVendor, OrderAndFiltersAreHonoured) {
  const Second vendor;
  auto up = vendor.ids("invites", "?order=asc&limit=100");
  const auto down = vendor.ids("invites", "?order=desc&limit=100&page=2");
  std::reverse(up.begin(), up.end());
  EXPECT_EQ(std::vector<std::string>(up.end() - 20, up.end()), down);
  for (const char* sort : {"sent_at", "status", "expires_at"})
    EXPECT_EQ(vendor.ids("invites", std::string("?limit=100&sort=") + sort).size(), 100U);
  const auto assessment = vendor.ids("assessments", "").front();
  EXPECT_EQ(vendor.ids("invites", "?limit=100&assessmentId=" + assessment).size(), 60U);
  const auto done = vendor.get("/invites?status=completed&limit=100").json()->getArray("invites");
  ASSERT_GT(done->size(), 10U);
  for (unsigned i = 0; i < done->size(); ++i)
    EXPECT_FALSE(done->getObject(i)->isNull("completedAt"));
  for (const char* wrong : {"limit=0", "limit=101", "limit=x", "page=0", "sort=sentAt", "order=up"}) {
    const Answer refused = vendor.get(std::string("/invites?") + wrong);
    EXPECT_EQ(refused.status, 400) << wrong;
    EXPECT_TRUE(refused.body.starts_with(R"({"error":")"));
  }
}

TEST(SandboxSecondVendor, TheTruthIsWhatIsSent) {
  const Second vendor;
  for (const char* list : {"assessment", "invite", "member", "tag"}) {
    const std::string plural = std::string(list) + "s";
    const auto rows = vendor.truth(list);
    ASSERT_FALSE(rows.empty()) << list;
    std::string bodies;
    for (int page = 1; page <= 2; ++page)
      bodies += vendor.get("/" + plural + "?limit=100&page=" + std::to_string(page)).body;
    for (const auto& row : rows)
      EXPECT_NE(bodies.find(row->getValue<std::string>("payload")), std::string::npos) << list;
    const auto id = rows.front()->getValue<std::string>(std::string(list) + "_id");
    EXPECT_EQ(vendor.get("/" + plural + "/" + id).body, rows.front()->getValue<std::string>("payload_single"));
  }
  for (const auto& row : vendor.truth("question")) {
    const std::string path = "/assessments/" + row->getValue<std::string>("assessment_id") + "/questions?limit=100";
    EXPECT_NE(vendor.get(path).body.find(row->getValue<std::string>("payload")), std::string::npos);
  }
  const auto assessment = vendor.truth("assessment").front();
  for (const char* name : {"name", "default_question_format", "default_answer_format", "languages", "question_count",
                           "invite_count", "total_points", "created_at", "updated_at"})
    EXPECT_TRUE(assessment->has(name)) << name;
  EXPECT_TRUE(vendor.truth("invite").front()->has("revoked_at"));
  EXPECT_FALSE(vendor.get("/invites").json()->getArray("invites")->getObject(0)->has("revokedAt"));
}

TEST(SandboxSecondVendor, KeysAreRefusedInFourWays) {
  const Second vendor;
  const std::string key = vendor.key();
  EXPECT_TRUE(key.starts_with("ak_live_"));
  EXPECT_EQ(key.size(), 40U);
  const auto refusal = [&](const std::string& given) {
    const Answer answer = vendor.ask("/tags", given);
    EXPECT_EQ(answer.status, 401);
    return answer.body;
  };
  EXPECT_EQ(refusal(""), R"({"error":"API key is required"})");
  EXPECT_EQ(refusal("ak_live_00000000000000000000000000000000"), R"({"error":"Invalid API key"})");
  vendor.done("/key", R"({"action":"state","state":"expired"})");
  EXPECT_EQ(refusal(key), R"({"error":"API key has expired"})");
  vendor.done("/key", R"({"action":"state","state":"revoked"})");
  EXPECT_EQ(refusal(key), R"({"error":"API key has been revoked"})");
  vendor.done("/key", R"({"action":"state","state":"valid"})");
  EXPECT_EQ(vendor.ask("/tags", key).status, 200);
  vendor.done("/key", R"({"action":"rotate","write":true})");
  EXPECT_EQ(refusal(key), R"({"error":"Invalid API key"})");
  EXPECT_NE(vendor.key(), key);
  EXPECT_EQ(vendor.get("/tags").status, 200);
  EXPECT_EQ(vendor.control("POST", "/key", R"({"action":"state","state":"odd"})").status, 400);
  SandboxOptions options = second_vendor();
  options.test_key = true;
  EXPECT_TRUE(Second(options).key().starts_with("ak_test_"));
}

TEST(SandboxSecondVendor, AHundredAMinute) {
  SandboxOptions options = second_vendor();
  options.limit = 0;
  const Second vendor(options);
  for (int i = 0; i < 100; ++i)
    ASSERT_EQ(vendor.get("/tags").status, 200);
  const Answer refused = vendor.get("/tags");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.body, R"({"error":"Rate limit exceeded. Please try again later."})");
  vendor.control("POST", "/clock", R"({"advance":"61s"})");
  EXPECT_EQ(vendor.get("/tags").status, 200);
}

TEST(SandboxSecondVendor, AnythingButGetIsAViolation) {
  const Second vendor;
  EXPECT_EQ(vendor.violations(), 0);
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH"})
    EXPECT_EQ(vendor.ask("/invites", vendor.key(), method).status, 405);
  EXPECT_EQ(vendor.violations(), 4);
  EXPECT_NE(vendor.control("GET", "/log").body.find(R"("method":"POST","path":"/api/v1/invites","status":405)"),
            std::string::npos);
  EXPECT_EQ(vendor.truth("invite").size(), 120U);
}

TEST(SandboxSecondVendor, WhatIsNotThereIsNotFound) {
  const Second vendor;
  EXPECT_EQ(vendor.get("/invites/nobody").body, R"({"error":"Invite not found"})");
  EXPECT_EQ(vendor.get("/assessments/nothing/questions").body, R"({"error":"Assessment not found"})");
  EXPECT_EQ(vendor.get("/results").status, 404);
}

TEST(SandboxSecondVendor, NewInvitesShiftThePages) {
  const Second vendor;
  const auto first = vendor.ids("invites", "?limit=10");
  vendor.done("/between", R"({"after":1,"path":"invites","op":"invite","count":3})");
  EXPECT_EQ(vendor.ids("invites", "?limit=10"), first);
  const auto second = vendor.ids("invites", "?limit=10&page=2");
  EXPECT_EQ(std::vector<std::string>(first.end() - 3, first.end()),
            std::vector<std::string>(second.begin(), second.begin() + 3));
  EXPECT_EQ(vendor.truth("invite").size(), 123U);
}

TEST(SandboxSecondVendor, InvitesLiveAndDie) {
  const Second vendor;
  const std::string added = vendor.done("/change", R"({"op":"invite"})");
  const auto id = Poco::JSON::Parser().parse(added).extract<Object>()->getArray("invites")->getElement<std::string>(0);
  const auto status = [&] { return vendor.get("/invites/" + id).json()->getValue<std::string>("status"); };
  EXPECT_EQ(status(), "pending");
  for (const char* next : {"accepted", "started", "completed"}) {
    vendor.done("/change", R"({"op":"step","invite":")" + id + R"("})");
    EXPECT_EQ(status(), next);
  }
  EXPECT_EQ(vendor.control("POST", "/change", R"({"op":"step","invite":")" + id + R"("})").status, 400);
  vendor.done("/change", R"({"op":"delete","invite":")" + id + R"("})");
  EXPECT_EQ(vendor.get("/invites/" + id).status, 404);
  EXPECT_EQ(vendor.truth("invite").size(), 120U);
  vendor.done("/change", R"({"op":"restore","invite":")" + id + R"("})");
  EXPECT_EQ(status(), "completed");
  for (const char* op : {"revoke", "expire", "complete"})
    vendor.done("/change", std::string(R"({"op":")") + op + R"("})");
  vendor.done("/change", R"({"op":"mass-delete","percent":50})");
  EXPECT_EQ(vendor.truth("invite").size(), 61U);
}

TEST(SandboxSecondVendor, AssessmentsComeAndGo) {
  const Second vendor;
  const auto before = vendor.truth("question").size();
  vendor.done("/change", R"({"op":"add-assessment"})");
  EXPECT_EQ(vendor.truth("assessment").size(), 3U);
  EXPECT_GT(vendor.truth("question").size(), before);
  const auto id = vendor.truth("assessment").front()->getValue<std::string>("assessment_id");
  vendor.done("/change", R"({"op":"edit-assessment","assessment":")" + id + R"("})");
  EXPECT_NE(vendor.get("/assessments/" + id).body.find("(v2)"), std::string::npos);
  vendor.done("/change", R"({"op":"delete-assessment","assessment":")" + id + R"("})");
  EXPECT_EQ(vendor.get("/assessments/" + id).status, 404);
  EXPECT_EQ(vendor.get("/assessments/" + id + "/questions").status, 404);
  for (const auto& row : vendor.truth("question"))
    EXPECT_NE(row->getValue<std::string>("assessment_id"), id);
  vendor.done("/change", R"({"op":"restore-assessment","assessment":")" + id + R"("})");
  EXPECT_EQ(vendor.truth("assessment").size(), 3U);
}

TEST(SandboxSecondVendor, EveryKindCanBeChanged) {
  const Second vendor;
  for (const std::string kind : {"assessment", "question", "invite", "member", "tag"}) {
    const auto before = vendor.truth(kind).size();
    const std::string start = R"({"kind":")" + kind + R"(","op":")";
    vendor.done("/object", start + R"(add","count":2})");
    EXPECT_EQ(vendor.truth(kind).size(), before + 2) << kind;
    const auto id = vendor.truth(kind).front()->getValue<std::string>(kind + "_id");
    vendor.done("/object", start + R"(edit","id":")" + id + R"(","set":{"note":[1,{"b":null}]}})");
    EXPECT_NE(vendor.control("GET", "/truth/" + kind).body.find(R"("note":[1,{"b":null}])"), std::string::npos);
    vendor.done("/object", start + R"(edit"})");
    vendor.done("/object", start + R"(delete","id":")" + id + R"("})");
    vendor.done("/object", start + R"(restore","id":")" + id + R"("})");
    EXPECT_EQ(vendor.truth(kind).size(), before + 2) << kind;
  }
  EXPECT_EQ(vendor.control("POST", "/object", R"({"kind":"survey"})").status, 400);
}

TEST(SandboxSecondVendor, ChaosAndFaultsAreShared) {
  const Second vendor;
  vendor.done("/chaos", R"({"seed":3,"rate":1,"advance":"10s"})");
  for (int i = 0; i < 30; ++i)
    EXPECT_EQ(vendor.get("/invites").status, 200);
  EXPECT_GE(vendor.control("GET", "/stats").json()->getValue<int>("changes"), 25);
  vendor.control("DELETE", "/chaos");
  const std::map<std::string, int> replies{{"status:code=503,n=1", 503},     {"429:n=1", 429},
                                           {"401:wording=expired,n=1", 401}, {"html200:n=1", 200},
                                           {"denied:path=tags,n=1", 403},    {"timeout500:n=1,rest=0ms", 500}};
  for (const auto& [rule, status] : replies) {
    vendor.done("/fault", rule);
    EXPECT_EQ(vendor.get("/tags").status, status) << rule;
    vendor.control("DELETE", "/faults");
  }
  vendor.done("/fault", "status:code=500");
  EXPECT_TRUE(vendor.get("/tags").body.starts_with(R"({"error":")"));
  vendor.control("DELETE", "/faults");
  vendor.done("/fault", "null-rows:path=tags");
  EXPECT_TRUE(vendor.get("/tags").body.starts_with(R"({"tags":[null,)"));
  vendor.done("/fault", "no-answer:path=members");
  EXPECT_THROW(vendor.get("/members"), Poco::Exception);
}

TEST(SandboxSecondVendor, TheSameSeedGivesTheSameBytes) {
  const Second one, two;
  for (const char* table : {"assessment", "question", "invite", "member", "tag"})
    EXPECT_EQ(one.control("GET", std::string("/truth/") + table).body,
              two.control("GET", std::string("/truth/") + table).body);
  SandboxOptions unknown = small_options();
  unknown.provider = "nobody";
  EXPECT_ANY_THROW(Running{unknown});
}

}  // namespace
}  // namespace surveysync::sandbox
