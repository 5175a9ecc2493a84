#include "store/encode.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace surveysync::store {
namespace {

using model::Cell;
using model::Column;
using model::ColumnType;

ErrorKind kind_of(const Column& column, const Cell& cell) {
  pg::TupleBuffer out;
  try {
    encode(out, column, cell);
  } catch (const Error& error) {
    return error.kind();
  }
  return ErrorKind::cancelled;  // nothing was thrown
}

TEST(EncodeTest, ValuesOutOfRangeAreTheRecordsFault) {
  EXPECT_EQ(kind_of({"rank", ColumnType::int32}, Cell::of(std::int64_t{1} << 31)), ErrorKind::malformed);
  EXPECT_EQ(kind_of({"rank", ColumnType::int32}, Cell::of((std::int64_t{1} << 31) - 1)), ErrorKind::cancelled);
  EXPECT_EQ(kind_of({"latitude", ColumnType::numeric}, Cell::of(std::string_view("north"))), ErrorKind::malformed);
}

TEST(EncodeTest, CellsOfAnotherTypeAreTheDecodersFault) {
  EXPECT_EQ(kind_of({"title", ColumnType::text}, Cell::of(std::int64_t{1})), ErrorKind::bug);
  EXPECT_EQ(kind_of({"shown", ColumnType::boolean}, Cell::of(std::string_view("true"))), ErrorKind::bug);
  EXPECT_EQ(kind_of({"ids", ColumnType::int64_array}, Cell::of(std::string_view("{}"))), ErrorKind::bug);
  EXPECT_EQ(kind_of({"at", ColumnType::timestamp}, Cell::of(std::string_view("now"))), ErrorKind::bug);
}

TEST(EncodeTest, EveryTypeTakesNull) {
  for (const ColumnType type :
       {ColumnType::boolean, ColumnType::int32, ColumnType::int64, ColumnType::numeric, ColumnType::text,
        ColumnType::timestamp, ColumnType::json, ColumnType::jsonb, ColumnType::text_array, ColumnType::int64_array}) {
    pg::TupleBuffer out;
    encode(out, {"x", type}, Cell());
    EXPECT_EQ(out.view(), "\xff\xff\xff\xff");
  }
}

TEST(EncodeTest, ArrayLiteralsQuoteEverything) {
  EXPECT_EQ(array_literal({}), "{}");
  const std::vector<std::string> values = {"a", "", "NULL", "q\"b\\c,{}"};
  EXPECT_EQ(array_literal(values), R"({"a","","NULL","q\"b\\c,{}"})");
}

TEST(EncodeTest, ARowWithAMissingKeyOrOfAnotherWidthIsRefused) {
  const model::Table table{"s", "t", {{"id", ColumnType::int64}}, {{"title", ColumnType::text}}};
  pg::TupleBuffer out;
  const std::vector<Cell> no_key = {Cell(), Cell::of(std::string_view("x"))}, narrow = {Cell::of(std::int64_t{1})};
  for (const auto& [cells, kind] : {std::pair(no_key, ErrorKind::malformed), std::pair(narrow, ErrorKind::bug)}) {
    try {
      encode_row(out, table, cells);
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind);
    }
  }
}

}  // namespace
}  // namespace surveysync::store
