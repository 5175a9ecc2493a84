#include "pg/binary.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace surveysync::pg {
namespace {

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    text += kDigits[static_cast<unsigned char>(byte) >> 4U];
    text += kDigits[static_cast<unsigned char>(byte) & 15U];
  }
  return text;
}

TEST(BinaryTest, FieldsOfATuple) {
  TupleBuffer out;
  out.begin_tuple(6);
  out.null();
  out.boolean(true);
  out.int4(-2);
  out.int8(258);
  out.bytes("ab");
  out.jsonb("1");
  EXPECT_EQ(hex(out.view()),
            "0006"
            "ffffffff"
            "0000000101"
            "00000004fffffffe"
            "000000080000000000000102"
            "000000026162"
            "000000020131");
}

TEST(BinaryTest, TimesCountFromTheYear2000) {
  TupleBuffer out;
  out.timestamptz(UtcTime(std::chrono::microseconds(946'684'800'000'001)));
  EXPECT_EQ(hex(out.view()), "000000080000000000000001");
}

TEST(BinaryTest, ArraysAndEmptyOnes) {
  const std::vector<std::int64_t> two = {1, 2};
  EXPECT_EQ(hex(*int8_array(two).value),
            "00000001"
            "00000001"
            "00000014"
            "00000002"
            "00000001"
            "000000080000000000000001"
            "000000080000000000000002");
  EXPECT_EQ(int8_array(two).oid, oid::kInt8Array);
  EXPECT_EQ(hex(*text_array({}).value),
            "00000000"
            "00000001"
            "00000019");
  TupleBuffer out;
  const std::size_t mark = out.begin_array(oid::kText, 1);
  out.bytes("x");
  out.end_array(mark);
  EXPECT_EQ(hex(out.view()),
            "00000019"
            "00000001"
            "00000001"
            "00000019"
            "00000001"
            "00000001"
            "0000000178");
}

TEST(BinaryTest, TruncateTakesBackHalfATuple) {
  TupleBuffer out;
  out.int4(1);
  const std::size_t mark = out.size();
  out.bytes(std::string(100'000, 'x'));
  out.truncate(mark);
  out.int4(2);
  EXPECT_EQ(hex(out.view()),
            "0000000400000001"
            "0000000400000002");
}

TEST(BinaryTest, NumericsRoundTrip) {
  for (const auto& [token, wanted] :
       std::vector<std::pair<std::string, std::string>>{{"0", "0"},
                                                        {"-0.0", "0.0"},
                                                        {"12.50", "12.50"},
                                                        {"-0.00001", "-0.00001"},
                                                        {"1E2", "100"},
                                                        {"1.25e1", "12.5"},
                                                        {"123456789.123456789", "123456789.123456789"},
                                                        {"00012", "12"},
                                                        {"1e-3", "0.001"},
                                                        {"10000.0001", "10000.0001"}}) {
    EXPECT_EQ(numeric_text(*numeric(token).value), wanted) << token;
  }
}

TEST(BinaryTest, WhatIsNoNumericIsMalformed) {
  for (const std::string token :
       {"", "-", "abc", "1.2.3", "1e", "1ex", "1e999999999", "1e131073", "1e-16384", "0x10", "NaN", "1 "}) {
    try {
      numeric(token);
      ADD_FAILURE() << token;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::malformed) << token;
    }
  }
}

TEST(BinaryTest, StorableRepairsWhatATextColumnRefuses) {
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_EQ(storable("grüße 😀"), "grüße 😀");
  EXPECT_EQ(storable(std::string_view("a\0b", 3)),
            "a\xE2\x90\x80"
            "b");
  EXPECT_EQ(storable("\xff"), bad);
  EXPECT_EQ(storable("\xC3"), bad);
  EXPECT_EQ(storable("\xC0\x80"), bad + bad) << "overlong";
  EXPECT_EQ(storable("\xED\xA0\x80"), bad + bad + bad) << "surrogate";
  EXPECT_EQ(storable("\xF4\x90\x80\x80"), bad + bad + bad + bad) << "above U+10FFFF";
}

}  // namespace
}  // namespace surveysync::pg
