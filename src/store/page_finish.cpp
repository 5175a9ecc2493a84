// PageWrite: what goes with the rows: quarantine, notices, rows that vanished, checkpoint and counters.
#include <algorithm>

#include "store/encode.h"
#include "store/key_params.h"
#include "store/ledger.h"
#include "store/page_write.h"

namespace surveysync::store {
namespace {

/// A B-tree entry must stay well below a third of its page.
constexpr std::size_t kLongestKey = 500;

constexpr const char* kQuarantine =
    "INSERT INTO surveysync.quarantine (source, stream, partition, record_key, reason, raw, run_id, first_seen_at, "
    "last_seen_at) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) ON CONFLICT (source, stream, partition, record_key) DO UPDATE SET "
    "reason = excluded.reason, raw = excluded.raw, run_id = excluded.run_id, last_seen_at = excluded.last_seen_at";
constexpr const char* kRelease =
    "DELETE FROM surveysync.quarantine WHERE source = $1 AND stream = $2 AND partition = $3 AND record_key = ANY "
    "($4::text[])";
constexpr const char* kNotice =
    "INSERT INTO surveysync.contract_change (source, stream, what, sample, run_id, first_seen_at) VALUES ($1, $2, $3, "
    "$4, $5, $6) "
    "ON CONFLICT (source, stream, what) DO NOTHING RETURNING what";
constexpr const char* kCheckpoint =
    "INSERT INTO surveysync.checkpoint AS c (source, stream, partition, bookmark, position, page_size, updated_at, "
    "title, "
    "newest_change) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (source, stream, partition) DO UPDATE SET "
    "bookmark = excluded.bookmark, position = excluded.position, page_size = excluded.page_size, "
    "updated_at = excluded.updated_at, title = CASE WHEN excluded.title = '' THEN c.title ELSE excluded.title END, "
    "newest_change = greatest(c.newest_change, excluded.newest_change)";
constexpr const char* kCounters =
    "INSERT INTO surveysync.run_stream AS s (run_id, stream, partition, source, started_at, inserted, updated, "
    "unchanged, "
    "tombstoned, quarantined) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (run_id, stream, partition) "
    "DO UPDATE SET inserted = s.inserted + excluded.inserted, updated = s.updated + excluded.updated, "
    "unchanged = s.unchanged + excluded.unchanged, tombstoned = s.tombstoned + excluded.tombstoned, "
    "quarantined = s.quarantined + excluded.quarantined";

std::string bounded_key(std::string key) {
  if (key.size() <= kLongestKey) return key;
  const model::Hash hash = model::hash_of(key);
  key.resize(kLongestKey);
  key += ":";
  for (const std::uint8_t byte : hash)
    key += std::to_string(byte);
  return pg::storable(key);
}

}  // namespace

std::string quarantine_key(const model::StreamSpec& stream, const model::Record& record) {
  // Ids of different tables of one stream may be equal; those of the certified one stay as people write them.
  const std::string prefix = record.table == 0 ? "" : stream.tables.at(record.table).name + ":";
  return bounded_key(pg::storable(prefix + model::key_text(record.key)));
}

std::string quarantine_key(const model::Quarantined& record) {
  return bounded_key(pg::storable(record.record_key));
}

bool is_excluded(const WriteTarget& target, const std::string& quarantine_key) {
  return target.excluded != nullptr &&
         target.excluded->contains(exclusion_digest(target.stream.name, target.partition.name, quarantine_key));
}

bool is_erased(const WriteTarget& target, const std::string& quarantine_key) {
  return target.excluded != nullptr &&
         target.excluded->erased(exclusion_digest(target.stream.name, target.partition.name, quarantine_key));
}

std::map<std::string, PageWrite::Quarantine> PageWrite::quarantine_of(std::span<const Item> items,
                                                                      const Refused& refused) const {
  std::map<std::string, Quarantine> rows;
  for (const model::Quarantined& record : in_.page.quarantined) {
    const std::string key = quarantine_key(record);
    if (!is_excluded(in_.target, key)) rows[key] = {record.reason, record.raw};
  }
  for (const Item& item : items) {
    const auto refusal = refused.find(item.record), failure = bad_.find(item.record);
    if (refusal == refused.end() && failure == bad_.end()) continue;
    rows[record_key(*item.record)] = {refusal != refused.end() ? refusal->second : failure->second,
                                      item.record->original.value_or(item.record->payload)};
  }
  return rows;
}

std::vector<pg::Statement> PageWrite::quarantine_statements(std::span<const Item> items, const Refused& refused) {
  const std::map<std::string, Quarantine> rows = quarantine_of(items, refused);
  const std::vector<pg::Param> where = {pg::text(in_.target.fence.source), pg::text(in_.target.stream.name),
                                        pg::text(in_.target.partition.name)};
  std::vector<pg::Statement> statements;
  for (const auto& [key, row] : rows) {
    ++counts_.quarantined;
    // What the vendor sent last stays: stored bytes that are decoded again are older.
    if (in_.page.keep_marks && in_quarantine_.contains(key)) continue;
    std::vector<pg::Param> params = where;
    for (pg::Param& param :
         std::vector<pg::Param>{pg::text(key), pg::text(pg::storable(row.reason)), pg::bytea(row.raw),
                                pg::int8(in_.target.run_id), pg::timestamptz(now_)}) {
      params.push_back(std::move(param));
    }
    statements.push_back({kQuarantine, std::move(params)});
    if (!in_quarantine_.contains(key)) quarantine_events_.push_back({scope(), key, row.reason});
  }
  std::vector<std::string> released;
  for (const Item& item : items) {
    if (in_quarantine_.empty() || in_.page.keep_marks) break;
    std::string key = record_key(*item.record);
    if (in_quarantine_.contains(key) && !rows.contains(key)) released.push_back(std::move(key));
  }
  if (!released.empty()) {
    std::vector<pg::Param> params = where;
    params.push_back(pg::text_array(released));
    statements.push_back({kRelease, std::move(params)});
  }
  return statements;
}

std::vector<pg::Statement> PageWrite::missing_statements() const {
  // A record whose id could not be read may be any of the rows: then nothing is held to be gone.
  std::vector<pg::Statement> statements;
  if (!in_.page.complete || in_.page.keep_marks || !in_.page.quarantined.empty()) return statements;
  const bool partitioned = !in_.target.partition.name.empty();
  for (std::size_t index = 0; index < tables_.size(); ++index) {
    const model::Table& table = tables_[index];
    if (table.child) continue;
    std::vector<const model::Record*> present;  // the excluded too: the vendor has them
    for (const model::Record& record : in_.page.records) {
      if (record.table == index) present.push_back(&record);
    }
    const std::size_t fixed = partitioned ? 1 : 0;
    if (table.key.size() == fixed && !present.empty()) continue;
    std::vector<pg::Param> params = {pg::text(in_.target.fence.source), pg::timestamptz(now_),
                                     pg::int8(in_.target.run_id)};
    if (partitioned) params.push_back(pg::text(in_.target.partition.name));
    append_key_arrays(params, table, fixed, present.size(),
                      [&](std::size_t i) -> const model::Key& { return present[i]->key; });
    statements.push_back({TableSql(table).mark_missing(partitioned), std::move(params)});
  }
  return statements;
}

void PageWrite::write_notices(pg::Transaction& transaction) {
  const Scope where = scope();
  std::vector<pg::Statement> statements;
  std::vector<event::ContractChanged> sent;
  for (const auto& [what, sample] : notices_) {
    if (memory_.known_notices.contains(notice_key(what))) continue;
    sent.push_back({where, what, sample});
    statements.push_back({kNotice,
                          {pg::text(where.source), pg::text(where.stream), pg::text(bounded_key(pg::storable(what))),
                           pg::text(pg::storable(sample)), pg::int8(where.run_id), pg::timestamptz(now_)}});
  }
  const std::vector<pg::Result> results = transaction.execute_all(statements);
  for (std::size_t index = 0; index < results.size(); ++index) {
    if (results[index].rows() > 0) notice_events_.push_back(sent[index]);
  }
}

std::vector<pg::Statement> PageWrite::closing_statements() const {
  const model::Checkpoint& checkpoint = in_.checkpoint;
  const std::string& source = in_.target.fence.source;
  return {{kCheckpoint,
           {pg::text(source), pg::text(checkpoint.stream), pg::text(checkpoint.partition),
            pg::text(checkpoint.bookmark), pg::text(checkpoint.position), pg::int4(checkpoint.page_size),
            pg::timestamptz(now_), pg::text(pg::storable(in_.target.partition.title)), pg::timestamptz(newest_)}},
          {kCounters,
           {pg::int8(in_.target.run_id), pg::text(checkpoint.stream), pg::text(checkpoint.partition), pg::text(source),
            pg::timestamptz(now_), pg::int8(counts_.inserted), pg::int8(counts_.updated), pg::int8(counts_.unchanged),
            pg::int8(counts_.tombstoned), pg::int8(counts_.quarantined)}}};
}

void PageWrite::finish(pg::Transaction& transaction, std::span<const Item> items, const Refused& refused) {
  std::vector<pg::Statement> statements = missing_statements();
  const std::size_t missing = statements.size();
  for (pg::Statement& statement : version_statements(items, refused))
    statements.push_back(std::move(statement));
  for (pg::Statement& statement : quarantine_statements(items, refused))
    statements.push_back(std::move(statement));
  for (pg::Statement& statement : person_statements())
    statements.push_back(std::move(statement));
  if (std::optional<pg::Statement> sighting = sighting_statement()) statements.push_back(std::move(*sighting));
  const std::vector<pg::Result> results = transaction.execute_all(statements);
  for (std::size_t index = 0; index < missing; ++index)
    counts_.tombstoned += results[index].affected();
  write_notices(transaction);
  transaction.execute_all(closing_statements());
}

}  // namespace surveysync::store
