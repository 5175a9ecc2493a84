// Erasure: the proof that nothing is left.
#include <fmt/format.h>

#include <algorithm>

#include "pg/binary.h"
#include "store/erasure.h"
#include "store/erasure_pattern.h"
#include "store/key_params.h"
#include "store/ledger.h"
#include "store/page_write.h"
#include "store/sql_text.h"

namespace surveysync::store {
namespace {

// Rows of one read.
constexpr std::int64_t kRows = 5000;

pg::Statement search(const PlainTable& table, const std::string& source, const std::string& pattern) {
  std::vector<pg::Param> params = {pg::text(pattern)};
  if (table.has("source")) params.push_back(pg::text(source));
  return {fmt::format("SELECT count(*) FROM {} AS t WHERE {}{}", table.qualified(),
                      table.has("source") ? "t.source = $2 AND " : "", shows_pattern(table)),
          std::move(params)};
}

/// A wide table of another source: "eu_8611799". Those of ours have the source's name and a partition's number.
bool is_of_another(const PlainTable& table, const std::string& source) {
  if (table.schema == "surveysync" || table.has("source")) return false;
  const std::size_t behind = source.size() + 1;
  const bool ours = table.name.starts_with(source + "_") && table.name.size() > behind && table.name[behind] >= '0' &&
                    table.name[behind] <= '9';
  return !ours;
}

void note(const std::string& place, std::int64_t rows, std::vector<ErasureCount>& left) {
  if (rows == 0) return;
  const auto known = std::ranges::find(left, place, &ErasureCount::place);
  if (known == left.end()) {
    left.push_back({place, rows});
  } else {
    known->rows = std::max(known->rows, rows);
  }
}

}  // namespace

std::vector<ErasureCount> Erasure::left_of(const ErasureWish& wish) {
  std::vector<ErasureCount> left;
  const std::string persons = pattern_of_persons(wish), all = pattern_of(wish);
  for (const PlainTable& table : tables()) {
    const bool ours = table.schema == "surveysync";
    if ((ours && table.name == "erasure") || is_of_another(table, source_)) continue;
    const std::string& pattern = ours ? all : persons;
    if (!pattern.empty()) {
      const pg::Statement searching = search(table, source_, pattern);
      note(table.place(), connection_.execute(searching.sql, searching.params).integer(0, 0), left);
    }
    if (ours) continue;
    std::int64_t rows = 0;
    for (const ErasedRecord& record : wish.records) {
      if (const auto where = where_is(record, table, source_)) {
        rows += connection_.execute("SELECT count(*) FROM " + table.qualified() + " WHERE " + where->sql, where->params)
                    .integer(0, 0);
      }
    }
    note(table.place(), rows, left);
  }
  // By the columns that name contacts, hashed ones included.
  ErasureWish again;
  again.persons = wish.persons;
  find_persons(again);
  for (const ErasedRecord& record : again.records)
    note(record.table != nullptr ? record.table->qualified() : "surveysync.quarantine", 1, left);
  return left;
}

std::vector<ErasureCount> Erasure::left_of_all() {
  std::vector<ErasureCount> left;
  for (const model::StreamSpec& stream : streams_) {
    for (const model::Table& table : stream.tables) {
      if (!table.child) count_left(stream, table, left);
    }
  }
  for (const PlainTable& table : tables()) {
    if (table.schema == "surveysync" || table.has("source") || is_of_another(table, source_)) continue;
    for (const model::StreamSpec& stream : streams_) {
      if (stream.certified) count_left_wide(stream, table, left);
    }
  }
  return left;
}

/// A wide table of one partition: its rows carry the record's own key alone.
void Erasure::count_left_wide(const model::StreamSpec& stream, const PlainTable& wide,
                              std::vector<ErasureCount>& left) {
  const model::Table& record = stream.tables.at(0);
  if (record.scope != 1 || record.key.size() != 2 || !wide.has(record.key[1].name)) return;
  const std::string rest = wide.name.substr(source_.size() + 1), partition = rest.substr(0, rest.find('_'));
  const Exclusions out = Ledger(connection_, [this] { return digest_; }).exclusions(source_, stream.name, partition);
  const std::string key = quoted(record.key[1].name);
  std::int64_t found = 0;
  for (std::string after;;) {
    const std::vector<pg::Param> params = {pg::text(after), pg::int8(kRows)};
    const pg::Result rows = connection_.execute(
        fmt::format("SELECT t.{0}::text FROM {1} AS t WHERE $1 = '' OR t.{0} > nullif($1, '')::{2} ORDER BY t.{0} "
                    "LIMIT $2",
                    key, wide.qualified(), wide.columns.at(record.key[1].name)),
        params);
    for (std::size_t row = 0; row < rows.rows(); ++row) {
      after = rows.text(row, 0);
      found += out.erased(exclusion_digest(stream.name, partition, partition + "/" + after)) ? 1 : 0;
    }
    if (static_cast<std::int64_t>(rows.rows()) < kRows) break;
  }
  note(wide.place(), found, left);
}

/// Reads all keys of the table, and what names contacts, in pages.
void Erasure::count_left(const model::StreamSpec& stream, const model::Table& table, std::vector<ErasureCount>& left) {
  std::string columns, order, after;
  for (std::size_t i = 0; i < table.key.size(); ++i) {
    order += (i == 0 ? "" : ", ") + quoted(table.key[i].name);
    after += fmt::format("{}${}", i == 0 ? "" : ", ", i + 3);
  }
  for (const model::ContactColumn& column : table.contact_columns)
    columns += fmt::format(", coalesce({}::text, '')", quoted(column.column));
  Ledger ledger(connection_, [this] { return digest_; });
  std::map<std::string, Exclusions> excluded;
  std::optional<model::Key> last;
  std::int64_t found = 0;
  for (;;) {
    std::vector<pg::Param> params = {pg::text(source_), pg::int8(kRows)};
    for (std::size_t i = 0; last && i < last->size(); ++i)
      params.push_back(key_param(last->at(i)));
    const pg::Result rows = connection_.execute(
        fmt::format("SELECT {0}{1} FROM {2} WHERE source = $1{3} ORDER BY {0} LIMIT $2", order, columns,
                    qualified(table), last ? fmt::format(" AND ({}) > ({})", order, after) : ""),
        params);
    for (std::size_t row = 0; row < rows.rows(); ++row) {
      model::Record record;
      record.table = static_cast<std::size_t>(&table - stream.tables.data());
      for (std::size_t i = 0; i < table.key.size(); ++i)
        record.key.push_back(key_part(rows, row, i, table.key[i]));
      const std::string partition = table.scope == 0 ? std::string() : model::key_text({record.key[0]});
      if (!excluded.contains(partition)) excluded[partition] = ledger.exclusions(source_, stream.name, partition);
      const Exclusions& out = excluded[partition];
      bool kept_out = out.erased(exclusion_digest(stream.name, partition, quarantine_key(stream, record)));
      for (std::size_t i = 0; i < table.contact_columns.size() && !kept_out; ++i)
        kept_out = out.contains(PersonName{table.contact_columns[i].kind, rows.text(row, table.key.size() + i)});
      found += kept_out ? 1 : 0;
      last = std::move(record.key);
    }
    if (static_cast<std::int64_t>(rows.rows()) < kRows) break;
  }
  note(table.qualified(), found, left);
}

}  // namespace surveysync::store
