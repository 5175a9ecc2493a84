// HMAC-SHA256 in 16 bytes, by keys that never show.
#include "base/keyed_digest.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace surveysync {
namespace {

TEST(KeyedDigest, IsTheBeginningOfHmacSha256) {
  // printf 'what do ya want for nothing?' | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
  const KeyedDigest digest(Secret("0123456789abcdef0123456789abcdef"));
  EXPECT_EQ(digest.hex("what do ya want for nothing?"), "137e6557c3c13a1ca5dc7e52a389a0f8");
  EXPECT_EQ(digest.hex("").size(), 32U);
}

TEST(KeyedDigest, DependsOnTheKey) {
  const KeyedDigest one(Secret("0123456789abcdef0123456789abcdef")), two(Secret("0123456789abcdef0123456789abcdee"));
  EXPECT_EQ(one.hex("x"), KeyedDigest(Secret("0123456789abcdef0123456789abcdef")).hex("x"));
  EXPECT_NE(one.hex("x"), two.hex("x"));
  EXPECT_NE(one.fingerprint(), two.fingerprint());
  EXPECT_EQ(one.fingerprint().size(), 8U);
}

TEST(KeyedDigest, LeavesStoredDigestsAlone) {
  const KeyedDigest fresh(Secret("0123456789abcdef0123456789abcdef"));
  const KeyedDigest stored = fresh.for_stored();
  EXPECT_EQ(stored.hex(fresh.hex("x")), fresh.hex("x"));
  EXPECT_NE(fresh.hex(fresh.hex("x")), fresh.hex("x"));
  EXPECT_EQ(stored.hex("x"), fresh.hex("x"));
}

TEST(KeyedDigest, RefusesAKeyThatCanBeGuessed) {
  EXPECT_THROW(KeyedDigest(Secret("short")), Error);
}

}  // namespace
}  // namespace surveysync
