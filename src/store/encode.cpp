#include "store/encode.h"

#include <limits>

#include "base/error.h"

namespace surveysync::store {
namespace {

using model::Cell;
using model::Column;
using model::ColumnType;

[[noreturn]] void wrong_type(const Column& column) {
  throw Error(ErrorKind::bug, "the decoder gave column " + column.name + " a value of another type");
}

void require(const Column& column, const Cell& cell, Cell::Type type) {
  if (cell.type() != type) wrong_type(column);
}

std::int32_t int32_of(const Column& column, std::int64_t value) {
  if (value < std::numeric_limits<std::int32_t>::min() || value > std::numeric_limits<std::int32_t>::max()) {
    throw Error(ErrorKind::malformed, "column " + column.name + ": " + std::to_string(value) + " does not fit 32 bits");
  }
  return static_cast<std::int32_t>(value);
}

void encode_list(pg::TupleBuffer& out, const Column& column, const Cell& cell) {
  require(column, cell, Cell::Type::list);
  const bool text = column.type == ColumnType::text_array;
  const std::size_t mark = out.begin_array(text ? pg::oid::kText : pg::oid::kInt8, cell.list().size());
  const Column element{column.name, text ? ColumnType::text : ColumnType::int64};
  for (const Cell& item : cell.list())
    encode(out, element, item);
  out.end_array(mark);
}

}  // namespace

void encode(pg::TupleBuffer& out, const Column& column, const Cell& cell) {
  if (cell.is_null()) return out.null();
  switch (column.type) {
    case ColumnType::boolean:
      require(column, cell, Cell::Type::boolean);
      return out.boolean(cell.boolean());
    case ColumnType::int32:
      require(column, cell, Cell::Type::integer);
      return out.int4(int32_of(column, cell.integer()));
    case ColumnType::int64:
      require(column, cell, Cell::Type::integer);
      return out.int8(cell.integer());
    case ColumnType::numeric:
      if (cell.type() == Cell::Type::integer) return out.numeric(std::to_string(cell.integer()));
      require(column, cell, Cell::Type::text);
      return out.numeric(cell.text());
    case ColumnType::text:
    case ColumnType::json:
      require(column, cell, Cell::Type::text);
      return out.bytes(cell.text());
    case ColumnType::jsonb:
      require(column, cell, Cell::Type::text);
      return out.jsonb(cell.text());
    case ColumnType::timestamp:
      require(column, cell, Cell::Type::time);
      return out.timestamptz(UtcTime(std::chrono::microseconds(cell.micros())));
    case ColumnType::text_array:
    case ColumnType::int64_array:
      return encode_list(out, column, cell);
  }
}

void encode_row(pg::TupleBuffer& out, const model::Table& table, std::span<const Cell> cells) {
  const std::size_t keys = table.key.size();
  if (cells.size() != keys + table.columns.size()) {
    throw Error(ErrorKind::bug,
                "the decoder gave a row of " + table.qualified() + " " + std::to_string(cells.size()) + " values");
  }
  for (std::size_t index = 0; index < keys; ++index) {
    if (cells[index].is_null())
      throw Error(ErrorKind::malformed, "key column " + table.key[index].name + " is missing");
    encode(out, table.key[index], cells[index]);
  }
  for (std::size_t index = 0; index < table.columns.size(); ++index)
    encode(out, table.columns[index], cells[keys + index]);
}

void encode(pg::TupleBuffer& out, const model::KeyPart& part) {
  if (const auto* number = std::get_if<std::int64_t>(&part)) return out.int8(*number);
  out.bytes(std::get<std::string>(part));
}

std::uint32_t element_of(ColumnType type) {
  switch (type) {
    case ColumnType::boolean:
      return pg::oid::kBool;
    case ColumnType::int32:
      return pg::oid::kInt4;
    case ColumnType::int64:
      return pg::oid::kInt8;
    case ColumnType::numeric:
      return pg::oid::kNumeric;
    case ColumnType::timestamp:
      return pg::oid::kTimestamptz;
    case ColumnType::json:
      return pg::oid::kJson;
    case ColumnType::jsonb:
      return pg::oid::kJsonb;
    case ColumnType::text:
    case ColumnType::text_array:
    case ColumnType::int64_array:
      return pg::oid::kText;
  }
  return pg::oid::kText;
}

void encode_element(pg::TupleBuffer& out, const Column& column, const Cell& cell) {
  const bool list = column.type == ColumnType::text_array || column.type == ColumnType::int64_array;
  if (!list || cell.is_null()) return encode(out, column, cell);
  require(column, cell, Cell::Type::list);
  std::vector<std::string> values;
  for (const Cell& item : cell.list()) {
    const bool text = item.type() == Cell::Type::text;
    if (text != (column.type == ColumnType::text_array)) wrong_type(column);
    values.push_back(text ? std::string(item.text()) : std::to_string(item.integer()));
  }
  out.bytes(array_literal(values));
}

std::string array_literal(std::span<const std::string> values) {
  std::string text = "{";
  for (const std::string& value : values) {
    text += text.size() > 1 ? ",\"" : "\"";
    for (const char c : value) {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
    text += '"';
  }
  return text + "}";
}

model::Key key_of(const model::Table& table, std::span<const Cell> cells) {
  model::Key key;
  for (std::size_t index = 0; index < table.key.size() && index < cells.size(); ++index) {
    const Cell& cell = cells[index];
    if (cell.type() == Cell::Type::integer) key.emplace_back(cell.integer());
    if (cell.type() == Cell::Type::text) key.emplace_back(std::string(cell.text()));
  }
  return key;
}

}  // namespace surveysync::store
