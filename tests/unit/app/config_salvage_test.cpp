// A configuration that is broken still says whom to tell.
#include "app/config_salvage.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace surveysync::app {
namespace {

class Salvage : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "salvage_test.XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string file(const std::string& text) const {
    std::ofstream(folder_ + "/surveysync.toml") << text;
    return folder_ + "/surveysync.toml";
  }
  static AlertConfig channel() {
    AlertConfig made;
    made.name = "ops";
    made.type = "exec";
    made.severity = "critical";
    made.sources = {"us"};
    made.settings = {{"timeout", "5s"}};
    made.lists = {{"command", {"/usr/bin/tell", "a \"b\"\n"}}};
    return made;
  }

  std::string folder_;
};

TEST_F(Salvage, ChannelsAreKeptAsTheyWere) {
  EXPECT_TRUE(kept_channels(folder_).empty());
  keep_channels(folder_, {channel()});
  EXPECT_EQ(kept_channels(folder_), std::vector{channel()});
  struct stat status {};
  ASSERT_EQ(::stat((folder_ + "/channels.json").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  keep_channels(folder_, {});
  EXPECT_TRUE(kept_channels(folder_).empty());
}

TEST_F(Salvage, MistakesElsewhereHideNoChannel) {
  const Config config = salvaged_config(file("[state]\ndir = \"" + folder_ +
                                             "\"\n[daemon]\nnonsense = 1\n[database]\nuri = \"postgresql:///w\"\n"
                                             "[source.us]\n[alerts.ops]\ntype = \"webhook\"\n"
                                             "url = \"http://127.0.0.1:1/\"\nsources = [\"us\"]\n[rubbish]\n"));
  ASSERT_EQ(config.alerts.size(), 1U);
  EXPECT_EQ(config.alerts[0].setting("url"), "http://127.0.0.1:1/");
  EXPECT_EQ(config.state_dir, folder_);
  EXPECT_EQ(config.database_uri, "postgresql:///w");
}

TEST_F(Salvage, OfAFileThatIsNoTomlTheKeptChannelsSpeak) {
  keep_channels(folder_, {channel()});
  ::setenv("STATE_DIRECTORY", folder_.c_str(), 1);
  const Config config = salvaged_config(file("[alerts.ops\n"));
  const Config none = salvaged_config(folder_ + "/not there");
  ::unsetenv("STATE_DIRECTORY");
  EXPECT_EQ(config.alerts, std::vector{channel()});
  EXPECT_EQ(none.alerts, std::vector{channel()});
  EXPECT_TRUE(config.database_uri.empty());
}

}  // namespace
}  // namespace surveysync::app
