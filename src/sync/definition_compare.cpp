#include "sync/definition_compare.h"

#include <algorithm>
#include <map>

#include "store/archive.h"

namespace surveysync::sync {
namespace {

using store::Archive;

// The vendor may have changed while we looked: what shows in one look only is not told.
constexpr int kLooks = 2;

struct Differences {
  std::set<std::string> missing, extra, different;
  bool empty() const { return missing.empty() && extra.empty() && different.empty(); }
};

std::string name_of(const model::Table& table, const model::Key& key) {
  return table.name + ":" + model::key_text(key);
}

/// Records that the vendor sent and that cannot be rows: in quarantine, or kept out.
std::set<std::string> excused(const DeepCompare::Context& context, StoreDoor& door,
                              const std::vector<std::string>& names) {
  std::set<std::string> known;
  door.perform([&](store::Session& session) {
    known =
        Archive(session.connection()).in_quarantine(context.job.source, context.stream, context.partition.name, names);
    const store::Exclusions excluded =
        session.ledger().exclusions(context.job.source, context.stream.name, context.partition.name);
    for (const std::string& name : names) {
      const auto digest = store::exclusion_digest(context.stream.name, context.partition.name, name);
      if (excluded.contains(digest)) known.insert(name);
    }
  });
  return known;
}

Differences look(const DeepCompare::Context& context, StoreDoor& door) {
  const Scope scope{context.job.source, 0, context.stream.name, context.partition.name};
  const model::Page page = context.source.fetch(
      {context.stream, context.partition, "", context.job.page_sizes.start, false, scope}, context.stop);
  Differences found;
  for (std::size_t index = 0; index < context.stream.tables.size(); ++index) {
    const model::Table& table = context.stream.tables[index];
    if (table.child || table.key.size() <= table.scope) continue;
    std::map<model::Key, model::Hash> live;
    door.perform([&](store::Session& session) {
      live.clear();
      for (const Archive::Stored& row :
           Archive(session.connection()).rows(context.job.source, table, context.partition.name))
        if (!row.deleted) live.emplace(row.key, row.hash);
    });
    std::map<model::Key, model::Hash> sent;  // of equal keys the last counts, as for the writer
    for (const model::Record& record : page.records)
      if (record.table == index) sent[record.key] = record.hash;
    for (const auto& [key, hash] : sent) {
      const auto row = live.find(key);
      if (row == live.end()) found.missing.insert(name_of(table, key));
      if (row != live.end() && row->second != hash) found.different.insert(name_of(table, key));
      if (row != live.end()) live.erase(row);
    }
    // A record without a readable id may be any of the rows.
    if (!page.quarantined.empty()) continue;
    for (const auto& [key, hash] : live)
      found.extra.insert(name_of(table, key));
  }
  for (const model::Quarantined& record : page.quarantined)
    found.missing.insert(record.record_key);
  for (std::set<std::string>* names : {&found.missing, &found.different}) {
    if (names->empty()) continue;
    for (const std::string& name : excused(context, door, {names->begin(), names->end()}))
      names->erase(name);
  }
  return found;
}

void add(const std::set<std::string>& once, const std::set<std::string>& again, std::int64_t& count,
         std::vector<std::string>& keys) {
  for (const std::string& name : again) {
    if (!once.contains(name)) continue;
    ++count;
    if (keys.size() < kListedDifferences) keys.push_back(name);
  }
}

}  // namespace

void compare_definitions(const DeepCompare::Context& context, StoreDoor& door, PartitionVerdict& verdict) {
  Differences before, now = look(context, door);
  for (int looks = 1; looks < kLooks && !now.empty(); ++looks) {
    before = std::move(now);
    now = look(context, door);
  }
  add(before.missing, now.missing, verdict.missing, verdict.missing_keys);
  add(before.extra, now.extra, verdict.extra, verdict.extra_keys);
  add(before.different, now.different, verdict.different, verdict.different_keys);
}

}  // namespace surveysync::sync
