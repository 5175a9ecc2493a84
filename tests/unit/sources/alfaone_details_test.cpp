// What only a record alone shows, from what is stored or by a request.
#include "sources/alfaone/details.h"

#include "alfaone_fixture.h"

namespace surveysync::sources::alfaone {
namespace {

class AlfaOneDetails : public AlfaOneFixture {
 protected:
  static std::string with(const std::string& item, const std::string& more) {
    return item.substr(0, item.size() - 1) + more + "}";
  }
  /// Three assessments, of which the list shows the points of the last only.
  void three_assessments() {
    assessments(0).items = {assessment(1, ""), assessment(2, ""), assessment(3)};
    alone("a-1", assessment(1, R"(,"totalPoints":41.5)"));
    alone("a-2", assessment(2, R"(,"totalPoints":null)"));
  }
  void alone(const std::string& id, const std::string& body) { vendor.alone["/api/v1/assessments/" + id] = body; }
  model::Page full(const model::Page* stored = nullptr) {
    model::Page page = fetch("assessment", "");
    complete("assessment", page, stored);
    return page;
  }
};

TEST_F(AlfaOneDetails, RecordsAreAskedForAloneWhereTheirListLacksSomething) {
  three_assessments();
  const model::Page listed = fetch("assessment", "");
  EXPECT_EQ(listed.requests, 1);
  EXPECT_TRUE(listed.records[0].in_part);
  EXPECT_FALSE(listed.records[2].in_part);
  const model::Page page = full();
  ASSERT_EQ(page.records.size(), 3U);
  EXPECT_EQ(page.requests, 3);
  EXPECT_EQ(page.records[0].payload, assessment(1, R"(,"totalPoints":41.5)"));
  EXPECT_EQ(page.records[2].payload, assessment(3));
  EXPECT_TRUE(page.incomplete.empty());
  EXPECT_EQ(find("assessment", "a-1").page.records.at(0).hash, page.records[0].hash);
}

TEST_F(AlfaOneDetails, FewAreAskedForWhileTheListSaysWhatItSaid) {
  constexpr int kMany = 60;
  assessments(0).items.clear();
  for (int i = 1; i <= kMany; ++i) {
    vendor.lists["/api/v1/assessments"].items.push_back(assessment(i, ""));
    alone("a-" + std::to_string(i), assessment(i, R"(,"totalPoints":41.5)"));
  }
  const model::Page stored = full();
  EXPECT_EQ(stored.requests, 1 + kMany);
  EXPECT_EQ(full(&stored).requests, 1) << "just asked";
  clock.wait_for(std::chrono::hours(2), {});
  const model::Page again = full(&stored);
  EXPECT_GE(again.requests, 1 + 20);
  EXPECT_LT(again.requests, kMany);
  for (std::size_t i = 0; i < kMany; ++i)
    EXPECT_EQ(again.records[i].hash, stored.records[i].hash);
  vendor.lists["/api/v1/assessments"].items.back() = assessment(kMany, R"(,"note":"new")");
  alone("a-60", assessment(kMany, R"(,"note":"new","totalPoints":43)"));
  const model::Page changed = full(&stored);
  EXPECT_EQ(changed.records.back().payload, assessment(kMany, R"(,"note":"new","totalPoints":43)"));
}

TEST_F(AlfaOneDetails, WhatOnlyTheRecordShowsIsFoundInItsTurn) {
  constexpr int kMany = 60;
  assessments(0).items.clear();
  for (int i = 1; i <= kMany; ++i) {
    vendor.lists["/api/v1/assessments"].items.push_back(assessment(i, ""));
    alone("a-" + std::to_string(i), assessment(i, R"(,"totalPoints":1)"));
  }
  const model::Page stored = full();
  alone("a-60", assessment(kMany, R"(,"totalPoints":2)"));
  bool found = false;
  clock.wait_for(std::chrono::hours(2), {});
  for (int day = 0; day < 7 && !found; ++day, clock.wait_for(std::chrono::hours(24), {}))
    found = full(&stored).records.back().payload == assessment(kMany, R"(,"totalPoints":2)");
  EXPECT_TRUE(found);
}

TEST_F(AlfaOneDetails, RevokedInvitesAreAskedForWhenTheyWere) {
  FakeAlfaOne::List& list = invites(2);
  list.items.push_back(invite(3, "a-1", "revoked"));
  const std::string id = id_of(list.items[2], resource_of("invite"));
  vendor.alone["/api/v1/invites/" + id] = with(list.items[2], R"(,"revokedAt":"2026-03-05T10:00:00.001Z")");
  model::Page page = fetch("invite", "");
  complete("invite", page);
  EXPECT_EQ(page.requests, 2);
  model::RowBatch rows;
  source->decoder(stream("invite"))(page.records[2], rows);
  EXPECT_FALSE(rows.rows()[0].cells[13].is_null());
  EXPECT_EQ(find("invite", id).page.records.at(0).hash, page.records[2].hash);
}

TEST_F(AlfaOneDetails, WhatWasStoredStaysWhenTheRecordAloneIsRefused) {
  three_assessments();
  const model::Page stored = full();
  vendor.lists["/api/v1/assessments"].items[0] = with(assessment(1, ""), R"(,"note":"new")");
  vendor.alone.clear();
  for (const auto& [status, told] : {std::pair(403, true), std::pair(405, true), std::pair(404, false)}) {
    begin();
    model::Page page = fetch("assessment", "");
    transport.then(test::answer(status, R"({"error":"No"})"));
    complete("assessment", page, &stored);
    EXPECT_EQ(page.records[0].payload, with(with(assessment(1, ""), R"(,"note":"new")"), R"(,"totalPoints":41.5)"));
    EXPECT_EQ(page.incomplete.empty(), !told) << page.incomplete;
  }
}

TEST_F(AlfaOneDetails, ARefusalChangesNothingOfWhatIsTheSame) {
  three_assessments();
  const model::Page stored = full();
  begin();
  model::Page page = fetch("assessment", "");
  transport.then(test::answer(403, R"({"error":"No"})"));
  complete("assessment", page, &stored);
  EXPECT_EQ(page.records[0].hash, stored.records[0].hash);
  EXPECT_FALSE(page.incomplete.empty());
}

TEST_F(AlfaOneDetails, WhatIsStoredIsTakenAsTodaysPrivacyHasIt) {
  FakeAlfaOne::List& list = invites(1);
  list.items = {invite(1, "a-1", "revoked")};
  const std::string id = id_of(list.items[0], resource_of("invite"));
  vendor.alone["/api/v1/invites/" + id] =
      with(list.items[0], R"(,"assignedGrader":{"email":"grader@example.org"},"revokedAt":"2026-03-05T10:00:00.001Z")");
  model::Page stored = fetch("invite", "");
  complete("invite", stored);
  ASSERT_NE(stored.records[0].payload.find("grader@example.org"), std::string_view::npos);
  Privacy privacy;
  privacy.fields["contacts"] = "drop";
  for (const bool refused : {false, true}) {
    begin({}, privacy);
    model::Page page = fetch("invite", "");
    if (refused) transport.then(test::answer(403, R"({"error":"No"})"));
    complete("invite", page, &stored);
    EXPECT_EQ(page.records[0].payload.find("example.org"), std::string_view::npos) << page.records[0].payload;
    EXPECT_NE(page.records[0].payload.find("revokedAt"), std::string_view::npos);
    EXPECT_NE(page.records[0].hash, stored.records[0].hash) << "the row is written anew";
  }
}

TEST_F(AlfaOneDetails, OneThatFailsCostsItselfOnly) {
  three_assessments();
  model::Page page = fetch("assessment", "");
  alone("a-1", "null");
  complete("assessment", page);
  EXPECT_EQ(page.records[0].payload, assessment(1, "")) << "as its list shows it";
  EXPECT_EQ(page.records[1].payload, assessment(2, R"(,"totalPoints":null)"));
  EXPECT_NE(page.incomplete.find("a-1"), std::string::npos) << page.incomplete;
}

TEST_F(AlfaOneDetails, SeveralThatFailAreTheVendorsTrouble) {
  for (int i = 1; i <= 4; ++i) {
    assessments(0).items = {assessment(1, ""), assessment(2, ""), assessment(3, ""), assessment(4, "")};
    alone("a-" + std::to_string(i), "null");
  }
  model::Page page = fetch("assessment", "");
  EXPECT_THROW(complete("assessment", page), Error);
}

TEST_F(AlfaOneDetails, WhereTheRecordsAloneShowNoMoreTheyAreAskedForNoMore) {
  assessments(0).items.clear();
  for (int i = 1; i <= 6; ++i) {
    vendor.lists["/api/v1/assessments"].items.push_back(assessment(i, ""));
    alone("a-" + std::to_string(i), assessment(i, R"(,"other":1)"));
  }
  const model::Page page = full();
  EXPECT_EQ(page.requests, 4);
  EXPECT_EQ(page.records[0].payload, assessment(1, ""));
  EXPECT_TRUE(page.incomplete.empty());
  EXPECT_EQ(full().requests, 1);
}

TEST(AlfaOneDetailsText, ComparesMembersByTheirBytes) {
  EXPECT_TRUE(says_all_of(R"({"a":1,"b":[2, 3],"c":"x"})", R"({"b":[2, 3], "a":1})"));
  EXPECT_FALSE(says_all_of(R"({"a":1})", R"({"a":1,"b":2})"));
  EXPECT_FALSE(says_all_of(R"({"a":1})", R"({"a":2})"));
  EXPECT_FALSE(says_all_of(R"({"a":1})", "{}"));
  EXPECT_FALSE(says_all_of("[]", R"({"a":1})"));
  EXPECT_EQ(with_members_of(R"({"a":1,"b":"}"} )", R"({"a":2,"c":{"d":1}})"), R"({"a":1,"b":"}","c":{"d":1}})");
}

}  // namespace
}  // namespace surveysync::sources::alfaone
