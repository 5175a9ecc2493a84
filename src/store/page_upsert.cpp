// PageWrite: records that the database has in another version, and their child rows.
#include <algorithm>

#include "store/encode.h"
#include "store/key_params.h"
#include "store/page_write.h"

namespace surveysync::store {
namespace {

constexpr std::size_t kBatchBytes = 1UL << 20, kBatchRows = 250;

/// The array parameters of one upsert, filled row by row.
class UpsertArrays {
 public:
  explicit UpsertArrays(const model::Table& table) : table_(table) {
    for (const model::Column& column : table.key)
      builders_.emplace_back(element_of(column.type));
    for (const model::Column& column : table.columns)
      builders_.emplace_back(element_of(column.type));
    for (const std::uint32_t type : {pg::oid::kJson, pg::oid::kBytea, pg::oid::kBytea, pg::oid::kText})
      builders_.emplace_back(type);
  }
  void add(const model::Record& record, std::span<const model::Cell> cells, const std::vector<std::string>& flags) {
    const std::size_t keys = table_.key.size(), columns = table_.columns.size();
    for (std::size_t i = 0; i < keys; ++i)
      encode_element(builders_[i].next(), table_.key[i], cells[i]);
    for (std::size_t i = 0; i < columns; ++i)
      encode_element(builders_[keys + i].next(), table_.columns[i], cells[keys + i]);
    const std::size_t standard = keys + columns;
    builders_[standard].next().bytes(record.payload);
    pg::TupleBuffer& raw = builders_[standard + 1].next();
    record.original ? raw.bytes(*record.original) : raw.null();
    builders_[standard + 2].next().bytes({reinterpret_cast<const char*>(record.hash.data()), record.hash.size()});
    pg::TupleBuffer& text = builders_[standard + 3].next();
    flags.empty() ? text.null() : text.bytes(array_literal(flags));
  }
  void take(std::vector<pg::Param>& params) {
    for (pg::ArrayBuilder& builder : builders_)
      params.push_back(builder.take());
  }

 private:
  const model::Table& table_;
  std::vector<pg::ArrayBuilder> builders_;
};

}  // namespace

void PageWrite::upsert_changed(pg::Transaction& transaction, std::span<const Item> items) {
  for (std::size_t begin = 0; begin < items.size();) {
    std::size_t end = begin, bytes = 0;
    while (end < items.size() && end - begin < kBatchRows &&
           (end == begin || bytes + items[end].record->payload.size() <= kBatchBytes)) {
      bytes += items[end++].record->payload.size();
    }
    upsert_batch(transaction, items.subspan(begin, end - begin));
    begin = end;
  }
}

Replace PageWrite::replace_of(std::span<const Item> items) const {
  if (in_.page.decode_again) return Replace::different;
  const bool by_columns = std::ranges::any_of(items, [](const Item& item) { return !item.record->context.empty(); });
  if (by_columns) return Replace::different;
  return in_.page.cached ? Replace::not_newer : Replace::changed;
}

void PageWrite::upsert_batch(pg::Transaction& transaction, std::span<const Item> items) {
  const std::size_t table_index = items.front().record->table;
  const model::Table& table = tables_[table_index];
  for (pg::TupleBuffer& buffer : memory_.changed)
    buffer.clear();
  UpsertArrays arrays(table);
  std::vector<Item> sent;
  std::vector<std::size_t> ends;  // of child rows: by sent record, then table
  for (const Item& item : items) {
    // Encoded as for COPY first: what cannot be encoded must not leave half a row in the arrays.
    if (!encode_record(item, memory_.changed)) continue;
    memory_.main.clear();
    arrays.add(stored(*item.record), main_row(*item.record).cells, flags_of(*item.record));
    sent.push_back(item);
    for (std::size_t index = 0; index < tables_.size(); ++index)
      ends.push_back(memory_.changed[index].size());
  }
  if (sent.empty()) return;
  std::vector<pg::Param> params = {pg::text(in_.target.fence.source), pg::timestamptz(now_),
                                   pg::int8(in_.target.run_id)};
  arrays.take(params);
  const pg::Result taken = transaction.execute(
      TableSql(table).upsert(replace_of(sent), in_.page.keep_marks ? Marked::keep : Marked::revive), params);
  const std::size_t keys = table.key.size();
  std::vector<bool> took(sent.size(), false);
  for (std::size_t row = 0; row < taken.rows(); ++row) {
    model::Key key;
    for (std::size_t column = 0; column < keys; ++column)
      key.push_back(key_part(taken, row, column, table.key[column]));
    const auto at = std::ranges::lower_bound(sent, key, std::less<>(),
                                             [](const Item& item) -> const model::Key& { return item.record->key; });
    if (at == sent.end() || at->record->key != key)
      throw Error(ErrorKind::bug, "the upsert gave back a key that was not sent");
    took[static_cast<std::size_t>(at - sent.begin())] = true;
    ++(taken.boolean(row, keys) ? counts_.inserted : counts_.updated);
    if (table_index == 0) taken_.push_back(std::move(key));
  }
  // Equal columns do not say that the child rows are equal too.
  if (in_.page.decode_again && table_index == 0) take_other_children(transaction, sent, ends, took);
  for (std::size_t index = 0; index < sent.size(); ++index) {
    // Left alone by the statement: an older version, or another worker stored the same one meanwhile.
    if (!took[index]) {
      ++counts_.unchanged;
      continue;
    }
    for (std::size_t child = 0; child < tables_.size(); ++child) {
      const std::size_t begin = index == 0 ? 0 : ends[(index - 1) * tables_.size() + child],
                        end = ends[index * tables_.size() + child];
      memory_.children[child].append(memory_.changed[child].view().substr(begin, end - begin));
    }
  }
}

void PageWrite::replace_children(pg::Transaction& transaction) {
  if (taken_.empty()) return;
  std::ranges::sort(taken_);
  const auto fixed = static_cast<std::ptrdiff_t>(TableSql(tables_[0]).fixed());
  for (std::size_t child = 0; child < tables_.size(); ++child) {
    if (!tables_[child].child) continue;
    const std::string sql = TableSql(tables_[child]).delete_children(tables_[0]);
    for (auto first = taken_.begin(); first != taken_.end();) {
      const auto last = std::find_if(first, taken_.end(), [&](const model::Key& key) {
        return !std::equal(key.begin(), key.begin() + fixed, first->begin());
      });
      const auto params = key_params(
          in_.target.fence.source, tables_[0], static_cast<std::size_t>(fixed), static_cast<std::size_t>(last - first),
          [&](std::size_t i) -> const model::Key& { return *(first + static_cast<std::ptrdiff_t>(i)); });
      transaction.execute(sql, params);
      first = last;
    }
  }
}

}  // namespace surveysync::store
