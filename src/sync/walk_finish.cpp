// PartitionWalk: what a walk comes to: its certificate and standing; and the walks without one.
#include <algorithm>
#include <charconv>
#include <iterator>
#include <limits>

#include "store/archive.h"
#include "store/named_records.h"
#include "sync/unfetched.h"
#include "sync/walk.h"

namespace surveysync::sync {
namespace {

// Pages of a survey with quarantined records that is read whole in every run.
constexpr std::int64_t kCheapToReadAgain = 20;
// Records that are asked for by name between two looks at the database, and in one run: each is a request, and a first
// load of a survey with a hundred thousand files must not hold the next nights up. `resync` asks for all.
constexpr std::size_t kNamesAtOnce = 100, kNamesInARun = 1000;
// Where nothing of the kind was ever stored so few are tried first: the vendor may not offer them at all.
constexpr std::size_t kNamesTried = 3;

}  // namespace

void PartitionWalk::note(const model::Page& page) {
  newest_ = std::max(newest_, page.newest);
}

store::Ledger::Holdings PartitionWalk::holdings(UtcTime as_of) {
  store::Ledger::Holdings held;
  reader_.door().perform([&](store::Session& session) {
    held = session.ledger().holdings(context_.job.source, stream_, task_.partition.name, as_of);
  });
  return held;
}

/// Both sides now, or where the vendor's totals count what changed until `counted_until`, as of then.
store::Certificate PartitionWalk::measure(const WalkTotals& totals, std::optional<UtcTime> counted_until) {
  UtcTime as_of = counted_until.value_or(UtcTime());
  store::Ledger::Holdings held;
  const std::vector<model::Hash> shown = excluded_.shown(reader_.met_excluded);
  reader_.door().perform([&](store::Session& session) {
    session.ledger().note_shown(context_.fence, stream_.name, task_.partition.name, shown);
    if (!counted_until) as_of = asked_at_ ? *asked_at_ : session.ledger().now();
    held = session.ledger().holdings(context_.job.source, stream_, task_.partition.name, as_of);
  });
  if (counted_until) held.stored_live -= held.in_flight;
  return make_certificate(totals, held, reader_.scope(), as_of);
}

/// Nothing can have changed later with a date that is not later than the newest.
bool PartitionWalk::settled() const {
  if (!look_newest_at_) return total_after_ == 0;
  return signpost_ - *look_newest_at_ >= context_.job.settle_lag + context_.source.date_doubt(*look_newest_at_);
}

/// Dropped records that the whole list did not show, where the vendor counts fewer than we hold: it has them no more,
/// and they must not count for ever.
void PartitionWalk::forget_absent_exclusions() {
  const std::vector<model::Hash> absent = excluded_.absent(reader_.met_excluded);
  if (absent.empty()) return;
  reader_.door().perform([&](store::Session& session) {
    const store::Ledger::Holdings held =
        session.ledger().holdings(context_.job.source, stream_, task_.partition.name, session.ledger().now());
    if (held.stored_live + held.quarantined + held.excluded <= total_after_) return;
    store::Archive(session.connection()).forget_dropped(context_.fence, stream_.name, task_.partition.name, absent);
  });
}

/// A pass that was repeated met the same records again.
void PartitionWalk::count_quarantined_once(store::Session& session) {
  if (reader_.counts.quarantined == 0 || context_.job.dry_run) return;
  const std::int64_t records =
      session.ledger().quarantined_by(context_.run_id, context_.job.source, stream_.name, task_.partition.name);
  reader_.counts.quarantined = std::min(reader_.counts.quarantined, records);
}

/// `compared`: every id of the vendor was met, and is what is stored.
void PartitionWalk::finish(const store::Certificate& certificate, bool compared) {
  store::Standing standing = task_.standing;
  standing.probed_at = started_;
  standing.balanced = certificate.balanced;
  // The next run reads from the same bookmark, all in one.
  const bool reads_again = resumed_ && !compared;
  if (certificate.balanced) {
    standing.total = total_after_;
    standing.newest = look_newest_;
    standing.newest_at = look_newest_at_;
    standing.hint = task_.hint;
    if (task_.partition.removed) {
      standing.removed = task_.partition.removed;
      standing.tombstoned = tombstoned_;
    }
    standing.settled = settled() && !reads_again;
    if (compared) standing.swept_at = started_;
    // What could not be stored may have been mended at the vendor without a new date: it is met by reading everything,
    // where that is cheap; else by the next comparison of ids, or by `quarantine retry`.
    if (certificate.quarantined > 0 && total_after_ <= kCheapToReadAgain * reader_.page_size())
      standing.swept_at.reset();
    if (!newest_.empty() && !reads_again) {
      const auto lag = std::chrono::duration_cast<std::chrono::microseconds>(context_.job.settle_lag);
      reader_.bookmark = context_.source.bookmark(newest_, signpost_ - lag, reader_.bookmark);
    }
  } else {
    standing.hint.clear();
  }
  const model::Checkpoint closed{stream_.name, task_.partition.name, reader_.bookmark, "", reader_.page_size()};
  reader_.door().perform([&](store::Session& session) {
    store::Ledger& ledger = session.ledger();
    ledger.save_certificate(context_.fence, certificate);
    ledger.close_pass(context_.fence, closed, standing);
    count_quarantined_once(session);
  });
  context_.observer.on_event(event::CertificateIssued{reader_.scope(), certificate.balanced, certificate.total_before,
                                                      certificate.total_after, certificate.stored_live,
                                                      certificate.quarantined, certificate.excluded});
}

/// `total`: to be remembered, where there is one.
void PartitionWalk::close_uncertified(std::optional<std::int64_t> total) {
  store::Standing standing = task_.standing;
  standing.total = total.value_or(standing.total);
  standing.hint = task_.hint;
  standing.balanced = trouble_.empty();
  standing.probed_at = started_;
  const model::Checkpoint closed{stream_.name, task_.partition.name, reader_.bookmark, "", reader_.page_size()};
  reader_.door().perform([&](store::Session& session) {
    store::Ledger& ledger = session.ledger();
    ledger.forget_unseen_quarantine(context_.fence, stream_.name, task_.partition.name, started_);
    ledger.close_pass(context_.fence, closed, standing);
    count_quarantined_once(session);
  });
}

void PartitionWalk::run_window() {
  const Job& job = context_.job;
  const bool resync = job.kind == RunKind::resync;
  const std::string kept = saved_position_;  // an unfinished pass of another run stays as it is
  if (resync) {
    reader_.door().perform([&](store::Session& session) {
      session.ledger().forget_sightings(context_.fence, stream_.name, task_.partition.name);
    });
  }
  std::string position = context_.source.window_position(job.from.value_or(UtcTime()), job.until, !resync);
  while (true) {
    const model::Page page = reader_.fetch(position);
    reader_.store(page, resync ? std::string() : kept, resync);
    if (!page.unreliable.empty()) {
      throw Error(ErrorKind::malformed, "the changes of this time cannot be asked for: " + page.unreliable,
                  "resync the whole survey: leave out --from and --until");
    }
    if (!page.next) break;
    if (*page.next == position) throw Error(ErrorKind::malformed, "the vendor's list of changes does not move on");
    position = *page.next;
  }
  if (!resync) return;
  const SweepResult swept = sweep(context_, reader_, {stream_, task_.partition.name, started_, job.from, job.until});
  tombstoned_ += swept.marked;
  if (swept.braked || swept.frozen) trouble_ = swept.text;
  braked_ = swept.braked;
}

/// All key columns of a record of this partition, from what a person typed.
model::Key PartitionWalk::key_of(const std::string& id) const {
  const model::Table& table = stream_.tables.front();
  model::Key key;
  for (std::size_t i = 0; i < table.key.size(); ++i) {
    const std::string& text = i + 1 == table.key.size() ? id : task_.partition.name;
    if (table.key[i].type != model::ColumnType::int64) {
      key.emplace_back(text);
      continue;
    }
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size())
      throw Error(ErrorKind::config, "\"" + text + "\" is no id of a record", "ids are whole numbers");
    key.emplace_back(number);
  }
  return key;
}

/// What was tried in vain by this walk is its trouble; what waits for a later one is not.
void PartitionWalk::tell_unfetched() {
  store::Unfetched own;
  reader_.door().perform([&](store::Session& session) {
    const auto all = store::NamedRecords(session.connection()).unfetched(context_.job.source, stream_, started_);
    const auto found = all.find(task_.partition.name);
    own = found == all.end() ? store::Unfetched{} : found->second;
  });
  const std::string text = unfetched_text(context_.job.source, own);
  if (own.tried > 0 && trouble_.empty()) trouble_ = text;
  if (own.tried == 0) remark_ = text;
}

void PartitionWalk::run_unmet_names() {
  model::Key after;
  const bool resync = context_.job.kind == RunKind::resync;
  const std::size_t most = resync ? std::numeric_limits<std::size_t>::max() : kNamesInARun;
  const store::AskAgain again = resync ? store::AskAgain::all : store::AskAgain::due;
  bool offered = holdings(started_).stored_live > 0;
  std::size_t asked = 0;
  while (asked < most) {
    const std::size_t batch = offered ? kNamesAtOnce : kNamesTried;
    std::vector<model::Key> keys;
    reader_.door().perform([&](store::Session& session) {
      keys = store::NamedRecords(session.connection())
                 .missing_keys(context_.job.source, stream_, task_.partition.name, after, batch, again);
    });
    if (keys.empty()) break;
    const SweepResult settled = settle_records(context_, reader_, keys);
    asked += keys.size();
    offered |= settled.refuted > 0;
    if (settled.frozen) trouble_ = settled.text;
    if (settled.frozen || !offered || keys.size() < batch) break;
    after = std::move(keys.back());
  }
  tell_unfetched();
  if (asked >= most) return close_uncertified(-1);  // the next run goes on
  std::int64_t missing = 0;
  reader_.door().perform([&](store::Session& session) {
    const auto all = store::NamedRecords(session.connection()).missing(context_.job.source, stream_);
    const auto own = all.find(task_.partition.name);
    missing = own == all.end() ? 0 : own->second;
  });
  close_uncertified(missing);
}

void PartitionWalk::run_named_records() {
  std::vector<model::Key> keys;
  for (const std::string& id : context_.job.responses)
    keys.push_back(key_of(id));
  const SweepResult settled = settle_records(context_, reader_, keys);
  tombstoned_ += settled.marked;
  if (settled.frozen) trouble_ = settled.text;
}

}  // namespace surveysync::sync
