// The run from plan to certificate, against a real PostgreSQL and a vendor in memory that changes while it is read.

#include "run_fixture.h"

namespace surveysync::test {
namespace {

TEST_F(RunTest, LoadsAndCertifiesEverything) {
  fill(1, 37);
  fill(2, 5);
  vendor_.surveys[3] = {};
  const auto report = sync_once();
  EXPECT_EQ(report.outcome, sync::Outcome::succeeded) << (report.error ? report.error->full_text() : "");
  EXPECT_EQ(report.certified, 3);
  EXPECT_EQ(report.counts.inserted, 42);
  expect_everything_stored();
  EXPECT_EQ(query("select count(*) from surveysync.certificate where balanced"), "3");
  EXPECT_EQ(query("select outcome || inserted from surveysync.run"), "succeeded42");
  EXPECT_EQ(query("select count(*) from surveysync.checkpoint where coalesce(position, '') = ''"), "3");
}

TEST_F(RunTest, AgainUnchangedTouchesNoRow) {
  fill(1, 30);
  sync_once();
  const std::string before =
      query("select string_agg(xmin::text || ctid::text, ',' order by response_id) from alchemer.response");
  const auto report = sync_once();
  EXPECT_EQ(report.outcome, sync::Outcome::succeeded);
  EXPECT_EQ(report.counts.inserted + report.counts.updated, 0);
  EXPECT_GE(report.counts.unchanged, 30);
  EXPECT_EQ(query("select string_agg(xmin::text || ctid::text, ',' order by response_id) from alchemer.response"),
            before);
}

TEST_F(RunTest, MeetsWhatIsAppendedWhileItReads) {
  fill(1, 25);
  vendor_.before_fetch = [this](int ordinal, std::int64_t survey, const std::string&) {
    if (ordinal <= 4) vendor_.surveys[survey][100 + ordinal] = "Partial";
  };
  const auto report = sync_once();
  EXPECT_EQ(report.outcome, sync::Outcome::succeeded) << query("select row_to_json(c) from surveysync.certificate c");
  expect_everything_stored();
}

TEST_F(RunTest, DeletionsWhileReadingHideNothingAndAreFound) {
  fill(1, 60);
  vendor_.before_fetch = [this](int ordinal, std::int64_t survey, const std::string&) {
    if (ordinal == 3) vendor_.surveys[survey].erase(2);   // among the unread
    if (ordinal == 4) vendor_.surveys[survey].erase(58);  // among the stored
  };
  const auto report = sync_once();
  EXPECT_EQ(difference(), "");
  EXPECT_EQ(report.outcome, sync::Outcome::succeeded);
  EXPECT_EQ(query("select tombstoned from surveysync.certificate where balanced"), "1");
}

TEST_F(RunTest, OneAddedAndOneDeletedAtTheSameTimeIsSeen) {
  fill(1, 40);
  sync_once();
  vendor_.surveys[1].erase(7);
  vendor_.surveys[1][41] = "Complete";
  const auto report = sync_once();
  EXPECT_EQ(difference(), "");
  EXPECT_EQ(report.outcome, sync::Outcome::succeeded);
  EXPECT_EQ(report.counts.tombstoned, 1);
}

TEST_F(RunTest, ADeletionAndALateArrivalTogetherAreSeenWhileTheVendorIsBusy) {
  fill(1, 40);
  vendor_.surveys[1].erase(33);
  query(
      "insert into surveysync.checkpoint (source, stream, partition, newest_change, updated_at) "
      "values ('us', 'response', '1', now(), now())");
  vendor_.before_fetch = [this](int ordinal, std::int64_t survey, const std::string&) {
    if (ordinal != 4) return;  // both in the part that is already read: no total moves
    vendor_.surveys[survey].erase(35);
    vendor_.surveys[survey][33] = "Complete";
  };
  const auto report = sync_once();
  EXPECT_EQ(difference(), "");
  EXPECT_EQ(report.outcome, sync::Outcome::succeeded);
  EXPECT_EQ(query("select page_size from surveysync.checkpoint where source = 'us'"), "10")
      << "a second look teaches no page size";
}

TEST_F(RunTest, AHiddenRowIsNeverCertified) {
  fill(1, 30);
  vendor_.hidden = {13};
  const auto report = sync_once();
  EXPECT_EQ(report.unbalanced, 1);
  EXPECT_EQ(query("select stored_live || '/' || total_after || balanced from surveysync.certificate"), "29/30false");
}

TEST_F(RunTest, OneFailingSurveyLeavesTheRunPartial) {
  fill(1, 12);
  fill(2, 12);
  vendor_.before_fetch = [](int, std::int64_t survey, const std::string&) {
    if (survey == 1) throw Error(ErrorKind::denied, "reading survey 1: the vendor said \"Permission Denied\"");
  };
  const auto report = sync_once();
  EXPECT_EQ(report.outcome, sync::Outcome::partial);
  ASSERT_EQ(report.failures.size(), 1U);
  EXPECT_EQ(report.failures[0].partition, "1");
  EXPECT_EQ(query("select outcome from surveysync.run_stream where partition = '1'"), "failed");
  EXPECT_EQ(query("select error from surveysync.run"),
            "1 of 2 not complete; 1: reading survey 1: the vendor said \"Permission Denied\"");
  EXPECT_EQ(query("select count(*) from alchemer.response where survey_id = 2"), "12");
}

TEST_F(RunTest, ARefusedKeyEndsTheRun) {
  for (int survey = 1; survey <= 20; ++survey)
    fill(survey, 3);
  vendor_.before_fetch = [](int, std::int64_t, const std::string&) {
    throw Error(ErrorKind::unauthorized, "key refused");
  };
  const auto report = sync_once();
  EXPECT_EQ(report.outcome, sync::Outcome::failed);
  ASSERT_TRUE(report.error);
  EXPECT_EQ(report.error->kind(), ErrorKind::unauthorized);
  EXPECT_LE(vendor_.requests(), 2) << "workers went on with a dead key";
}

TEST_F(RunTest, AVendorThatIsDownEndsTheRun) {
  for (int survey = 1; survey <= 40; ++survey)
    fill(survey, 3);
  vendor_.before_fetch = [](int, std::int64_t, const std::string&) {
    throw Error(ErrorKind::unavailable, "connection refused");
  };
  const auto report = sync_once();
  EXPECT_EQ(report.outcome, sync::Outcome::failed);
  EXPECT_LE(vendor_.requests(), 8);
}

TEST_F(RunTest, PagesShrinkWhenTheVendorTimesOut) {
  fill(1, 50);
  int failures = 0;
  vendor_.before_fetch = [&](int ordinal, std::int64_t, const std::string&) {
    if (ordinal < 3 || failures == 2) return;
    ++failures;
    Error error(ErrorKind::unavailable, "time-out");
    error.with_timed_out(true);
    throw error;
  };
  const auto report = sync_once();
  EXPECT_EQ(report.outcome, sync::Outcome::succeeded);
  EXPECT_EQ(observer_.count("page_size_changed"), 2);
  expect_everything_stored();
}

TEST_F(RunTest, ResumesWhereItWasStopped) {
  vendor_.dated = true;
  fill(1, 80);
  for (int id = 1; id <= 80; ++id)
    vendor_.stamps[1][id] = id * 1000;
  std::stop_source stop;
  observer_.on_page = [&](int page) {
    if (page == 8) stop.request_stop();
  };
  const auto first = sync_once(stop.get_token());
  EXPECT_EQ(first.outcome, sync::Outcome::cancelled);
  EXPECT_EQ(query("select outcome from surveysync.run"), "cancelled");
  const int stored = std::stoi(query("select count(*) from alchemer.response"));
  EXPECT_GT(stored, 0);
  EXPECT_LT(stored, 80);
  observer_.on_page = {};
  const auto second = sync_once();
  EXPECT_EQ(second.outcome, sync::Outcome::succeeded);
  EXPECT_EQ(second.counts.inserted, 80 - stored);
  // Pages overlap a little, and the last look shows some of the newest again.
  EXPECT_LT(second.counts.unchanged, stored + 20) << "it began again from the end";
  expect_everything_stored();
}

TEST_F(RunTest, ALostConnectionInTheMiddleCostsNothing) {
  fill(1, 80);
  fill(2, 80);
  observer_.on_page = [this](int page) {
    if (page % 5 == 0)
      query(
          "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = "
          "current_database()");
  };
  const auto report = sync_once();
  EXPECT_EQ(report.outcome, sync::Outcome::succeeded) << (report.error ? report.error->full_text() : "");
  EXPECT_GT(observer_.count("store_unavailable"), 0);
  expect_everything_stored();
  EXPECT_EQ(query("select count(*) from alchemer.response"), "160");
}

TEST_F(RunTest, AConnectionLostWhileTheVendorListsCostsNothing) {
  fill(1, 12);
  vendor_.before_list = [this] {
    query(
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = "
        "current_database()");
  };
  const auto report = sync_once();
  EXPECT_EQ(report.outcome, sync::Outcome::succeeded) << (report.error ? report.error->full_text() : "");
  expect_everything_stored();
}

TEST_F(RunTest, ARunOfNamedSurveysIsNoNightsLoad) {
  fill(1, 3);
  fill(2, 3);
  job_.only = {"1"};
  sync_once();
  EXPECT_EQ(query("select kind || ' ' || narrowed from surveysync.run order by run_id desc limit 1"),
            "incremental true");
  job_.only.clear();
  sync_once();
  EXPECT_EQ(query("select kind || ' ' || narrowed from surveysync.run order by run_id desc limit 1"),
            "incremental false");
}

TEST_F(RunTest, OnlyWhatIsFollowedIsRead) {
  fill(1, 3);
  fill(2, 3);
  fill(3, 3);
  job_.following.exclude = {"2"};
  job_.only = {"1", "2", "77"};
  const auto report = sync_once();
  EXPECT_EQ(query("select string_agg(distinct survey_id::text, ',') from alchemer.response"), "1");
  ASSERT_EQ(report.failures.size(), 2U) << "one is excluded, one unknown";
  EXPECT_EQ(report.failures[0].partition, "2");
  EXPECT_EQ(report.failures[1].partition, "77");
}

TEST_F(RunTest, AnIncludedSurveyThatIsGoneFromTheListIsTold) {
  fill(1, 3);
  job_.following.include = {"1", "5"};
  const auto report = sync_once();
  EXPECT_EQ(report.outcome, sync::Outcome::partial);
  ASSERT_EQ(report.failures.size(), 1U);
  EXPECT_EQ(report.failures[0].partition, "5");
}

TEST_F(RunTest, APageThatMakesNoSenseIsAskedForOnceMore) {
  fill(1, 20);
  bool damaged = false;
  vendor_.before_fetch = [&](int ordinal, std::int64_t, const std::string&) {
    if (ordinal >= 2 && !std::exchange(damaged, true)) throw Error(ErrorKind::malformed, "json: cut");
  };
  EXPECT_EQ(sync_once().outcome, sync::Outcome::succeeded);
  expect_everything_stored();
}

TEST_F(RunTest, CountsOfAFailedSurveyAreKept) {
  vendor_.dated = true;
  fill(1, 40);
  vendor_.before_fetch = [](int ordinal, std::int64_t, const std::string&) {
    if (ordinal >= 4) throw Error(ErrorKind::rejected, "the vendor said no");
  };
  const auto report = sync_once();
  EXPECT_EQ(report.outcome, sync::Outcome::failed);
  EXPECT_EQ(report.counts.inserted, 16);
  EXPECT_EQ(query("select inserted from surveysync.run"), "16");
  EXPECT_EQ(query("select inserted || '/' || requests from surveysync.run_stream"), "16/3");
}

TEST_F(RunTest, TheLeaseOutlivesALongPlan) {
  fill(1, 3);
  job_.lease_ttl = std::chrono::milliseconds(600);
  vendor_.on_learn = [this](const std::string&) { clock_.wait_for(std::chrono::milliseconds(1500), {}); };
  EXPECT_EQ(sync_once().outcome, sync::Outcome::succeeded);
}

TEST_F(RunTest, ALostLeaseStopsTheRun) {
  fill(1, 30);
  job_.lease_ttl = std::chrono::milliseconds(300);
  vendor_.before_fetch = [this](int ordinal, std::int64_t, const std::string&) {
    if (ordinal != 2) return;
    query(
        "update surveysync.lease set holder = 'elsewhere/1/1', epoch = epoch + 1, expires_at = now() + interval '1 "
        "hour'");
  };
  const auto report = sync_once();
  ASSERT_TRUE(report.error);
  EXPECT_EQ(report.error->kind(), ErrorKind::locked) << report.error->what();
}

TEST_F(RunTest, TooManyBadRecordsMeanAChangedApi) {
  fill(1, 60);
  vendor_.bad = [](std::int64_t id) { return id % 2 == 0; };
  const auto report = sync_once();
  EXPECT_EQ(report.outcome, sync::Outcome::failed);
  ASSERT_TRUE(report.error);
  EXPECT_NE(std::string(report.error->what()).find("could not be stored"), std::string::npos);
  EXPECT_EQ(query("select count(*) from surveysync.quarantine"), "30");
}

TEST_F(RunTest, RowsAreMadeAnewWhenWhatDecodingDependsOnChanges) {
  fill(1, 12);
  sync_once();
  vendor_.decoded_with = "second";
  const auto begun = vendor_.requests();
  vendor_.before_fetch = [begun](int ordinal, std::int64_t, const std::string&) {
    if (ordinal == begun + 2) throw Error(ErrorKind::rejected, "not now");
  };
  sync_once();  // fails half way: the next run must not take the rest for done
  vendor_.before_fetch = {};
  EXPECT_GE(sync_once().counts.updated, 12);
  EXPECT_EQ(sync_once().counts.updated, 0);
}

TEST_F(RunTest, AFewBadRecordsAreCountedInTheCertificate) {
  fill(1, 60);
  vendor_.bad = [](std::int64_t id) { return id == 7; };
  EXPECT_EQ(sync_once().outcome, sync::Outcome::succeeded);
  EXPECT_EQ(query("select stored_live || '+' || quarantined from surveysync.certificate where balanced"), "59+1");
  vendor_.bad = {};
  EXPECT_EQ(sync_once().outcome, sync::Outcome::succeeded);
  EXPECT_EQ(query("select count(*) from surveysync.quarantine"), "0");
  expect_everything_stored();
}

TEST_F(RunTest, NamingOnlyUnknownSurveysIsAMistakeOfTheCommand) {
  fill(1, 3);
  job_.only = {"77"};
  const auto report = sync_once();
  ASSERT_TRUE(report.error);
  EXPECT_EQ(report.error->kind(), ErrorKind::config);
}

TEST_F(RunTest, ASurveyThatTeachesNothingDoesNotEndTheRun) {
  fill(1, 3);
  fill(2, 3);
  vendor_.on_learn = [](const std::string& survey) {
    if (survey == "1") throw Error(ErrorKind::unavailable, "the vendor answered 500");
  };
  EXPECT_EQ(sync_once().outcome, sync::Outcome::succeeded);
}

TEST_F(RunTest, ASecondProcessIsKeptOut) {
  fill(1, 3);
  TempCluster::shared().run_sql(
      database_,
      "insert into surveysync.lease (source, holder, epoch, acquired_at, renewed_at, expires_at) values ('us', "
      "'elsewhere/1/1', 5, now(), now(), now() + interval '1 hour')");
  try {
    sync_once();
    FAIL() << "two holders";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::locked) << error.what();
  }
}

}  // namespace
}  // namespace surveysync::test
