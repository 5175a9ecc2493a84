// Ops on responses and surveys, clocks, and the ways in which a vendor hides things.
#include <set>

#include "base/error.h"
#include "fixture.h"

namespace surveysync::sandbox {
namespace {

struct Subject {
  explicit Subject(const SandboxOptions& options = small_options()) : vendor(options), survey(vendor.first_survey()) {}
  Poco::JSON::Object::Ptr change(const std::string& op, const std::string& rest = {}) const {
    const Answer answer = vendor.control(
        "POST", "/change",
        "{\"op\":\"" + op + "\",\"survey\":" + std::to_string(survey) + (rest.empty() ? "" : ",") + rest + "}");
    EXPECT_EQ(answer.status, 200) << op << answer.body;
    return answer.json();
  }
  std::string path() const { return "/v5/survey/" + std::to_string(survey); }
  std::string list() const { return path() + "/surveyresponse"; }
  std::string total(const std::string& query = {}) const {
    return head_value(vendor.get(list(), query).body, "total_count");
  }
  std::string updated(const std::string& id) const {
    const std::string body = vendor.get(list() + "/" + id).body;
    const std::size_t at = body.find("\"date_updated\":\"");
    return at == std::string::npos ? "" : body.substr(at + 16, 19);
  }
  std::string truth(const std::string& table) const {
    return vendor.control("GET", "/truth/" + table + "?survey=" + std::to_string(survey)).body;
  }
  Running vendor;
  std::int64_t survey;
};

TEST(SandboxChanges, EditsMoveTheDateUnlessSilent) {
  const Subject subject;
  const std::string before = subject.updated("1");
  subject.change("edit", R"("response":1,"silent":true)");
  EXPECT_EQ(subject.updated("1"), before);
  EXPECT_NE(subject.vendor.get(subject.list() + "/1").body.find("edited 1 times"), std::string::npos);
  subject.change("edit", R"("response":1)");
  EXPECT_GT(subject.updated("1"), before);
  const std::string deleted = subject.updated("1");
  subject.change("delete", R"("response":1)");
  subject.change("restore", R"("response":1,"silent":true)");
  EXPECT_EQ(subject.updated("1"), deleted);
}

TEST(SandboxChanges, DeletesManyAtOnce) {
  const Subject subject;
  EXPECT_EQ(subject.change("mass-delete", R"("percent":50)")->getValue<int>("count"), 30);
  EXPECT_EQ(subject.total(), R"("30")");
  subject.change("mass-delete", R"("count":7)");
  EXPECT_EQ(subject.total(), R"("23")");
  subject.change("restore", R"("count":100)");
  EXPECT_EQ(subject.total(), R"("60")");
}

TEST(SandboxChanges, TiesAreDistinctResponsesOfOneSecond) {
  const Subject subject;
  for (const char* of : {"edit", "insert"}) {
    const auto ids = subject.change("tie", std::string(R"("count":25,"of":")") + of + "\"")->getArray("responses");
    ASSERT_EQ(ids->size(), 25U);
    std::set<std::string> seconds, distinct;
    for (std::size_t i = 0; i < ids->size(); ++i) {
      distinct.insert(ids->get(static_cast<unsigned>(i)).toString());
      seconds.insert(subject.updated(ids->get(static_cast<unsigned>(i)).toString()));
    }
    EXPECT_EQ(distinct.size(), 25U);
    EXPECT_EQ(seconds.size(), 1U);
  }
}

TEST(SandboxChanges, ALateResponseHasAnOldIdAndOldDates) {
  SandboxOptions options = small_options();
  options.responses_min = options.responses_max = 500;
  const Subject subject(options);
  const auto last = subject.change("insert")->getArray("responses")->getElement<int>(0);
  const auto id = subject.change("late", R"("age":"2400h")")->getArray("responses")->getElement<int>(0);
  EXPECT_LT(id, last - 50);
  EXPECT_EQ(subject.updated(std::to_string(id)).substr(0, 7), "2025-08");
  EXPECT_EQ(subject.total(), R"("502")");
  EXPECT_NE(subject.truth("id").find("\"response_id\":" + std::to_string(id) + ","), std::string::npos);
  const auto ids = subject.change("late", R"("count":60,"age":"4800h")")->getArray("responses");
  std::set<int> distinct;
  for (unsigned i = 0; i < 60; ++i)
    distinct.insert(ids->getElement<int>(i));
  EXPECT_EQ(distinct.size(), 60U);
}

TEST(SandboxChanges, InsertsMayBeSpreadAndPrepared) {
  const Subject subject;
  subject.change("insert", R"("count":100,"spread":"1h")");
  const auto dates = record_values(subject.vendor.get(subject.list(), "resultsperpage=100&order_by=-date_updated").body,
                                   "date_updated");
  EXPECT_EQ(std::set<std::string>(dates.begin(), dates.end()).size(), 100U);
  const std::string body = subject.vendor.get(subject.list(), "order_by=-date_updated").body;
  const Answer prepared = subject.vendor.control(
      "POST", "/prepare", "{\"survey\":" + std::to_string(subject.survey) + ",\"since\":\"2025-11-30T20:00:00Z\"}");
  EXPECT_GE(prepared.json()->getValue<int>("count"), 100) << prepared.body;
  EXPECT_EQ(subject.vendor.get(subject.list(), "order_by=-date_updated").body, body);
  const std::string id = record_values(body, "id").front();
  subject.change("edit", "\"response\":" + id);
  EXPECT_NE(subject.vendor.get(subject.list(), "order_by=-date_updated").body, body);
}

TEST(SandboxChanges, SurveysAreDeletedInFourWays) {
  struct Way {
    const char* name;
    bool listed;
    int status;
    const char* says;
  };
  for (const Way& way :
       {Way{"listed", true, 200, R"("status":"Deleted")"}, Way{"vanished", false, 200, R"("status":"Deleted")"},
        Way{"404", false, 404, "not found"}, Way{"null", false, 200, R"("data":null)"}}) {
    const Subject subject;
    const std::string list = subject.vendor.get("/v5/survey").body;
    subject.change("delete-survey", std::string(R"("as":")") + way.name + "\"");
    const std::string id = "\"id\":\"" + std::to_string(subject.survey) + "\"";
    EXPECT_EQ(subject.vendor.get("/v5/survey").body.find(id) != std::string::npos, way.listed) << way.name;
    const Answer own = subject.vendor.get(subject.path());
    EXPECT_EQ(own.status, way.status) << way.name;
    EXPECT_NE(own.body.find(way.says), std::string::npos) << way.name << own.body.substr(0, 200);
    EXPECT_TRUE(record_values(subject.vendor.get(subject.list()).body, "id").empty());
    EXPECT_EQ(subject.truth("survey") + subject.truth("response") + subject.truth("question"), "");
    subject.change("restore-survey");
    EXPECT_EQ(subject.total(), R"("60")");
    EXPECT_EQ(subject.vendor.get("/v5/survey").body, list);
  }
}

TEST(SandboxHabits, DeletedResponsesAnswerAsAsked) {
  struct Way {
    const char* name;
    int status;
    const char* says;
  };
  for (const Way& way : {Way{"404", 404, R"({"result_ok":false)"}, Way{"false200", 200, R"({"result_ok":false)"},
                         Way{"null", 200, R"({"result_ok":true,"data":null})"},
                         Way{"status", 200, R"("status":"Deleted")"}, Way{"html404", 404, "<html>"}}) {
    SandboxOptions options = small_options();
    options.deleted_answer = way.name;
    const Subject subject(options);
    for (const char* id : {"4", "5"}) {
      subject.change("delete", std::string(R"("response":)") + id);
      const Answer answer = subject.vendor.get(subject.list() + "/" + id);
      EXPECT_EQ(answer.status, way.status);
      EXPECT_NE(answer.body.find(way.says), std::string::npos) << way.name << answer.body;
    }
  }
  SandboxOptions options = small_options();
  options.deleted_answer = "shrug";
  EXPECT_THROW(Running{options}, Error);
}

TEST(SandboxHabits, KeysMayLoseSightOfSurveys) {
  const Subject subject;
  const std::string only = "survey=" + std::to_string(subject.survey);
  subject.vendor.fault("forbidden:lists=empty," + only);
  EXPECT_EQ(subject.total(), R"("0")");
  EXPECT_EQ(subject.vendor.get(subject.list() + "/1").status, 403);
  EXPECT_EQ(subject.vendor.get(subject.path()).status, 403);
  EXPECT_EQ(subject.vendor.get("/v5/survey").json()->getArray("data")->size(), 2U);
  subject.vendor.control("DELETE", "/faults?kind=forbidden");
  EXPECT_EQ(subject.total(), R"("60")");
  subject.vendor.fault("forbidden:code=401,inside=200,message=Access denied," + only);
  EXPECT_EQ(subject.vendor.get(subject.list()).body, R"({"result_ok":false,"code":401,"message":"Access denied"})");
  EXPECT_NE(subject.truth("response"), "");
  Faults some;
  some.add("forbidden:surveys=30%");
  int met = 0;
  for (std::int64_t survey = 1; survey <= 1000; ++survey)
    met += static_cast<int>(some.meet("/v5/survey", survey * 7).size());
  EXPECT_GT(met, 230);
  EXPECT_LT(met, 370);
  Faults named;
  named.add("forbidden:surveys=7+9");
  EXPECT_EQ(named.meet("", 7).size() + named.meet("", 8).size() + named.meet("", 9).size(), 2U);
}

TEST(SandboxHabits, DateUpdatedMayBeMissingForSome) {
  const Subject subject;
  const std::string order = "resultsperpage=500&order_by=date_updated";
  const std::string since =
      "&filter[field][0]=date_updated&filter[operator][0]=%3E%3D&filter[value][0]=2020-01-01%2000:00:00";
  subject.vendor.fault("no-date-updated:before=2025-08-01");
  const std::string body = subject.vendor.get(subject.list(), order).body;
  const auto count = [](const std::string& text, const std::string& what) {
    std::size_t out = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
      ++out;
    return out;
  };
  const std::size_t with_date = count(body, "\"date_updated\":\"2025");
  EXPECT_GT(with_date, 5U);
  EXPECT_LT(with_date, 55U);
  EXPECT_GT(body.find("\"date_updated\""), body.find("\"contact_id\"", body.find("\"contact_id\"") + 1))
      << "null first";
  EXPECT_EQ(subject.total(order + since), "\"" + std::to_string(with_date) + "\"");
  EXPECT_EQ(count(subject.truth("response"), "\"date_updated\":null"), 60 - with_date);
  subject.vendor.control("DELETE", "/faults");
  subject.vendor.fault("no-date-updated:share=50");
  const std::size_t half = count(subject.truth("response"), "\"date_updated\":null");
  EXPECT_GT(half, 10U);
  EXPECT_LT(half, 50U);
  subject.change("edit", R"("count":60)");
  EXPECT_EQ(count(subject.truth("response"), "\"date_updated\":null"), 0U);
  subject.vendor.control("DELETE", "/faults");
  subject.vendor.fault("no-date-updated");
  EXPECT_EQ(subject.total(order + since), R"("60")");
  EXPECT_EQ(count(subject.truth("response"), "\"date_updated\":null"), 60U);
}

TEST(SandboxHabits, AHiddenRowIsCountedOrNot) {
  const Subject subject;
  subject.vendor.fault("hide-row:response=1");
  const std::string body = subject.vendor.get(subject.list(), "resultsperpage=500").body;
  EXPECT_EQ(record_values(body, "id").size(), 59U);
  EXPECT_EQ(head_value(body, "total_count"), R"("60")");
  subject.vendor.control("DELETE", "/faults");
  subject.vendor.fault("hide-row:response=1,counted=no");
  EXPECT_EQ(subject.total("order_by=-date_updated"), R"("59")");
  EXPECT_NE(subject.truth("id").find(R"("response_id":1,)"), std::string::npos);
}

TEST(SandboxHabits, TiesMayComeInAnyOrder) {
  const Subject subject;
  subject.change("tie", R"("of":"insert","count":40)");
  subject.vendor.fault("shuffle-ties");
  const auto ids = [&](int number) {
    return record_values(
        subject.vendor.get(subject.list(), "resultsperpage=40&order_by=-date_updated&x=" + std::to_string(number)).body,
        "id");
  };
  const auto first = ids(1), second = ids(2);
  EXPECT_NE(first, second);
  EXPECT_EQ(std::set<std::string>(first.begin(), first.end()), std::set<std::string>(second.begin(), second.end()));
}

TEST(SandboxClocks, RegionsWriteTheirOwnTime) {
  struct Place {
    const char* zone;
    const char* suffix;
  };
  for (const Place& place : {Place{"Etc/GMT", " GMT"}, Place{"Europe/London", " BST"}}) {
    SandboxOptions options = small_options();
    options.region_zone = place.zone;
    const Subject subject(options);
    EXPECT_NE(subject.vendor.get(subject.list(), "resultsperpage=500").body.find(place.suffix), std::string::npos);
  }
  SandboxOptions options = small_options();
  options.suffix = false;
  const Subject bare(options);
  const std::string body = bare.vendor.get(bare.list(), "resultsperpage=500").body;
  EXPECT_EQ(body.find(" EST\""), std::string::npos);
  for (const auto& date : record_values(body, "date_submitted"))
    EXPECT_EQ(date.size(), 19U);
  options = small_options();
  options.updated_zone = "Australia/Sydney";
  const Subject far(options);
  const Subject utc;
  EXPECT_NE(far.updated("1"), utc.updated("1"));
  EXPECT_THROW(
      {
        options.updated_zone = "Mars/Olympus";
        const Running lost(options);
      },
      Error);
}

TEST(SandboxClocks, LocalColumnsCompareAsWallClocks) {
  SandboxOptions options = small_options();
  options.updated_zone = "America/New_York";
  const Subject subject(options);
  const auto dates = record_values(subject.vendor.get(subject.list(), "resultsperpage=500&order_by=date_updated").body,
                                   "date_updated");
  EXPECT_TRUE(std::is_sorted(dates.begin(), dates.end()));
  const std::string field = "filter[field][0]=date_updated&filter[operator][0]=%3E%3D&filter[value][0]=";
  const std::string middle = dates[30].substr(0, 10) + "%20" + dates[30].substr(11);
  EXPECT_EQ(subject.total(field + middle), R"("30")");
  EXPECT_EQ(subject.total(field + middle + "&order_by=date_updated"), R"("30")");
  // The same digits as UTC are another instant, four or five hours earlier.
  const std::string as_utc = dates[30].substr(0, 10) + "T" + dates[30].substr(11) + "Z";
  const std::string honoured = subject.total(field + as_utc);
  subject.vendor.fault("ignore-offset");
  EXPECT_EQ(subject.total(field + as_utc), R"("30")");
  EXPECT_GE(honoured, R"("30")");
}

TEST(SandboxClocks, TheVendorsClockMayBeOff) {
  SandboxOptions options = small_options();
  options.clock_skew = std::chrono::minutes(-10);
  const Running behind(options);
  EXPECT_EQ(behind.control("GET", "/now").body.substr(0, 23), R"({"now":"2025-11-30T23:5)");
  options = small_options();
  options.header_skew = std::chrono::hours(2);
  const Running ahead(options);
  EXPECT_EQ(ahead.get("/v5/account").head.get("Date").substr(17, 2), "02");
}

TEST(SandboxAccount, HasFewActiveSurveysAmongMany) {
  SandboxOptions options = small_options();
  options.surveys = 200;
  options.active = 7;
  options.responses_min = options.responses_max = 100;
  options.limit = 100000;
  const Running vendor(options);
  const auto surveys = vendor.get("/v5/survey", "resultsperpage=500").json()->getArray("data");
  ASSERT_EQ(surveys->size(), 200U);
  int active = 0;
  for (unsigned i = 0; i < 200; ++i) {
    const std::string path = "/v5/survey/" + surveys->getObject(i)->getValue<std::string>("id") + "/surveyresponse";
    const std::string body = vendor.get(path, "resultsperpage=1&order_by=-date_updated").body;
    if (record_values(body, "date_updated").front() > "2025-11-01") ++active;
  }
  EXPECT_EQ(active, 7);
}

TEST(SandboxAccount, HoldsManyResponsesAndFindsAnyPage) {
  SandboxOptions options = small_options();
  options.surveys = 1;
  options.questions = 2;
  options.responses_min = options.responses_max = 200000;
  const Subject subject(options);
  const auto page = [&](const std::string& query) {
    return record_values(subject.vendor.get(subject.list(), "resultsperpage=5&" + query).body, "id");
  };
  EXPECT_EQ(page("page=40000").size(), 5U);
  EXPECT_TRUE(page("page=40001").empty());
  EXPECT_EQ(page("page=1").front(), "1");
  EXPECT_EQ(page("page=39000&order_by=-date_updated").size(), 5U);
  EXPECT_EQ(subject.change("insert", R"("count":2000)")->getValue<int>("count"), 2000);
  EXPECT_EQ(subject.total("resultsperpage=1"), R"("202000")");
  EXPECT_EQ(subject.truth("count"), "{\"survey_id\":" + std::to_string(subject.survey) + ",\"responses\":202000}\n");
}

}  // namespace
}  // namespace surveysync::sandbox
