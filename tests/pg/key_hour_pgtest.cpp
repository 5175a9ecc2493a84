// The first hour of a dead key, as the vendor counts it: real clients, the real memory between processes, and everybody
// who may ask. Time is moved: the clients' by a clock of their own, the database's by its rows.
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <latch>
#include <thread>

#include "app/key_records.h"
#include "fixture.h"
#include "http/client.h"
#include "support/manual_clock.h"
#include "support/scripted_transport.h"

namespace surveysync::test {
namespace {

using namespace std::chrono_literals;
using app::KeyPatience;

/// What a vendor says to a dead key.
struct Vendor {
  const char* name;
  const char* verdict;  // that it leads to
  int status;
  bool account_too;
  int workers;
  int least;  // requests that the hour takes
};

class DeadKeyTest : public DatabaseTest, public testing::WithParamInterface<Vendor> {
 protected:
  DeadKeyTest() {
    char name[] = "/tmp/ss_dead_key.XXXXXX";
    directory_ = ::mkdtemp(name);
    std::ofstream(directory_ + "/key") << "token-one\nsecret-one\n";
    ::chmod((directory_ + "/key").c_str(), 0600);
    transport_.otherwise([this](const http::Request& request) {
      if (is_alive_ || (request.display == "/v5/account" && !GetParam().account_too)) return answer(200, "{}");
      ++dead_;
      if (request.display.starts_with("/v5/first/")) together_->arrive_and_wait();
      return answer(GetParam().status, "refused");
    });
  }
  ~DeadKeyTest() override { std::filesystem::remove_all(directory_); }

  static http::Judgement judge(const http::Response& response) {
    if (response.status == 200) return {};
    if (response.status == 401) return {false, ErrorKind::unauthorized, "Login failed", false, http::Refusal::pair};
    return {false, ErrorKind::denied, "Permission denied", false, http::Refusal::access};
  }
  /// A client of a process of its own.
  std::unique_ptr<http::Client> process(KeyPatience patience) {
    http::ClientOptions settings;
    settings.scope.source = "us";
    settings.limiter = {1'000'000, 60s};
    settings.keys.memory = std::make_shared<app::KeyRecords>(
        options(), "us", std::vector<Duration>{70s, 2min, 5min, 10min, 15min, 30min}, patience, clock_);
    auto client = std::make_unique<http::Client>(
        settings, transport_, SecretReference::parse("file:" + directory_ + "/key"),
        [](const http::Signing&, http::Query&, http::Headers&) {}, judge, masker_, events_, time_);
    client->set_probe({"/v5/survey", {{"resultsperpage", "1"}}, {}, 1, 0, nullptr, "resultsperpage"},
                      {"/v5/account", {}, {}, 1});
    return client;
  }
  /// A fresh question; what became of it.
  ErrorKind ask(http::Client& client, const std::string& folder = "/v5/x/") {
    try {
      client.get({folder + std::to_string(++asked_), {}, {}, 0}, {});
      return ErrorKind::bug;
    } catch (const Error& error) {
      return error.kind();
    }
  }
  /// A run whose workers all have a call under way when the key dies, and that go on until they are told to stop.
  void die_in_mid_run(http::Client& daemon) {
    EXPECT_EQ(ask(daemon), ErrorKind::bug) << "it is good";
    is_alive_ = false;
    together_.emplace(GetParam().workers);
    std::vector<std::jthread> workers;
    for (int worker = 0; worker < GetParam().workers; ++worker) {
      workers.emplace_back([&] {
        ErrorKind kind = ask(daemon, "/v5/first/");
        for (int more = 0; more < 50 && kind != ErrorKind::unauthorized; ++more)
          kind = ask(daemon);
        EXPECT_EQ(kind, ErrorKind::unauthorized);
      });
    }
  }
  void pass(std::chrono::seconds time) {
    time_.advance(time);
    const std::string shift = " - interval '" + std::to_string(time.count()) + " seconds'";
    connection_->execute("UPDATE surveysync.credential SET next_probe_at = next_probe_at" + shift +
                         ", refused_at = refused_at" + shift + ", used_at = used_at" + shift);
  }

  ManualClock time_;
  ScriptedTransport transport_{&time_};
  Masker masker_;
  Events events_;
  std::string directory_;
  std::unique_ptr<pg::Connection> connection_ = connect();
  std::atomic<bool> is_alive_ = true;
  std::atomic<int> dead_ = 0, asked_ = 0;
  std::optional<std::latch> together_;
};

INSTANTIATE_TEST_SUITE_P(Vendors, DeadKeyTest,
                         testing::Values(Vendor{"rotated_one_worker", "rotated", 401, true, 1, 6},
                                         Vendor{"rotated_four_workers", "rotated", 401, true, 4, 6},
                                         Vendor{"disabled_one_worker", "access_disabled", 403, true, 1, 6},
                                         Vendor{"disabled_four_workers", "access_disabled", 403, true, 4, 6},
                                         Vendor{"denied_one_worker", "permission_denied", 403, false, 1, 6},
                                         Vendor{"denied_four_workers", "permission_denied", 403, false, 4, 6}),
                         [](const auto& param) { return param.param.name; });

TEST_P(DeadKeyTest, NoMoreThanADozenRequestsInItsFirstHour) {
  auto daemon = process(KeyPatience::daemon);
  die_in_mid_run(*daemon);
  EXPECT_EQ(daemon->key_state().verdict, GetParam().verdict);
  const int at_first = dead_;
  for (auto minute = 0; minute < 59; ++minute) {
    for (int turn = 0; turn < 2; ++turn) {
      pass(29s);
      EXPECT_FALSE(daemon->probe_refused_key({}));
      EXPECT_EQ(ask(*daemon), ErrorKind::unauthorized);
    }
    if (minute % 3 == 1) daemon = process(KeyPatience::daemon);  // started again
    if (minute % 2 == 0) {
      const auto person = process(KeyPatience::person);
      EXPECT_FALSE(person->test_keys({}).at(0).usable);
      EXPECT_EQ(ask(*person), ErrorKind::unauthorized);
    }
    ASSERT_LE(dead_, 12) << "in minute " << minute << ", " << at_first << " at first";
  }
  EXPECT_GE(dead_, GetParam().least) << at_first << " at first: it is probed while it is held";
  EXPECT_EQ(query("SELECT refusals FROM surveysync.credential"), std::to_string(dead_)) << "each is counted, once";
  // Later it may be asked again, and then it is good.
  is_alive_ = true;
  pass(31min);
  EXPECT_TRUE(daemon->probe_refused_key({}));
  EXPECT_EQ(rows("SELECT refusals, verdict IS NULL FROM surveysync.credential").at(0), "0|t");
}

}  // namespace
}  // namespace surveysync::test
