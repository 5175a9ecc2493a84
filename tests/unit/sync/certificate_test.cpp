#include "sync/certificate.h"

#include <gtest/gtest.h>

namespace surveysync::sync {
namespace {

using Holdings = store::Ledger::Holdings;

bool balanced(const WalkTotals& totals, const Holdings& holdings) {
  return make_certificate(totals, holdings, {"us", 1, "response", "42"}, UtcTime{}).balanced;
}

TEST(Certificate, BalancesWhenBothSidesAgree) {
  EXPECT_TRUE(balanced({10, 10, 10, 0, true, true}, {10}));
  EXPECT_TRUE(balanced({10, 10, 10, 0, true, true}, {7, 2, 1}));
  EXPECT_TRUE(balanced({0, 0, 0, 0, true, true}, {}));
  EXPECT_TRUE(balanced({10, 10, 0, 0, true, true}, {10})) << "a probe that shows nothing new reads nothing";
}

TEST(Certificate, FailsWhenARowIsMissing) {
  EXPECT_FALSE(balanced({10, 10, 9, 0, true, true}, {9}));
}

TEST(Certificate, FailsWhenTheDatabaseHasMore) {
  EXPECT_FALSE(balanced({10, 10, 10, 0, true, true}, {11}));
}

TEST(Certificate, FailsWhileTheVendorMoves) {
  EXPECT_FALSE(balanced({9, 10, 10, 0, true, true}, {10}));
  EXPECT_FALSE(balanced({10, 10, 10, 0, false, true}, {10}));
}

TEST(Certificate, ADeadRowDoesNotStandInForAMissingOne) {
  EXPECT_FALSE(balanced({10, 10, 9, 0, true, false}, {10}));
}

TEST(Certificate, ImbalanceIsToldInNumbers) {
  const auto certificate = make_certificate({12, 10, 9, 0, true, true}, {8, 1}, {"us", 1, "response", "42"}, UtcTime{});
  const std::string text = describe_imbalance(certificate);
  EXPECT_NE(text.find("vendor counts 10 records, database holds 9 (8 stored, 1 quarantined"), std::string::npos)
      << text;
  EXPECT_NE(text.find("moved from 12"), std::string::npos) << text;
  EXPECT_NE(text.find("1 that the vendor counts were not in its lists"), std::string::npos) << text;
}

}  // namespace
}  // namespace surveysync::sync
