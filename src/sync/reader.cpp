#include "sync/reader.h"

#include <algorithm>
#include <utility>

#include "store/page_write.h"
#include "sync/in_full.h"

namespace surveysync::sync {
namespace {

// A page with null entries is asked for again in another size this often: they may be a passing fault.
constexpr int kHoleRefetches = 2;

}  // namespace

PartitionReader::PartitionReader(const WalkContext& context, StoreDoor& door, const ReadTarget& target, int page_size)
    : context_(context), door_(door), target_(target), sizer_(context.job.page_sizes, page_size) {}

Scope PartitionReader::scope() const {
  return {context_.job.source, context_.run_id, target_.stream.name, target_.partition.name};
}

model::Page PartitionReader::fetch(const std::string& position) {
  const Deadline deadline(context_.clock, context_.job.retry_budget);
  for (int refetches = 0;; ++refetches) {
    model::Page page = fetch_in_some_size(position, deadline);
    counts.requests += page.requests;
    sizer_.note_success(page.elapsed);
    if (page.holes == 0 || refetches == kHoleRefetches) return page;
    ++other_pages_;
  }
}

model::Page PartitionReader::fetch_in_some_size(const std::string& position, const Deadline& deadline) {
  bool refetched = false;
  while (true) {
    const int size = std::max(1, sizer_.size() - other_pages_);
    try {
      const sources::FetchRequest request{target_.stream, target_.partition,   position,
                                          size,           sizer_.may_shrink(), scope()};
      model::Page page = context_.source.fetch(request, context_.stop);
      complete_records(context_.source, request, page, door_, context_.stop);
      if (!page.incomplete.empty()) incomplete = page.incomplete;
      page.decode_again = context_.decode_again;
      return page;
    } catch (const Error& error) {
      // A page that makes no sense may have been damaged on its way: once more, by another URL than the answered one.
      if (error.kind() == ErrorKind::malformed && !std::exchange(refetched, true)) {
        ++other_pages_;
        continue;
      }
      if (!error.asks_for_less() || deadline.passed() || !sizer_.shrink()) throw;
      context_.observer.on_event(event::PageSizeChanged{scope(), size, sizer_.size(), error.what()});
    }
  }
}

Counts PartitionReader::store(const model::Page& page, const std::string& position_after, bool sight) {
  const model::Checkpoint checkpoint{target_.stream.name, target_.partition.name, bookmark, position_after,
                                     sizer_.size()};
  const store::WriteTarget where{target_.stream, target_.partition, context_.run_id, context_.fence,
                                 sight,          &target_.excluded};
  Counts stored;
  door_.perform(
      [&](store::Session& session) { stored = session.writer().apply(page, target_.decode, checkpoint, where); },
      [&](store::Session& session) {
        const auto saved =
            session.ledger().checkpoint(context_.job.source, target_.stream.name, target_.partition.name);
        return !checkpoint.position.empty() && saved && saved->position == checkpoint.position;
      });
  counts += stored;
  if (!target_.excluded.empty()) note_excluded(page);
  context_.observer.on_event(
      event::PageStored{scope(), stored, static_cast<std::int64_t>(page.records.size() + page.quarantined.size())});
  return stored;
}

void PartitionReader::note_excluded(const model::Page& page) {
  const auto note = [&](const std::string& key) {
    const model::Hash digest = store::exclusion_digest(target_.stream.name, target_.partition.name, key);
    if (target_.excluded.contains(digest)) met_excluded.insert(digest);
  };
  for (const model::Record& record : page.records)
    note(store::quarantine_key(target_.stream, record));
  for (const model::Quarantined& record : page.quarantined)
    note(store::quarantine_key(record));
}

}  // namespace surveysync::sync
