#include <atomic>
#include <thread>

#include "fixture.h"

namespace surveysync::sandbox {
namespace {

TEST(SandboxLive, TheAccountChangesWhileItIsRead) {
  SandboxOptions options = small_options();
  options.live = 200;
  const Running vendor(options);
  const std::string path = vendor.responses();
  bool grown = false;
  for (int i = 0; i < 500 && !grown; ++i)
    grown = head_value(vendor.get(path, "resultsperpage=1").body, "total_count") != R"("60")";
  EXPECT_TRUE(grown);
  vendor.control("POST", "/pause-live");
  const std::string truth = vendor.control("GET", "/truth/response").body;
  EXPECT_EQ(truth, vendor.control("GET", "/truth/response").body);
}

TEST(SandboxLive, NewResponsesAppearAfterTheVisibilityLag) {
  SandboxOptions options = small_options();
  options.visibility_lag = std::chrono::minutes(5);
  const Running vendor(options);
  const std::string path = vendor.responses();
  const std::string insert = "{\"op\":\"insert\",\"survey\":" + std::to_string(vendor.first_survey()) + "}";
  ASSERT_EQ(vendor.control("POST", "/change", insert).status, 200);
  EXPECT_EQ(head_value(vendor.get(path).body, "total_count"), R"("60")");
  vendor.control("POST", "/clock", R"({"advance":"5m"})");
  EXPECT_EQ(head_value(vendor.get(path).body, "total_count"), R"("61")");
}

TEST(SandboxLive, ServesManyClientsAtOnceAndStopsUnderThem) {
  SandboxOptions options = small_options();
  options.live = 100;
  options.live_deletes = true;
  Running vendor(options);
  vendor.fault("stall:path=account,at=headers,ms=60000");
  const std::string path = vendor.responses();
  std::atomic<int> answered{0};
  {
    std::vector<std::jthread> clients;
    for (int i = 0; i < 6; ++i) {
      clients.emplace_back([&, i] {
        for (int call = 0; call < 15; ++call) {
          if (vendor.get(path, "resultsperpage=5&order_by=-date_updated&x=" + std::to_string(i)).status == 200)
            ++answered;
        }
      });
    }
    clients.emplace_back([&] { vendor.control("GET", "/truth/answer"); });
  }
  EXPECT_EQ(answered, 90);
  // A client that is kept waiting must not keep the sandbox from ending.
  const std::string target = vendor.signed_target("/v5/account");
  const std::string base = vendor.sandbox().base_url();
  const std::jthread waiting([&] { EXPECT_THROW(Running::send(base, "GET", target), Poco::Exception); });
  for (int i = 0; i < 2000 && vendor.control("GET", "/log").body.find("/v5/account") == std::string::npos; ++i) {
  }
  vendor.sandbox().stop();
}

}  // namespace
}  // namespace surveysync::sandbox
