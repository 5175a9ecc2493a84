#include "fuzz/support/rows.h"

#include <limits>
#include <set>
#include <string>
#include <vector>

#include "fuzz/support/check.h"
#include "fuzz/support/oracle.h"
#include "pg/binary.h"
#include "store/encode.h"

namespace surveysync::fuzz {
namespace {

using model::Cell;
using model::Column;
using model::ColumnType;

constexpr std::int64_t kMicrosFrom1970To2000 = 10'957LL * 86'400 * 1'000'000;

/// A binary numeric as decimal text; independent of pg::numeric_text.
std::string decimal_of(std::string_view bytes) {
  const std::int64_t groups = take_number(bytes, 2);
  const std::int64_t weight = take_number(bytes, 2);
  const std::int64_t sign = take_number(bytes, 2);
  const std::int64_t scale = take_number(bytes, 2);
  SURVEYSYNC_PROMISE(sign == 0 || sign == 0x4000);
  SURVEYSYNC_PROMISE(groups >= 0 && scale >= 0 && bytes.size() == static_cast<std::size_t>(groups) * 2);
  std::string whole, fraction;
  for (std::int64_t place = -1; place > weight; --place)
    fraction += "0000";
  for (std::int64_t index = 0; index < groups; ++index) {
    const std::int64_t group = take_number(bytes, 2);
    SURVEYSYNC_PROMISE(group >= 0 && group < 10'000);
    SURVEYSYNC_PROMISE(group != 0 || (index > 0 && index + 1 < groups));  // as the server itself writes them
    std::string digits = std::to_string(10'000 + group).substr(1);
    (weight - index >= 0 ? whole : fraction) += digits;
  }
  for (std::int64_t place = weight - groups; place >= 0; --place)
    whole += "0000";
  whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size()));
  SURVEYSYNC_PROMISE(fraction.find_first_not_of('0', std::min(fraction.size(), static_cast<std::size_t>(scale))) ==
                     std::string::npos);  // digits behind the scale would be lost
  fraction.resize(static_cast<std::size_t>(scale), '0');
  return (sign != 0 ? "-" : "") + (whole.empty() ? "0" : whole) + (fraction.empty() ? "" : "." + fraction);
}

void check_list(const Column& column, const Cell& cell, std::string_view bytes) {
  const bool text = column.type == ColumnType::text_array;
  const std::span<const Cell> items = cell.list();
  const std::int64_t dimensions = take_number(bytes, 4);
  take_number(bytes, 4);  // whether nulls may occur: the server ignores it
  SURVEYSYNC_PROMISE(take_number(bytes, 4) == (text ? 25 : 20));
  SURVEYSYNC_PROMISE(dimensions == (items.empty() ? 0 : 1));
  if (!items.empty()) {
    SURVEYSYNC_PROMISE(take_number(bytes, 4) == static_cast<std::int64_t>(items.size()));
    SURVEYSYNC_PROMISE(take_number(bytes, 4) == 1);
  }
  TupleReader reader(bytes);
  for (const Cell& item : items)
    check_field({column.name, text ? ColumnType::text : ColumnType::int64}, item, reader.next());
  SURVEYSYNC_PROMISE(reader.at_end());
}

bool fits(ColumnType column, Cell::Type cell) {
  switch (column) {
    case ColumnType::boolean:
      return cell == Cell::Type::boolean;
    case ColumnType::int32:
    case ColumnType::int64:
      return cell == Cell::Type::integer;
    case ColumnType::numeric:
      return cell == Cell::Type::text || cell == Cell::Type::integer;
    case ColumnType::text:
    case ColumnType::json:
    case ColumnType::jsonb:
      return cell == Cell::Type::text;
    case ColumnType::timestamp:
      return cell == Cell::Type::time;
    case ColumnType::text_array:
    case ColumnType::int64_array:
      return cell == Cell::Type::list;
  }
  return false;
}

/// What a decoder promises of one value, whatever the vendor sent.
void check_cell(const Column& column, const Cell& cell) {
  if (cell.is_null()) return;
  SURVEYSYNC_PROMISE(fits(column.type, cell.type()), column.name);
  if (cell.type() == Cell::Type::text) {
    SURVEYSYNC_PROMISE(is_storable_text(cell.text()), column.name + ": " + std::string(cell.text()));
    if (column.type == ColumnType::json || column.type == ColumnType::jsonb)
      SURVEYSYNC_PROMISE(is_strict_json(cell.text(), json::kMaxDepth + 2),
                         column.name + ": " + std::string(cell.text()));
    if (column.type == ColumnType::jsonb)  // json keeps the escape for NUL, jsonb refuses it
      SURVEYSYNC_PROMISE(!json::make_storable(cell.text()).altered, column.name + ": " + std::string(cell.text()));
  }
  if (cell.type() == Cell::Type::list) {
    for (const Cell& item : cell.list())
      check_cell({column.name, column.type == ColumnType::text_array ? ColumnType::text : ColumnType::int64}, item);
  }
}

const Column& column_at(const model::Table& table, std::size_t index) {
  return index < table.key.size() ? table.key[index] : table.columns[index - table.key.size()];
}

}  // namespace

std::string_view TupleReader::take(std::size_t size) {
  SURVEYSYNC_PROMISE(size <= rest_.size());
  const std::string_view bytes = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return bytes;
}

int TupleReader::begin_tuple() {
  std::string_view bytes = take(2);
  return static_cast<int>(take_number(bytes, 2));
}

TupleReader::Field TupleReader::next() {
  std::string_view bytes = take(4);
  const std::int64_t size = take_number(bytes, 4);
  if (size == -1) return {true, {}};
  SURVEYSYNC_PROMISE(size >= 0);
  return {false, take(static_cast<std::size_t>(size))};
}

std::int64_t take_number(std::string_view& bytes, std::size_t size) {
  SURVEYSYNC_PROMISE(bytes.size() >= size);
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < size; ++i)
    number = number << 8U | static_cast<unsigned char>(bytes[i]);
  bytes.remove_prefix(size);
  const auto unused = static_cast<unsigned>(64 - 8 * size);
  return static_cast<std::int64_t>(number << unused) >> unused;
}

void check_field(const Column& column, const Cell& cell, const TupleReader::Field& field) {
  SURVEYSYNC_PROMISE(field.null == cell.is_null(), column.name);
  if (field.null) return;
  std::string_view bytes = field.bytes;
  switch (column.type) {
    case ColumnType::boolean:
      SURVEYSYNC_PROMISE(bytes == std::string_view(cell.boolean() ? "\1" : "\0", 1));
      return;
    case ColumnType::int32:
      SURVEYSYNC_PROMISE(bytes.size() == 4 && take_number(bytes, 4) == cell.integer());
      return;
    case ColumnType::int64:
      SURVEYSYNC_PROMISE(bytes.size() == 8 && take_number(bytes, 8) == cell.integer());
      return;
    case ColumnType::numeric: {
      const bool text = cell.type() == Cell::Type::text;
      const std::string token = text ? std::string(cell.text()) : std::to_string(cell.integer());
      const auto expected = plain_decimal(token, std::numeric_limits<int>::max() / 100);
      SURVEYSYNC_PROMISE(expected.has_value(), token);
      SURVEYSYNC_PROMISE(decimal_of(bytes) == *expected, token + " became " + decimal_of(bytes));
      SURVEYSYNC_PROMISE(pg::numeric_text(bytes) == *expected, token + " reads " + pg::numeric_text(bytes));
      return;
    }
    case ColumnType::text:
    case ColumnType::json:
      SURVEYSYNC_PROMISE(bytes == cell.text());
      return;
    case ColumnType::jsonb:
      SURVEYSYNC_PROMISE(take_number(bytes, 1) == 1 && bytes == cell.text());
      return;
    case ColumnType::timestamp:
      SURVEYSYNC_PROMISE(bytes.size() == 8 && take_number(bytes, 8) == cell.micros() - kMicrosFrom1970To2000);
      return;
    case ColumnType::text_array:
    case ColumnType::int64_array:
      check_list(column, cell, bytes);
      return;
  }
}

bool check_rows(const model::StreamSpec& stream, const model::RowBatch& rows) {
  std::set<std::string> keys;
  pg::TupleBuffer buffer;
  constexpr std::size_t kMostNotices = 20;
  SURVEYSYNC_PROMISE(rows.notices.size() <= kMostNotices);
  for (const model::RowBatch::Notice& notice : rows.notices)
    SURVEYSYNC_PROMISE(is_storable_text(notice.what) && is_storable_text(notice.sample), notice.what);
  for (const model::RowBatch::Row& row : rows.rows()) {
    SURVEYSYNC_PROMISE(row.table < stream.tables.size());
    const model::Table& table = stream.tables[row.table];
    SURVEYSYNC_PROMISE(row.cells.size() == table.key.size() + table.columns.size());
    std::string key = table.name;
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      check_cell(column_at(table, i), row.cells[i]);
      if (i >= table.key.size()) continue;
      SURVEYSYNC_PROMISE(!row.cells[i].is_null(), table.key[i].name);
      const bool text = row.cells[i].type() == Cell::Type::text;
      key += "/" + (text ? std::string(row.cells[i].text()) : std::to_string(row.cells[i].integer()));
    }
    SURVEYSYNC_PROMISE(keys.insert(key).second, key);
    buffer.clear();
    if (!accepts([&] { store::encode_row(buffer, table, row.cells); })) return false;
    TupleReader reader(buffer.view());
    for (std::size_t i = 0; i < row.cells.size(); ++i)
      check_field(column_at(table, i), row.cells[i], reader.next());
    SURVEYSYNC_PROMISE(reader.at_end());
  }
  return true;
}

void check_record(const model::Record& record) {
  SURVEYSYNC_PROMISE(is_storable_text(record.payload));
  const json::Storable again = json::make_storable(record.payload);
  SURVEYSYNC_PROMISE(!again.altered && !again.nul && !again.surrogate, std::string(record.payload));
  SURVEYSYNC_PROMISE(record.hash == model::hash_of(record.original.value_or(record.payload)));
  SURVEYSYNC_PROMISE(!record.original || !record.flags.empty());  // an alteration that nobody is told of
}

}  // namespace surveysync::fuzz
