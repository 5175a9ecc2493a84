// The second key of a source in the daemon: tried once a day, whatever the first does. A real lane, a real vendor's
// door, and a clock that is moved by hand.
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "app/source_lane.h"
#include "fixture.h"
#include "support/fault_server.h"
#include "support/manual_clock.h"

namespace surveysync::test {
namespace {

using namespace std::chrono_literals;

class SecondKeyTest : public DatabaseTest {
 protected:
  SecondKeyTest() {
    char name[] = "/tmp/ss_second_key.XXXXXX";
    directory_ = ::mkdtemp(name);
    config_->database_uri = options().uri;
    config_->state_dir = directory_;
    app::SourceConfig& source = config_->sources.emplace_back();
    source.name = source.account = "us";
    source.type = "alchemer";
    source.base_url = vendor_.url();
    source.auth.type = "key";
    source.auth.secret = key("first");
    source.auth.next = key("second");
    source.limits.hold_probe = {70s, 2min};
  }
  ~SecondKeyTest() override { std::filesystem::remove_all(directory_); }

  std::string key(const std::string& name) const {
    const std::string file = directory_ + "/" + name;
    std::ofstream(file) << name << "-token\n" << name << "-secret\n";
    ::chmod(file.c_str(), 0600);
    return "file:" + file;
  }
  void serve(FaultServer::Peer& peer) {
    constexpr std::string_view kList = R"({"result_ok":true,"total_count":0,"page":1,"total_pages":0,"data":[]})";
    for (std::string request; !(request = peer.read_request()).empty();) {
      if (request.find("second-token") != std::string::npos) ++second_;
      if (request.find("first-token") != std::string::npos) ++first_;
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kList.size()) + "\r\n\r\n" + std::string(kList));
    }
  }
  /// Both threads of the lane have done what there was to do, and wait for the clock.
  bool is_idle() {
    clock_.wait_for(100ms, {});  // woken threads are on their way
    return time_.await_waiters(2);
  }

  std::string directory_;
  std::atomic<int> first_ = 0, second_ = 0;
  ManualClock time_{ManualClock::Mode::by_hand};
  Masker masker_;
  Events events_;
  FaultServer vendor_{[this](FaultServer::Peer& peer) { serve(peer); }};
  std::shared_ptr<app::Config> config_ = std::make_shared<app::Config>();
};

TEST_F(SecondKeyTest, ItIsTriedOnceADay) {
  app::Accounts accounts(time_);
  app::SourceLane lane({config_, accounts, masker_, events_, time_}, config_->sources.front());
  ASSERT_TRUE(is_idle());
  EXPECT_EQ(second_, 1) << "when the daemon starts";
  for (int day = 1; day <= 2; ++day) {
    for (const Duration time : {Duration(12h), Duration(11h)}) {
      time_.advance(time);
      ASSERT_TRUE(is_idle());
      EXPECT_EQ(second_, day) << "not before the day is over";
    }
    time_.advance(90min);
    ASSERT_TRUE(is_idle());
    EXPECT_EQ(second_, day + 1);
  }
  EXPECT_EQ(first_, 0) << "a good key is not asked before it is needed";
  const auto tried = events_.of<event::KeyTried>();
  ASSERT_EQ(tried.size(), 3U);
  EXPECT_EQ(tried[2].slot, "next");
  EXPECT_EQ(tried[2].verdict, "");
}

}  // namespace
}  // namespace surveysync::test
