#include "base/loopback.h"

#include <gtest/gtest.h>

namespace surveysync {
namespace {

TEST(Loopback, AddressesAndTheOneName) {
  for (const char* const host : {"localhost", "127.0.0.1", "127.255.0.3", "::1", "[::1]", "[127.0.0.1]"})
    EXPECT_TRUE(is_loopback(host)) << host;
}

TEST(Loopback, ANameThatBeginsLikeAnAddressIsSomewhereElse) {
  for (const char* const host : {"127.evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "127.1",
                                 "128.0.0.1", "::2", "", "[]", "0.0.0.0"})
    EXPECT_FALSE(is_loopback(host)) << host;
}

}  // namespace
}  // namespace surveysync
