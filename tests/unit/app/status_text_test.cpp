// What `status --watch` prints: a screen that fits, and lines that only change when something did.
#include "app/status_text.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "app/human.h"

namespace surveysync::app {
namespace {

using std::chrono::hours;

const UtcTime kNow(std::chrono::seconds(1'795'287'420));

StatusSource good_source() {
  StatusSource source;
  source.source = "us";
  source.clocks.last_certified = kNow - hours(1);
  source.clocks.balanced = true;
  source.last_run.emplace();
  source.last_run->run_id = 7;
  source.last_run->outcome = "succeeded";
  source.last_run->started_at = kNow - hours(1);
  source.last_run->finished_at = kNow - hours(1);
  source.next_run = sync::Due{kNow + hours(3), "scheduled"};
  return source;
}

TEST(StatusTextTest, OneLineASource) {
  StatusSource source = good_source();
  EXPECT_EQ(status_line(source),
            "us: run 7 succeeded, certified 2026-11-21 17:57:00, balanced, next run 2026-11-21 21:57:00 (scheduled)");
  source.refused.emplace();
  source.refused->fingerprint = "a1b2c3d4";
  source.refused->verdict = "rotated";
  source.incidents.resize(2);
  source.clocks.balanced = false;
  EXPECT_EQ(status_line(source),
            "us: run 7 succeeded, certified 2026-11-21 17:57:00, NOT BALANCED, key a1b2c3d4 REFUSED (rotated), 2 "
            "incidents open");
  StatusSource other;
  other.source = "eu";
  EXPECT_EQ(status_line(other), "eu: has never run");
  source = good_source();
  source.last_run->outcome = "failed";
  source.last_run->error = "the vendor\x1b[2J answered 503\nand more";
  EXPECT_EQ(status_line(source).find('\x1b'), std::string::npos);
  EXPECT_EQ(status_line(source).find('\n'), std::string::npos);
}

TEST(StatusTextTest, EverythingOfASource) {
  const std::string text = status_text({{good_source()}}, kNow);
  EXPECT_NE(text.find("last certified  2026-11-21 17:57:00 UTC (1 h ago)"), std::string::npos) << text;
  EXPECT_EQ(status_text({}, kNow), "no sources are configured\n");
}

store::Incident incident(const std::string& key, const std::string& source) {
  store::Incident made;
  made.key = key;
  made.rule = key.substr(0, key.find('/'));
  made.source = source;
  made.severity = "critical";
  made.evidence = "run 6 (resync) failed";
  made.next_step = "See what the run met:\nsurveysync run show 6";
  made.opened_at = kNow - hours(2);
  return made;
}

TEST(StatusTextTest, IncidentsSayWhatToDo) {
  Status status{{good_source()}};
  status.sources[0].incidents = {incident("run_failed/us", "us")};
  status.incidents = {incident("unit_failed/surveysync.service/vm", "")};
  const std::string text = status_text(status, kNow);
  for (const char* const part : {"  incident        unit_failed/surveysync.service/vm, critical, since",
                                 "  incident        run_failed/us, critical, since 2026-11-21 16:57:00 UTC (2 h ago)\n"
                                 "                  run 6 (resync) failed\n"
                                 "  what to do      See what the run met:\n"
                                 "                    surveysync run show 6\n"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  EXPECT_NE(with_colours(text).find("\033[1;31m, critical,\033[0m"), std::string::npos);
}

TEST(StatusTextTest, AHeldSourceHasNoNextRunAndOneNextStep) {
  Status status{{good_source()}};
  StatusSource& source = status.sources[0];
  source.incidents = {incident("credentials_refused/us", "us")};
  source.refused.emplace();
  source.refused->next_step = "write the new key";
  const std::string text = status_text(status, kNow);
  EXPECT_EQ(text.find("next run"), std::string::npos) << text;
  EXPECT_EQ(text.find("write the new key"), std::string::npos) << "its incident says it";
  source.incidents.clear();
  EXPECT_NE(status_text(status, kNow).find("what to do      write the new key\n"), std::string::npos);
}

TEST(StatusTextTest, ARunThatIsDueIsNoNextRun) {
  Status status{{good_source()}};
  status.sources[0].next_run->at = kNow - hours(1);
  EXPECT_NE(status_text(status, kNow).find("run due         2026-11-21 17:57:00 UTC (1 h ago, scheduled; no daemon"),
            std::string::npos);
}

TEST(StatusTextTest, SeveralSourcesStandInATableTroubleFirst) {
  Status status{{good_source(), good_source()}};
  status.sources[1].source = "eu";
  status.sources[1].clocks.balanced = false;
  const std::string text = status_text(status, kNow);
  EXPECT_LT(text.find("eu      NOT BALANCED"), text.find("us      complete")) << text;
  status.budgets.push_back(
      {"alchemer/a", {"us"}, 200, 240, std::chrono::minutes(1), kNow + std::chrono::seconds(2), {}});
  EXPECT_NE(status_text(status, kNow)
                .find("budget of alchemer/a: 200 requests a minute of the vendor's 240, in use, "
                      "the next request in 2.0 s\n"),
            std::string::npos)
      << status_text(status, kNow);
}

TEST(StatusTextTest, AScreenThatFits) {
  EXPECT_EQ(fitting("one\ntwo\n", 80, 5), "one\ntwo\n");
  EXPECT_EQ(fitting("one\ntwo\nthree\nfour\n", 80, 3),
            "one\ntwo\n… 2 more lines: `surveysync status` prints them all\n");
  const std::string cut = fitting(fmt::format("{:x>200}\n", ""), 40, 5);
  EXPECT_LE(columns_of(cut.substr(0, cut.find('\n'))), 40U);
  EXPECT_EQ(fitting("", 80, 5), "");
  const std::string label = "  what to do      ", blanks(18, ' ');
  EXPECT_EQ(fitting(label + "one two three four five\n", 40, 9), label + "one two three four\n" + blanks + "five\n");
  const std::string one_word(60, 'x');
  EXPECT_LE(columns_of(fitting(label + one_word + "\n", 40, 9)), 41U);
}

}  // namespace
}  // namespace surveysync::app
