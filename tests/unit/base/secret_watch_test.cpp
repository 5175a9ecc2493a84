// Real files, real waits: every bound is generous, so that only a watch that misses something fails.
#include "base/secret_watch.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

namespace surveysync {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class SecretWatchTest : public testing::TestWithParam<SecretWatch::Means> {
 protected:
  static constexpr Duration kPatience = 20s;
  /// Long where notices are expected, so that polling does not do their work.
  Duration poll() const { return GetParam() == SecretWatch::Means::polling_only ? Duration(100ms) : Duration(5min); }

  SecretWatchTest() {
    std::string pattern = (fs::temp_directory_path() / "secret_watch.XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    fs::create_directory(folder_ / "keys");
    write(key(), "one\n");
    write(folder_ / "keys/other", "other\n");
    watch_ = std::make_unique<SecretWatch>(std::vector{SecretReference::parse("file:" + key().string()),
                                                       SecretReference::parse("env:SURVEYSYNC_TEST_NOT_WATCHED")},
                                           poll(), clock_, GetParam());
  }
  ~SecretWatchTest() override {
    watch_.reset();
    fs::remove_all(folder_);
  }

  fs::path key() const { return folder_ / "keys/us.key"; }
  static void write(const fs::path& path, const std::string& text) {
    std::ofstream(path) << text;
    ::chmod(path.c_str(), 0600);
  }
  bool changes(Duration within = kPatience) { return watch_->wait_for_change(within, stop_.get_token()); }
  bool stays() { return !changes(300ms); }

  fs::path folder_;
  SystemClock clock_;
  std::stop_source stop_;
  std::unique_ptr<SecretWatch> watch_;
};

TEST_P(SecretWatchTest, TellsARename) {
  EXPECT_TRUE(stays());
  write(folder_ / "keys/us.key.new", "two\n");
  fs::rename(folder_ / "keys/us.key.new", key());
  EXPECT_TRUE(changes());
  EXPECT_TRUE(stays());
}

TEST_P(SecretWatchTest, TellsAWriteInPlaceOfTheSameLength) {
  write(key(), "two\n");
  EXPECT_TRUE(changes());
  EXPECT_TRUE(stays());
}

TEST_P(SecretWatchTest, TellsRemovalAndReturn) {
  fs::rename(key(), folder_ / "away");
  EXPECT_TRUE(changes());
  fs::rename(folder_ / "away", key());
  EXPECT_TRUE(changes());
  fs::remove(key());
  EXPECT_TRUE(changes());
}

TEST_P(SecretWatchTest, TellsAChmod) {
  ::chmod(key().c_str(), 0644);
  EXPECT_TRUE(changes());
}

TEST_P(SecretWatchTest, TellsAReplacedDirectoryAndFollowsTheNewOne) {
  fs::create_directory(folder_ / "new");
  write(folder_ / "new/us.key", "two\n");
  fs::rename(folder_ / "keys", folder_ / "old");
  fs::rename(folder_ / "new", folder_ / "keys");
  EXPECT_TRUE(changes());
  EXPECT_TRUE(stays());
  write(key(), "three\n");
  EXPECT_TRUE(changes());
}

TEST_P(SecretWatchTest, ToldWhatHappenedBetweenTwoWaits) {
  EXPECT_TRUE(stays());
  write(key(), "two\n");
  write(key(), "three\n");
  EXPECT_TRUE(changes(Duration::zero())) << "and needs no notice for it";
  EXPECT_TRUE(stays());
}

TEST_P(SecretWatchTest, OtherFilesAreNobodysBusiness) {
  write(folder_ / "keys/other", "changed\n");
  EXPECT_TRUE(stays());
}

TEST_P(SecretWatchTest, AWriterThatNeverEndsIsToldAtMostTenTimesASecond) {
  std::jthread writer([&](const std::stop_token& stop) {
    for (int i = 0; !stop.stop_requested(); ++i)
      write(key(), std::to_string(i));
  });
  const SteadyTime begun = clock_.now();
  int told = 0;
  while (clock_.now() - begun < 1s)
    told += changes() ? 1 : 0;
  EXPECT_GE(told, 1);
  EXPECT_LE(told, 11);
}

TEST_P(SecretWatchTest, EndsAtOnceOnStop) {
  std::jthread stopper([&] {
    clock_.wait_for(50ms, {});
    stop_.request_stop();
  });
  const SteadyTime begun = clock_.now();
  EXPECT_FALSE(changes(10min));
  EXPECT_LT(clock_.now() - begun, 30s);
  EXPECT_FALSE(changes(10min)) << "stopped already";
}

INSTANTIATE_TEST_SUITE_P(Means, SecretWatchTest,
                         testing::Values(SecretWatch::Means::directories_too, SecretWatch::Means::polling_only),
                         [](const auto& about) {
                           return about.param == SecretWatch::Means::polling_only ? "Polling" : "Directories";
                         });

TEST(SecretWatch, AFolderThatComesLaterIsFound) {
  SystemClock clock;
  std::string pattern = (fs::temp_directory_path() / "secret_watch.XXXXXX").string();
  const fs::path folder = mkdtemp(pattern.data());
  SecretWatch watch({SecretReference::parse("file:" + (folder / "later/us.key").string())}, 100ms, clock);
  EXPECT_FALSE(watch.wait_for_change(200ms, {}));
  fs::create_directory(folder / "later");
  std::ofstream(folder / "later/us.key") << "one\n";
  EXPECT_TRUE(watch.wait_for_change(20s, {}));
  fs::remove_all(folder);
}

}  // namespace
}  // namespace surveysync
