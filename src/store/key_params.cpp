#include "store/key_params.h"

#include <charconv>

namespace surveysync::store {

pg::Param key_param(const model::KeyPart& part) {
  if (const auto* number = std::get_if<std::int64_t>(&part)) return pg::int8(*number);
  return pg::text(std::get<std::string>(part));
}

model::KeyPart key_part(const pg::Result& result, std::size_t row, std::size_t column, const model::Column& declared) {
  if (declared.type == model::ColumnType::int64) return result.integer(row, column);
  return result.text(row, column);
}

model::KeyPart key_part(const std::string& text, const model::Column& declared) {
  if (declared.type != model::ColumnType::int64) return text;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw Error(ErrorKind::bug, "\"" + pg::storable(text) + "\" as " + declared.name + ", which is a number");
  }
  return number;
}

std::vector<std::span<const Item>> group_by_prefix(std::span<const Item> items,
                                                   const std::vector<model::Table>& tables) {
  std::vector<std::span<const Item>> groups;
  for (std::size_t begin = 0; begin < items.size();) {
    const model::Record& first = *items[begin].record;
    const auto fixed = static_cast<std::ptrdiff_t>(TableSql(tables[first.table]).fixed());
    std::size_t end = begin + 1;
    while (end < items.size() && items[end].record->table == first.table &&
           std::equal(first.key.begin(), first.key.begin() + fixed, items[end].record->key.begin())) {
      ++end;
    }
    groups.push_back(items.subspan(begin, end - begin));
    begin = end;
  }
  return groups;
}

}  // namespace surveysync::store
