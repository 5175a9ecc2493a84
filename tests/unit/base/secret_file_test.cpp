#include "base/secret_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/error.h"

namespace surveysync {
namespace {

class SecretFile : public testing::Test {
 protected:
  SecretFile() {
    char name[] = "/tmp/ss_secret_file.XXXXXX";
    folder = ::mkdtemp(name);
  }
  ~SecretFile() override { std::filesystem::remove_all(folder); }
  static std::vector<Secret> lines() {
    std::vector<Secret> made;
    made.emplace_back("token-key");
    made.emplace_back("token-secret");
    return made;
  }
  std::string path() const { return folder + "/us.token"; }

  std::string folder;
};

TEST_F(SecretFile, IsPrivateAndReadable) {
  const mode_t before = ::umask(0);
  write_secret_file(path(), lines(), "");
  ::umask(before);
  struct stat status {};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  const Credential read = SecretReference::parse("file:" + path()).read(2);
  EXPECT_EQ(read.lines[0].expose(), "token-key");
  EXPECT_EQ(read.lines[1].expose(), "token-secret");
  EXPECT_TRUE(read.warnings.empty());
}

TEST_F(SecretFile, ReplacesTheOldOneAndLeavesNothingBeside) {
  std::ofstream(path()) << "old\n";
  ::chmod(path().c_str(), 0644);
  write_secret_file(path(), lines(), "");
  struct stat status {};
  ::stat(path().c_str(), &status);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
}

TEST_F(SecretFile, BelongsToWhoReadsIt) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives files away";
  const std::string consumer = folder + "/us.consumer";
  std::ofstream(consumer) << "x\n";
  ASSERT_EQ(::chown(consumer.c_str(), 65534, 65534), 0);
  write_secret_file(path(), lines(), consumer);
  struct stat status {};
  ::stat(path().c_str(), &status);
  EXPECT_EQ(status.st_uid, 65534U);
}

TEST_F(SecretFile, SaysWhyItCannotBeWritten) {
  for (const std::string& bad : {folder + "/none/us.token", folder}) {
    try {
      write_secret_file(bad, lines(), "");
      FAIL() << bad;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::config);
      EXPECT_NE(std::string(error.what()).find(bad), std::string::npos);
    }
  }
}

TEST_F(SecretFile, TwoCredentialsBecomeOne) {
  Credential one, two;
  one.lines = lines();
  two.lines = lines();
  one.line_fingerprints = two.line_fingerprints = {"x", "y"};
  const Credential both = joined(std::move(one), std::move(two));
  EXPECT_EQ(both.lines.size(), 4U);
  EXPECT_EQ(both.line_fingerprints.size(), 4U);
  EXPECT_EQ(both.fingerprint, fingerprint("token-key\ntoken-secret\ntoken-key\ntoken-secret"));
}

}  // namespace
}  // namespace surveysync
