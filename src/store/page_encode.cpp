// PageWrite: a record becomes bytes.
#include <algorithm>

#include "store/encode.h"
#include "store/page_write.h"

namespace surveysync::store {
namespace {

using Row = model::RowBatch::Row;

std::string_view view_of(const model::Hash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

bool equals(const model::Cell& cell, const model::KeyPart& part) {
  if (const auto* number = std::get_if<std::int64_t>(&part))
    return cell.type() == model::Cell::Type::integer && cell.integer() == *number;
  return cell.type() == model::Cell::Type::text && cell.text() == std::get<std::string>(part);
}

std::strong_ordering compare(const model::Cell& a, const model::Cell& b) {
  if (a.type() == model::Cell::Type::text && b.type() == model::Cell::Type::text) return a.text() <=> b.text();
  return a.integer() <=> b.integer();
}

/// Order of child rows of one record: by the key columns behind the record's own.
std::strong_ordering compare(const Row& a, const Row& b, std::size_t from, std::size_t keys) {
  for (std::size_t index = from; index < keys; ++index) {
    if (const auto order = compare(a.cells[index], b.cells[index]); order != 0) return order;
  }
  return std::strong_ordering::equal;
}

}  // namespace

bool PageWrite::encode_record(const Item& item, std::vector<pg::TupleBuffer>& children) {
  const model::Record& record = *item.record;
  const std::size_t main_mark = memory_.main.size();
  std::vector<std::size_t> marks;
  for (const pg::TupleBuffer& buffer : children)
    marks.push_back(buffer.size());
  memory_.batch.clear();
  take_persons_out(record);
  try {
    in_.decode(stored(record), memory_.batch);
    const Row& row = main_row(record);
    if (names_erased_person(record, row)) {
      of_persons_.insert(&record);
      return false;
    }
    encode_main(stored(record), row);
    for (std::size_t table = 0; table < tables_.size(); ++table) {
      if (tables_[table].child) encode_children(record, table, children[table]);
    }
    if (const auto& version = tables_[record.table].version; version && record.table == 0) {
      const model::Cell& cell = row.cells[tables_[0].key.size() + *version];
      if (cell.type() == model::Cell::Type::time) {
        const UtcTime time{std::chrono::microseconds(cell.micros())};
        newest_ = newest_ ? std::max(*newest_, time) : time;
      }
    }
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::malformed) throw;
    memory_.main.truncate(main_mark);
    for (std::size_t table = 0; table < marks.size(); ++table)
      children[table].truncate(marks[table]);
    bad_[&record] = error.what();
    return false;
  }
  for (const model::RowBatch::Notice& notice : memory_.batch.notices)
    note(notice.what, notice.sample);
  return true;
}

const Row& PageWrite::main_row(const model::Record& record) const {
  const Row* found = nullptr;
  for (const Row& row : memory_.batch.rows()) {
    if (tables_.at(row.table).child) continue;
    if (found != nullptr || row.table != record.table)
      throw Error(ErrorKind::bug, "the decoder made rows of other tables out of one record");
    found = &row;
  }
  if (found == nullptr) throw Error(ErrorKind::malformed, "the record makes no row");
  for (std::size_t index = 0; index < record.key.size(); ++index) {
    if (!equals(found->cells[index], record.key[index]))
      throw Error(ErrorKind::bug, "the decoder gave a row another key than its record");
  }
  return *found;
}

std::vector<std::string> PageWrite::flags_of(const model::Record& record) const {
  std::vector<std::string> flags = record.flags;
  for (const std::string& flag : memory_.batch.flags) {
    if (std::ranges::find(flags, flag) == flags.end()) flags.push_back(flag);
  }
  return flags;
}

void PageWrite::encode_main(const model::Record& record, const Row& row) {
  const model::Table& table = tables_[record.table];
  pg::TupleBuffer& out = memory_.main;
  out.begin_tuple(static_cast<std::int16_t>(1 + table.key.size() + table.columns.size() + std::size(kStandardColumns)));
  out.bytes(in_.target.fence.source);
  encode_row(out, table, row.cells);
  out.bytes(record.payload);
  if (record.original) {
    out.bytes(*record.original);
  } else {
    out.null();
  }
  out.bytes(view_of(record.hash));
  if (record.flags.empty() && memory_.batch.flags.empty()) {
    out.null();
  } else {
    const std::vector<std::string> flags = flags_of(record);
    const std::size_t mark = out.begin_array(pg::oid::kText, flags.size());
    for (const std::string& flag : flags)
      out.bytes(flag);
    out.end_array(mark);
  }
  out.timestamptz(now_);
  out.timestamptz(now_);
  out.int8(in_.target.run_id);
}

void PageWrite::encode_children(const model::Record& record, std::size_t table_index, pg::TupleBuffer& out) {
  const model::Table& table = tables_[table_index];
  const std::size_t own = record.key.size(), keys = table.key.size();
  std::vector<const Row*>& rows = memory_.rows;
  rows.clear();
  bool sorted = true;
  for (const Row& row : memory_.batch.rows()) {
    if (row.table != table_index) continue;
    for (std::size_t index = 0; index < own; ++index) {
      if (!equals(row.cells[index], record.key[index]))
        throw Error(ErrorKind::bug, "the decoder gave a child row another record's key");
    }
    for (std::size_t index = own; index < keys; ++index) {
      if (row.cells[index].is_null())
        throw Error(ErrorKind::malformed, "key column " + table.key[index].name + " is missing");
    }
    if (!rows.empty() && compare(*rows.back(), row, own, keys) >= 0) sorted = false;
    rows.push_back(&row);
  }
  if (!sorted) {
    std::ranges::stable_sort(rows, [&](const Row* a, const Row* b) { return compare(*a, *b, own, keys) < 0; });
    // Two rows with one key: the last stays, and people are told that the vendor did this.
    std::size_t kept = 0;
    for (std::size_t index = 0; index < rows.size(); ++index) {
      const bool again = index + 1 < rows.size() && compare(*rows[index], *rows[index + 1], own, keys) == 0;
      if (!again) rows[kept++] = rows[index];
    }
    if (kept < rows.size())
      note(table.name + ": two rows of one record with the same key", "record " + model::key_text(record.key));
    rows.resize(kept);
  }
  for (const Row* row : rows) {
    out.begin_tuple(static_cast<std::int16_t>(2 + keys + table.columns.size()));
    out.bytes(in_.target.fence.source);
    encode_row(out, table, row->cells);
    out.int8(in_.target.run_id);
  }
}

}  // namespace surveysync::store
