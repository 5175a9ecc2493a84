#include "app/human.h"

#include <gtest/gtest.h>

namespace surveysync::app {
namespace {

TEST(Human, AProcessIsNamedByItsHostAndNumber) {
  EXPECT_EQ(spoken_process("vm:50c16274-29ef-4909-8b77-6e55d1494181:4026531836/11479/6374080"), "process 11479 on vm");
  EXPECT_EQ(spoken_process("somebody"), "somebody");
  EXPECT_EQ(spoken_process(""), "");
}

TEST(Human, AWordOfTheShellIsQuotedWhereItMustBe) {
  EXPECT_EQ(shell_word("/var/lib/surveysync"), "/var/lib/surveysync");
  EXPECT_EQ(shell_word("/srv/my state"), "'/srv/my state'");
  EXPECT_EQ(shell_word("a'b$(c)"), R"('a'\''b$(c)')");
  EXPECT_EQ(shell_word(""), "''");
}

}  // namespace
}  // namespace surveysync::app
