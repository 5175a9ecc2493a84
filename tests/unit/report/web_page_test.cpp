// The page as text: what each state says, that nothing from outside becomes markup, and what keeps it readable for
// everybody. How it looks is looked at in a browser (tests/system/test_status.py).
#include "report/web_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "report/web_chart.h"
#include "report/web_site.h"
#include "report/web_standing.h"
#include "report/web_style.h"
#include "report/web_words.h"
#include "web_fixture.h"

namespace surveysync::report {
namespace {

using namespace web_test;
using testing::HasSubstr;
using testing::Not;

std::string page(const StatusView& view, int refresh = 0) {
  return status_page(view, {refresh});
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size()))
    ++found;
  return found;
}

TEST(WebWords, EscapeWhateverCouldBecomeMarkup) {
  EXPECT_EQ(html("<a b=\"c\">'&\n"), "&lt;a b=&quot;c&quot;&gt;&#39;&amp; ");
  EXPECT_EQ(html("gr\xC3\xBC\xC3\x9F"), "gr\xC3\xBC\xC3\x9F");
  EXPECT_THAT(html("bad \xFF byte"), HasSubstr("\xEF\xBF\xBD"));
  EXPECT_EQ(html(std::string("nul\0", 4)).find('\0'), std::string::npos);
  EXPECT_EQ(json_quoted("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(json_quoted("a\nb\tc\n"), R"("a\nb c\n")");
}

TEST(WebWords, TimesAsPeopleSayThem) {
  using namespace std::chrono_literals;
  EXPECT_EQ(since(kNow, kNow), "just now");
  EXPECT_EQ(since(*before(3min + 20s), kNow), "3 min 20 s ago");
  EXPECT_EQ(since(*before(26h), kNow), "1 d 2 h ago");
  EXPECT_EQ(since(*before(-5h), kNow), "in 5 h");
  EXPECT_EQ(spoken_time(45min + 12s), "45 min");
  EXPECT_EQ(spoken_time(340ms), "340 ms");
  EXPECT_EQ(to_minute(kNow), "2026-01-01 12:00 UTC");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
  EXPECT_EQ(with_commas(-1000), "-1,000");
  EXPECT_EQ(time_element(std::nullopt, kNow), "<span class=\"never\">never</span>");
  EXPECT_THAT(time_element(before(1h), kNow), HasSubstr("datetime=\"2026-01-01T11:00:00Z\""));
  EXPECT_EQ(first_words("one\ntwo", 20), "one");
  EXPECT_EQ(first_words("\xC3\xBC\xC3\xBC\xC3\xBC", 3), "\xC3\xBC…");  // not through a character
}

TEST(WebPage, Healthy) {
  const std::string text = page(some_view());
  EXPECT_THAT(text, HasSubstr("<title>✓ us is complete – surveysync on warehouse</title>"));
  EXPECT_THAT(text, HasSubstr("1,234,567 records"));
  EXPECT_THAT(text, HasSubstr("next run <time"));
  EXPECT_THAT(text, HasSubstr("Plain survey"));
  EXPECT_THAT(text, HasSubstr("<code>a1b2c3d4</code> accepted"));
  EXPECT_THAT(text, HasSubstr("0 of 120 requests in the last minute"));
  EXPECT_THAT(text, HasSubstr("surveysync 1.2.3"));
  EXPECT_THAT(text, HasSubstr("up 1 d 6 h"));
  EXPECT_THAT(text, Not(HasSubstr("class=\"card incident")));
}

TEST(WebPage, HeldSaysTheCauseAndTheNextStep) {
  const std::string text = page(held_view());
  EXPECT_THAT(text, HasSubstr("<h1>us is held: key refused (rotated)</h1>"));
  EXPECT_THAT(text, HasSubstr("us: credentials refused"));
  EXPECT_THAT(text, HasSubstr("<b>Next step</b>write the new key to us.key"));
  EXPECT_THAT(text, HasSubstr("open 40 min, since 2026-01-01 11:20 UTC"));
  EXPECT_THAT(text, HasSubstr("refused (rotated)</strong>"));
  EXPECT_LT(text.find("class=\"card incident"), text.find("id=\"source-us\""));  // what needs a person comes first
}

TEST(WebPage, WhatWasToldWhileTheDatabaseIsAwayIsShown) {
  StatusView view = away_view();
  view.told.push_back({"database_unreachable/vm", "database_unreachable", "", "critical", "", "no answer",
                       "See:\ncheck", kNow - std::chrono::seconds(1)});
  EXPECT_THAT(page(view), HasSubstr("database unreachable"));
  EXPECT_THAT(status_document(view), HasSubstr(R"("incidents":[{"key":"database_unreachable/vm",)"));
  view.told[0].opened_at = kNow - std::chrono::hours(1);
  EXPECT_THAT(page(view), Not(HasSubstr("database unreachable"))) << "the database knows better";
  view.database.reset();
  EXPECT_THAT(page(view), HasSubstr("database unreachable"));
}

TEST(WebPage, CommandsOfANextStepStandAlone) {
  StatusView view = held_view();
  auto database = std::make_shared<DatabaseView>(*view.database);
  ASSERT_FALSE(database->incidents.empty());
  database->incidents[0].next_step = "See <why>, then start it:\njournalctl -u x -n 100\nsystemctl start x";
  view.database = database;
  EXPECT_THAT(
      page(view),
      HasSubstr(
          "See &lt;why&gt;, then start it:<code>journalctl -u x -n 100</code><code>systemctl start x</code></p>"));
}

TEST(WebPage, RunningSaysHowFar) {
  const std::string text = page(running_view());
  EXPECT_THAT(text, HasSubstr("us is loading"));
  EXPECT_THAT(text, HasSubstr("4 of 10 parts, 500 of about 2,000 records"));
  EXPECT_THAT(text, HasSubstr("aria-label=\"25 percent of the expected records\""));
  EXPECT_THAT(text, HasSubstr("60 of 120 requests in the last minute"));
}

TEST(WebPage, EmptySaysWhatWillHappen) {
  const std::string text = page(empty_view());
  EXPECT_THAT(text, HasSubstr("Nothing was loaded yet"));
  EXPECT_THAT(text, HasSubstr("next run now (first)"));
  EXPECT_THAT(text, HasSubstr("There are none yet"));
  EXPECT_THAT(text, HasSubstr("Nothing was stored on these days."));
}

TEST(WebPage, WithoutADatabaseItSaysSoAndShowsTheLastLook) {
  const std::string text = page(away_view());
  EXPECT_THAT(text, HasSubstr("<h1>The database does not answer</h1>"));
  EXPECT_THAT(text, HasSubstr("does not answer since 2026-01-01 11:56 UTC"));
  EXPECT_THAT(text, HasSubstr("What is shown below is of 2026-01-01 11:59 UTC"));
  EXPECT_THAT(text, HasSubstr("Plain survey"));
  StatusView view = away_view();
  view.database.reset();
  EXPECT_THAT(page(view), HasSubstr("There is nothing to show until it answers."));
  EXPECT_THAT(page(StatusView()), HasSubstr("<h1>Starting</h1>"));
}

TEST(WebPage, NothingFromOutsideBecomesMarkup) {
  const std::string evil = "</title><script>alert(1)</script><img src=x onerror='y' \"z\">";
  auto database = some_database();
  SourceView& source = database->sources[0];
  source.surveys[0].title = source.surveys[0].id = source.surveys[0].note = evil;
  source.reads = source.worked_by = source.next_reason = evil;
  source.keys = {{evil, evil, evil, {}, {}, kNow}, {"next", evil, "", {}, {}, {}}};
  source.lists = {{evil, 1, 2, Proof::unbalanced, {}}};
  database->incidents = {{evil, evil, evil, evil, evil, evil, evil, kNow}};
  database->runs[0].source = database->runs[0].kind = database->runs[0].outcome = database->runs[0].error = evil;
  database->budgets[0].account = evil;
  database->days[3].day = evil;
  StatusView view = some_view(database);
  view.trouble = view.host = view.version = evil;
  const std::string text = page(view);
  EXPECT_EQ(count(text, "<script"), 0U);
  EXPECT_EQ(count(text, "<img"), 0U);
  EXPECT_EQ(count(text, "onerror='"), 0U);
  EXPECT_EQ(count(text, "</title>"), 1U + 1U + 30U);  // the page's, the chart's, and one for each day
  database->sources[0].name = evil;
  EXPECT_EQ(count(page(some_view(database)), "<script"), 0U);
}

TEST(WebPage, NeedsNothingButItself) {
  for (const StatusView& view : {some_view(), held_view(), running_view(), empty_view(), away_view()}) {
    const std::string text = page(view);
    EXPECT_EQ(count(text, "http://") + count(text, "https://") + count(text, "//cdn"), 0U);
    EXPECT_EQ(count(text, " style="), 0U);  // the policy forbids them
    EXPECT_EQ(count(text, "<script") + count(text, "javascript:") + count(text, " onclick"), 0U);
    EXPECT_EQ(count(text, "<link"), 1U);
    EXPECT_THAT(text, HasSubstr("href=\"/icon.svg\""));
    EXPECT_EQ(count(text, std::string(style_sheet())), 1U);  // as hashed
  }
}

TEST(WebPage, StandsStillUnlessAsked) {
  EXPECT_THAT(page(some_view()), Not(HasSubstr("http-equiv")));
  EXPECT_THAT(page(some_view(), 10), HasSubstr("<meta http-equiv=\"refresh\" content=\"10\">"));
  EXPECT_THAT(page(some_view(), 10), HasSubstr("<a href=\"/\">stand still</a>"));
}

TEST(WebPage, ReadableForEverybody) {
  for (const StatusView& view : {some_view(), held_view(), running_view(), empty_view(), away_view()}) {
    const std::string text = page(view);
    for (const char* const landmark : {"<html lang=\"en\">", "<header class=\"top\">", "<main id=\"main\"", "<footer>",
                                       "<a class=\"skip\" href=\"#main\">"})
      EXPECT_EQ(count(text, landmark), 1U) << landmark;
    EXPECT_EQ(count(text, "<h1>"), 1U);
    EXPECT_EQ(count(text, "<table"), count(text, "<caption"));
    EXPECT_EQ(count(text, "scope=\"col\""), count(text, "role=\"columnheader\""));
    EXPECT_EQ(count(text, "<th "), count(text, "scope="));
    EXPECT_EQ(count(text, "<svg class=\"i\" "), count(text, "<svg class=\"i\" aria-hidden=\"true\""));
    // Every id is there once, and whatever is referred to is there.
    std::set<std::string> ids;
    const std::regex id(" id=\"([^\"]*)\"");
    for (std::sregex_iterator at(text.begin(), text.end(), id), end; at != end; ++at)
      EXPECT_TRUE(ids.insert((*at)[1]).second) << (*at)[1];
    const std::regex reference("(?:aria-labelledby=|href=\"#)\"?([^\" ]*)");
    for (std::sregex_iterator at(text.begin(), text.end(), reference), end; at != end; ++at)
      EXPECT_TRUE(ids.contains((*at)[1])) << (*at)[1];
  }
}

TEST(WebPage, ManySurveysAreBoundedWorstFirst) {
  auto database = some_database();
  SourceView& source = database->sources[0];
  source.surveys.assign(5000, source.surveys[0]);
  source.surveys[4321].proof = Proof::unbalanced;
  source.surveys[4321].title = "The broken one";
  const std::string text = page(some_view(database));
  EXPECT_EQ(count(text, "Plain survey"), kSurveysShown - 1);
  EXPECT_LT(text.find("The broken one"), text.find("Plain survey"));
  EXPECT_THAT(text, HasSubstr("4,900 more"));
  EXPECT_THAT(text, HasSubstr("5,000 surveys, 1 needs a look"));
  EXPECT_LT(text.size(), 200'000U);
}

TEST(WebStanding, TheWorstIsTheHeadline) {
  auto database = some_database();
  database->sources.push_back(some_source("eu"));
  EXPECT_EQ(standing_of(some_view(database)).text, "us and eu are complete");
  database->sources.push_back(some_source("ca"));
  EXPECT_EQ(standing_of(some_view(database)).text, "All 3 sources are complete");
  database->sources[1].proof = Proof::unbalanced;
  EXPECT_EQ(standing_of(some_view(database)).text, "eu: not balanced");
  database->sources[2].clocks.certified = before(std::chrono::hours(27));
  EXPECT_EQ(standing_of(some_view(database), database->sources[2]).text, "overdue");
  EXPECT_EQ(standing_of(some_view(database)).text, "2 of 3 sources need attention");
  database->sources.resize(1);
  database->runs[0].outcome = "failed";
  EXPECT_EQ(standing_of(some_view(database)).text, "us: last run failed");
}

TEST(WebChart, BarsFillTheAxisAndSmallOnesAreSeen) {
  EXPECT_EQ(axis_top(0), 1);
  EXPECT_EQ(axis_top(3), 5);
  EXPECT_EQ(axis_top(1001), 2000);
  EXPECT_EQ(axis_top(INT64_MAX), INT64_MAX);
  const std::string chart = chart_of_days({{"2026-01-01", 1000, 1000}, {"2026-01-02", 0, 1}, {"2026-01-03", 0, 0}});
  EXPECT_EQ(count(chart, "<rect class=\"new\" x"), 1U);
  EXPECT_EQ(count(chart, "<rect class=\"upd\" x"), 2U);
  EXPECT_THAT(chart, HasSubstr("height=\"1.20\""));  // one row among thousands
  EXPECT_THAT(chart, HasSubstr("<title id=\"chart-title\">"));
  EXPECT_THAT(chart, HasSubstr("1,000 rows were new and 1,001 updated. The most were on 2026-01-01: 2,000."));
  EXPECT_EQ(count(chart, "<tr "), 4U);
}

}  // namespace
}  // namespace surveysync::report
