#include "store/page_write.h"

#include <algorithm>

#include "pg/copy.h"
#include "store/encode.h"
#include "store/key_params.h"

namespace surveysync::store {
namespace {

/// COPY is fed in pieces of about this size, so that a page is never in memory a second time.
constexpr std::size_t kCopyPiece = 256UL * 1024;

}  // namespace

std::vector<Item> sort_items(const model::Page& page, const WriteTarget& target) {
  const bool any_excluded = target.excluded != nullptr && !target.excluded->empty();
  std::vector<Item> items;
  items.reserve(page.records.size());
  for (const model::Record& record : page.records) {
    if (any_excluded && is_excluded(target, quarantine_key(target.stream, record))) continue;
    items.push_back({&record, items.size()});
  }
  const auto less = [](const Item& a, const Item& b) {
    if (a.record->table != b.record->table) return a.record->table < b.record->table;
    if (a.record->key != b.record->key) return a.record->key < b.record->key;
    return a.order < b.order;
  };
  std::ranges::sort(items, less);
  // Of equal keys the last in the page stands last: it is the one that stays.
  std::vector<Item> unique;
  unique.reserve(items.size());
  for (const Item& item : items) {
    const bool again = !unique.empty() && unique.back().record->table == item.record->table &&
                       unique.back().record->key == item.record->key;
    if (again) {
      unique.back() = item;
    } else {
      unique.push_back(item);
    }
  }
  return unique;
}

PageWrite::PageWrite(pg::Connection& connection, PageMemory& memory, const Input& input, bool upsert_all)
    : connection_(connection),
      memory_(memory),
      in_(input),
      upsert_all_(upsert_all),
      tables_(input.target.stream.tables) {
  memory_.main.clear();
  memory_.children.resize(std::max(memory_.children.size(), tables_.size()));
  memory_.changed.resize(std::max(memory_.changed.size(), tables_.size()));
  for (pg::TupleBuffer& buffer : memory_.children)
    buffer.clear();
  for (pg::TupleBuffer& buffer : memory_.changed)
    buffer.clear();
}

Scope PageWrite::scope() const {
  return {in_.target.fence.source, in_.target.run_id, in_.target.stream.name, in_.target.partition.name};
}

Counts PageWrite::store(std::span<const Item> items, const Refused& refused) {
  pg::Transaction transaction(connection_);
  begin(transaction, items);
  std::vector<Item> good;
  std::ranges::copy_if(items, std::back_inserter(good),
                       [&](const Item& item) { return !refused.contains(item.record); });
  write_records(transaction, good);
  finish(transaction, items, refused);
  transaction.commit();
  for (const auto& [what, sample] : notices_)
    memory_.known_notices.insert(notice_key(what));
  return counts_;
}

void PageWrite::rehearse(std::span<const Item> items) {
  pg::Transaction transaction(connection_);
  begin(transaction, items);
  write_records(transaction, items);
}

void PageWrite::begin(pg::Transaction& transaction, std::span<const Item> items) {
  const Fence& fence = in_.target.fence;
  std::vector<pg::Statement> statements = {Lease::check_statement(fence)};
  std::vector<std::string> keys;
  for (const Item& item : items)
    keys.push_back(record_key(*item.record));
  for (const model::Quarantined& record : in_.page.quarantined)
    keys.push_back(quarantine_key(record));
  if (!keys.empty()) {
    statements.push_back(
        {"SELECT record_key FROM surveysync.quarantine WHERE source = $1 AND stream = $2 AND partition = $3 "
         "AND record_key = ANY ($4::text[])",
         {pg::text(fence.source), pg::text(in_.target.stream.name), pg::text(in_.target.partition.name),
          pg::text_array(keys)}});
  }
  const std::size_t first_lookup = statements.size();
  std::vector<Group> groups = group_by_prefix(items, tables_);
  for (const Group& group : groups) {
    const TableSql sql(tables_[group.front().record->table]);
    statements.push_back(
        {sql.lookup(), key_params(fence.source, tables_[group.front().record->table], sql.fixed(), group.size(),
                                  [&](std::size_t i) -> const model::Key& { return group[i].record->key; })});
  }
  const std::vector<pg::Result> results = transaction.execute_all(statements);
  now_ = Lease::judge(results[0], fence);
  if (first_lookup > 1) {
    for (std::size_t row = 0; row < results[1].rows(); ++row)
      in_quarantine_.insert(results[1].text(row, 0));
  }
  for (const Item& item : items)
    states_[item.record] = State::absent;
  for (std::size_t index = 0; index < groups.size(); ++index)
    take_lookup(results[first_lookup + index], groups[index]);
}

void PageWrite::take_lookup(const pg::Result& found, Group group) {
  const model::Table& table = tables_[group.front().record->table];
  const std::size_t fixed = TableSql(table).fixed(), rest = table.key.size() - fixed;
  model::Key key = group.front().record->key;
  for (std::size_t row = 0; row < found.rows(); ++row) {
    for (std::size_t column = 0; column < rest; ++column)
      key[fixed + column] = key_part(found, row, column, table.key[fixed + column]);
    const auto at = std::ranges::lower_bound(group, key, std::less<>(),
                                             [](const Item& item) -> const model::Key& { return item.record->key; });
    if (at == group.end() || at->record->key != key) continue;
    const std::string_view hash = found.bytes(row, rest);
    const bool equal = std::ranges::equal(hash, at->record->hash,
                                          [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
    // A row that depends on more than the bytes is compared column by column, by the upsert.
    const bool marked = found.boolean(row, rest + 1) && !in_.page.keep_marks;
    const bool keep = equal && at->record->context.empty() && !marked && !in_.page.decode_again;
    state_of(*at) = keep ? State::same : State::other;
  }
}

void PageWrite::write_records(pg::Transaction& transaction, std::span<const Item> items) {
  for (auto first = items.begin(); first != items.end();) {
    const auto last =
        std::find_if(first, items.end(), [&](const Item& item) { return item.record->table != first->record->table; });
    const std::span<const Item> of_table(first, last);
    std::vector<Item> fresh, changed;
    for (const Item& item : of_table) {
      const State state = state_of(item);
      if (state == State::same) {
        ++counts_.unchanged;
        continue;
      }
      written_.push_back(item);
      (state == State::other || upsert_all_ ? changed : fresh).push_back(item);
    }
    if (!fresh.empty()) copy_new(transaction, fresh);
    if (!changed.empty()) upsert_changed(transaction, changed);
    first = last;
  }
  replace_children(transaction);
  copy_children(transaction);
}

void PageWrite::copy_new(pg::Transaction& transaction, std::span<const Item> items) {
  std::optional<pg::CopyWriter> copy;
  const auto send = [&] {
    if (memory_.main.size() == 0) return;
    if (!copy) copy.emplace(transaction, TableSql(tables_[items.front().record->table]).copy());
    copy->put(memory_.main.view());
    memory_.main.clear();
  };
  for (const Item& item : items) {
    if (!encode_record(item, memory_.children)) continue;
    ++counts_.inserted;
    if (memory_.main.size() >= kCopyPiece) send();
  }
  send();
  if (copy) copy->finish();
}

void PageWrite::copy_children(pg::Transaction& transaction) {
  for (std::size_t table = 0; table < tables_.size(); ++table) {
    if (!tables_[table].child || memory_.children[table].size() == 0) continue;
    pg::CopyWriter copy(transaction, TableSql(tables_[table]).copy());
    copy.put(memory_.children[table].view());
    copy.finish();
    memory_.children[table].clear();
  }
}

}  // namespace surveysync::store
