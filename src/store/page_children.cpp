// PageWrite: records that are decoded again and whose own columns are equal: are their child rows?
#include <algorithm>

#include "store/key_params.h"
#include "store/page_write.h"

namespace surveysync::store {
namespace {

/// The stored child rows of `parents`, encoded as the writer encodes them and as if this run had written them, one text
/// for each parent.
std::vector<pg::TupleBuffer> stored_children(const pg::Result& rows, const model::Table& child,
                                             std::span<const Item> parents, std::int64_t run_id) {
  std::vector<pg::TupleBuffer> texts(parents.size());
  const std::size_t own = parents.front().record->key.size();
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    model::Key key;
    for (std::size_t column = 0; column < own; ++column)
      key.push_back(key_part(rows, row, column + 1, child.key[column]));
    const auto at = std::ranges::lower_bound(parents, key, std::less<>(),
                                             [](const Item& item) -> const model::Key& { return item.record->key; });
    if (at == parents.end() || at->record->key != key) continue;
    pg::TupleBuffer& text = texts[static_cast<std::size_t>(at - parents.begin())];
    text.begin_tuple(static_cast<std::int16_t>(rows.columns() + 1));
    for (std::size_t column = 0; column < rows.columns(); ++column)
      rows.is_null(row, column) ? text.null() : text.bytes(rows.bytes(row, column));
    text.int8(run_id);
  }
  return texts;
}

}  // namespace

void PageWrite::take_other_children(pg::Transaction& transaction, std::span<const Item> sent,
                                    std::span<const std::size_t> ends, std::vector<bool>& took) {
  const model::Table& table = tables_[0];
  const std::size_t fixed = TableSql(table).fixed();
  const auto decoded = [&](const Item& item, std::size_t child) {
    const auto index = static_cast<std::size_t>(
        std::ranges::find(sent, item.record, [](const Item& one) { return one.record; }) - sent.begin());
    const std::size_t begin = index == 0 ? 0 : ends[(index - 1) * tables_.size() + child];
    return memory_.changed[child].view().substr(begin, ends[index * tables_.size() + child] - begin);
  };
  std::vector<Item> left;
  for (std::size_t index = 0; index < sent.size(); ++index) {
    if (!took[index]) left.push_back(sent[index]);
  }
  for (const Group& group : group_by_prefix(left, tables_)) {
    const auto params_of = [&](std::span<const Item> items) {
      return key_params(in_.target.fence.source, table, fixed, items.size(),
                        [&](std::size_t i) -> const model::Key& { return items[i].record->key; });
    };
    std::vector<Item> other;
    for (std::size_t child = 0; child < tables_.size(); ++child) {
      if (!tables_[child].child) continue;
      const pg::Result rows = transaction.execute(TableSql(tables_[child]).children(table), params_of(group));
      const auto stored = stored_children(rows, tables_[child], group, in_.target.run_id);
      for (std::size_t i = 0; i < group.size(); ++i) {
        if (stored[i].view() != decoded(group[i], child)) other.push_back(group[i]);
      }
    }
    if (other.empty()) continue;
    std::vector<pg::Param> params = params_of(other);
    params.insert(params.begin() + 1, {pg::timestamptz(now_), pg::int8(in_.target.run_id)});
    transaction.execute(TableSql(table).touch(), params);
    for (std::size_t index = 0; index < sent.size(); ++index) {
      const auto same = [&](const Item& item) { return item.record == sent[index].record; };
      if (took[index] || std::ranges::none_of(other, same)) continue;
      took[index] = true;
      ++counts_.updated;
      taken_.push_back(sent[index].record->key);
    }
  }
}

}  // namespace surveysync::store
