// PageWrite: versions of definitions, and the keys that a pass has met.
#include <charconv>

#include "store/deletion_sql.h"
#include "store/encode.h"
#include "store/key_params.h"
#include "store/page_write.h"
#include "store/version_sql.h"

namespace surveysync::store {
namespace {

constexpr const char* kSighting =
    "INSERT INTO surveysync.sighting (source, stream, partition, record_keys) VALUES ($1, $2, $3, $4)";

std::string text_of(const model::KeyPart& part) {
  if (const auto* number = std::get_if<std::int64_t>(&part)) return std::to_string(*number);
  return pg::storable(std::get<std::string>(part));
}

/// What a row is sighted by: the parts of its key behind the partition's.
std::string own_key(const model::Key& key, std::size_t own) {
  std::string text;
  for (std::size_t i = key.size() - own; i < key.size(); ++i)
    text += (text.empty() ? "" : "/") + text_of(key[i]);
  return text;
}

/// The same of a quarantined record's key, where it is the key of a row: "77/5" in partition 77.
std::optional<std::string> own_key(std::string_view record_key, const model::Table& table,
                                   const std::string& partition) {
  const std::size_t own = own_keys(table, !partition.empty());
  if (own < table.key.size()) {
    if (!record_key.starts_with(partition + "/")) return std::nullopt;
    record_key.remove_prefix(partition.size() + 1);
  }
  if (own > 1 || table.key.back().type != model::ColumnType::int64) return pg::storable(record_key);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(record_key.data(), record_key.data() + record_key.size(), number);
  if (error != std::errc() || end != record_key.data() + record_key.size()) return std::nullopt;
  return std::to_string(number);
}

}  // namespace

std::optional<pg::Statement> PageWrite::sighting_statement() const {
  if (!in_.target.sight) return std::nullopt;
  std::vector<std::string> keys;
  const std::size_t own = own_keys(tables_[0], !in_.target.partition.name.empty());
  for (const model::Record& record : in_.page.records) {
    // What was erased leaves no trace; nothing of it is stored that could be held to be gone.
    if (record.table == 0 && !is_erased(in_.target, record_key(record))) keys.push_back(own_key(record.key, own));
  }
  // The vendor has them, readable or not.
  for (const model::Quarantined& record : in_.page.quarantined) {
    if (auto key = own_key(record.record_key, tables_[0], in_.target.partition.name)) keys.push_back(std::move(*key));
  }
  if (keys.empty()) return std::nullopt;
  return pg::Statement{kSighting,
                       {pg::text(in_.target.fence.source), pg::text(in_.target.stream.name),
                        pg::text(in_.target.partition.name), pg::text_array(keys)}};
}

std::vector<pg::Statement> PageWrite::version_statements(std::span<const Item> items, const Refused& refused) const {
  std::vector<pg::Statement> statements;
  if (in_.page.keep_marks) return statements;
  const std::vector<pg::Param> where = {pg::text(in_.target.fence.source), pg::text(in_.target.partition.name)};
  for (std::size_t index = 0; index < tables_.size(); ++index) {
    const model::Table& table = tables_[index];
    if (!table.history) continue;
    const VersionSql sql(in_.target.stream, table);
    std::vector<const model::Record*> stored;
    for (const Item& item : items) {
      if (item.record->table == index && !refused.contains(item.record) && !bad_.contains(item.record))
        stored.push_back(item.record);
    }
    if (!stored.empty()) {
      std::vector<pg::Param> params = where;
      append_key_arrays(params, table, 1, stored.size(),
                        [&](std::size_t i) -> const model::Key& { return stored[i]->key; });
      pg::ArrayBuilder hashes(pg::oid::kBytea), contexts(pg::oid::kText);
      for (const model::Record* record : stored) {
        hashes.next().bytes({reinterpret_cast<const char*>(record->hash.data()), record->hash.size()});
        contexts.next().bytes(pg::storable(record->context));
      }
      params.push_back(hashes.take());
      params.push_back(contexts.take());
      statements.push_back({sql.update_contexts(), params});
      params.push_back(pg::timestamptz(now_));
      params.push_back(pg::int8(in_.target.run_id));
      statements.push_back({sql.add_versions(), std::move(params)});
    }
    if (in_.page.complete) {
      std::vector<pg::Param> params = where;
      params.push_back(pg::timestamptz(now_));
      params.push_back(pg::int8(in_.target.run_id));
      statements.push_back({sql.add_ends(), std::move(params)});
    }
  }
  return statements;
}

}  // namespace surveysync::store
