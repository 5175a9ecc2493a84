#include "model/stream.h"

#include <gtest/gtest.h>

namespace surveysync::model {
namespace {

TEST(Key, IsJoinedOutermostFirst) {
  EXPECT_EQ(key_text({std::int64_t{12}, std::int64_t{-3}, std::string("a/b")}), "12/-3/a/b");
  EXPECT_EQ(key_text({}), "");
}

std::string hex(const Hash& hash) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : hash) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

/// The hash is stored: it must never change. The first value is XXH3-128 of the empty text as its author publishes it.
TEST(Hash, IsXxh3InCanonicalBytes) {
  EXPECT_EQ(hex(hash_of("")), "99aa06d3014798d86001c324468d497f");
  EXPECT_NE(hash_of("a"), hash_of("b"));
}

TEST(Cell, HoldsOneValue) {
  EXPECT_TRUE(Cell().is_null());
  EXPECT_TRUE(Cell::of(true).boolean());
  EXPECT_EQ(Cell::of(std::int64_t{-5}).integer(), -5);
  EXPECT_EQ(Cell::of(std::string_view("text")).text(), "text");
  EXPECT_EQ(Cell::of(UtcTime(std::chrono::microseconds(7))).micros(), 7);
  EXPECT_TRUE(Cell::of(std::optional<std::int64_t>()).is_null());
  static_assert(sizeof(Cell) <= 24);
}

TEST(RowBatch, KeepsRowsTextsAndListsUntilCleared) {
  RowBatch batch;
  for (int round = 0; round < 3; ++round) {
    const std::span<Cell> row = batch.add_row(1, 3);
    EXPECT_TRUE(row[2].is_null());
    std::string text = "short lived";
    row[0] = Cell::of(batch.keep(text));
    const std::array<Cell, 2> list = {Cell::of(std::int64_t{1}), Cell()};
    row[1] = Cell::of(batch.keep_list(list));
    text = "overwritten";
    for (int i = 0; i < 1000; ++i)
      batch.add_row(2, 50);
    const std::span<Cell> adopted = batch.make_cells(1);
    adopted[0] = Cell::of(true);
    batch.add_row(3, adopted);
    ASSERT_EQ(batch.rows().size(), 1002U);
    EXPECT_EQ(batch.rows()[0].cells[0].text(), "short lived");
    EXPECT_EQ(batch.rows()[0].cells[1].list()[0].integer(), 1);
    EXPECT_TRUE(batch.rows().back().cells[0].boolean());
    EXPECT_EQ(batch.keep("").size(), 0U);
    batch.clear();
    EXPECT_TRUE(batch.rows().empty());
  }
}

}  // namespace
}  // namespace surveysync::model
