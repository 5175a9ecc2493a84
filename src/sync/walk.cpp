#include "sync/walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace surveysync::sync {
namespace {

// Records of a probe, and of a look at the newest changes.
constexpr int kProbe = 3, kLook = 25;
// Looks before a certificate is written as it is: the tail is read again up to three times (product.md 4.5).
constexpr int kLooks = 4;
// A complete pass that left counts unequal, or during which records vanished, is walked again this often.
constexpr int kPasses = 3;
// What an unfinished complete pass read longer ago than this may have shifted since: it starts over.
constexpr auto kResumable = std::chrono::hours(1);
// A survey whose changes cannot be asked for is read twice when it changed within this time: the vendor shows changes
// five minutes late or more (vendor-api.md 1.5), and its clock may be some hours off while its zone is not learned.
constexpr auto kBusy = std::chrono::hours(6);
// A second look at so few pages is always worth it.
constexpr std::int64_t kCheapPages = 4;
// More pages than any window has.
constexpr int kWindowPages = 200'000;
constexpr std::string_view kWindowMark = "w;";

std::chrono::microseconds micros(Duration time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time);
}

}  // namespace

PartitionWalk::PartitionWalk(const WalkContext& context, StoreDoor& door, const model::StreamSpec& stream,
                             const Task& task, const model::Decode& decode, Hands& hands,
                             std::function<void()> on_change)
    : context_(context),
      stream_(stream),
      task_(task),
      hands_(hands),
      on_change_(std::move(on_change)),
      reader_(context, door, {stream, task.partition, decode, excluded_}, 0),
      abilities_(context.source.abilities(stream)) {
  load();
}

void PartitionWalk::load() {
  const std::string& partition = task_.partition.name;
  std::optional<model::Checkpoint> saved;
  reader_.door().perform([&](store::Session& session) {
    store::Ledger& ledger = session.ledger();
    saved = ledger.checkpoint(context_.job.source, stream_.name, partition);
    excluded_ = ledger.exclusions(context_.job.source, stream_.name, partition);
    started_ = ledger.now();  // the database's clock: two hosts' clocks need not agree
  });
  signpost_ = context_.source.vendor_now();
  if (!saved) return;
  reader_.bookmark = saved->bookmark;
  reader_.use_page_size(saved->page_size);
  saved_position_ = saved->position;
}

std::optional<store::Certificate> PartitionWalk::run() {
  if (!stream_.certified) {
    CompletePass pass(context_, reader_, hands_);
    pass.begin(new_pass());
    pass.read();
    sweep_missing(pass);
    // Of a list it is remembered what reading it takes, for `plan`.
    close_uncertified(stream_.reading == model::Reading::whole ? std::optional(reader_.counts.requests) : std::nullopt);
    return std::nullopt;
  }
  if (task_.certified == Task::Certified::probe && abilities_.newest_first) {
    if (auto certificate = read_changes()) return certificate;
  }
  return read_everything();
}

// --- the changes ---

/// The certificate; nothing where only a complete pass can tell.
std::optional<store::Certificate> PartitionWalk::read_changes() {
  Look probe;
  if (task_.probed && task_.probed->total >= 0) {
    probe.total = task_.probed->total;
    probe.newest = task_.probed->newest;
    probe.newest_at = task_.probed->newest_at;
  } else {
    probe = look(look_size(kProbe));
  }
  if (!probe.reliable) return std::nullopt;
  newest_ = std::max(newest_, probe.newest);
  look_newest_ = probe.newest;
  look_newest_at_ = probe.newest_at;
  total_after_ = probe.total;
  steady_ = true;
  if (nothing_changed(probe)) {
    if (task_.probed) asked_at_ = task_.probed->planned_at;
    const auto certificate = measure({probe.total, probe.total, fetched_, 0, true, true});
    if (certificate.balanced) {
      finish(certificate, looked_at_all_);
      return certificate;
    }
    asked_at_.reset();
  }
  announce_change();
  if (!abilities_.windows || reader_.bookmark.empty()) return std::nullopt;
  resumed_ = saved_position_.starts_with(kWindowMark);
  std::string begin = resumed_ ? saved_position_.substr(kWindowMark.size())
                               : context_.source.window_position(reader_.bookmark, context_.job.lookback);
  const std::string read_until = probe.newest;
  if (!read_window(std::move(begin)) || !watch_changes(probe.total, read_until)) return std::nullopt;
  const auto certificate = measure({steady_ ? total_after_ : probe.total, total_after_, fetched_, 0, steady_, true});
  if (certificate.balanced) {
    finish(certificate, looked_at_all_);
    return certificate;
  }
  if (!steady_) {
    if (auto by_date = certify_by_date()) return by_date;
  }
  context_.observer.on_event(event::CompletePassNeeded{reader_.scope(), describe_imbalance(certificate)});
  return std::nullopt;
}

/// The probe shows what the last certificate was about, and nothing can have come later with an earlier date.
bool PartitionWalk::nothing_changed(const Look& probe) {
  return task_.standing.balanced && task_.standing.settled && !probe.moved && !probe.cached &&
         task_.standing.newest == probe.newest && task_.standing.total == probe.total && saved_position_.empty();
}

void PartitionWalk::announce_change() {
  if (on_change_) std::exchange(on_change_, nullptr)();
}

/// `records`, or where one page holds the whole survey all of it: the same one request, and then equal counts prove
/// equal ids, whatever moved without a date.
int PartitionWalk::look_size(int records) const {
  const std::int64_t all = std::max(task_.standing.total, total_after_) + kLook;
  return all <= reader_.page_size() ? std::max(records, static_cast<int>(all)) : records;
}

PartitionWalk::Look PartitionWalk::look(int records) {
  looked_at_all_ = false;
  const model::Page page = reader_.fetch(sources::newest_position(records));
  note(page);
  Look look;
  const Counts stored = reader_.store(page, saved_position_, false);
  const auto on_page = static_cast<std::int64_t>(page.records.size() + page.quarantined.size());
  look.reliable = page.unreliable.empty() && page.total.has_value();
  if (!look.reliable) {
    context_.observer.on_event(event::CompletePassNeeded{
        reader_.scope(), page.unreliable.empty() ? "the vendor sent no total_count" : page.unreliable});
    return look;
  }
  look_newest_ = page.newest;
  look_newest_at_ = page.newest_at;
  look.total = *page.total;
  look.newest = page.newest;
  look.newest_at = page.newest_at;
  look.oldest_at = page.oldest_at;
  look.all = on_page >= *page.total;
  look.moved = stored.inserted + stored.updated > 0;
  look.none_known = on_page > 0 && stored.unchanged == 0 && !look.all;
  look.cached = page.cached;
  looked_at_all_ = look.all && !look.moved && !look.cached;
  fetched_ += stored.inserted + stored.updated;
  return look;
}

/// Reads a moving window to its end; false when the vendor's window cannot be trusted.
bool PartitionWalk::read_window(std::string position) {
  for (int pages = 0; pages < kWindowPages; ++pages) {
    const model::Page page = reader_.fetch(position);
    note(page);
    fetched_ += static_cast<std::int64_t>(page.records.size());
    const bool reliable = page.unreliable.empty();
    const std::string next = reliable && page.next ? *page.next : std::string();
    saved_position_ = next.empty() ? std::string() : window_text(next);
    reader_.store(page, saved_position_, false);
    if (!reliable) {
      context_.observer.on_event(event::CompletePassNeeded{reader_.scope(), page.unreliable});
      return false;
    }
    if (next.empty()) return true;
    if (next == position) {
      throw Error(ErrorKind::malformed, "the vendor's list of changes does not move on",
                  "it is read again in the next run");
    }
    position = next;
  }
  throw Error(ErrorKind::malformed, "the vendor's list of changes has no end", "it is read again in the next run");
}

std::string PartitionWalk::window_text(const std::string& position) const {
  return std::string(kWindowMark) + position;
}

/// Looks at the newest changes until nothing new shows and the count stands still. `read_until`: everything up to this
/// change is stored. False when the vendor's order cannot be trusted.
bool PartitionWalk::watch_changes(std::int64_t before, const std::string& read_until) {
  std::string known = read_until;
  steady_ = false;
  for (int looks = 1; looks <= kLooks && !steady_; ++looks) {
    const std::string newest_before = std::exchange(known, std::string());
    const Look seen = look(look_size(kLook));
    if (!seen.reliable) return false;
    // More changes than one page shows: what lies between is read as a window of its own.
    if (seen.none_known && abilities_.windows &&
        !read_window(context_.source.window_position(newest_before, context_.job.settle_lag))) {
      return false;
    }
    known = std::max(newest_before, newest_);
    steady_ = seen.total == before && !seen.moved && !seen.cached;
    if (seen.cached) reader_.ask_otherwise();
    before = total_after_ = seen.total;
  }
  return true;
}

/// A vendor that changes all the while: equal counts of what changed until a little while ago.
std::optional<store::Certificate> PartitionWalk::certify_by_date() {
  for (int tries = 1; tries <= kLooks; ++tries) {
    const UtcTime now = context_.source.vendor_now();
    const UtcTime as_of = now - micros(context_.job.settle_lag);
    // A clock that runs ahead of ours dates changes into our future: then no date bounds them.
    if (!look_newest_at_ || *look_newest_at_ > now + std::chrono::minutes(5)) return std::nullopt;
    const auto question = context_.source.count_position(as_of);
    const store::Ledger::Holdings held = holdings(as_of);
    if (!question || held.undated > 0 || held.quarantined > 0 || held.excluded > 0) return std::nullopt;
    const model::Page before = reader_.fetch(*question);
    if (!watch_changes(total_after_, newest_)) return std::nullopt;
    const auto again = context_.source.count_position(as_of);
    const model::Page after = again ? reader_.fetch(*again) : model::Page();
    if (!before.total || !after.total) return std::nullopt;
    const WalkTotals totals{*before.total, *after.total, fetched_, tombstoned_, true, true};
    const auto certificate = measure(totals, as_of);
    if (certificate.balanced) {
      finish(certificate, false);
      return certificate;
    }
    if (*before.total == *after.total) return std::nullopt;
  }
  return std::nullopt;
}

// --- everything ---

PassState PartitionWalk::new_pass() {
  PassState state;
  reader_.door().perform([&](store::Session& session) {
    state.started = session.ledger().now();
    state.sweeping =
        (stream_.certified || stream_.reading == model::Reading::whole) &&
        session.ledger().holdings(context_.job.source, stream_, task_.partition.name, state.started).stored_live > 0;
  });
  state.signpost = context_.source.vendor_now();
  return state;
}

void PartitionWalk::resume_or_begin(CompletePass& pass) {
  auto open = PassState::parse(saved_position_);
  saved_position_.clear();
  if (open && open->started + kResumable > started_) {
    pass.resume(std::move(*open));
  } else {
    pass.begin(new_pass());
  }
}

std::optional<store::Certificate> PartitionWalk::read_everything() {
  announce_change();
  store::Certificate certificate;
  CompletePass pass(context_, reader_, hands_);
  resume_or_begin(pass);
  for (int passes = 1;; ++passes) {
    const std::int64_t inserted_before = reader_.counts.inserted;
    pass.read();
    const PassState& state = pass.state();
    fetched_ = state.fetched();
    newest_ = std::max(newest_, pass.newest());
    saved_position_ = state.text();  // while we look around, the pass counts as read
    if (state.total_before < 0)
      throw Error(ErrorKind::malformed, "the vendor sent no total_count",
                  "the certificate needs it: has the API changed?");
    std::int64_t before =
        state.segments.front().last_total >= 0 ? state.segments.front().last_total : state.total_before;
    const bool at_once = pass.in_one_answer();
    const bool by_change = !at_once && abilities_.newest_first && catch_up(state, before);
    if (at_once) {
      total_after_ = before;
      steady_ = true;
    } else if (!by_change) {
      watch_newest_end(before);
    }
    const SweepResult swept = sweep_missing(pass);
    if (!at_once && (swept.refuted > 0 || swept.marked > 0)) {
      // The vendor may have gone on while single records were asked for.
      if (by_change)
        watch_changes(total_after_, newest_);
      else
        watch_newest_end(total_after_);
    }
    // What a complete pass did not meet again is no longer at the vendor.
    reader_.door().perform([&](store::Session& session) {
      session.ledger().forget_unseen_quarantine(context_.fence, stream_.name, task_.partition.name, state.started);
    });
    const bool vanished = state.downs() > 0 || total_after_ < state.highest_total();
    if (steady_ && !vanished && !pass.resumed()) forget_absent_exclusions();
    // Records vanished while we read, and others may have appeared behind us: only another pass tells them apart.
    // A row that came back behind us and another that vanished there show in no count: only a pass that moves nothing
    // proves that there was none.
    const bool moved = reader_.counts.inserted > inserted_before || swept.marked > 0;
    const bool unsure = !at_once && (vanished || (!by_change && (passes == 1 ? is_busy() : moved)));
    const bool blocked = swept.braked || swept.frozen;
    const bool proven = !blocked && (at_once || by_change || passes == 1 || !moved);
    certificate = measure({steady_ ? total_after_ : state.total_before, total_after_, fetched_, tombstoned_, steady_,
                           proven && !vanished});
    if (certificate.balanced && !unsure) break;
    if (by_change && !steady_ && !vanished && proven) {
      if (auto by_date = certify_by_date()) return by_date;
    }
    const bool worth_another = passes < kPasses && !blocked && !context_.job.dry_run && (unsure || passes == 1);
    if (!worth_another) break;
    reader_.ask_otherwise();
    saved_position_.clear();
    pass.begin(new_pass());
  }
  saved_position_.clear();
  finish(certificate, true);
  return certificate;
}

/// Stores what changed since the pass began. False when changes cannot be asked for after all.
bool PartitionWalk::catch_up(const PassState& pass, std::int64_t& before) {
  const Look seen = look(look_size(kLook));
  if (!seen.reliable) return false;
  newest_ = std::max(newest_, seen.newest);
  const bool reaches = seen.all || (seen.oldest_at && pass.newest_at &&
                                    *seen.oldest_at < *pass.newest_at - micros(context_.job.settle_lag));
  if (!reaches) {
    if (!abilities_.windows) return false;
    const std::string since =
        pass.newest.empty()
            ? context_.source.window_position(pass.signpost - micros(context_.job.settle_lag), std::nullopt, false)
            : context_.source.window_position(pass.newest, context_.job.settle_lag);
    if (!read_window(since)) return false;
  }
  total_after_ = seen.total;
  steady_ = seen.total == before && !seen.moved && !seen.cached;
  if (steady_) return true;
  return watch_changes(seen.total, newest_);
}

/// The same for a vendor that does not order by change: what it appends shows at the end of its list.
bool PartitionWalk::watch_newest_end(std::int64_t before) {
  steady_ = false;
  for (int looks = 1; looks <= kLooks && !steady_; ++looks) {
    model::Page page = reader_.fetch(sources::tail_position(before));
    if (!page.total) throw Error(ErrorKind::malformed, "the vendor sent no total_count with its last page");
    total_after_ = *page.total;
    const bool grown = total_after_ > before;
    steady_ = total_after_ == before && !page.cached;
    while (true) {
      note(page);
      const Counts stored = reader_.store(page, saved_position_, true);
      fetched_ += stored.inserted;
      if (stored.inserted > 0) steady_ = false;
      if (!page.next || (stored.inserted == 0 && !grown)) break;
      page = reader_.fetch(*page.next);
    }
    before = total_after_;
  }
  return steady_;
}

/// Whether more changes may be under way: the newest one met is young by our clock, or by the vendor's (the newest
/// change met anywhere in the account) where a second look costs only a few pages.
bool PartitionWalk::is_busy() {
  store::Ledger::Newest newest;
  reader_.door().perform([&](store::Session& session) {
    newest = session.ledger().newest_changes(context_.job.source, stream_.name, task_.partition.name);
  });
  // Nothing is dated: it may be; a list that is read whole in every run shows by itself whether it moves.
  if (!newest.partition && stream_.reading == model::Reading::whole)
    return reader_.counts.inserted + reader_.counts.updated > 0;
  if (!newest.partition) return total_after_ > 0;
  const bool cheap = total_after_ <= kCheapPages * reader_.page_size();
  return *newest.partition > newest.now - kBusy || (cheap && *newest.partition > *newest.source - kBusy);
}

SweepResult PartitionWalk::sweep_missing(const CompletePass& pass) {
  SweepResult result;
  if (!pass.state().sweeping) return result;
  result = sweep(context_, reader_, {stream_, task_.partition.name, pass.state().started, std::nullopt, std::nullopt},
                 pass.in_one_answer() ? Proof::by_list : Proof::by_record);
  tombstoned_ += result.marked;
  if (result.braked || result.frozen) trouble_ = result.text;
  braked_ |= result.braked;
  return result;
}

}  // namespace surveysync::sync
