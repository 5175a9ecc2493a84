// Incremental runs: probes, windows, sweeps and certificates, against a real PostgreSQL and a vendor in memory whose
// changes are dated.

#include <fmt/format.h>

#include <random>

#include "run_fixture.h"
#include "sync/complete_pass.h"

namespace surveysync::test {
namespace {

class IncrementalTest : public RunTest {
 protected:
  IncrementalTest() {
    vendor_.dated = true;
    job_.settle_lag = std::chrono::seconds(900);
    job_.lookback = std::chrono::seconds(7200);
  }
  /// `responses` a second apart, the last one long ago.
  void fill_dated(std::int64_t survey, int responses) {
    for (int id = 1; id <= responses; ++id) {
      vendor_.surveys[survey][id] = "Complete";
      vendor_.stamps[survey][id] = vendor_.now - 100'000 + id;
    }
  }
  int requests_of(const std::function<void()>& act) {
    const auto before = vendor_.requests();
    act();
    return static_cast<int>(vendor_.requests() - before);
  }
  std::string certificate() {
    return query(
        "select total_before || '=' || total_after || '=' || stored_live || case when balanced then ' balanced' else ' "
        "NOT' end from surveysync.certificate order by certified_at desc limit 1");
  }
};

TEST_F(IncrementalTest, AQuietSurveyCostsOneRequest) {
  fill_dated(1, 60);
  sync_once();
  EXPECT_EQ(requests_of([&] { EXPECT_EQ(sync_once().outcome, sync::Outcome::succeeded); }), 1);
  EXPECT_EQ(certificate(), "60=60=60 balanced");
}

TEST_F(IncrementalTest, AProbeThatShowsTheWholeSurveyComparesItsIds) {
  job_.page_sizes = {100, 2, 100};
  fill_dated(1, 60);
  fill_dated(2, 90);  // with room for what may be new, more than a page
  sync_once();
  query("update surveysync.checkpoint set swept_at = now() - interval '14 days' where stream = 'response'");
  EXPECT_EQ(requests_of([&] { EXPECT_EQ(sync_once().outcome, sync::Outcome::succeeded); }), 2);
  EXPECT_EQ(query("select string_agg(partition, ',') from surveysync.checkpoint where stream = 'response' and "
                  "swept_at > now() - interval '1 day'"),
            "1");
}

TEST_F(IncrementalTest, AnEditThatMovesNoCountIsFoundByItsDate) {
  fill_dated(1, 60);
  sync_once();
  vendor_.now += 86'400;
  vendor_.put(1, 17, "Edited");
  const int requests = requests_of([&] { EXPECT_EQ(sync_once().outcome, sync::Outcome::succeeded); });
  EXPECT_EQ(difference(), "");
  EXPECT_LE(requests, 9) << "the window after the bookmark holds a lookback of changes, not the survey";
}

TEST_F(IncrementalTest, AnEditInTheSecondOfTheLastCertificateIsFound) {
  fill_dated(1, 30);
  vendor_.put(1, 30, "Fresh");
  sync_once();
  vendor_.put(1, 4, "Edited in the same second");
  sync_once();
  EXPECT_EQ(difference(), "");
}

TEST_F(IncrementalTest, ARowThatShowsLateWithAnEarlierDateIsFound) {
  fill_dated(1, 30);
  vendor_.put(1, 30, "Fresh");
  sync_once();
  vendor_.surveys[1][29'000] = "Late";
  vendor_.stamps[1][29'000] = vendor_.now - 300;
  vendor_.now += 86'400;
  EXPECT_EQ(sync_once().outcome, sync::Outcome::succeeded);
  EXPECT_EQ(difference(), "");
}

TEST_F(IncrementalTest, AnEditThatShowsLateBehindAnInterruptedWindowIsFound) {
  fill_dated(1, 60);
  sync_once();
  vendor_.now += 86'400;
  for (int id = 1; id <= 30; ++id) {
    ++vendor_.now;
    vendor_.put(1, id, "Edited");
  }
  int windows = 0;
  vendor_.before_fetch = [&](int, std::int64_t, const std::string& position) {
    if (position.starts_with("win:") && ++windows == 5) throw Error(ErrorKind::rejected, "not now");
  };
  EXPECT_NE(sync_once().outcome, sync::Outcome::succeeded);
  vendor_.before_fetch = {};
  vendor_.surveys[1][40] = "Late";
  vendor_.stamps[1][40] = vendor_.stamps[1][3];  // the window has gone past it
  for (int night = 0; night < 2; ++night) {
    vendor_.now += 86'400;
    EXPECT_EQ(sync_once().outcome, sync::Outcome::succeeded);
  }
  EXPECT_EQ(difference(), "");
  EXPECT_EQ(requests_of([&] { EXPECT_EQ(sync_once().outcome, sync::Outcome::succeeded); }), 1);
}

TEST_F(IncrementalTest, ADeletionIsConfirmedAndMarked) {
  fill_dated(1, 60);
  sync_once();
  vendor_.surveys[1].erase(31);
  const auto report = sync_once();
  EXPECT_EQ(difference(), "");
  EXPECT_EQ(report.counts.tombstoned, 1);
  EXPECT_EQ(vendor_.finds, 1);
  EXPECT_EQ(certificate(), "59=59=59 balanced");
  vendor_.surveys[1][31] = "Complete";  // restored without a new date
  EXPECT_EQ(sync_once().outcome, sync::Outcome::succeeded);
  EXPECT_EQ(difference(), "");
}

TEST_F(IncrementalTest, ADroppedRecordThatTheVendorDeletesCountsNoMore) {
  fill_dated(1, 60);
  for (const std::string record : {"1/13", "1/20"}) {
    std::string hex;
    for (const std::uint8_t byte : store::exclusion_digest("response", "1", record))
      hex += fmt::format("{:02x}", byte);
    query("insert into surveysync.erasure values ('us', 'response', '1', '\\x" + hex + "', 'drop', now())");
  }
  sync_once();
  EXPECT_EQ(certificate(), "60=60=58 balanced");
  vendor_.now += 86'400;
  vendor_.surveys[1].erase(13);
  vendor_.put(1, 61, "Complete");
  EXPECT_EQ(sync_once().outcome, sync::Outcome::succeeded);
  EXPECT_EQ(certificate(), "60=60=59 balanced");
  EXPECT_EQ(query("select count(*) from surveysync.erasure"), "1") << "the other one is still there";
  EXPECT_EQ(difference(), "1/20 is missing; ");
}

TEST_F(IncrementalTest, OneAddedAndOneDeletedAtOnceAreBothFound) {
  fill_dated(1, 60);
  sync_once();
  vendor_.now += 86'400;
  vendor_.surveys[1].erase(31);
  vendor_.put(1, 61, "Complete");
  EXPECT_EQ(sync_once().outcome, sync::Outcome::succeeded);
  EXPECT_EQ(difference(), "");
}

TEST_F(IncrementalTest, TheBrakeStopsAMassDeletionUntilItIsConfirmed) {
  fill_dated(1, 60);
  sync_once();
  for (int id = 1; id <= 40; ++id)
    vendor_.surveys[1].erase(id);
  auto report = sync_once();
  EXPECT_EQ(report.braked, 1);
  EXPECT_EQ(report.unbalanced, 1);
  EXPECT_EQ(query("select count(*) from alchemer.response where deleted_at is not null"), "0");
  EXPECT_EQ(vendor_.finds, 0);
  job_.kind = sync::RunKind::resync;
  job_.confirmed = true;
  report = sync_once();
  EXPECT_EQ(report.outcome, sync::Outcome::succeeded) << (report.failures.empty() ? "" : report.failures[0].message);
  EXPECT_EQ(report.counts.tombstoned, 40);
  EXPECT_EQ(difference(), "");
}

TEST_F(IncrementalTest, ALostPermissionFreezesAllMarks) {
  fill_dated(1, 60);
  sync_once();
  vendor_.surveys[1].erase(5);
  vendor_.surveys[1].erase(6);
  vendor_.refused = {6};
  const auto report = sync_once();
  EXPECT_EQ(report.outcome, sync::Outcome::partial);
  EXPECT_EQ(query("select count(*) from alchemer.response where deleted_at is not null"), "0");
}

TEST_F(IncrementalTest, ARowThatTheListHidesIsAskedForAndKept) {
  fill_dated(1, 30);
  sync_once();
  vendor_.hidden = {13};
  job_.kind = sync::RunKind::resync;
  EXPECT_EQ(sync_once().outcome, sync::Outcome::succeeded);
  EXPECT_EQ(query("select count(*) from alchemer.response where deleted_at is null"), "30");
  EXPECT_EQ(vendor_.finds, 1);
}

TEST_F(IncrementalTest, AHiddenNewRowIsNeverCertified) {
  fill_dated(1, 30);
  sync_once();
  vendor_.now += 86'400;
  vendor_.put(1, 31, "Complete");
  vendor_.hidden = {31};
  EXPECT_EQ(sync_once().unbalanced, 1);
  vendor_.hidden = {};
  EXPECT_EQ(sync_once().outcome, sync::Outcome::succeeded);
  EXPECT_EQ(difference(), "");
}

TEST_F(IncrementalTest, ADeletedSurveyIsMarkedAndARefusedOneIsNot) {
  fill_dated(1, 30);
  fill_dated(2, 30);
  fill_dated(3, 30);
  sync_once();
  vendor_.surveys.erase(1);
  vendor_.surveys.erase(2);
  vendor_.deleted_surveys = {1};
  vendor_.refused = {2};
  const auto report = sync_once();
  EXPECT_EQ(report.outcome, sync::Outcome::partial) << "survey 2 is neither listed nor open";
  EXPECT_EQ(query("select string_agg(distinct survey_id::text, ',') from alchemer.response where deleted_at is null"),
            "2,3");
  vendor_.refused = {};
  vendor_.deleted_surveys = {};
  EXPECT_EQ(sync_once().braked, 1) << "gone, but not in the vendor's own words";
  fill_dated(1, 30);
  sync_once();
  EXPECT_EQ(query("select count(*) from alchemer.response where deleted_at is null and survey_id = 1"), "30");
}

TEST_F(IncrementalTest, ASurveyThatTheListForgetsIsStillRead) {
  fill_dated(1, 30);
  fill_dated(2, 3);
  sync_once();
  vendor_.unlisted = {1};
  vendor_.put(1, 31, "Complete");
  EXPECT_EQ(sync_once().outcome, sync::Outcome::succeeded);
  EXPECT_EQ(difference(), "");
}

TEST_F(IncrementalTest, MoreChangesInASecondThanAPageHoldsAreReadByACompletePass) {
  fill_dated(1, 60);
  sync_once();
  vendor_.now += 86'400;
  for (int id = 1; id <= 25; ++id)
    vendor_.put(1, id * 2, "Bulk");
  EXPECT_EQ(sync_once().outcome, sync::Outcome::succeeded);
  EXPECT_EQ(difference(), "");
}

TEST_F(IncrementalTest, ARehearsalLeavesNothing) {
  fill_dated(1, 60);
  sync_once();
  vendor_.now += 86'400;
  vendor_.put(1, 61, "Complete");
  vendor_.surveys[1].erase(3);
  const auto state = [&] {
    return query(
        "select (select md5(string_agg(r::text, ',' order by response_id)) from alchemer.response r) || (select "
        "md5(string_agg(c::text, ',')) from surveysync.checkpoint c) || (select count(*) from surveysync.run) || "
        "(select count(*) from surveysync.certificate) || (select count(*) from surveysync.run_stream)");
  };
  const std::string before = state();
  job_.dry_run = true;
  const auto report = sync_once();
  EXPECT_EQ(report.counts.inserted, 1);
  EXPECT_EQ(report.counts.tombstoned, 1);
  EXPECT_EQ(report.outcome, sync::Outcome::succeeded);
  EXPECT_EQ(state(), before);
}

TEST_F(IncrementalTest, AVendorThatNeverStandsStillIsCertifiedByDate) {
  fill_dated(1, 60);
  sync_once();
  vendor_.now += 86'400;
  int id = 100;
  vendor_.before_fetch = [&](int, std::int64_t survey, const std::string& position) {
    if (position.starts_with("newest:")) vendor_.put(survey, ++id, "Complete");
    vendor_.now += 2;
  };
  EXPECT_EQ(sync_once().outcome, sync::Outcome::succeeded);
  EXPECT_EQ(certificate(), "60=60=60 balanced");
  EXPECT_GT(std::stoi(query("select in_flight from surveysync.certificate order by certified_at desc limit 1")), 0);
}

TEST_F(IncrementalTest, RecordsNamedAreReadAgainOrMarked) {
  fill_dated(1, 30);
  sync_once();
  vendor_.surveys[1][4] = "Silently edited";
  vendor_.surveys[1].erase(5);
  job_.kind = sync::RunKind::resync;
  job_.only = {"1"};
  job_.responses = {"4", "5"};
  const auto report = sync_once();
  EXPECT_EQ(report.counts.updated, 1);
  EXPECT_EQ(report.counts.tombstoned, 1);
  EXPECT_EQ(difference(), "");
}

TEST_F(IncrementalTest, APastWindowIsReadAgainAndSwept) {
  fill_dated(1, 30);
  sync_once();
  vendor_.surveys[1][4] = "Silently edited";
  vendor_.surveys[1][20] = "Silently edited, outside";
  vendor_.surveys[1].erase(5);
  vendor_.surveys[1].erase(21);
  job_.kind = sync::RunKind::resync;
  job_.from = UtcTime(std::chrono::seconds(vendor_.now - 100'000));
  job_.until = UtcTime(std::chrono::seconds(vendor_.now - 100'000 + 10));
  sync_once();
  EXPECT_EQ(difference(), "1/20 is \"Complete\" and not Silently edited, outside; 1/21 is stored and gone; ");
}

TEST_F(IncrementalTest, ALargeSurveyIsDividedAndResumedByPage) {
  for (int id = 1; id <= 6000; ++id) {
    vendor_.surveys[1][id] = "Complete";
    vendor_.stamps[1][id] = id * 100;  // the last look then reaches back behind the settle lag
  }
  job_.workers = 4;
  job_.page_sizes = {40, 2, 40};
  std::stop_source stop;
  observer_.on_page = [&](int page) {
    if (page == 60) stop.request_stop();
  };
  EXPECT_EQ(sync_once(stop.get_token()).outcome, sync::Outcome::cancelled);
  const std::string position = query("select position from surveysync.checkpoint where stream = 'response'");
  EXPECT_GT(std::ranges::count(position, '|'), 1) << position;
  observer_.on_page = {};
  const int stored = std::stoi(query("select count(*) from alchemer.response"));
  const auto report = sync_once();
  EXPECT_EQ(report.outcome, sync::Outcome::succeeded);
  EXPECT_EQ(report.counts.inserted, 6000 - stored);
  // What the saved position holds is not read again, but for the overlaps of the pages.
  const auto saved = sync::PassState::parse(position);
  ASSERT_TRUE(saved.has_value()) << position;
  EXPECT_GT(saved->fetched(), 0);
  EXPECT_LE(saved->fetched(), stored);
  EXPECT_LT(report.counts.inserted + report.counts.unchanged, (6000 - saved->fetched()) * 5 / 4 + 400);
  EXPECT_EQ(query("select fetched from surveysync.certificate order by run_id desc limit 1"), "6000");
  EXPECT_EQ(difference(), "");
}

/// Changes at random between any two requests.
class ChaosTest : public IncrementalTest, public testing::WithParamInterface<int> {
 protected:
  ChaosTest() { job_.brake = {90, 1000, 1000}; }
  void change(std::mt19937& random, bool silent_restores) {
    const auto pick = [&](int below) { return static_cast<int>(random() % static_cast<unsigned>(below)); };
    const std::int64_t survey = 1 + pick(2);
    auto& rows = vendor_.surveys[survey];
    const auto some = [&] {
      auto at = rows.begin();
      std::advance(at, pick(static_cast<int>(rows.size())));
      return at->first;
    };
    vendor_.now += pick(40);
    switch (pick(5)) {
      case 0:
        vendor_.put(survey, rows.rbegin()->first + 1, "New");
        break;
      case 1:
        vendor_.put(survey, some(), "Edited " + std::to_string(random() % 1000));
        break;
      case 2:
        if (rows.size() > 30) {
          const std::int64_t id = some();
          gone_.emplace_back(survey, id);
          rows.erase(id);
        }
        break;
      case 3:
        if (!gone_.empty()) {
          const auto [where, id] = gone_[static_cast<std::size_t>(pick(static_cast<int>(gone_.size())))];
          if (silent_restores && !vendor_.surveys[where].contains(id))
            vendor_.surveys[where][id] = "Restored";
          else
            vendor_.put(where, id, "Restored");
        }
        break;
      default:
        vendor_.put(survey, rows.rbegin()->first + 2 + pick(3), "Skipped an id");
    }
  }
  std::vector<std::pair<std::int64_t, std::int64_t>> gone_;
};

TEST_P(ChaosTest, ABalancedCertificateIsNeverWrong) {
  std::mt19937 random(static_cast<unsigned>(GetParam()));
  fill_dated(1, 90);
  fill_dated(2, 40);
  job_.workers = 1;
  vendor_.dated = GetParam() % 3 != 0;  // every third vendor neither dates nor orders
  const auto where = [&](int night) {
    return "night " + std::to_string(night) + " seed " + std::to_string(GetParam());
  };
  for (int night = 0; night < 6; ++night) {
    const int rate = static_cast<int>(random() % 4);
    vendor_.before_fetch = [&](int, std::int64_t, const std::string&) {
      for (int i = 0; i < 2; ++i)
        if (static_cast<int>(random() % 8) < rate) change(random, false);
    };
    // Nothing changes between the last answer and the certificate: the two must agree exactly.
    observer_.on_balanced = [&](const std::string& survey) {
      const bool by_date =
          query("select as_of < '2000-01-01' from surveysync.certificate order by certified_at desc limit 1") == "t";
      std::string differs = difference(survey);
      if (!vendor_.dated && differs.find(" is missing") == std::string::npos &&
          differs.find("stored and gone") == std::string::npos)
        differs.clear();  // edits show in the next run
      EXPECT_TRUE(differs.empty() || by_date) << where(night) << ": " << differs;
    };
    const auto report = sync_once();
    ASSERT_FALSE(report.error) << report.error->full_text();
    vendor_.before_fetch = {};
    const int changes = static_cast<int>(random() % 6);
    for (int i = 0; i < changes; ++i)
      change(random, false);
    vendor_.now += 36'000;
    // A night in which nothing changes while we read ends equal, whatever happened before.
    const auto calm = sync_once();
    EXPECT_EQ(calm.unbalanced, 0) << where(night);
    EXPECT_EQ(difference(), "") << where(night);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ChaosTest, testing::Range(1, 13));

}  // namespace
}  // namespace surveysync::test
