#include "app/systemd.h"

#include <gtest/gtest.h>

#include "support/manual_clock.h"

namespace surveysync::app {
namespace {

using namespace std::chrono_literals;
using test::ManualClock;

class SystemdTest : public testing::Test {
 protected:
  std::vector<std::string> sent_;
  ManualClock clock_;
  Systemd systemd_{clock_, [this](const std::string& state) { sent_.push_back(state); }};
};

TEST_F(SystemdTest, SpeaksTheProtocol) {
  systemd_.ready();
  systemd_.feed();
  systemd_.extend(90s);
  systemd_.stopping();
  EXPECT_EQ(sent_, (std::vector<std::string>{"READY=1", "WATCHDOG=1", "EXTEND_TIMEOUT_USEC=90000000", "STOPPING=1"}));
}

TEST_F(SystemdTest, AReloadCarriesItsTime) {
  systemd_.reloading();
  const auto now = std::chrono::ceil<std::chrono::microseconds>(clock_.now().time_since_epoch()).count();
  EXPECT_EQ(sent_, std::vector<std::string>{"RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now)});
}

TEST_F(SystemdTest, AStatusIsOneLine) {
  systemd_.status("us: held\nREADY=1\r");
  EXPECT_EQ(sent_, std::vector<std::string>{"STATUS=us: held READY=1 "});
}

TEST_F(SystemdTest, ATimeThatIsOverExtendsNothing) {
  systemd_.extend(-5s);
  EXPECT_EQ(sent_, std::vector<std::string>{"EXTEND_TIMEOUT_USEC=0"});
}

TEST(SystemdAloneTest, NobodyListens) {
  ManualClock clock;
  Systemd systemd(clock);
  systemd.ready();
  systemd.status("alone");
  EXPECT_EQ(systemd.watchdog_interval(), std::nullopt);
}

}  // namespace
}  // namespace surveysync::app
