// Lists of both generations, and of vendors that lie about order, size, totals, filters and pages.
#include "alfaone_fixture.h"

namespace surveysync::sources::alfaone {
namespace {

using AlfaOneLists = AlfaOneFixture;

TEST_F(AlfaOneLists, WithoutPaginationTheReplyIsEverything) {
  vendor.paged = false;
  invites(250);
  const model::Page page = fetch("invite", "");
  EXPECT_EQ(page.records.size(), 250U);
  EXPECT_EQ(page.total, 250);
  EXPECT_FALSE(page.next);
  const model::Page tail = fetch("invite", tail_position(250));
  EXPECT_EQ(tail.total, 250);
  EXPECT_EQ(tail.records.size(), 250U);
}

TEST_F(AlfaOneLists, EmptyListsOfBothGenerations) {
  invites(0);
  for (const bool paged : {true, false}) {
    vendor.paged = paged;
    for (const std::string& position : {std::string(), tail_position(0)}) {
      const model::Page page = fetch("invite", position);
      EXPECT_EQ(page.total, 0);
      EXPECT_TRUE(page.records.empty());
      EXPECT_FALSE(page.next);
    }
  }
}

TEST_F(AlfaOneLists, WrappedByNameBareOrAsTheMarketingPageHasIt) {
  for (const std::string body : {R"({"invites":[{"id":"x"}]})", R"({"assessment_invites":[{"id":"x"}]})",
                                 R"({"data":[{"id":"x"}]})", R"([{"id":"x"}])", "\xEF\xBB\xBF[{\"id\":\"x\"},null]"}) {
    transport.then(test::answer(200, body));
    EXPECT_EQ(ids(fetch("invite", "")), std::set<std::string>{"x"}) << body;
  }
  transport.then(test::answer(200, R"({"organization_users":[{"id":7}]})"));
  EXPECT_EQ(ids(fetch("member", "")), std::set<std::string>{"7"});
}

TEST_F(AlfaOneLists, PagedListsAreAskedForInAStableOrder) {
  invites(30);
  fetch("invite", "");
  EXPECT_EQ(vendor.asked.back().at("sort"), "sent_at");
  EXPECT_EQ(vendor.asked.back().at("order"), "asc");
  EXPECT_EQ(vendor.asked.back().key, kKey);
  assessments(2);
  fetch("assessment", "");
  EXPECT_EQ(vendor.asked.back().at("sort"), "created_at");
}

TEST_F(AlfaOneLists, ASortFieldThatIsRefusedIsLeftOut) {
  vendor.refuses_sort = true;
  invites(30);
  EXPECT_EQ(fetch("invite", "").total, 30);
  const std::size_t before = vendor.asked.size();
  EXPECT_EQ(fetch("invite", "").total, 30);
  EXPECT_EQ(vendor.asked.size(), before + 1) << "and not tried again";
  EXPECT_EQ(vendor.asked.back().at("sort"), "");
  EXPECT_EQ(vendor.asked.back().at("order"), "asc");
}

TEST_F(AlfaOneLists, PassesReadEverythingInEverySizeWithLittleOverlap) {
  invites(260);
  for (const int size : {3, 7, 20, 99, 100}) {
    vendor.asked.clear();
    const auto pages = pass("invite", size);
    EXPECT_EQ(ids(pages).size(), 260U) << size;
    EXPECT_EQ(pages.front().total, 260);
    if (size >= 20) {
      EXPECT_LT(static_cast<int>(vendor.asked.size()), 260 / (size / 2) + 4) << size;
    }
    for (const Asked& one : vendor.asked)
      EXPECT_LE(one.number("limit", 0), 100);
  }
}

TEST_F(AlfaOneLists, ShortListsAreOneRequest) {
  assessments(40);
  const auto pages = pass("assessment");
  EXPECT_EQ(pages.size(), 1U);
  EXPECT_EQ(pages.front().total, 40);
  EXPECT_EQ(vendor.asked.size(), 1U);
}

TEST_F(AlfaOneLists, RowsThatMoveWhileAPassReadsAreNotMissed) {
  for (const bool ordered : {true, false}) {
    vendor.ordered = ordered;
    FakeAlfaOne::List& list = invites(300);
    int added = 1000;
    vendor.before = [&](const Asked& question) {
      if (question.number("page", 1) % 2 == 0) list.items.push_back(invite(++added));  // descending lists shift by it
    };
    const auto met = ids(pass("invite", 20));
    vendor.before = nullptr;
    for (int i = 1; i <= 300; ++i)
      EXPECT_TRUE(met.contains(invite_id(i))) << i << (ordered ? "" : " newest first");
  }
}

TEST_F(AlfaOneLists, DeletionsWhileAPassReadsHideNothing) {
  FakeAlfaOne::List& list = invites(300);
  std::set<std::string> gone;
  int calls = 0;
  vendor.before = [&](const Asked&) {
    if (++calls % 2 == 0 && list.items.size() > 40) {
      const auto victim = list.items.begin() + static_cast<std::ptrdiff_t>(list.items.size() / 3);
      gone.insert(id_of(*victim, resource_of("invite")));
      list.items.erase(victim);
    }
  };
  const auto met = ids(pass("invite", 20));
  for (int i = 1; i <= 300; ++i)
    EXPECT_TRUE(met.contains(invite_id(i)) || gone.contains(invite_id(i))) << i;
}

TEST_F(AlfaOneLists, RowsThatComeBackBelowAreClimbedFor) {
  FakeAlfaOne::List& list = invites(300);
  int calls = 0;
  vendor.before = [&](const Asked&) {
    if (++calls != 5) return;
    for (int i = 1; i <= 60; ++i)
      list.items.insert(list.items.begin(), invite(5000 + i));
  };
  const auto met = ids(pass("invite", 20));
  for (int i = 1; i <= 300; ++i)
    EXPECT_TRUE(met.contains(invite_id(i))) << i;
}

TEST_F(AlfaOneLists, LimitsThatAreCappedLoseNothing) {
  for (const bool says_so : {true, false}) {
    begin();
    vendor.cap = 20;
    vendor.says_cap = says_so;
    invites(190);
    EXPECT_EQ(ids(pass("invite")).size(), 190U) << says_so;
    assessments(50);
    EXPECT_EQ(source->partitions({}, {}).size(), 50U);
  }
}

TEST_F(AlfaOneLists, APageThatRepeatsIsAnError) {
  vendor.repeats_page = true;
  invites(200);
  EXPECT_THROW(pass("invite", 20), Error);
}

TEST_F(AlfaOneLists, APageWithoutRowsWhereRowsAreDueIsAnError) {
  invites(120);
  vendor.total_off_by = 300;
  EXPECT_THROW(pass("invite", 20), Error);
}

TEST_F(AlfaOneLists, ATotalThatIsOneTooHighEndsThePassAllTheSame) {
  invites(120);
  vendor.total_off_by = 1;
  EXPECT_EQ(ids(pass("invite", 50)).size(), 120U);
}

TEST_F(AlfaOneLists, TheTailShowsWhatCameLast) {
  for (const bool ordered : {true, false}) {
    begin();
    vendor.ordered = ordered;
    FakeAlfaOne::List& list = invites(200);
    pass("invite");  // by which a list that comes newest first is known
    for (int i = 201; i <= 203; ++i)
      list.items.push_back(invite(i));
    const model::Page tail = fetch("invite", tail_position(200));
    EXPECT_EQ(tail.total, 203);
    const std::set<std::string> met = ids(tail);
    for (int i = 201; i <= 203; ++i)
      EXPECT_TRUE(met.contains(invite_id(i))) << i << ordered;
  }
}

TEST_F(AlfaOneLists, ATailThatGrewByMoreThanAPageLeadsToAllOfIt) {
  for (const bool ordered : {true, false}) {
    begin();
    vendor.ordered = ordered;
    FakeAlfaOne::List& list = invites(200);
    pass("invite");
    for (int i = 201; i <= 290; ++i)
      list.items.push_back(invite(i));
    const auto met = ids(pass("invite", 20, tail_position(200)));
    for (int i = 201; i <= 290; ++i)
      EXPECT_TRUE(met.contains(invite_id(i))) << i << ordered;
    EXPECT_LT(met.size(), 180U);
  }
}

TEST_F(AlfaOneLists, FollowedAssessmentsAreAskedForOneByOne) {
  assessments(3);
  FakeAlfaOne::List& list = invites(0);
  for (int i = 1; i <= 300; ++i)
    list.items.push_back(invite(i, fmt::format("a-{}", 1 + i % 3)));
  begin({{}, {"a-1", "a-3"}, {}});
  const auto pages = pass("invite", 30);
  EXPECT_EQ(pages.front().total, 200);
  EXPECT_EQ(ids(pages).size(), 200U);
  EXPECT_EQ(pages.back().total, 200);
  list.items.push_back(invite(900, "a-3"));
  list.items.push_back(invite(901, "a-2"));
  const model::Page tail = fetch("invite", tail_position(200));
  EXPECT_EQ(tail.total, 201);
  EXPECT_TRUE(ids(fetch("invite", tail_position(200))).contains(id_of(list.items[300], resource_of("invite"))));
}

TEST_F(AlfaOneLists, APassOverPartsGoesOnInAnotherProcess) {
  assessments(3);
  FakeAlfaOne::List& list = invites(0);
  for (int i = 1; i <= 300; ++i)
    list.items.push_back(invite(i, fmt::format("a-{}", 1 + i % 3)));
  begin({{}, {}, {"a-2"}});
  std::string position = *fetch("invite", "", 30).next;
  std::set<std::string> met;
  while (true) {
    begin({{}, {}, {"a-2"}});
    const model::Page page = fetch("invite", position, 30);
    for (const model::Record& record : page.records)
      met.insert(std::get<std::string>(record.key.back()));
    if (!page.next) break;
    position = *page.next;
  }
  EXPECT_EQ(met.size(), 200U);
}

TEST_F(AlfaOneLists, AFilterThatIsIgnoredIsSeenAndDoneHere) {
  assessments(3);
  FakeAlfaOne::List& list = invites(0);
  for (int i = 1; i <= 300; ++i)
    list.items.push_back(invite(i, fmt::format("a-{}", 1 + i % 3)));
  begin({{}, {"a-1", "a-3"}, {}});
  for (const bool paged : {true, false}) {
    vendor.paged = paged;
    vendor.filters = false;
    for (int again = 0; again < 2; ++again) {
      const auto pages = pass("invite");
      EXPECT_EQ(pages.front().total, 200) << paged;
      EXPECT_EQ(ids(pages).size(), 200U);
    }
    const model::Page tail = fetch("invite", tail_position(200));
    EXPECT_EQ(tail.total, 200);
  }
}

TEST_F(AlfaOneLists, NoUrlComesTwiceWithinTheDuplicateGuard) {
  assessments(4);
  invites(60);
  const SteadyTime before = clock.now();
  for (int i = 0; i < 4; ++i) {
    source->partitions({}, {});
    pass("assessment");
    fetch("invite", "", 100);
    fetch("invite", tail_position(60), 100);
  }
  EXPECT_LT(clock.now() - before, std::chrono::seconds(30)) << "the guard did not make it wait";
}

TEST_F(AlfaOneLists, PassesAndLooksAskByUrlsOfTheirOwn) {
  for (const int count : {101, 199, 200, 201, 333, 480, 999}) {
    begin();
    vendor.asked.clear();
    invites(count);
    for (const int size : {100, 99}) {
      pass("invite", size);
      fetch("invite", tail_position(count), size);
    }
    std::set<std::pair<std::string, std::string>> urls;
    for (const Asked& one : vendor.asked)
      EXPECT_TRUE(urls.emplace(one.at("page"), one.at("limit")).second)
          << count << ": page " << one.at("page") << " of " << one.at("limit");
  }
}

TEST_F(AlfaOneLists, QuestionsAreReadWholeForEachAssessment) {
  FakeAlfaOne::List& list = vendor.lists["/api/v1/assessments/a-1/questions"];
  list.wrapper = "questions";
  for (int i = 1; i <= 230; ++i)
    list.items.push_back(fmt::format(R"({{"id":"q-{0}","order":{0},"text":"How {0}?"}})", i));
  for (const bool paged : {true, false}) {
    vendor.paged = paged;
    const model::Page page = fetch("question", "", 100, "a-1");
    EXPECT_TRUE(page.complete);
    EXPECT_EQ(page.records.size(), 230U);
    EXPECT_EQ(page.records[0].key, (model::Key{std::string("a-1"), std::string("q-1")}));
    EXPECT_FALSE(page.next);
  }
}

TEST_F(AlfaOneLists, WhatTheVendorDoesNotOfferIsDenied) {
  for (const std::string body : {R"({"error":"Not found"})", "<html>404</html>", ""}) {
    for (const char* name : {"member", "tag"}) {
      transport.then(test::answer(404, body));
      try {
        fetch(name, "");
        ADD_FAILURE() << "no error";
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::denied) << body;
      }
    }
  }
}

TEST_F(AlfaOneLists, AssessmentsAreWhatIsFollowed) {
  assessments(3);
  const auto found = source->partitions({}, {});
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[1].name, "a-2");
  EXPECT_EQ(found[1].title, "Assessment 2");
  EXPECT_EQ(found[1].expected_records, 2);
  EXPECT_EQ(found[1].changed, "2026-02-01T00:00:00.000Z");
}

}  // namespace
}  // namespace surveysync::sources::alfaone
