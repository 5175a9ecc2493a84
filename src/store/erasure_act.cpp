// Erasure: the deed.
#include <fmt/format.h>

#include <algorithm>

#include "pg/binary.h"
#include "store/erasure.h"
#include "store/erasure_pattern.h"
#include "store/erasure_sql.h"
#include "store/key_params.h"
#include "store/sql_text.h"

namespace surveysync::store {
namespace {

constexpr const char* kTables =
    "SELECT c.table_schema::text, c.table_name::text, c.column_name::text, c.data_type::text FROM "
    "information_schema.columns AS c JOIN information_schema.tables AS t ON t.table_schema = c.table_schema AND "
    "t.table_name = c.table_name WHERE t.table_type = 'BASE TABLE' AND (c.table_schema = 'surveysync' OR EXISTS "
    "(SELECT "
    "1 FROM unnest($1::text[]) AS s (name) WHERE c.table_schema = s.name OR starts_with(c.table_schema::text, s.name "
    "|| "
    "'_'))) ORDER BY 1, 2, 3";

/// The key's parts behind the partition's, as sightings have them.
std::string own_text(const ErasedRecord& record) {
  std::string text;
  for (std::size_t i = record.table->scope; i < record.key.size(); ++i)
    text += (text.empty() ? "" : "/") + model::key_text({record.key[i]});
  return text;
}

}  // namespace

std::vector<PlainTable> Erasure::tables() {
  std::set<std::string> schemas;
  for (const model::StreamSpec& stream : streams_) {
    for (const model::Table& table : stream.tables)
      schemas.insert(table.schema);
  }
  const std::vector<pg::Param> params = {pg::text_array(std::vector<std::string>(schemas.begin(), schemas.end()))};
  const pg::Result rows = connection_.execute(kTables, params);
  std::vector<PlainTable> tables;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const std::string schema = rows.text(row, 0), name = rows.text(row, 1);
    if (tables.empty() || tables.back().schema != schema || tables.back().name != name)
      tables.push_back({schema, name, {}});
    tables.back().columns[rows.text(row, 2)] = rows.text(row, 3);
  }
  return tables;
}

std::vector<std::string> Erasure::files_of(const ErasureWish& wish) {
  std::vector<std::string> files;
  for (const PlainTable& table : tables()) {
    if (!table.has("stored_path")) continue;
    for (const ErasedRecord& record : wish.records) {
      const auto where = where_is(record, table, source_);
      if (!where) continue;
      const pg::Result rows = connection_.execute(
          "SELECT stored_path FROM " + table.qualified() + " WHERE stored_path IS NOT NULL AND " + where->sql,
          where->params);
      for (std::size_t row = 0; row < rows.rows(); ++row)
        files.push_back(rows.text(row, 0));
    }
  }
  return files;
}

std::vector<pg::Statement> Erasure::deletions(const ErasedRecord& record, const std::vector<PlainTable>& tables) const {
  std::vector<pg::Statement> statements;
  for (const PlainTable& table : tables) {
    if (table.schema == "surveysync") continue;
    if (const auto where = where_is(record, table, source_))
      statements.push_back({"DELETE FROM " + table.qualified() + " WHERE " + where->sql, where->params});
  }
  const std::vector<pg::Param> place = {pg::text(source_), pg::text(record.stream), pg::text(record.partition)};
  std::vector<pg::Param> params = place;
  params.push_back(pg::text(record.record_key));
  statements.push_back(
      {"DELETE FROM surveysync.quarantine WHERE source = $1 AND stream = $2 AND partition = $3 AND "
       "record_key = $4",
       params});
  // Dropped before: it would count twice.
  const model::Hash dropped = exclusion_digest(record.stream, record.partition, record.record_key);
  params.back() = pg::bytea({reinterpret_cast<const char*>(dropped.data()), dropped.size()});
  statements.push_back(
      {"DELETE FROM surveysync.erasure WHERE source = $1 AND stream = $2 AND partition = $3 AND digest "
       "= $4 AND kind = 'drop'",
       params});
  if (record.table == nullptr) return statements;
  params.back() = pg::text(own_text(record));
  statements.push_back(
      {"UPDATE surveysync.sighting SET record_keys = array_remove(record_keys, $4) WHERE source = $1 AND "
       "stream = $2 AND partition = $3 AND $4 = ANY (record_keys)",
       params});
  if (record.table->history) {
    statements.push_back(
        {"DELETE FROM surveysync.definition_history WHERE source = $1 AND survey_id::text = $2 AND "
         "object = $3 AND object_id = $4",
         {pg::text(source_), pg::text(record.partition), pg::text(record.table->name), pg::text(own_text(record))}});
  }
  return statements;
}

std::vector<pg::Statement> Erasure::ledger_rows(const ErasureWish& wish) const {
  std::vector<pg::Statement> statements;
  for (const ErasedRecord& record : wish.records) {
    const model::Hash identity = exclusion_digest(record.stream, record.partition, record.record_key);
    statements.push_back(erasure_row({source_, record.stream, record.partition, erased_record(*digest_, identity),
                                      "erasure", record.present, digest_->fingerprint()}));
  }
  for (const PersonName& person : wish.persons) {
    for (const std::string& text : texts_of(person)) {
      statements.push_back(erasure_row(
          {source_, "", "", erased_person(*digest_, {person.kind, text}), "person", false, digest_->fingerprint()}));
    }
  }
  return statements;
}

/// Errors and evidence may have named them.
std::vector<pg::Statement> Erasure::redactions(const ErasureWish& wish) const {
  std::vector<pg::Statement> statements;
  const std::string pattern = pattern_of(wish);
  if (pattern.empty()) return statements;
  struct Text {
    const char *table, *column;
  };
  for (const Text& text :
       {Text{"run", "error"}, Text{"run_stream", "error"}, Text{"incident", "evidence"}, Text{"incident", "next_step"},
        Text{"quarantine", "reason"}, Text{"request", "error"}, Text{"contract_change", "sample"}}) {
    statements.push_back(
        {fmt::format("UPDATE surveysync.{0} SET {1} = regexp_replace({1}, $2, '***', 'gi') WHERE source "
                     "= $1 AND {1} ~* $2",
                     text.table, text.column),
         {pg::text(source_), pg::text(pattern)}});
  }
  return statements;
}

std::vector<ErasureCount> Erasure::erase(const Fence& fence, const ErasureWish& wish) {
  const std::vector<PlainTable> known = tables();
  std::vector<pg::Statement> statements = {Lease::check_statement(fence)};
  const auto append = [&](std::vector<pg::Statement> more) { std::ranges::move(more, std::back_inserter(statements)); };
  for (const ErasedRecord& record : wish.records)
    append(deletions(record, known));
  const std::size_t deleting = statements.size();
  redact_parts(wish, known, statements);
  const std::size_t redacting = statements.size();
  append(ledger_rows(wish));
  append(redactions(wish));
  pg::Transaction transaction(connection_);
  const std::vector<pg::Result> results = transaction.execute_all(statements);
  Lease::judge(results[0], fence);
  transaction.commit();
  std::map<std::string, ErasureCount> rows;
  for (std::size_t i = 1; i < redacting; ++i) {
    if (results[i].affected() == 0) continue;
    ErasureCount& count = rows[place_of(statements[i].sql)];
    (i < deleting ? count.rows : count.redacted) += results[i].affected();
  }
  std::vector<ErasureCount> counts;
  for (auto& [place, count] : rows) {
    count.place = place;
    counts.push_back(count);
  }
  return counts;
}

}  // namespace surveysync::store
