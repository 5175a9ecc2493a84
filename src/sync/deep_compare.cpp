#include "sync/deep_compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "sync/in_full.h"

namespace surveysync::sync {
namespace {

using store::Archive;

// Keys of one database read.
constexpr std::size_t kKeys = 2000;
// So many of a kind are confirmed one by one; the others are then believed.
constexpr std::int64_t kConfirmations = 100;
// A page with null entries is asked for again in another size this often.
constexpr int kHoleRefetches = 2;

model::Hash digest_of(const model::Key& key) {
  return model::hash_of(model::key_text(key));
}

/// The page's ids ascend in the vendor's order.
bool ascends(const std::vector<model::Record>& records) {
  return std::ranges::is_sorted(
      records, [](const model::Record& a, const model::Record& b) { return a.key.back() < b.key.back(); });
}

std::vector<model::Key> keys_of(const std::vector<model::Record>& records) {
  std::vector<model::Key> keys;
  for (const model::Record& record : records)
    keys.push_back(record.key);
  return keys;
}

}  // namespace

DeepCompare::DeepCompare(const Context& context, StoreDoor& door, PartitionVerdict& verdict)
    : context_(context), door_(door), verdict_(verdict), sizer_(context.job.page_sizes, 0) {}

const Archive::Stored* DeepCompare::Known::live(const model::Key& key) const {
  const auto at = std::ranges::lower_bound(rows, key, {}, &Archive::Stored::key);
  return at != rows.end() && at->key == key && !at->deleted ? &*at : nullptr;
}

void DeepCompare::run() {
  door_.perform([&](store::Session& session) {
    excluded_ = session.ledger().exclusions(context_.job.source, context_.stream.name, context_.partition.name);
  });
  const bool numbered = context_.stream.tables.at(0).key.back().type == model::ColumnType::int64;
  if (!pass(numbered)) {
    start_over();
    pass(false);
  }
  if (holes_ > 0 && verdict_.error.empty())
    verdict_.error = fmt::format("{} records came as null and could not be compared", holes_);
}

void DeepCompare::start_over() {
  verdict_.missing = verdict_.extra = verdict_.different = 0;
  verdict_.missing_keys.clear();
  verdict_.extra_keys.clear();
  verdict_.different_keys.clear();
  verdict_.error.clear();
  std::ranges::fill(confirmed_, 0);
  holes_ = 0;
  told_before_.clear();
  told_now_.clear();
}

bool DeepCompare::pass(bool by_range) {
  std::optional<model::Key> lowest;  // rows from here on upwards are compared
  std::vector<model::Hash> met;
  for (std::optional<std::string> position = ""; position;) {
    model::Page page = fetch(*position);
    position = page.next;
    compare(page);
    compare_unkeyed(page);
    if (page.records.empty()) continue;
    std::vector<model::Key> keys = keys_of(page.records);
    if (!by_range) {
      std::ranges::transform(keys, std::back_inserter(met), digest_of);
      continue;
    }
    if (!ascends(page.records)) return false;
    // A page that climbs back for records that moved up holds nothing below.
    if (lowest && keys.front() >= *lowest) continue;
    Archive::KeyRange range{keys.front(), lowest};
    std::get<std::int64_t>(range.after->back()) -= 1;
    if (range.last) std::get<std::int64_t>(range.last->back()) -= 1;
    lowest = keys.front();
    find_extra(std::move(range), keys);
  }
  if (!by_range) {
    find_extra_everywhere(std::move(met));
    return true;
  }
  Archive::KeyRange below{std::nullopt, lowest};
  if (lowest) std::get<std::int64_t>(below.last->back()) -= 1;
  find_extra(std::move(below), {});
  return true;
}

model::Page DeepCompare::fetch(const std::string& position) {
  const Deadline deadline(context_.clock, context_.job.retry_budget);
  const Scope scope{context_.job.source, 0, context_.stream.name, context_.partition.name};
  bool refetched = false;
  int holes = 0;
  for (int less = 0;;) {
    const int size = std::max(1, sizer_.size() - less);
    try {
      const sources::FetchRequest request{
          context_.stream, context_.partition, position, size, sizer_.may_shrink(), scope};
      model::Page page = context_.source.fetch(request, context_.stop);
      complete_records(context_.source, request, page, door_, context_.stop);
      sizer_.note_success(page.elapsed);
      if (page.holes > 0 && holes++ < kHoleRefetches) {
        ++less;
        continue;
      }
      holes_ += page.holes;
      return page;
    } catch (const Error& error) {
      // Damaged on its way, perhaps: once more, by another URL than the answered one.
      if (error.kind() == ErrorKind::malformed && !std::exchange(refetched, true)) {
        ++less;
        continue;
      }
      if (!error.asks_for_less() || deadline.passed() || !sizer_.shrink()) throw;
    }
  }
}

DeepCompare::Known DeepCompare::known(const std::vector<model::Key>& keys) {
  Known known;
  std::vector<std::string> texts;
  for (const model::Key& key : keys)
    texts.push_back(model::key_text(key));
  door_.perform([&](store::Session& session) {
    Archive archive(session.connection());
    known.rows = archive.lookup(context_.job.source, context_.stream, keys);
    known.quarantined = archive.in_quarantine(context_.job.source, context_.stream, context_.partition.name, texts);
  });
  return known;
}

/// In quarantine, or kept out: known although no row says so.
bool DeepCompare::excused(const Known& known, const std::string& record_key) const {
  return known.quarantined.contains(record_key) ||
         excluded_.contains(store::exclusion_digest(context_.stream.name, context_.partition.name, record_key));
}

void DeepCompare::compare(const model::Page& page) {
  told_before_ = std::exchange(told_now_, {});
  const Known stored = known(keys_of(page.records));
  for (const model::Record& record : page.records) {
    const Archive::Stored* row = stored.live(record.key);
    if ((row != nullptr && row->hash == record.hash) || excused(stored, model::key_text(record.key))) continue;
    examine(row == nullptr ? Difference::missing : Difference::different, record.key, record.hash);
  }
}

/// Records without a readable id are known by their bytes.
void DeepCompare::compare_unkeyed(const model::Page& page) {
  std::vector<std::string> texts;
  for (const model::Quarantined& record : page.quarantined)
    texts.push_back(record.record_key);
  if (texts.empty()) return;
  Known stored;
  door_.perform([&](store::Session& session) {
    stored.quarantined = Archive(session.connection())
                             .in_quarantine(context_.job.source, context_.stream, context_.partition.name, texts);
  });
  for (const std::string& text : texts)
    if (!excused(stored, text)) tell(Difference::missing, text);
}

void DeepCompare::find_extra(Archive::KeyRange range, const std::vector<model::Key>& met) {
  while (!context_.stop.stop_requested()) {
    std::vector<model::Key> live;
    door_.perform([&](store::Session& session) {
      live = Archive(session.connection())
                 .live_keys(context_.job.source, context_.stream, context_.partition.name, range, kKeys);
    });
    for (const model::Key& key : live)
      if (!std::ranges::binary_search(met, key)) examine(Difference::extra, key, {});
    if (live.size() < kKeys) return;
    range.after = live.back();
  }
  throw Error(ErrorKind::cancelled, "stopped");
}

void DeepCompare::find_extra_everywhere(std::vector<model::Hash> met) {
  std::ranges::sort(met);
  Archive::KeyRange range;
  while (!context_.stop.stop_requested()) {
    std::vector<model::Key> live;
    door_.perform([&](store::Session& session) {
      live = Archive(session.connection())
                 .live_keys(context_.job.source, context_.stream, context_.partition.name, range, kKeys);
    });
    for (const model::Key& key : live)
      if (!std::ranges::binary_search(met, digest_of(key))) examine(Difference::extra, key, {});
    if (live.size() < kKeys) return;
    range.after = live.back();
  }
  throw Error(ErrorKind::cancelled, "stopped");
}

void DeepCompare::examine(Difference suspected, const model::Key& key, const model::Hash& listed) {
  if (confirmed_[static_cast<std::size_t>(suspected)] >= kConfirmations) return tell(suspected, model::key_text(key));
  const std::int64_t before = verdict_.missing + verdict_.extra + verdict_.different;
  const Scope scope{context_.job.source, 0, context_.stream.name, context_.partition.name};
  const sources::Found found = context_.source.find(context_.stream, context_.partition, key, scope, context_.stop);
  switch (found.presence) {
    case sources::Presence::refused:
      verdict_.error = "the vendor refuses record " + model::key_text(key) + ": " + found.evidence;
      return;
    case sources::Presence::gone:
      if (known({key}).live(key) != nullptr) tell(Difference::extra, model::key_text(key));
      break;
    case sources::Presence::present:
      compare_alone(key, found, listed);
      break;
  }
  if (verdict_.missing + verdict_.extra + verdict_.different > before)
    ++confirmed_[static_cast<std::size_t>(suspected)];
}

/// `listed`: the hash it had in the list; the database may have caught up with that since.
void DeepCompare::compare_alone(const model::Key& key, const sources::Found& found, const model::Hash& listed) {
  const Known stored = known({key});
  const std::string text = model::key_text(key);
  if (excused(stored, text)) return;
  const Archive::Stored* row = stored.live(key);
  if (row == nullptr) return tell(Difference::missing, text);
  const bool same = row->hash == listed || std::ranges::any_of(found.page.records, [&](const model::Record& record) {
                      return record.key == key && record.hash == row->hash;
                    });
  if (!same) tell(Difference::different, text);
}

void DeepCompare::tell(Difference difference, const std::string& record_key) {
  if (told_before_.contains(record_key) || !told_now_.insert(record_key).second) return;
  const auto add = [&](std::int64_t& count, std::vector<std::string>& keys) {
    ++count;
    if (keys.size() < kListedDifferences) keys.push_back(record_key);
  };
  switch (difference) {
    case Difference::missing:
      return add(verdict_.missing, verdict_.missing_keys);
    case Difference::extra:
      return add(verdict_.extra, verdict_.extra_keys);
    case Difference::different:
      return add(verdict_.different, verdict_.different_keys);
  }
}

}  // namespace surveysync::sync
