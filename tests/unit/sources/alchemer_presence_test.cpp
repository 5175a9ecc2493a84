// Single records and surveys: there, gone or refused, in all the ways in which the vendor says so.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "alchemer_source_fixture.h"
#include "sources/alchemer/dates.h"
#include "sources/alchemer/window.h"

namespace surveysync::sources::alchemer {
namespace {

using test::answer;

class PresenceFixture : public SourceFixture {
 protected:
  Found find(std::int64_t id = 7) {
    const model::Partition survey{"11", "", 0, ""};
    return source->find(source->streams()[1], survey, {std::int64_t{11}, id}, {}, {});
  }
};
using FindRecord = PresenceFixture;

TEST_F(FindRecord, PresentHoweverItIsWrapped) {
  const std::string record = R"({"id":"7","status":"Complete","date_updated":"2026-03-02 10:00:00","survey_data":[]})";
  model::Hash hash{};
  for (const std::string& body :
       {R"({"result_ok":true,"data":)" + record + "}", R"({"result_ok":true,"data":[)" + record + "]}",
        R"({"result_ok":true,)" + record.substr(1)}) {
    say(200, body);
    const Found found = find();
    ASSERT_EQ(found.presence, Presence::present) << body;
    ASSERT_EQ(found.page.records.size(), 1U);
    EXPECT_EQ(found.page.records[0].key, (model::Key{std::int64_t{11}, std::int64_t{7}}));
    EXPECT_EQ(found.page.records[0].payload, record);
    EXPECT_EQ(found.page.newest, "2026-03-02 10:00:00");
    EXPECT_EQ(found.page.requests, 1);
    if (hash != model::Hash{}) {
      EXPECT_EQ(found.page.records[0].hash, hash);
    }
    hash = found.page.records[0].hash;
  }
}

TEST_F(FindRecord, GoneInEveryWord) {
  struct {
    int status;
    const char* body;
    int asked;
    bool certain;
  } const words[] = {
      {404, R"({"result_ok":false,"code":404,"message":"Response not found"})", 1, false},
      {404, "", 1, false},
      {410, "{}", 1, false},
      {404, "<html>not here</html>", 2, false},
      {200, R"({"result_ok":false,"code":404,"message":"Response not found"})", 1, false},
      {200, R"({"result_ok":false,"code":200,"message":"no such response"})", 1, false},
      {200, R"({"result_ok":false})", 1, false},
      {200, R"({"result_ok":true,"data":null})", 2, false},
      {200, R"({"result_ok":true,"data":[]})", 2, false},
      {200, R"({"result_ok":true})", 2, false},
      {200, R"({"result_ok":true,"data":{"id":"7","status":"Deleted"}})", 1, true},
  };
  for (const auto& word : words) {
    say(word.status, word.body, word.asked);
    const Found found = find();
    EXPECT_EQ(found.presence, Presence::gone) << word.status << word.body;
    EXPECT_EQ(found.certain, word.certain) << word.body;
    EXPECT_FALSE(found.evidence.empty());
    EXPECT_EQ(transport.left(), 0U) << word.body;
  }
}

TEST_F(FindRecord, NoDataThatPassesIsNotGone) {
  say(200, R"({"result_ok":true,"data":null})");
  say(200, R"({"result_ok":true,"data":{"id":"7","status":"Complete"}})");
  EXPECT_EQ(find().presence, Presence::present);
}

TEST_F(FindRecord, RefusedSaysNothing) {
  for (const auto& [status, body] : std::vector<std::pair<int, std::string>>{
           {403, R"({"result_ok":false,"code":403,"message":"Permission Denied"})"},
           {200, R"({"result_ok":false,"code":403,"message":"Permission denied."})"},
           {404, R"({"result_ok":false,"code":404,"message":"Permission denied"})"},
           {200, R"({"result_ok":false,"code":403,"message":""})"},
           {405, R"({"result_ok":false,"code":405,"message":"Method not supported"})"}}) {
    say(status, body);
    const Found found = find();
    EXPECT_EQ(found.presence, Presence::refused) << body;
    EXPECT_FALSE(found.evidence.empty());
  }
  // 401 for this record, while the key is good.
  for (int time = 0; time < 2; ++time) {
    say(401, R"({"result_ok":false,"code":401,"message":"Login failed / Invalid auth token"})");
    say(200, R"({"result_ok":true,"total_count":"0","data":[]})");
  }
  EXPECT_EQ(find().presence, Presence::refused);
}

TEST_F(FindRecord, FailuresAreThrown) {
  say(503, "{}", 2);
  EXPECT_THROW(find(), Error);
  say(200, R"({"result_ok":false,"code":105,"message":"Service currently unavailable"})", 2);
  EXPECT_THROW(find(), Error);
  say(200, R"({"result_ok":true,"data":{"id":"8"}})");
  EXPECT_THROW(find(), Error);
  // A dead key.
  say(401, R"({"result_ok":false,"code":401,"message":"Login failed / Invalid auth token"})", 2);
  try {
    find();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::unauthorized);
  }
}

TEST_F(FindRecord, TheSameQuestionAgainDoesNotWait) {
  const SteadyTime before = clock.now();
  for (int i = 0; i < 10; ++i) {
    say(200, R"({"result_ok":true,"data":{"id":"7"}})");
    find();
  }
  EXPECT_LT(clock.now() - before, std::chrono::seconds(30));
}

TEST_F(FindRecord, SurveysLikewise) {
  say(200, R"({"result_ok":true,"data":{"id":"11","status":"Launched"}})");
  EXPECT_EQ(source->find_partition("11", {}, {}).presence, Presence::present);
  say(200, R"({"result_ok":true,"data":{"id":"11","status":"Deleted"}})");
  const Found gone = source->find_partition("11", {}, {});
  EXPECT_EQ(gone.presence, Presence::gone);
  EXPECT_TRUE(gone.certain);
  say(404, R"({"result_ok":false,"code":404,"message":"Survey not found"})");
  EXPECT_FALSE(source->find_partition("11", {}, {}).certain);
}

TEST_F(FindRecord, StoredBytesAreKeyedAsFetchedOnes) {
  const model::Partition survey{"11", "", 0, ""};
  const std::string raw = R"({"id":"7","status":"Complete"})";
  const model::Page page = source->reread(source->streams()[1], survey, raw);
  ASSERT_EQ(page.records.size(), 1U);
  EXPECT_EQ(page.records[0].hash, model::hash_of(raw));
  EXPECT_EQ(page.records[0].payload, raw);
  EXPECT_EQ(source->reread(source->streams()[1], survey, "{\"id\":").quarantined.size(), 1U);
  EXPECT_EQ(source->reread(source->streams()[1], survey, "{\"id\":\"7\",\"x\":\"\xFF\"}").records[0].flags,
            std::vector<std::string>{"utf8"});
  EXPECT_EQ(source->reread(source->streams()[0], survey, raw).quarantined.size(), 1U);
  EXPECT_EQ(transport.count(), 0U);
}

// --- bookmarks and positions ---

UtcTime utc(std::string_view text) {
  return *to_utc(*parse_stamp(text), Zone("UTC"));
}

TEST_F(FindRecord, BookmarksNeverPassTheSignpost) {
  const std::string newest = "2026-03-02 10:00:00";
  EXPECT_EQ(source->bookmark(newest, utc("2026-03-03 00:00:00"), ""), newest);
  EXPECT_EQ(source->bookmark(newest, utc("2026-03-02 11:00:00"), ""), "2026-03-01 23:00:00")
      << "no clock on earth shows less";
  EXPECT_EQ(source->bookmark("", utc("2026-03-02 11:00:00"), "x"), "x");
  source->assume({{"updated_zone", "America/New_York", "", {}}});
  EXPECT_EQ(source->bookmark(newest, utc("2026-03-02 14:00:00"), ""), "2026-03-02 09:00:00");
  EXPECT_EQ(source->bookmark(newest, utc("2026-03-02 14:00:00"), "2026-03-02 09:30:00"), "2026-03-02 09:30:00");
  EXPECT_EQ(source->bookmark(newest, utc("2026-03-02 16:00:00"), ""), newest);
}

TEST_F(FindRecord, WindowsLookBack) {
  const auto from = [](const std::string& position) { return WindowPosition::parse(position)->from; };
  EXPECT_EQ(from(source->window_position("2026-03-02 10:00:00", std::chrono::hours(2))), "2026-03-01 08:00:00");
  EXPECT_EQ(from(source->window_position("", std::chrono::hours(2))), "1970-01-01 00:00:00");
  EXPECT_EQ(from(source->window_position(utc("2026-03-02 10:00:00"), {}, false)), "2026-03-01 08:00:00");
  source->assume({{"updated_zone", "America/New_York", "", {}}});
  EXPECT_EQ(from(source->window_position("2026-03-02 10:00:00", std::chrono::hours(2))), "2026-03-02 08:00:00");
  const auto window =
      WindowPosition::parse(source->window_position(utc("2026-03-02 10:00:00"), utc("2026-11-01 06:00:00"), true));
  EXPECT_EQ(window->from, "2026-03-02 05:00:00");
  EXPECT_EQ(window->until, "2026-11-01 02:00:00") << "an hour more where the clocks change";
  EXPECT_TRUE(window->newest_first);
}

TEST_F(FindRecord, CountsOnlyWhereTheClockIsKnown) {
  EXPECT_FALSE(source->count_position(utc("2026-03-02 10:00:00")));
  std::vector<model::Capability> able = {{"updated_field", "present", "", {}},
                                         {"updated_order", "kept", "", {}},
                                         {"updated_filter", "kept", "", {}},
                                         {"updated_total", "counted", "", {}},
                                         {"updated_zone", "unknown", "", {}}};
  source->assume(able);
  EXPECT_TRUE(source->abilities(source->streams()[1]).windows_counted);
  EXPECT_FALSE(source->abilities(source->streams()[0]).newest_first);
  EXPECT_FALSE(source->count_position(utc("2026-03-02 10:00:00")));
  EXPECT_EQ(source->date_doubt(utc("2026-03-02 10:00:00")), std::chrono::hours(26));
  able.back().value = "America/New_York";
  source->assume(able);
  EXPECT_EQ(source->count_position(utc("2026-03-02 10:00:00")), "count:2026-03-02 05:00:00");
  EXPECT_FALSE(source->count_position(utc("2026-11-01 06:30:00")));
  EXPECT_EQ(source->date_doubt(utc("2026-11-01 06:30:00")), std::chrono::hours(1));
  EXPECT_EQ(source->date_doubt(utc("2026-03-02 10:00:00")), Duration::zero());
  say(200, R"({"result_ok":true,"total_count":"42","data":[{"id":"1"}]})");
  const model::Partition survey{"11", "", 0, ""};
  const model::Page page =
      source->fetch({source->streams()[1], survey, "count:2026-03-02 05:00:00", 250, true, {}}, {});
  EXPECT_EQ(page.total, 42);
  EXPECT_TRUE(page.records.empty());
}

TEST_F(FindRecord, TheVendorsClockIsItsDateHeader) {
  EXPECT_EQ(source->vendor_now(), clock.utc_now());
  transport.then(
      answer(200, R"({"result_ok":true,"total_count":"0","data":[]})", {{"Date", "Thu, 01 Jan 2026 13:00:00 GMT"}}));
  source->probe({});
  EXPECT_GE(source->vendor_now() - clock.utc_now(), std::chrono::minutes(59));
}

}  // namespace
}  // namespace surveysync::sources::alchemer
