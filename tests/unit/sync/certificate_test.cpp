#include "sync/certificate.h"

#include <gtest/gtest.h>

namespace surveysync::sync {
namespace {

using Holdings = store::Ledger::Holdings;

bool balanced(const PassTotals& totals, const Holdings& holdings) {
  return make_certificate(totals, holdings, 1, "us", "42", UtcTime{}).balanced;
}

TEST(Certificate, BalancesWhenBothSidesAgree) {
  EXPECT_TRUE(balanced({10, 10, 10, true}, {10, 0, 0, 0}));
  EXPECT_TRUE(balanced({10, 10, 10, true}, {7, 2, 1, 0}));
  EXPECT_TRUE(balanced({0, 0, 0, true}, {}));
}

TEST(Certificate, FailsWhenARowIsMissing) {
  EXPECT_FALSE(balanced({10, 10, 9, true}, {9, 0, 0, 0}));
}

TEST(Certificate, FailsWhenTheDatabaseHasMore) {
  EXPECT_FALSE(balanced({10, 10, 10, true}, {11, 0, 0, 0}));
}

TEST(Certificate, FailsWhileTheVendorMoves) {
  EXPECT_FALSE(balanced({9, 10, 10, true}, {10, 0, 0, 0}));
  EXPECT_FALSE(balanced({10, 10, 10, false}, {10, 0, 0, 0}));
}

TEST(Certificate, ADeadRowDoesNotStandInForAMissingOne) {
  EXPECT_FALSE(balanced({10, 10, 9, true}, {10, 0, 0, 0}));
}

TEST(Certificate, ImbalanceIsToldInNumbers) {
  const auto certificate = make_certificate({12, 10, 9, true}, {8, 1, 0, 0}, 1, "us", "42", UtcTime{});
  const std::string text = describe_imbalance(certificate);
  EXPECT_NE(text.find("vendor counts 10 records, database holds 9 (8 stored, 1 quarantined"), std::string::npos)
      << text;
  EXPECT_NE(text.find("moved from 12"), std::string::npos) << text;
  EXPECT_NE(text.find("1 that the vendor counts were not in its lists"), std::string::npos) << text;
}

}  // namespace
}  // namespace surveysync::sync
