// What is open and what is on its way survives, and nobody sends a message twice while another is at it.

#include "report/outbox.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace surveysync::test {
namespace {

using report::Alert;
using report::AlertState;
using report::KnownIncident;
using report::Outbox;
using report::OutboxMessage;

constexpr UtcTime kNow{std::chrono::seconds(1'763'800'000)};
constexpr auto kMinute = std::chrono::minutes(1);

KnownIncident incident(const std::string& key = "run_failed/us") {
  KnownIncident known;
  known.alert.key = key;
  known.alert.rule = "run_failed";
  known.alert.source = "us";
  known.alert.severity = "critical";
  known.alert.evidence = "it's \"gone\"; DROP TABLE message --";
  known.alert.host = "h";
  known.alert.since = known.alert.at = kNow;
  return known;
}

class OutboxTest : public ::testing::Test {
 protected:
  OutboxTest() : folder_(std::filesystem::path(::testing::TempDir()) / ("outbox-" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(folder_);
  }
  ~OutboxTest() override { std::filesystem::remove_all(folder_); }
  std::string folder() const { return folder_; }

  const std::filesystem::path folder_;
};

TEST_F(OutboxTest, WhatWasKeptIsThereAfterARestart) {
  {
    Outbox box(folder());
    KnownIncident known = incident();
    known.told = true;
    known.told_at = kNow;
    box.keep(known, {"ops", "chat"});
  }
  Outbox box(folder());
  const std::vector<KnownIncident> all = box.incidents();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].alert.evidence, incident().alert.evidence);
  EXPECT_EQ(all[0].alert.since, kNow);
  EXPECT_FALSE(all[0].alert.resolved_at);
  EXPECT_TRUE(all[0].open);
  EXPECT_TRUE(all[0].told);
  EXPECT_FALSE(all[0].in_database);
  EXPECT_EQ(box.waiting("ops"), 1);
  EXPECT_EQ(box.waiting("chat"), 1);
  const auto message = box.claim("ops", kNow, kNow + kMinute);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->alert.key, "run_failed/us");
  EXPECT_EQ(message->alert.severity, "critical");
}

TEST_F(OutboxTest, NobodyElseCanReadTheFile) {
  const Outbox box(folder());
  struct stat about {};
  ASSERT_EQ(::stat((folder() + "/outbox.db").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600);
}

TEST_F(OutboxTest, AMessageIsClaimedByOneAndComesBackWhenItsClaimRunsOut) {
  Outbox one(folder()), two(folder());
  one.keep(incident(), {"ops"});
  ASSERT_TRUE(one.claim("ops", kNow, kNow + kMinute));
  EXPECT_FALSE(two.claim("ops", kNow, kNow + kMinute));
  EXPECT_FALSE(two.claim("chat", kNow + 2 * kMinute, kNow + 3 * kMinute));
  EXPECT_TRUE(two.claim("ops", kNow + 2 * kMinute, kNow + 3 * kMinute)) << "whoever claimed it is dead";
}

TEST_F(OutboxTest, MessagesOfOneIncidentStayInOrder) {
  Outbox box("");
  box.keep(incident(), {"ops"});
  Alert over = incident().alert;
  over.state = AlertState::resolved;
  box.forget(over.key, over, {"ops"});
  const auto first = box.claim("ops", kNow, kNow + kMinute);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->alert.state, AlertState::opened);
  EXPECT_FALSE(box.claim("ops", kNow, kNow + kMinute)) << "the end does not overtake the beginning";
  box.failed(*first, "503", kNow, kNow + std::chrono::seconds(2));
  EXPECT_FALSE(box.claim("ops", kNow + std::chrono::seconds(1), kNow + kMinute));
  const auto again = box.claim("ops", kNow + std::chrono::seconds(2), kNow + kMinute);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->attempts, 1);
  box.delivered(*again);
  const auto last = box.claim("ops", kNow + std::chrono::seconds(2), kNow + kMinute);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->alert.state, AlertState::resolved);
  EXPECT_TRUE(box.incidents().empty());
}

TEST_F(OutboxTest, OtherIncidentsDoNotWaitForOneThatFails) {
  Outbox box("");
  box.keep(incident("a"), {"ops"});
  box.keep(incident("b"), {"ops"});
  const auto first = box.claim("ops", kNow, kNow + kMinute);
  ASSERT_TRUE(first);
  box.failed(*first, "400", kNow, kNow + std::chrono::hours(1));
  const auto second = box.claim("ops", kNow, kNow + kMinute);
  ASSERT_TRUE(second);
  EXPECT_NE(second->alert.key, first->alert.key);
}

TEST_F(OutboxTest, ARepetitionIsNotQueuedBehindWhatHasNotArrived) {
  Outbox box("");
  KnownIncident known = incident();
  box.keep(known, {"ops"});
  known.alert.state = AlertState::repeated;
  box.keep(known, {"ops", "chat"});
  EXPECT_EQ(box.waiting("ops"), 1);
  EXPECT_EQ(box.waiting("chat"), 1);
}

TEST_F(OutboxTest, ANewSignOfLifeReplacesTheOldOne) {
  Outbox box("");
  Alert ping = incident("certified/us").alert;
  ping.state = AlertState::certified;
  box.replace(ping, {"dead_man"});
  box.replace(ping, {"dead_man"});
  EXPECT_EQ(box.waiting("dead_man"), 1);
}

TEST_F(OutboxTest, FailuresAreCountedUntilOneArrives) {
  Outbox box("");
  box.keep(incident("a"), {"ops"});
  std::optional<OutboxMessage> message = box.claim("ops", kNow, kNow + kMinute);
  box.failed(*message, "refused", kNow, kNow);
  message = box.claim("ops", kNow, kNow + kMinute);
  const report::ChannelRecord record = box.failed(*message, "hung up", kNow + kMinute, kNow);
  EXPECT_EQ(record.failures, 2);
  EXPECT_EQ(record.failing_since, kNow);
  EXPECT_EQ(record.last_error, "hung up");
  EXPECT_EQ(box.waiting("ops", true), 0) << "it has been tried";
  message = box.claim("ops", kNow + kMinute, kNow + kMinute);
  box.delivered(*message);
  EXPECT_EQ(box.record("ops").failures, 0);
  EXPECT_EQ(box.record("ops").sent, 1);
  EXPECT_EQ(box.record("ops").failed, 2);
  EXPECT_EQ(box.record("chat").sent, 0);
}

TEST_F(OutboxTest, WhatIsTooOldIsGivenUpAndCounted) {
  Outbox box("");
  box.keep(incident("a"), {"ops"});
  EXPECT_EQ(box.give_up("ops", kNow), 0);
  EXPECT_EQ(box.give_up("ops", kNow + kMinute), 1);
  EXPECT_EQ(box.record("ops").given_up, 1);
  EXPECT_EQ(box.waiting("ops"), 0);
}

TEST_F(OutboxTest, MessagesOfAChannelThatIsGoneGoToo) {
  Outbox box("");
  box.keep(incident("a"), {"ops", "chat", "op"});
  box.keep_channels({"ops"});
  EXPECT_EQ(box.waiting("ops"), 1);
  EXPECT_EQ(box.waiting("chat"), 0);
  EXPECT_EQ(box.waiting("op"), 0);
}

TEST_F(OutboxTest, WhatOneHandsOverTheNextOneHas) {
  Outbox memory(""), file(folder());
  memory.keep(incident("a"), {"ops"});
  memory.keep(incident("b"), {"ops", "chat"});
  const auto sending = memory.claim("chat", kNow, kNow + kMinute);
  ASSERT_TRUE(sending);
  file.keep(incident("c"), {"ops"});
  file.keep(incident("d"), {"ops"});
  report::OutboxContent content = memory.take();
  EXPECT_TRUE(memory.incidents().empty());
  EXPECT_EQ(memory.waiting("ops"), 0);
  EXPECT_EQ(memory.waiting("chat"), 1) << "somebody is sending it";
  content.over = {"c", "d"};
  Alert end = incident("d").alert;
  end.state = AlertState::resolved;
  content.messages.push_back({0, "ops", end, 0});
  file.add(content);
  EXPECT_EQ(file.incidents().size(), 2U);
  EXPECT_EQ(file.waiting("chat"), 0);
  std::vector<std::string> sent;
  while (const auto message = file.claim("ops", kNow, kNow + kMinute)) {
    sent.push_back(message->alert.key + " " + std::string(report::name_of(message->alert.state)));
    file.delivered(*message);
  }
  std::ranges::sort(sent);
  EXPECT_EQ(sent, (std::vector<std::string>{"a opened", "b opened", "d opened", "d resolved"}))
      << "of c the end is told already";
}

TEST_F(OutboxTest, ADamagedFileIsPutAsideAndANewOneBegun) {
  std::filesystem::create_directories(folder_);
  std::ofstream(folder() + "/outbox.db") << std::string(5000, 'x');
  Outbox box(folder());
  EXPECT_NE(box.trouble().find("damaged"), std::string::npos) << box.trouble();
  box.keep(incident(), {"ops"});
  EXPECT_EQ(box.waiting("ops"), 1);
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_))
    files += entry.path().filename().string().starts_with("outbox.db") ? 1 : 0;
  EXPECT_EQ(files, 2);
}

TEST_F(OutboxTest, ADirectoryThatCannotBeWrittenIsAnErrorWithAHint) {
  std::filesystem::create_directories(folder_);
  std::ofstream(folder() + "/file") << "x";
  try {
    Outbox box(folder() + "/file");
    FAIL() << "opened";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::unavailable);
    EXPECT_NE(error.hint().find("state.dir"), std::string::npos);
  }
}

}  // namespace
}  // namespace surveysync::test
