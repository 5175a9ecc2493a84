#include "base/state_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace surveysync {
namespace {

constexpr uid_t kService = 4711;
constexpr gid_t kServiceGroup = 4712;

class StateFile : public testing::Test {
 protected:
  StateFile() {
    char name[] = "/tmp/ss_state_file.XXXXXX";
    folder = ::mkdtemp(name);
  }
  ~StateFile() override { std::filesystem::remove_all(folder); }
  static struct stat facts(const std::string& path) {
    struct stat status {};
    EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
    return status;
  }

  std::string folder;
};

TEST_F(StateFile, NobodyElseReadsThem) {
  const mode_t before = ::umask(0);
  make_state_directory(folder + "/a/b");
  const Descriptor file = open_state_file(folder + "/a/b/key", O_WRONLY | O_CREAT | O_EXCL);
  ::umask(before);
  ASSERT_GE(file.get(), 0);
  EXPECT_EQ(facts(folder + "/a/b").st_mode & 07777U, 0700U);
  EXPECT_EQ(facts(folder + "/a/b/key").st_mode & 07777U, 0600U);
}

TEST_F(StateFile, NoLinkIsFollowed) {
  std::filesystem::create_symlink(folder + "/elsewhere", folder + "/key");
  EXPECT_LT(open_state_file(folder + "/key", O_WRONLY | O_CREAT).get(), 0);
  EXPECT_FALSE(std::filesystem::exists(folder + "/elsewhere"));
}

TEST_F(StateFile, WhatRootMakesBelongsToTheOwnerOfTheDirectory) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives files away";
  ASSERT_EQ(::chown(folder.c_str(), kService, kServiceGroup), 0);
  std::ofstream(folder + "/old") << "made by an earlier version\n";
  for (const char* const name : {"/new", "/old"}) {
    ASSERT_GE(open_state_file(folder + name, O_RDWR | O_CREAT).get(), 0);
    EXPECT_EQ(facts(folder + name).st_uid, kService) << name;
    EXPECT_EQ(facts(folder + name).st_gid, kServiceGroup) << name;
  }
}

TEST_F(StateFile, AFileWithASecondNameIsNotGivenAway) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives files away";
  std::filesystem::create_directory(folder + "/state");
  ASSERT_EQ(::chown((folder + "/state").c_str(), kService, kServiceGroup), 0);
  std::ofstream(folder + "/root's") << "root's own\n";
  std::filesystem::create_hard_link(folder + "/root's", folder + "/state/key");
  ASSERT_GE(open_state_file(folder + "/state/key", O_RDWR | O_CREAT).get(), 0);
  EXPECT_EQ(facts(folder + "/root's").st_uid, 0U);
}

}  // namespace
}  // namespace surveysync
