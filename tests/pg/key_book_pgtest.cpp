// What all processes together know of keys: never a key, one probe at a time, a dozen requests in the first hour.

#include "store/key_book.h"

#include <atomic>
#include <thread>

#include "fixture.h"

namespace surveysync::test {
namespace {

using namespace std::chrono_literals;

class KeyBookTest : public DatabaseTest {
 protected:
  static store::KeyRecord key(const std::string& fingerprint, const std::string& source = "us",
                              const std::string& slot = "secret") {
    store::KeyRecord record;
    record.source = source;
    record.slot = slot;
    record.fingerprint = fingerprint;
    record.lines = {fingerprint + "1", fingerprint + "2"};
    record.verdict = "rotated";
    record.evidence = "Login failed";
    record.next_step = "put the new key there";
    return record;
  }
  /// As if so much time had gone by.
  void pass(const std::string& time) {
    run_sql("UPDATE surveysync.credential SET next_probe_at = next_probe_at - interval '" + time +
            "', refused_at = refused_at - interval '" + time + "', used_at = used_at - interval '" + time + "'");
  }
  bool claim(const store::KeyRecord& record, int most = 12) { return book_.claim_probe(record, waits_, most); }

  const std::vector<Duration> waits_ = {70s, 2min, 5min, 10min};
  std::unique_ptr<pg::Connection> connection_ = connect();
  store::KeyBook book_{*connection_};
};

TEST_F(KeyBookTest, ANewKeyIsUnknownUntilItIsUsed) {
  const store::KeyRecord unknown = book_.recall(key("aa"));
  EXPECT_EQ(unknown.fingerprint, "aa");
  EXPECT_EQ(unknown.verdict, "");
  EXPECT_FALSE(unknown.first_used_at);
  EXPECT_TRUE(book_.records("").empty()) << "recalling notes nothing";
  const store::KeyRecord begun = book_.begin(key("aa"));
  EXPECT_EQ(begun.uses, 1);
  EXPECT_TRUE(begun.first_used_at);
  EXPECT_EQ(begun.lines, (std::vector<std::string>{"aa1", "aa2"}));
  EXPECT_FALSE(begun.last_good_at);
  EXPECT_EQ(book_.begin(key("aa")).uses, 2);
  pass("3 minutes");
  const store::KeyRecord later = book_.recall(key("aa"));
  EXPECT_EQ(later.uses, 2);
  EXPECT_GE(later.since_use, 3min);
  EXPECT_LT(later.since_use, 4min);
}

TEST_F(KeyBookTest, AnAnswerClearsAndIsRemembered) {
  book_.begin(key("aa"));
  book_.refused(key("aa"), 3, waits_);
  book_.accepted(key("aa"));
  const store::KeyRecord known = book_.recall(key("aa"));
  EXPECT_EQ(known.uses, 0);
  EXPECT_EQ(known.verdict, "");
  EXPECT_EQ(known.refusals, 0);
  EXPECT_FALSE(known.refused_at);
  EXPECT_FALSE(known.next_probe_at);
  EXPECT_TRUE(known.last_good_at);
  EXPECT_EQ(known.good_lines, (std::vector<std::string>{"aa1", "aa2"}));
  book_.accepted(key("never", "eu"));
  EXPECT_TRUE(book_.recall(key("never", "eu")).last_good_at) << "also without a begin";
}

TEST_F(KeyBookTest, AnotherKeyInTheSlotClearsAllButTheGoodLines) {
  book_.begin(key("aa"));
  book_.accepted(key("aa"));
  book_.refused(key("aa"), 2, waits_);
  pass("2 minutes");
  ASSERT_TRUE(claim(key("aa")));
  const auto expect_fresh = [&](const store::KeyRecord& record) {
    EXPECT_EQ(record.fingerprint, "bb");
    EXPECT_EQ(record.verdict, "");
    EXPECT_EQ(record.evidence, "");
    EXPECT_EQ(record.probes, 0);
    EXPECT_EQ(record.refusals, 0);
    EXPECT_FALSE(record.refused_at);
    EXPECT_FALSE(record.next_probe_at);
    EXPECT_FALSE(record.last_good_at);
    EXPECT_EQ(record.good_lines, (std::vector<std::string>{"aa1", "aa2"}));
  };
  expect_fresh(book_.recall(key("bb")));
  const store::KeyRecord begun = book_.begin(key("bb"));
  expect_fresh(begun);
  EXPECT_EQ(begun.uses, 1);
  expect_fresh(book_.records("us").at(0));
}

TEST_F(KeyBookTest, ARefusalIsKeptWithItsReasonAndCounted) {
  book_.begin(key("aa"));
  book_.refused(key("aa"), 2, waits_);
  const store::KeyRecord first = book_.recall(key("aa"));
  EXPECT_EQ(first.verdict, "rotated");
  EXPECT_EQ(first.evidence, "Login failed");
  EXPECT_EQ(first.next_step, "put the new key there");
  EXPECT_EQ(first.refusals, 2);
  EXPECT_EQ(first.uses, 0);
  EXPECT_GT(first.until_probe, 60s);
  EXPECT_LE(first.until_probe, 70s);
  pass("30 seconds");
  store::KeyRecord again = key("aa");
  again.verdict = "access_disabled";
  again.evidence = std::string("odd \0 byte", 10);
  const std::optional<UtcTime> since = book_.recall(key("aa")).refused_at;
  book_.refused(again, 1, waits_);
  const store::KeyRecord second = book_.recall(key("aa"));
  EXPECT_EQ(second.verdict, "access_disabled");
  EXPECT_EQ(second.refusals, 3);
  EXPECT_EQ(second.refused_at, since);
  EXPECT_LE(second.until_probe, 40s) << "the wait goes on";
}

TEST_F(KeyBookTest, CallsGivenUpInFlightCountToo) {
  book_.begin(key("aa"));
  book_.count_refusals("aa", 7);
  EXPECT_EQ(book_.recall(key("aa")).refusals, 0) << "a key that is not known as refused";
  book_.refused(key("aa"), 2, waits_);
  book_.refused(key("aa", "eu"), 0, waits_);
  book_.count_refusals("aa", 7);
  EXPECT_EQ(book_.recall(key("aa")).refusals, 9) << "once, whatever the number of sources";
  pass("5 minutes");
  EXPECT_FALSE(claim(key("aa"), 9)) << "the hour's dozen is used up";
  EXPECT_TRUE(claim(key("aa"), 10));
}

TEST_F(KeyBookTest, TheSameKeyUnderTwoSourcesIsOneKey) {
  book_.begin(key("aa", "us"));
  book_.begin(key("aa", "eu", "next"));
  book_.begin(key("bb", "au"));
  book_.refused(key("aa", "us"), 2, waits_);
  const store::KeyRecord other = book_.recall(key("aa", "eu", "next"));
  EXPECT_EQ(other.source, "eu");
  EXPECT_EQ(other.slot, "next");
  EXPECT_EQ(other.verdict, "rotated");
  EXPECT_EQ(other.refusals, 2);
  EXPECT_GT(other.until_probe, 60s);
  EXPECT_EQ(book_.recall(key("bb", "au")).verdict, "");
  EXPECT_EQ(book_.recall(key("aa", "new")).verdict, "rotated") << "also before its own first use";

  pass("80 seconds");
  EXPECT_TRUE(claim(key("aa", "eu", "next"))) << "one source may probe for all";
  EXPECT_FALSE(claim(key("aa", "us")));
  book_.refused(key("aa", "eu", "next"), 0, waits_);
  const store::KeyRecord known = book_.recall(key("aa", "us"));
  EXPECT_EQ(known.refusals, 3) << "the probe is counted once";
  EXPECT_EQ(known.probes, 1);
  EXPECT_GT(known.until_probe, 110s);
  EXPECT_LE(known.until_probe, 2min) << "a source that hears of it later begins no wait of its own";

  book_.accepted(key("aa", "eu", "next"));
  EXPECT_EQ(book_.recall(key("aa", "us")).verdict, "");
  EXPECT_TRUE(book_.recall(key("aa", "us")).last_good_at);
  EXPECT_EQ(book_.recall(key("aa", "us")).good_lines, (std::vector<std::string>{"aa1", "aa2"}));
  EXPECT_FALSE(book_.recall(key("bb", "au")).last_good_at);
}

TEST_F(KeyBookTest, ProbesFollowTheWaitsAndTheLastRepeats) {
  book_.begin(key("aa"));
  EXPECT_FALSE(claim(key("aa"))) << "it is not refused";
  book_.refused(key("aa"), 1, waits_);
  pass("69 seconds");
  EXPECT_FALSE(claim(key("aa")));
  const std::vector<std::pair<std::string, Duration>> steps = {
      {"2 seconds", 2min}, {"121 seconds", 5min}, {"5 minutes", 10min}, {"10 minutes", 10min}};
  int probes = 0;
  for (const auto& [time, next] : steps) {
    pass(time);
    EXPECT_TRUE(claim(key("aa"))) << time;
    EXPECT_FALSE(claim(key("aa"))) << time;
    book_.refused(key("aa"), 1, waits_);  // a probe of two requests
    const store::KeyRecord known = book_.recall(key("aa"));
    EXPECT_EQ(known.probes, ++probes);
    EXPECT_EQ(known.refusals, 2 * probes + 1);
    EXPECT_GT(known.until_probe, next - 5s);
    EXPECT_LE(known.until_probe, next);
  }
}

TEST_F(KeyBookTest, NoMoreThanSoManyRequestsInTheFirstHourOverAllSources) {
  book_.refused(key("aa", "us"), 5, waits_);
  book_.refused(key("aa", "eu"), 4, waits_);
  int granted = 0;
  for (int turn = 0; turn < 10; ++turn) {
    run_sql("UPDATE surveysync.credential SET next_probe_at = now() - interval '1 s'");
    // Half of them die before they can tell.
    if (!claim(key("aa", turn % 2 == 0 ? "us" : "eu"))) continue;
    ++granted;
    if (turn % 2 == 0) book_.refused(key("aa", "us"), 0, waits_);
  }
  EXPECT_EQ(granted, 3);
  EXPECT_EQ(query("SELECT sum(refusals) FROM surveysync.credential"), "12");
  pass("61 minutes");
  EXPECT_TRUE(claim(key("aa", "eu"))) << "after the first hour the waits alone count";
}

TEST_F(KeyBookTest, APersonMayAskEarlyAFewTimesAnHour) {
  EXPECT_FALSE(book_.claim_early(key("aa"), 6)) << "it is not refused";
  book_.refused(key("aa"), 3, waits_);
  const auto due = book_.recall(key("aa")).next_probe_at;
  for (int asked = 3; asked < 6; ++asked) {
    EXPECT_TRUE(book_.claim_early(key("aa"), 6)) << asked;
    book_.refused(key("aa"), 0, waits_);
  }
  EXPECT_FALSE(book_.claim_early(key("aa"), 6));
  EXPECT_EQ(book_.recall(key("aa")).refusals, 6);
  EXPECT_EQ(book_.recall(key("aa")).next_probe_at, due);
  pass("61 minutes");
  EXPECT_TRUE(book_.claim_early(key("aa"), 6)) << "another hour";
}

TEST_F(KeyBookTest, UsesThatWereKilledCountAsRequests) {
  for (int process = 0; process < 4; ++process)
    book_.begin(key("aa"));
  book_.refused(key("aa"), 2, waits_);
  EXPECT_EQ(book_.recall(key("aa")).refusals, 5) << "three that nobody told of, and the two of the one that did";
  book_.refused(key("aa"), 1, waits_);
  EXPECT_EQ(book_.recall(key("aa")).refusals, 6);
}

TEST_F(KeyBookTest, AKeyThatWorksStillIsNotedUnlessItIsRefused) {
  book_.begin(key("aa"));
  book_.accepted(key("aa"));
  run_sql("UPDATE surveysync.credential SET last_good_at = last_good_at - interval '41 days'");
  const auto before = book_.recall(key("aa")).last_good_at;
  book_.still_good("aa");
  const auto noted = book_.recall(key("aa")).last_good_at;
  EXPECT_GT(noted, before);
  book_.refused(key("aa"), 2, waits_);
  book_.still_good("aa");
  EXPECT_EQ(book_.recall(key("aa")).last_good_at, noted) << "the answer was under way when the key died";
  EXPECT_EQ(book_.recall(key("aa")).verdict, "rotated");
  EXPECT_EQ(book_.recall(key("aa")).refusals, 2);
}

TEST_F(KeyBookTest, AUseThatEndedWellWithoutAnAnswerCountsNoMore) {
  book_.begin(key("aa"));
  book_.begin(key("aa"));
  book_.forget_use(key("aa"));
  EXPECT_EQ(book_.recall(key("aa")).uses, 1);
  book_.forget_use(key("aa"));
  book_.forget_use(key("aa"));
  EXPECT_EQ(book_.recall(key("aa")).uses, 0);
}

TEST_F(KeyBookTest, OneOfManyGetsTheProbe) {
  for (const char* source : {"us", "eu", "au"})
    book_.refused(key("aa", source), 1, waits_);
  for (int round = 0; round < 8; ++round) {
    run_sql("UPDATE surveysync.credential SET next_probe_at = now() - interval '1 s'");
    std::atomic<int> granted = 0, wrong = 0;
    std::vector<std::jthread> threads;
    for (int process = 0; process < 8; ++process) {
      threads.emplace_back([&, process] {
        const auto connection = connect();
        store::KeyBook book(*connection);
        try {
          const char* source = process % 3 == 0 ? "us" : process % 3 == 1 ? "eu" : "never begun";
          if (book.claim_probe(key("aa", source), waits_, 1000)) ++granted;
        } catch (const Error&) {
          ++wrong;
        }
      });
    }
    threads.clear();
    EXPECT_EQ(granted, 1);
    EXPECT_EQ(wrong, 0);
  }
  EXPECT_EQ(query("SELECT sum(refusals) FROM surveysync.credential"), "11");
}

TEST_F(KeyBookTest, ManyProcessesChangeTheRowsOfOneKeyAtOnce) {
  std::atomic<int> wrong = 0;
  std::vector<std::jthread> threads;
  for (int process = 0; process < 6; ++process) {
    threads.emplace_back([&, process] {
      const auto connection = connect();
      store::KeyBook book(*connection);
      const store::KeyRecord mine = key("aa", "source" + std::to_string(process % 3), process < 3 ? "secret" : "next");
      try {
        for (int round = 0; round < 15; ++round) {
          book.begin(mine);
          book.refused(mine, 1, waits_);
          book.claim_probe(mine, waits_, 1000);
          book.accepted(mine);
        }
      } catch (const Error& error) {
        ADD_FAILURE() << error.what();
        ++wrong;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(book_.records("").size(), 6U);
  EXPECT_EQ(book_.records("source1").size(), 2U);
}

}  // namespace
}  // namespace surveysync::test
