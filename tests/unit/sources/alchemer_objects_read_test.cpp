// Lists of objects in every envelope, through the whole source.
#include "alchemer_source_fixture.h"

#include <fmt/format.h>

#include <set>

#include "sources/alchemer/objects_read.h"

namespace surveysync::sources::alchemer {
namespace {

using ReadObjects = SourceFixture;

std::string paged(const std::string& data, int total) {
  return fmt::format(R"({{"result_ok":true,"total_count":"{}","page":"1","total_pages":1,"data":{}}})", total, data);
}
std::string bare(const std::string& data) {
  return R"({"result_ok":true,"data":)" + data + "}";
}
/// [{"id":from},...]
std::string ids(int from, int to) {
  std::string out;
  for (int id = from; id <= to; ++id)
    out += fmt::format("{}{{\"id\":{}}}", out.empty() ? "" : ",", id);
  return "[" + out + "]";
}

TEST_F(ReadObjects, EveryEnvelope) {
  const struct {
    const char *stream, *body, *found;
  } kBodies[] = {
      {"team", R"({"result_ok":true,"total_count":2,"page":1,"data":[{"id":1},{"id":"2"}]})", "1 2"},
      {"account_user",
       R"({"result_ok":true,"total_count":"1","page":"1","results_per_page":"489","data":[{"id":"4"}]})", "4"},
      {"contact_list", R"({"result_ok":true,"page":1,"results_per_page":50,"data":[{"id":31}]})", "31"},
      {"domain", R"({"result_ok":true,"data":{"7":{"id":7},"8":{"name":"x"}}})", "7 8"},
      {"theme", R"({"result_ok":true,"data":[]})", ""},
      {"sso", R"({"result_ok":true,"data":{"id":"9","login":"x"}})", "9"},
      {"contact_custom_field", R"({"result_ok":true,"data":{}})", ""},
      {"quota", R"({"result_ok":true,"quotas":[{"id":"1"}]})", "11/1"},
      {"quota", R"({"result_ok":true,"data":[{"id":"1"}]})", "11/1"},
      {"account", R"({"result_ok":true,"data":{"id":644416}})", "644416"},
      {"account", R"({"result_ok":true,"id":644416,"sso":[]})", "644416"},
      {"statistic", R"({"result_ok":true,"total_count":2,"results_per_page":2,"data":[{"id":1},{"id":2}]})",
       "11/1 11/2"},
      {"campaign", R"({"result_ok":true,"total_count":"2","data":[{"id":"1"},{"id":"2","status":"Deleted"}]})", "11/1"},
  };
  for (const auto& body : kBodies) {
    say(200, body.body);
    const model::Page page = fetch(body.stream);
    EXPECT_EQ(keys(page), body.found) << body.body;
    // Some users may be left out; of a list without a total nobody knows.
    const bool doubted =
        std::string_view(body.stream) == "account_user" || std::string_view(body.stream) == "contact_list";
    EXPECT_EQ(page.complete, !doubted) << body.body;
    EXPECT_EQ(page.requests, 1);
    EXPECT_EQ(transport.left(), 0U) << body.body;
    EXPECT_FALSE(page.next.has_value());
  }
}

TEST_F(ReadObjects, PayloadsAreTheVendorsBytes) {
  say(200, R"({"result_ok":true,"data":{"8":{ "name" : "a\/b" },"id2":3}})");
  const model::Page page = fetch("domain");
  ASSERT_EQ(page.records.size(), 1U);
  EXPECT_EQ(page.records[0].payload, R"({ "name" : "a\/b" })");
  ASSERT_EQ(page.quarantined.size(), 1U);
  EXPECT_EQ(page.quarantined[0].raw, "3");
  EXPECT_FALSE(page.complete);
}

TEST_F(ReadObjects, AllPagesUntilAllThatIsCountedWasMet) {
  say(200, paged(ids(1, 500), 700));
  say(200, paged(ids(500, 700), 700));
  const model::Page page = fetch("team");
  EXPECT_EQ(page.records.size(), 700U);
  EXPECT_TRUE(page.complete);
  EXPECT_EQ(page.requests, 2);
  const auto requests = asked();
  EXPECT_EQ(std::set(requests.begin(), requests.end()).size(), requests.size());
}

TEST_F(ReadObjects, WithoutATotalUntilAPageIsShort) {
  say(200, bare(ids(1, 100)));    // capped, or all: nobody says
  say(200, bare(ids(100, 140)));  // the row that overlaps, and the rest
  const model::Page page = fetch("contact_list");
  EXPECT_EQ(page.records.size(), 140U);
  EXPECT_FALSE(page.complete) << "a short page may be all that the vendor sends at once";
  EXPECT_EQ(transport.left(), 0U);
}

TEST_F(ReadObjects, TheSamePageAgainIsAnError) {
  say(200, bare(ids(1, 100)), 2);
  EXPECT_THROW(fetch("contact_list"), Error);
  say(200, paged(ids(1, 100), 300), 3);
  EXPECT_THROW(fetch("team"), Error);
}

TEST_F(ReadObjects, RowsThatAreMissingAreAskedForAgainAndThenDoubted) {
  say(200, paged(R"([{"id":1},null])", 2));
  say(200, paged(R"([{"id":1},{"id":2}])", 2));
  EXPECT_EQ(keys(fetch("team")), "1 2");
  say(200, paged(R"([{"id":1}])", 2), 6);  // counted and hidden
  const model::Page page = fetch("team");
  EXPECT_EQ(keys(page), "1");
  EXPECT_FALSE(page.complete) << "what is missing must be asked for alone";
}

TEST_F(ReadObjects, ChildrenOfAllParents) {
  say(200, paged(R"([{"id":"12"},{"id":"15"},{"id":"16","status":"Deleted"}])", 3));
  say(200, paged(R"([{"id":1}])", 1));
  say(200, paged(R"([{"id":1},{"id":2}])", 2));
  const model::Page page = fetch("email_message");
  EXPECT_EQ(keys(page), "11/12/1 11/15/1 11/15/2");
  EXPECT_TRUE(page.complete);
  EXPECT_EQ(page.requests, 3);
}

TEST_F(ReadObjects, AParentThatIsGoneMeanwhileCostsOnlyTheCertainty) {
  say(200, paged(R"([{"id":"12"},{"id":"15"}])", 2));
  say(404, R"({"result_ok":false,"code":404,"message":"Campaign not found"})");
  say(200, paged(R"([{"id":1}])", 1));
  const model::Page page = fetch("email_message");
  EXPECT_EQ(keys(page), "11/15/1");
  EXPECT_FALSE(page.complete);
}

TEST_F(ReadObjects, RefusedInWordsThatSayThereAreNone) {
  for (const char* const stream : {"report", "statistic"}) {
    say(200, R"({"result_ok":false,"code":200,"message":"No reports found"})");
    const model::Page page = fetch(stream);
    EXPECT_TRUE(page.records.empty());
    EXPECT_TRUE(page.complete);
  }
}

ErrorKind kind_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.kind();
  }
  return ErrorKind::bug;
}

TEST_F(ReadObjects, RefusalsAreNotTakenForEmptyLists) {
  say(200, R"({"result_ok":false,"code":403,"message":"Permission Denied"})");
  EXPECT_EQ(kind_of([&] { fetch("report"); }), ErrorKind::denied);
  say(200, R"({"result_ok":false,"code":"400","message":"bad"})");
  EXPECT_EQ(kind_of([&] { fetch("team"); }), ErrorKind::rejected);
  say(404, R"({"result_ok":false,"code":404,"message":"Permission denied"})");
  EXPECT_EQ(kind_of([&] { fetch("sso"); }), ErrorKind::denied);
}

TEST_F(ReadObjects, NotOfferedWhateverTheBody) {
  const struct {
    int status;
    const char* body;
  } kAnswers[] = {{404, "<html>nothing here</html>"},
                  {404, ""},
                  {405, R"({"result_ok":false,"code":405,"message":"Method not supported"})"},
                  {501, "Not Implemented"},
                  {404, R"({"result_ok":false,"code":404,"message":"Method not implemented"})"}};
  for (const auto& answer : kAnswers) {
    say(answer.status, answer.body);
    try {
      fetch("sso");
      ADD_FAILURE() << answer.body;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::denied);
      EXPECT_NE(std::string(error.what()).find("/v5/sso"), std::string::npos);
    }
    EXPECT_EQ(transport.left(), 0U) << "asked once";
  }
  say(200, paged(R"([{"id":"12"}])", 1));
  say(404, "<html>");
  EXPECT_EQ(kind_of([&] { fetch("email_message"); }), ErrorKind::denied);
}

TEST_F(ReadObjects, LongListsComePageByPage) {
  say(200, paged(R"([{"id":"12"},{"id":"15"}])", 2));
  say(200, paged(ids(1, 60), 80));
  model::Page page = fetch("campaign_contact", "", 60);
  EXPECT_EQ(page.records.size(), 60U);
  EXPECT_FALSE(page.complete);
  EXPECT_FALSE(page.total.has_value()) << "it counts one campaign alone";
  ASSERT_TRUE(page.next.has_value());
  say(200, paged(ids(60, 80), 80));
  page = fetch("campaign_contact", *page.next, 60);
  EXPECT_EQ(page.records.size(), 20U) << "what overlaps comes once";
  ASSERT_TRUE(page.next.has_value());
  say(200, paged(ids(3, 4), 2));
  page = fetch("campaign_contact", *page.next, 60);
  EXPECT_EQ(keys(page), "11/15/3 11/15/4");
  EXPECT_FALSE(page.next.has_value());
  const auto requests = asked();
  EXPECT_EQ(std::set(requests.begin(), requests.end()).size(), requests.size());
}

TEST_F(ReadObjects, LongListsWithoutParentsOrWithRefusedOnes) {
  say(200, bare("[]"));
  EXPECT_FALSE(fetch("contact").next.has_value());
  say(200, bare(R"([{"id":31},{"id":32}])"));
  say(404, "<html>");
  model::Page page = fetch("contact");
  ASSERT_TRUE(page.next.has_value());
  say(404, "<html>");
  EXPECT_EQ(kind_of([&] { fetch("contact", *page.next); }), ErrorKind::denied);
  EXPECT_EQ(kind_of([&] { fetch("contact", "nonsense"); }), ErrorKind::bug);
}

TEST_F(ReadObjects, SurveysShowStatusAndChange) {
  say(200, paged(R"([{"id":"11","title":"T","status":"Launched","modified_on":"2026-03-19 16:00:31"}])", 1));
  const auto surveys = source->partitions({}, {});
  ASSERT_EQ(surveys.size(), 1U);
  EXPECT_EQ(surveys[0].status, "Launched");
  EXPECT_EQ(surveys[0].changed, "2026-03-19 16:00:31");
}

TEST(LongPosition, IsItsOwnText) {
  LongPosition position{{12, 15}, {}, true};
  position.cursor.offset = 60;
  position.cursor.seam = 7;
  const auto read = LongPosition::parse(position.text());
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->text(), position.text());
  for (const char* const wrong : {"", ";;", "12;0/0/0/0;1", "x;0/0/0/0/0;1", "12;0/0/0/0/99;1", "-1;0/0/0/0/0;0"})
    EXPECT_FALSE(LongPosition::parse(wrong).has_value()) << wrong;
}

}  // namespace
}  // namespace surveysync::sources::alchemer
