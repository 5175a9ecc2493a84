// Rows of any shape and any values through the COPY encoder and back: an independent reader finds every cell again, or
// the row is refused as malformed, and only for what its column cannot hold. Array literals are read back likewise.
#include <fuzzer/FuzzedDataProvider.h>

#include <limits>
#include <list>

#include "fuzz/support/check.h"
#include "fuzz/support/oracle.h"
#include "fuzz/support/rows.h"
#include "pg/binary.h"
#include "store/encode.h"

namespace surveysync::fuzz {
namespace {

using model::Cell;
using model::ColumnType;

constexpr int kMostExponent = 200'000;

/// Makes columns and cells out of the input, and owns the texts.
class RowMaker {
 public:
  explicit RowMaker(FuzzedDataProvider& choices) : choices_(choices) {}

  model::Table table() {
    model::Table table;
    table.schema = "s";
    table.name = "t";
    for (std::size_t i = choices_.ConsumeIntegralInRange<std::size_t>(1, 3); i > 0; --i)
      table.key.push_back({"k", choices_.ConsumeBool() ? ColumnType::int64 : ColumnType::text});
    for (std::size_t i = choices_.ConsumeIntegralInRange<std::size_t>(0, 8); i > 0; --i)
      table.columns.push_back({"c", static_cast<ColumnType>(choices_.ConsumeIntegralInRange(
                                        0, static_cast<int>(ColumnType::int64_array)))});
    return table;
  }

  Cell cell(ColumnType type) {
    if (choices_.ConsumeIntegralInRange(0, 7) == 0) return {};
    switch (type) {
      case ColumnType::boolean:
        return Cell::of(choices_.ConsumeBool());
      case ColumnType::int32:
      case ColumnType::int64:
        return Cell::of(choices_.ConsumeIntegral<std::int64_t>() >> choices_.ConsumeIntegralInRange(0, 63));
      case ColumnType::numeric:
        return choices_.ConsumeBool() ? Cell::of(choices_.ConsumeIntegral<std::int64_t>()) : Cell::of(number());
      case ColumnType::text:
      case ColumnType::json:
      case ColumnType::jsonb:
        return Cell::of(keep(choices_.ConsumeRandomLengthString()));
      case ColumnType::timestamp:  // years 1 to 9999
        return Cell::of(UtcTime(std::chrono::microseconds(
            choices_.ConsumeIntegralInRange<std::int64_t>(-62'135'596'800'000'000, 253'402'300'799'999'999))));
      case ColumnType::text_array:
      case ColumnType::int64_array: {
        std::vector<Cell>& items = lists_.emplace_back();
        for (std::size_t i = choices_.ConsumeIntegralInRange<std::size_t>(0, 4); i > 0; --i)
          items.push_back(type == ColumnType::text_array ? Cell::of(keep(choices_.ConsumeRandomLengthString()))
                                                         : Cell::of(choices_.ConsumeIntegral<std::int64_t>()));
        return Cell::of(std::span<const Cell>(items));
      }
    }
    return {};
  }

 private:
  std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

  /// Mostly numbers: random text seldom is one.
  std::string_view number() {
    if (choices_.ConsumeBool()) return keep(choices_.ConsumeRandomLengthString(100));
    std::string token = choices_.ConsumeBool() ? "-" : "";
    const std::size_t whole = choices_.ConsumeIntegralInRange<std::size_t>(0, 40);
    const std::size_t fraction = choices_.ConsumeIntegralInRange<std::size_t>(0, 40);
    for (std::size_t i = 0; i < whole; ++i)
      token += digit();
    if (fraction > 0) token += '.';
    for (std::size_t i = 0; i < fraction; ++i)
      token += digit();
    if (choices_.ConsumeBool()) token += "e" + std::to_string(exponent());
    return keep(token);
  }
  int exponent() {
    // Large ones make large values, so they are few; the server's limits lie among them.
    return choices_.ConsumeIntegralInRange(0, 15) == 0 ? choices_.ConsumeIntegralInRange(-20'000, 140'000)
                                                       : choices_.ConsumeIntegralInRange(-50, 50);
  }
  char digit() { return static_cast<char>('0' + choices_.ConsumeIntegralInRange(0, 9)); }

  FuzzedDataProvider& choices_;
  std::list<std::string> texts_;
  std::list<std::vector<Cell>> lists_;
};

/// Whether the server's numeric type can hold `plain` (numeric.h), with a distance from the border.
bool is_surely_numeric(const std::string& plain) {
  const std::size_t point = std::min(plain.find('.'), plain.size());
  return point < 100'000 && plain.size() - point < 16'000;
}

/// Whether a refusal of this value is in order.
bool may_be_refused(ColumnType type, const Cell& cell) {
  if (cell.is_null()) return false;
  if (type == ColumnType::int32) {
    return cell.integer() != static_cast<std::int32_t>(cell.integer());
  }
  if (type != ColumnType::numeric || cell.type() != Cell::Type::text) return false;
  const auto plain = plain_decimal(cell.text(), kMostExponent);
  return !plain || !is_surely_numeric(*plain);
}

/// The elements of {"a","b"}, as PostgreSQL's array_in reads it.
std::vector<std::string> read_literal(std::string_view text) {
  std::vector<std::string> items;
  SURVEYSYNC_PROMISE(text.size() >= 2 && text.front() == '{' && text.back() == '}', std::string(text));
  std::size_t at = 1;
  while (at + 1 < text.size()) {
    SURVEYSYNC_PROMISE(text[at] == '"', std::string(text));
    std::string& item = items.emplace_back();
    for (++at; at < text.size() && text[at] != '"'; ++at) {
      if (text[at] == '\\') ++at;
      SURVEYSYNC_PROMISE(at < text.size(), std::string(text));
      item += text[at];
    }
    SURVEYSYNC_PROMISE(at + 1 < text.size() && (text[at + 1] == ',' || at + 2 == text.size()), std::string(text));
    at += 2;
  }
  return items;
}

/// As an element of an array parameter: lists travel as literals, the rest as fields.
void check_element(const model::Column& column, const Cell& cell) {
  pg::TupleBuffer buffer;
  if (!accepts([&] { store::encode_element(buffer, column, cell); })) return;
  TupleReader reader(buffer.view());
  const TupleReader::Field field = reader.next();
  SURVEYSYNC_PROMISE(reader.at_end());
  if (cell.type() != Cell::Type::list) return check_field(column, cell, field);
  const std::vector<std::string> items = read_literal(field.bytes);
  SURVEYSYNC_PROMISE(items.size() == cell.list().size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Cell& item = cell.list()[i];
    SURVEYSYNC_PROMISE(items[i] ==
                       (item.type() == Cell::Type::text ? std::string(item.text()) : std::to_string(item.integer())));
  }
}

void check_rows_of(FuzzedDataProvider& choices) {
  RowMaker make(choices);
  const model::Table table = make.table();
  std::vector<model::Column> columns = table.key;
  columns.insert(columns.end(), table.columns.begin(), table.columns.end());
  pg::TupleBuffer buffer;
  std::vector<std::vector<Cell>> rows;
  for (std::size_t i = choices.ConsumeIntegralInRange<std::size_t>(1, 4); i > 0; --i) {
    std::vector<Cell> cells;
    bool refusable = false;
    for (std::size_t at = 0; at < columns.size(); ++at) {
      cells.push_back(make.cell(columns[at].type));
      refusable |= may_be_refused(columns[at].type, cells.back()) || (at < table.key.size() && cells.back().is_null());
      check_element(columns[at], cells.back());
    }
    const std::size_t mark = buffer.size();
    buffer.begin_tuple(static_cast<std::int16_t>(columns.size()));
    if (accepts([&] { store::encode_row(buffer, table, cells); })) {
      rows.push_back(std::move(cells));
    } else {
      SURVEYSYNC_PROMISE(refusable, "a row was refused though its columns can hold it");
      buffer.truncate(mark);
    }
  }
  TupleReader reader(buffer.view());
  for (const std::vector<Cell>& cells : rows) {
    SURVEYSYNC_PROMISE(reader.begin_tuple() == static_cast<int>(cells.size()));
    for (std::size_t at = 0; at < cells.size(); ++at)
      check_field(columns[at], cells[at], reader.next());
  }
  SURVEYSYNC_PROMISE(reader.at_end());
}

}  // namespace
}  // namespace surveysync::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace surveysync::fuzz;
  FuzzedDataProvider choices(data, size);
  const std::string sound = surveysync::pg::storable(view_of(data, size));
  SURVEYSYNC_PROMISE(is_storable_text(sound));
  SURVEYSYNC_PROMISE(surveysync::pg::storable(sound) == sound);
  check_rows_of(choices);
  return 0;
}
