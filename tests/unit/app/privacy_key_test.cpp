// The key of our own: made once, and readable by the service whoever made it.
#include "app/privacy_key.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace surveysync::app {
namespace {

class PrivacyKey : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "privacy_key_test.XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    key_.reference = "file:" + path();
    key_.ours = true;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path() const { return folder_ + "/privacy.key"; }

  std::string folder_;
  PrivacyKeyConfig key_;
};

TEST_F(PrivacyKey, IsMadeOnceAndLeavesNothingBeside) {
  const std::string digest = make_privacy_digest(key_)->hex("somebody@example.org");
  EXPECT_EQ(make_privacy_digest(key_)->hex("somebody@example.org"), digest);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(PrivacyKey, ThatRootMakesBelongsToTheService) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives files away";
  ASSERT_EQ(::chown(folder_.c_str(), 4711, 4712), 0);
  make_privacy_digest(key_);
  struct stat status {};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 4711U);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
}

}  // namespace
}  // namespace surveysync::app
