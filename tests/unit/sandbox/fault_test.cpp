#include <zlib.h>

#include "base/error.h"
#include "fixture.h"

namespace surveysync::sandbox {
namespace {

std::string body_of(const std::string& raw) {
  const std::size_t at = raw.find("\r\n\r\n");
  return at == std::string::npos ? std::string() : raw.substr(at + 4);
}

std::size_t promised(const std::string& raw) {
  const std::size_t at = raw.find("Content-Length: ");
  return at == std::string::npos ? 0 : std::stoul(raw.substr(at + 16));
}

TEST(SandboxFaults, RefusesARuleItCannotRead) {
  Faults faults;
  EXPECT_THROW(faults.add("nonsense"), Error);
  EXPECT_THROW(faults.add("status:colour=red"), Error);
  EXPECT_THROW(faults.add("status:code"), Error);
}

TEST(SandboxFaults, MeetsTheRequestsItNames) {
  Faults faults;
  faults.add("status:n=2,path=surveyresponse");
  faults.add("slow:from=2,to=3,survey=7");
  faults.add("bom:every=2");
  const auto kinds = [&](std::string_view path, std::int64_t survey) {
    std::string out;
    for (const Fault& fault : faults.meet(path, survey))
      out += fault.kind + " ";
    return out;
  };
  EXPECT_EQ(kinds("/v5/survey/7/surveyresponse", 7), "");
  EXPECT_EQ(kinds("/v5/survey/8/surveyresponse", 8), "status bom ");
  EXPECT_EQ(kinds("/v5/survey/7", 7), "slow ");
  EXPECT_EQ(kinds("/v5/survey/7", 7), "slow bom ");
  EXPECT_EQ(kinds("/v5/survey/7", 7), "");
}

TEST(SandboxFaults, AnswersInsteadOfTheVendor) {
  const Running vendor;
  vendor.fault("status:n=1,code=503");
  vendor.fault("status:n=2,code=502,body=html");
  vendor.fault("status:n=3,code=500,body=empty");
  vendor.fault("401:n=4,wording=rotated,inside=200,code=string");
  vendor.fault("429:n=5,text=wait,as=400,retry-after=7");
  vendor.fault("html200:n=6");
  vendor.fault("empty200:n=7");
  vendor.fault("redirect:n=8,location=https://example.org/");
  EXPECT_EQ(vendor.get("/v5/account").status, 503);
  const Answer html = vendor.get("/v5/account");
  EXPECT_EQ(html.status, 502);
  EXPECT_TRUE(html.body.starts_with("<!DOCTYPE html>"));
  EXPECT_EQ(vendor.get("/v5/account").body, "");
  const Answer refused = vendor.get("/v5/account");
  EXPECT_EQ(refused.status, 200);
  EXPECT_EQ(refused.body, R"({"result_ok":false,"code":"401","message":"Login failed \/ Invalid auth token"})");
  const Answer throttled = vendor.get("/v5/account");
  EXPECT_EQ(throttled.status, 400);
  EXPECT_EQ(throttled.head.get("Retry-After"), "7");
  EXPECT_TRUE(vendor.get("/v5/account").body.starts_with("<!DOCTYPE"));
  const Answer empty = vendor.get("/v5/account");
  EXPECT_TRUE(empty.status == 200 && empty.body.empty());
  EXPECT_EQ(vendor.get("/v5/account").head.get("Location"), "https://example.org/");
  EXPECT_EQ(vendor.get("/v5/account").status, 200);
}

TEST(SandboxFaults, ATimeoutIsFollowedByAMinuteOfRefusals) {
  const Running vendor;
  vendor.fault("timeout500:n=1,rest=60s");
  EXPECT_EQ(vendor.get("/v5/account").status, 500);
  EXPECT_EQ(vendor.get("/v5/account").status, 400);
  vendor.control("POST", "/clock", R"({"advance":"61s"})");
  EXPECT_EQ(vendor.get("/v5/account").status, 200);
}

TEST(SandboxFaults, CutsTheBody) {
  const Running vendor;
  vendor.fault("cut:n=1,bytes=20");
  vendor.fault("cut:n=2,bytes=20,mode=rst");
  vendor.fault("cut-chunk:n=3,bytes=30");
  const std::string cut = vendor.raw("/v5/account");
  EXPECT_EQ(body_of(cut).size(), 20U);
  EXPECT_GT(promised(cut), 20U);
  bool reset = false;
  vendor.raw("/v5/account", "", &reset);
  EXPECT_TRUE(reset);
  const std::string chunked = vendor.raw("/v5/account");
  EXPECT_NE(chunked.find("Transfer-Encoding: chunked"), std::string::npos);
  EXPECT_EQ(chunked.find("0\r\n\r\n"), std::string::npos);
}

TEST(SandboxFaults, LiesAboutLengths) {
  const Running vendor;
  vendor.fault("bad-length:n=1,form=negative");
  vendor.fault("bad-length:n=2,form=twice");
  vendor.fault("bad-length:n=3,form=long");
  vendor.fault("bad-chunk:n=4");
  EXPECT_NE(vendor.raw("/v5/account").find("Content-Length: -5"), std::string::npos);
  const std::string twice = vendor.raw("/v5/account");
  EXPECT_NE(twice.find("Content-Length"), twice.rfind("Content-Length"));
  const std::string longer = vendor.raw("/v5/account");
  EXPECT_EQ(promised(longer), body_of(longer).size() + 100);
  EXPECT_NE(vendor.raw("/v5/account").find("zz;not-a-size"), std::string::npos);
}

TEST(SandboxFaults, SpoilsGzip) {
  const Running vendor;
  const auto members = [](const std::string& packed) { return packed.find("\x1f\x8b", 2) != std::string::npos; };
  vendor.fault("gzip-members:n=1");
  vendor.fault("gzip-cut:n=2");
  vendor.fault("gzip-crc:n=3");
  const auto fetch = [&] {
    return Running::send(const_cast<Running&>(vendor).sandbox().base_url(), "GET", vendor.signed_target("/v5/survey"),
                         "", true);
  };
  EXPECT_TRUE(members(fetch().body));
  const std::size_t cut = fetch().body.size();
  const std::string broken = fetch().body;
  const Answer sound = fetch();
  EXPECT_EQ(sound.head.get("Content-Encoding"), "gzip");
  EXPECT_TRUE(sound.head.getChunkedTransferEncoding());
  EXPECT_LT(cut, sound.body.size());
  EXPECT_EQ(broken.size(), sound.body.size());
  EXPECT_NE(broken, sound.body);
}

TEST(SandboxFaults, DripsAndStalls) {
  const Running vendor;
  vendor.fault("drip:n=1,ms=0");
  vendor.fault("stall:n=2,at=headers,ms=10");
  vendor.fault("stall:n=3,at=body,ms=10");
  vendor.fault("huge:n=4,bytes=1000000");
  EXPECT_EQ(vendor.get("/v5/account").status, 200);
  EXPECT_EQ(vendor.get("/v5/account").status, 200);
  EXPECT_EQ(vendor.get("/v5/account").status, 200);
  EXPECT_GT(vendor.raw("/v5/account").size(), 1000000U);
}

TEST(SandboxFaults, SpoilsRecords) {
  const Running vendor;
  const std::string path = vendor.responses();
  const auto page = [&](const std::string& rule) {
    vendor.control("DELETE", "/faults");
    vendor.fault(rule + (rule.find(':') == std::string::npos ? ":" : ",") + "path=surveyresponse");
    return vendor.get(path).body;
  };
  EXPECT_TRUE(page("bom").starts_with("\xEF\xBB\xBF{"));
  EXPECT_NE(page("bad-utf8:index=3").find('\xFF'), std::string::npos);
  EXPECT_NE(page("null-rows:count=2").find("[null,"), std::string::npos);
  EXPECT_NE(page("null-data").find(R"("data":null)"), std::string::npos);
  EXPECT_NE(page("bad-record:form=scalar").find(R"("data":["oops",)"), std::string::npos);
  EXPECT_NE(page("bad-record:form=noid,index=0").find(R"("data":[{"contact_id")"), std::string::npos);
  EXPECT_NE(page("lie-total:by=-3").find(R"("total_count":"57")"), std::string::npos);
  EXPECT_NE(page("lie-page-size:rows=7").find(R"("results_per_page":7)"), std::string::npos);
  EXPECT_NE(page("new-field").find(R"("sentiment":{)"), std::string::npos);
  EXPECT_NE(page("type-drift").find(R"("language":["English"])"), std::string::npos);
  EXPECT_EQ(page("no-date-updated").find("date_updated"), std::string::npos);
  EXPECT_NE(page("deep-nesting:depth=2000").find(std::string(2000, '[')), std::string::npos);
  const std::string hidden = page("hide-row:response=1");
  EXPECT_EQ(hidden.find(R"("data":[{"id":"1",)"), std::string::npos);
  EXPECT_NE(hidden.find(R"("total_count":"60")"), std::string::npos);
  vendor.control("DELETE", "/faults");
  vendor.fault("same-page:path=surveyresponse");
  const auto records = [](const std::string& body) { return body.substr(body.find("\"data\":")); };
  EXPECT_EQ(records(vendor.get(path, "page=1&resultsperpage=5").body),
            records(vendor.get(path, "page=2&resultsperpage=5").body));
  vendor.fault("flat:path=surveyresponse/1");
  EXPECT_TRUE(vendor.get(path + "/1").body.starts_with(R"({"result_ok":true,"id":"1",)"));
}

}  // namespace
}  // namespace surveysync::sandbox
