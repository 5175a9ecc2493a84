#include "app/assembly.h"

#include <gtest/gtest.h>

namespace surveysync::app {
namespace {

SourceConfig source_of(const std::string& name, const std::string& account, int requests) {
  SourceConfig source;
  source.name = name;
  source.type = "alchemer";
  source.account = account;
  source.limits.requests_per_minute = requests;
  return source;
}

TEST(Accounts, SourcesOfOneAccountShareOneLimiterAtTheLowestRate) {
  SystemClock clock;
  Config config;
  config.sources = {source_of("a", "acme", 120), source_of("b", "acme", 40), source_of("c", "other", 90)};
  Accounts accounts(clock);
  const auto first = accounts.limiter(config.sources[0], config);
  EXPECT_EQ(first, accounts.limiter(config.sources[1], config));
  EXPECT_NE(first, accounts.limiter(config.sources[2], config));
  EXPECT_DOUBLE_EQ(first->rate(), 40);
}

TEST(Providers, AreKnownByName) {
  ASSERT_NE(find_provider("alchemer"), nullptr);
  EXPECT_EQ(find_provider("alchemer")->hosts("eu"), std::vector<std::string>{"https://api.alchemer.eu"});
  EXPECT_EQ(find_provider("alchemer")->hosts("ca").size(), 2U) << "the vendor's pages name two";
  EXPECT_EQ(find_provider("nobody"), nullptr);
}

}  // namespace
}  // namespace surveysync::app
