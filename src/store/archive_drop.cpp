// Archive: records that are to be kept out from now on.
#include <charconv>

#include "base/error.h"
#include "pg/binary.h"
#include "store/archive.h"
#include "store/archive_sql.h"
#include "store/fenced.h"
#include "store/key_params.h"
#include "store/ledger.h"

namespace surveysync::store {
namespace {

struct Dropped {
  std::string stream, partition, record_key;
};

/// The key that `record_key` names among the rows of the stream's first table, if it does.
std::optional<model::Key> row_key(const model::Table& table, std::string_view record_key) {
  model::Key key;
  for (const model::Column& column : table.key) {
    const std::size_t slash = std::min(record_key.find('/'), record_key.size());
    const std::string_view text = record_key.substr(0, slash);
    record_key.remove_prefix(std::min(slash + 1, record_key.size()));
    if (column.type != model::ColumnType::int64) {
      key.emplace_back(std::string(text));
      continue;
    }
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    key.emplace_back(number);
  }
  return record_key.empty() ? std::optional(key) : std::nullopt;
}

void add_statements(const Fence& fence, const Dropped& dropped, const std::vector<model::StreamSpec>& streams,
                    std::vector<pg::Statement>& statements) {
  const model::Hash digest = exclusion_digest(dropped.stream, dropped.partition, dropped.record_key);
  statements.push_back(
      {"INSERT INTO surveysync.erasure (source, stream, partition, digest, kind, erased_at) VALUES ($1, $2, $3, $4, "
       "'drop', pg_catalog.now()) ON CONFLICT (source, stream, partition, digest) DO NOTHING",
       {pg::text(fence.source), pg::text(dropped.stream), pg::text(dropped.partition),
        pg::bytea({reinterpret_cast<const char*>(digest.data()), digest.size()})}});
  for (const model::StreamSpec& stream : streams) {
    if (stream.name != dropped.stream) continue;
    const auto key = row_key(stream.tables.at(0), dropped.record_key);
    if (!key) continue;
    std::vector<pg::Param> params = {pg::text(fence.source)};
    for (const model::KeyPart& part : *key)
      params.push_back(key_param(part));
    statements.push_back({ArchiveSql(stream.tables[0]).mark_now(), std::move(params)});
    statements.push_back({"UPDATE surveysync.wide SET swept = false WHERE source = $1 AND partition = $2",
                          {pg::text(fence.source), pg::text(dropped.partition)}});
  }
}

}  // namespace

std::int64_t Archive::drop(const Fence& fence, const std::vector<std::int64_t>& ids,
                           const std::vector<model::StreamSpec>& streams) {
  if (ids.empty()) return 0;
  pg::Transaction transaction(connection_);
  const std::vector<pg::Statement> taking = {
      Lease::check_statement(fence),
      {"DELETE FROM surveysync.quarantine WHERE source = $1 AND quarantine_id = ANY ($2::bigint[]) RETURNING stream, "
       "partition, record_key",
       {pg::text(fence.source), pg::int8_array(ids)}}};
  const std::vector<pg::Result> taken = transaction.execute_all(taking);
  Lease::judge(taken[0], fence);
  std::vector<pg::Statement> statements;
  for (std::size_t row = 0; row < taken[1].rows(); ++row) {
    const Dropped dropped{taken[1].text(row, 0), taken[1].text(row, 1), taken[1].text(row, 2)};
    add_statements(fence, dropped, streams, statements);
  }
  transaction.execute_all(statements);
  transaction.commit();
  return static_cast<std::int64_t>(taken[1].rows());
}

void Archive::forget_dropped(const Fence& fence, const std::string& stream, const std::string& partition,
                             const std::vector<model::Hash>& digests) {
  std::vector<pg::Statement> statements;
  for (const model::Hash& digest : digests) {
    statements.push_back(
        {"DELETE FROM surveysync.erasure WHERE source = $1 AND stream = $2 AND partition = $3 AND "
         "digest = $4 AND kind = 'drop'",
         {pg::text(fence.source), pg::text(stream), pg::text(partition),
          pg::bytea({reinterpret_cast<const char*>(digest.data()), digest.size()})}});
    statements.push_back(
        {"UPDATE surveysync.erasure SET present = false WHERE source = $1 AND stream = $2 AND "
         "partition = $3 AND digest = $4 AND kind = 'erasure'",
         statements.back().params});
  }
  write_fenced(connection_, fence, std::move(statements));
}

}  // namespace surveysync::store
