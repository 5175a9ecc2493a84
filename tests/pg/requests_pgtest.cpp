// Requests that one process leaves, another executes, and people write by hand.

#include "store/requests.h"

#include <atomic>
#include <thread>

#include "fixture.h"
#include "store/history.h"
#include "store/ledger.h"

namespace surveysync::test {
namespace {

using namespace std::chrono_literals;

class RequestsTest : public DatabaseTest {
 protected:
  store::Fence fence(const std::string& source = "us") { return store::Lease::acquire(*connection_, source, 1min); }
  /// As if another process had taken the lease since.
  void steal(const std::string& source = "us") {
    run_sql("UPDATE surveysync.lease SET epoch = epoch + 1, holder = 'elsewhere/1/1' WHERE source = '" + source + "'");
  }
  std::string insert(const std::string& columns, const std::string& values) {
    return query("INSERT INTO surveysync.request (source, " + columns + ") VALUES ('us', " + values +
                 ") RETURNING request_id");
  }
  static UtcTime day(int number) { return UtcTime(std::chrono::days(number)); }

  std::unique_ptr<pg::Connection> connection_ = connect();
  store::Requests requests_{*connection_};
};

TEST_F(RequestsTest, GoesFromTheOneWhoAsksToTheHolderAndBack) {
  const store::RequestArguments arguments = {{"1", "22"}, {"7"}, day(20'000), day(20'001) + 1us, true};
  const std::int64_t id = requests_.add("us", "resync", arguments, "operator");
  EXPECT_EQ(requests_.waiting(), std::vector<std::string>{"us"});
  std::optional<store::RunRequest> request = requests_.find(id);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->arguments, arguments);
  EXPECT_EQ(request->kind, "resync");
  EXPECT_EQ(request->requested_by, "operator");
  EXPECT_FALSE(request->started_at);
  EXPECT_EQ(query("SELECT arguments FROM surveysync.request"),
            R"({"from": "2024-10-04T00:00:00Z", "until": "2024-10-05T00:00:00.000001Z", "survey": ["1", "22"], )"
            R"("response": ["7"], "confirmed": true})");

  const store::Fence held = fence();
  EXPECT_EQ(requests_.holder("us"), held.holder);
  request = requests_.take(held);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->request_id, id);
  EXPECT_EQ(request->arguments, arguments);
  EXPECT_TRUE(request->started_at);
  EXPECT_EQ(query("SELECT holder FROM surveysync.request"), held.holder);
  requests_.note_run(held, id, 42);
  EXPECT_EQ(requests_.find(id)->run_id, 42);
  requests_.finish(held, id, 42, "partial", 5, "one survey failed");
  request = requests_.find(id);
  EXPECT_EQ(request->outcome, "partial");
  EXPECT_EQ(request->exit_code, 5);
  EXPECT_EQ(request->error, "one survey failed");
  EXPECT_TRUE(request->finished_at);
  EXPECT_TRUE(requests_.waiting().empty());
  EXPECT_EQ(requests_.take(held), std::nullopt);
  store::Lease::release(*connection_, held);
  EXPECT_EQ(requests_.holder("us"), std::nullopt);
}

TEST_F(RequestsTest, NothingAskedForIsNothingWritten) {
  const std::int64_t id = requests_.add("us", "incremental", {}, "");
  EXPECT_EQ(query("SELECT arguments FROM surveysync.request"), "{}");
  EXPECT_EQ(requests_.find(id)->arguments, store::RequestArguments());
  EXPECT_EQ(requests_.find(id + 1), std::nullopt);
}

TEST_F(RequestsTest, AreTakenInOrderAndOnlyOfTheFencesSource) {
  const std::int64_t other = requests_.add("eu", "resync", {}, "");
  const std::int64_t first = requests_.add("us", "resync", {}, ""), second = requests_.add("us", "backfill", {}, "");
  const store::Fence held = fence();
  EXPECT_EQ(requests_.take(held)->request_id, first);
  EXPECT_EQ(requests_.take(held)->request_id, first) << "until it is finished";
  EXPECT_EQ(requests_.take(held, second)->request_id, second);
  EXPECT_EQ(requests_.take(held, other), std::nullopt);
  requests_.finish(held, first, 0, "failed", 3, "");
  EXPECT_EQ(requests_.take(held, first), std::nullopt);
  EXPECT_EQ(requests_.take(held)->request_id, second);
  EXPECT_EQ(requests_.waiting(), (std::vector<std::string>{"eu", "us"}));
}

TEST_F(RequestsTest, WhatADeadHolderBeganIsTakenAgain) {
  const std::int64_t id = requests_.add("us", "resync", {}, "");
  const store::Fence old = fence();
  ASSERT_TRUE(requests_.take(old));
  requests_.note_run(old, id, 7);
  const store::Fence mine = fence();  // the same process again: a new epoch
  const std::optional<store::RunRequest> request = requests_.take(mine);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->request_id, id);
  EXPECT_EQ(request->run_id, 0) << "of the run that begins now";
}

TEST_F(RequestsTest, TheFenceKeepsALateHolderOut) {
  const std::int64_t id = requests_.add("us", "resync", {}, "");
  const store::Fence held = fence();
  ASSERT_TRUE(requests_.take(held));
  steal();
  EXPECT_EQ(error_of([&] { requests_.take(held); }).kind(), ErrorKind::locked);
  EXPECT_EQ(error_of([&] { requests_.take(held, id); }).kind(), ErrorKind::locked);
  EXPECT_EQ(error_of([&] { requests_.note_run(held, id, 1); }).kind(), ErrorKind::locked);
  EXPECT_EQ(error_of([&] { requests_.finish(held, id, 1, "succeeded", 0, ""); }).kind(), ErrorKind::locked);
  EXPECT_FALSE(requests_.find(id)->finished_at);
  EXPECT_EQ(requests_.find(id)->run_id, 0);
  EXPECT_EQ(requests_.holder("us"), "elsewhere/1/1");
}

TEST_F(RequestsTest, IsTakenBackOnlyBeforeItBegan) {
  const std::int64_t first = requests_.add("us", "resync", {}, ""), second = requests_.add("us", "resync", {}, "");
  EXPECT_TRUE(requests_.withdraw(first));
  EXPECT_FALSE(requests_.withdraw(first));
  EXPECT_EQ(requests_.find(first)->outcome, "cancelled");
  const store::Fence held = fence();
  EXPECT_EQ(requests_.take(held)->request_id, second);
  EXPECT_FALSE(requests_.withdraw(second));
  EXPECT_FALSE(requests_.find(second)->finished_at);
}

TEST_F(RequestsTest, IsEitherBegunOrTakenBack) {
  const store::Fence held = fence();
  int begun = 0;
  for (int round = 0; round < 30; ++round) {
    const std::int64_t id = requests_.add("us", "resync", {}, "");
    std::atomic<bool> withdrawn = false;
    std::jthread other([&] {
      const auto connection = connect();
      withdrawn = store::Requests(*connection).withdraw(id);
    });
    const std::optional<store::RunRequest> taken = requests_.take(held);
    other.join();
    EXPECT_NE(taken.has_value(), withdrawn.load());
    if (taken) {
      ++begun;
      requests_.finish(held, id, 0, "succeeded", 0, "");
    }
  }
  EXPECT_EQ(query("SELECT count(*) FROM surveysync.request WHERE outcome = 'succeeded'"), std::to_string(begun));
}

TEST_F(RequestsTest, RowsFromPeoplesHandsWork) {
  const store::Fence held = fence();
  const auto taken = [&](const std::string& arguments) {
    insert("kind, arguments", "'resync', '" + arguments + "'");
    const std::optional<store::RunRequest> request = requests_.take(held);
    EXPECT_TRUE(request) << arguments << ": " << query("SELECT max(error) FROM surveysync.request");
    if (!request) return store::RequestArguments();
    EXPECT_EQ(requests_.find(request->request_id)->arguments, request->arguments);
    requests_.finish(held, request->request_id, 0, "succeeded", 0, "");
    return request->arguments;
  };
  insert("kind", "'incremental'");
  const std::optional<store::RunRequest> bare = requests_.take(held);
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->requested_by, "postgres");
  EXPECT_EQ(bare->arguments, store::RequestArguments());
  requests_.finish(held, bare->request_id, 0, "succeeded", 0, "");
  EXPECT_EQ(taken("{}"), store::RequestArguments());
  EXPECT_EQ(taken(R"({"survey": null, "from": null, "confirmed": null})"), store::RequestArguments());
  EXPECT_EQ(taken(R"({"survey": 12})").surveys, std::set<std::string>{"12"});
  EXPECT_EQ(taken(R"({"survey": "12"})").surveys, std::set<std::string>{"12"});
  EXPECT_EQ(taken(R"({"survey": [12, "13"], "response": [7]})").surveys, (std::set<std::string>{"12", "13"}));
  EXPECT_EQ(taken(R"({"survey": []})"), store::RequestArguments());
  EXPECT_EQ(taken(R"({"confirmed": false})"), store::RequestArguments());
  // The server's own time zone is Asia/Kathmandu.
  EXPECT_EQ(taken(R"({"from": "2024-10-04"})").from, day(20'000));
  EXPECT_EQ(taken(R"({"until": "2024-10-04 12:30"})").until, day(20'000) + 12h + 30min);
  EXPECT_EQ(taken(R"({"from": "2024-10-04T02:00:00+02:00"})").from, day(20'000));
}

TEST_F(RequestsTest, WhatNobodyCanExecuteIsFinishedWithItsReasonAndTheNextIsTaken) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"'rsync', '{}'", "unknown kind \"rsync\": incremental, resync or backfill"},
      {"'resync', '{\"surveys\": [\"1\"]}'",
       "unknown argument \"surveys\": survey, response, from, until or confirmed"},
      {"'resync', '[]'", "the arguments are no JSON object"},
      {"'resync', '\"x\"'", "the arguments are no JSON object"},
      {"'resync', '{\"survey\": {\"id\": 1}}'", "survey is no list of ids"},
      {"'resync', '{\"survey\": [null]}'", "survey is no list of ids"},
      {"'resync', '{\"confirmed\": \"yes\"}'", "confirmed is neither true nor false"},
      {"'resync', '{\"from\": \"yesterday\"}'", "from is no time such as \"2026-01-01T00:00:00Z\""},
      {"'resync', '{\"from\": \"infinity\"}'", "from is no time such as \"2026-01-01T00:00:00Z\""},
      {"'resync', '{\"until\": 1760000000}'", "until is no time such as \"2026-01-01T00:00:00Z\""},
      {"'resync', '{\"until\": \"2026-02-30\"}'", "from or until is no time: there is no such day"}};
  std::vector<std::int64_t> ids;
  for (const auto& [values, reason] : wrong)
    ids.push_back(std::stoll(insert("kind, arguments", values)));
  const std::int64_t good = requests_.add("us", "resync", {}, "");
  const store::Fence held = fence();
  EXPECT_EQ(requests_.take(held, ids[0]), std::nullopt);
  const std::optional<store::RunRequest> taken = requests_.take(held);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->request_id, good);
  for (std::size_t index = 0; index < wrong.size(); ++index) {
    const std::optional<store::RunRequest> request = requests_.find(ids[index]);
    ASSERT_TRUE(request);
    EXPECT_EQ(request->error, wrong[index].second) << wrong[index].first;
    EXPECT_EQ(request->outcome, "failed");
    EXPECT_EQ(request->exit_code, 2);
    EXPECT_TRUE(request->finished_at);
  }
}

TEST_F(RequestsTest, ALeaseThatRanOutHasNoHolder) {
  fence();
  EXPECT_TRUE(requests_.holder("us"));
  run_sql("UPDATE surveysync.lease SET expires_at = now() - interval '1 s'");
  EXPECT_EQ(requests_.holder("us"), std::nullopt);
  EXPECT_EQ(requests_.holder("never heard of"), std::nullopt);
}

TEST_F(RequestsTest, TheAgendaSeesTheNewestIncrementalRunsOfItsSource) {
  const store::Fence held = fence(), other = fence("eu");
  store::Ledger ledger(*connection_);
  const std::int64_t first = ledger.open_run(held, "incremental");
  ledger.finish_run(held, first, "failed", {}, "gone", false);
  ledger.open_run(held, "resync");
  ledger.finish_run(held, ledger.open_run(held, "incremental", true), "succeeded", {}, "", true);  // of one survey
  ledger.open_run(other, "incremental");
  const std::int64_t last = ledger.open_run(held, "incremental");
  const std::vector<store::RunRow> runs = store::History(*connection_).recent_runs("us", 5);
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0].run_id, last);
  EXPECT_EQ(runs[0].outcome, "");
  EXPECT_EQ(runs[1].run_id, first);
  EXPECT_EQ(runs[1].outcome, "failed");
  EXPECT_EQ(store::History(*connection_).recent_runs("us", 1).size(), 1U);
}

}  // namespace
}  // namespace surveysync::test
