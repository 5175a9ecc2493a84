// What is kept of refused keys where the database cannot be asked: by all processes, and never too many requests.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "app/key_notes.h"
#include "support/manual_clock.h"

namespace surveysync::app {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const http::KeyId kKey{"secret", "12ab34cd", {"aa", "bb"}};
const http::KeyId kOtherKey{"secret", "99999999", {"cc", "dd"}};

class KeyNotesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "key_notes_test.XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  /// As another process sees it.
  KeyNotes notes() { return KeyNotes(folder_, {seconds(70), minutes(2), minutes(5)}, clock_); }
  void refuse(int requests) { notes().refused(kKey, "rotated", "the vendor said so", "get a new one", requests); }

  test::ManualClock clock_{test::ManualClock::Mode::by_hand};
  std::string folder_;
};

TEST_F(KeyNotesTest, ARefusalIsKnownToTheNextProcess) {
  EXPECT_FALSE(notes().begin(kKey).refused);
  refuse(2);
  const auto refused = notes().begin(kKey).refused;
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->verdict, "rotated");
  EXPECT_EQ(refused->evidence, "the vendor said so");
  EXPECT_EQ(refused->next_step, "get a new one");
  EXPECT_EQ(refused->until_probe, seconds(70));
  EXPECT_FALSE(notes().begin(kOtherKey).refused);
}

TEST_F(KeyNotesTest, AnAcceptedKeyIsForgotten) {
  refuse(2);
  notes().accepted(kKey);
  EXPECT_FALSE(notes().recall(kKey).refused);
}

TEST_F(KeyNotesTest, APersonMayTryAFewTimesAnHour) {
  refuse(2);
  int granted = 0;
  for (int attempt = 0; attempt < 50; ++attempt)
    granted += notes().claim_probe(kKey) ? 1 : 0;
  EXPECT_EQ(granted, KeyNotes::kMostEarly - 2);
}

TEST_F(KeyNotesTest, InTheFirstHourADozenAreNeverPassed) {
  refuse(2);
  int asked = 2;
  for (int minute = 0; minute < 60; ++minute) {
    clock_.advance(minutes(1) - seconds(1));
    for (int attempt = 0; attempt < 3; ++attempt)
      asked += notes().claim_probe(kKey) ? 1 : 0;
  }
  EXPECT_EQ(asked, http::kMostInFirstHour);
  clock_.advance(minutes(10));
  EXPECT_TRUE(notes().claim_probe(kKey));
}

TEST_F(KeyNotesTest, TheFileIsPrivateAndHoldsNoKey) {
  refuse(1);
  const std::string file = folder_ + "/refused-keys.json";
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(KeyNotesTest, RubbishInTheFileIsWrittenAnew) {
  std::ofstream(folder_ + "/refused-keys.json") << "{\"12ab34cd\": {\"verd";
  EXPECT_FALSE(notes().recall(kKey).refused);
  refuse(1);
  EXPECT_TRUE(notes().recall(kKey).refused);
}

TEST_F(KeyNotesTest, AProcessThatStandsStillWithTheLockHoldsNobodyUp) {
  refuse(2);
  const int lock = ::open((folder_ + "/refused-keys.json.lock").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(::flock(lock, LOCK_EX), 0);
  test::ManualClock patient;  // whose waits are over at once
  KeyNotes others(folder_, {seconds(70)}, patient);
  EXPECT_TRUE(others.recall(kKey).refused) << "looking needs no lock";
  EXPECT_FALSE(others.claim_probe(kKey));
  EXPECT_LE(patient.now() - test::ManualClock().now(), seconds(1));
  ::close(lock);
  EXPECT_TRUE(others.claim_probe(kKey));
}

TEST_F(KeyNotesTest, WithoutADirectoryNothingIsGranted) {
  KeyNotes nowhere(folder_ + "/not there", {seconds(1)}, clock_);
  nowhere.refused(kKey, "rotated", "", "", 1);
  EXPECT_FALSE(nowhere.recall(kKey).refused);
  EXPECT_FALSE(nowhere.claim_probe(kKey));
}

}  // namespace
}  // namespace surveysync::app
