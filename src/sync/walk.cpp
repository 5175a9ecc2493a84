#include "sync/walk.h"

#include <fmt/format.h>

#include <charconv>

#include "sync/certificate.h"

namespace surveysync::sync {
namespace {

// Looks at the newest end after a pass before its certificate is written as it is (product.md 4.5).
constexpr int kLooksAtTheEnd = 4;
// A page with null entries is asked for again in another size this often: they may be a passing fault.
constexpr int kHoleRefetches = 2;
// A pass that missed records which the vendor counts is walked once more.
constexpr int kPasses = 2;
// What an unfinished pass read longer ago than this may have been edited since: it starts over instead of going on.
constexpr auto kResumable = std::chrono::hours(1);
// A survey that changed within this time may be changing while it is read: the vendor shows changes five minutes late
// or more (vendor-api.md 1.5), and its clock may be some hours off while its zone is not learned.
constexpr auto kBusy = std::chrono::hours(6);
// A second look at so few pages is always worth it.
constexpr std::int64_t kCheapPages = 4;
// Position of a pass that has read every page and only watches the newest end.
constexpr std::string_view kAllRead = "all-read";

}  // namespace

std::string PartitionWalk::Pass::text() const {
  const std::string tally_text = tally.text();
  if (tally_text.empty()) return {};  // cannot be resumed: the next run begins anew
  return fmt::format("1;{};{};{};{};{}", started.time_since_epoch().count(), total_before, pages, tally_text,
                     source_position);
}

std::optional<PartitionWalk::Pass> PartitionWalk::Pass::parse(std::string_view text) {
  std::vector<std::string_view> fields;
  for (int i = 0; i < 5; ++i) {
    const std::size_t end = text.find(';');
    if (end == std::string_view::npos) return std::nullopt;
    fields.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  const auto number = [](std::string_view digits, std::int64_t& into) {
    return std::from_chars(digits.data(), digits.data() + digits.size(), into).ec == std::errc();
  };
  Pass pass;
  std::int64_t started = 0;
  auto tally = PassTally::parse(fields[4]);
  if (fields[0] != "1" || !number(fields[1], started) || !number(fields[2], pass.total_before) ||
      !number(fields[3], pass.pages) || !tally || text.empty()) {
    return std::nullopt;
  }
  pass.started = UtcTime(std::chrono::microseconds(started));
  pass.tally = std::move(*tally);
  pass.source_position = text;
  return pass;
}

PartitionWalk::PartitionWalk(const WalkContext& context, StoreDoor& door, const model::StreamSpec& stream,
                             const model::Partition& partition, const model::Decode& decode)
    : context_(context),
      door_(door),
      stream_(stream),
      partition_(partition),
      decode_(decode),
      sizer_(context.job.page_sizes, 0) {}

Scope PartitionWalk::scope() const {
  return {context_.job.source, context_.run_id, stream_.name, partition_.name};
}

std::optional<store::Certificate> PartitionWalk::run() {
  std::optional<store::Certificate> certificate;
  begin_or_resume();
  for (int pass = 1;; ++pass) {
    read_to_the_beginning();
    if (!stream_.certified) break;
    watch_the_newest_end();
    // While the vendor is busy a deletion and a late arrival can hide each other from every count: only a second look
    // at all ids tells.
    const bool unsure = pass == 1 && is_busy();
    if (!unsure) {
      certificate = certify();
      if (certificate->balanced || pass == kPasses || pass_.tally.fetched() >= total_after_) break;
    }
    begin_anew(PassTally());
  }
  close_pass();
  return certificate;
}

void PartitionWalk::begin_or_resume() {
  std::optional<model::Checkpoint> saved;
  door_.perform([&](store::Session& session) {
    saved = session.ledger().checkpoint(context_.job.source, stream_.name, partition_.name);
    // The database's clock, which also stamps what the pass meets: two hosts' clocks need not agree.
    pass_.started = session.ledger().now();
  });
  if (!saved) return;
  bookmark_ = saved->bookmark;
  sizer_ = PageSizer(context_.job.page_sizes, saved->page_size);
  auto open = Pass::parse(saved->position);
  if (open && open->started + kResumable > pass_.started) pass_ = std::move(*open);
}

/// Whether more changes may be under way: the newest one met is young by our clock, or by the vendor's (the newest
/// change met anywhere in the account) where a second look costs only a few pages.
bool PartitionWalk::is_busy() {
  store::Ledger::Newest newest;
  door_.perform([&](store::Session& session) {
    newest = session.ledger().newest_changes(context_.job.source, stream_.name, partition_.name);
  });
  if (!newest.partition) return false;
  const bool cheap = total_after_ <= kCheapPages * sizer_.size();
  return *newest.partition > newest.now - kBusy || (cheap && *newest.partition > *newest.source - kBusy);
}

void PartitionWalk::read_to_the_beginning() {
  while (pass_.source_position != kAllRead) {
    const model::Page page = fetch(pass_.source_position);
    if (pass_.total_before < 0 && page.total) pass_.total_before = *page.total;
    pass_.tally.add(page);
    store_page(page, page.next.value_or(std::string(kAllRead)));
    if (pass_.tally.lost()) begin_anew(PassTally::remembering());
  }
}

void PartitionWalk::begin_anew(PassTally tally) {
  pass_.total_before = -1;
  pass_.tally = std::move(tally);
  pass_.source_position.clear();
  ++other_pages_;
}

void PartitionWalk::watch_the_newest_end() {
  // From here on every record of the pass is stored; only what the vendor appended meanwhile can be missing.
  steady_ = false;
  if (pass_.total_before < 0)
    throw Error(ErrorKind::malformed, "the vendor sent no total_count",
                "the certificate needs it: has the API changed?");
  for (int look = 1; look <= kLooksAtTheEnd && !steady_; ++look) {
    if (look > 1) pass_.total_before = total_after_;
    model::Page page = fetch(sources::tail_position(pass_.total_before));
    if (!page.total) throw Error(ErrorKind::malformed, "the vendor sent no total_count with its last page");
    total_after_ = *page.total;
    const bool grown = total_after_ > pass_.total_before;
    steady_ = total_after_ == pass_.total_before && !page.cached;
    while (true) {
      pass_.tally.add(page);
      const Counts stored = store_page(page, pass_.source_position);
      if (stored.inserted > 0) steady_ = false;
      if (!page.next || (stored.inserted == 0 && !grown)) break;
      page = fetch(*page.next);
    }
  }
}

store::Certificate PartitionWalk::certify() {
  store::Certificate certificate;
  door_.perform([&](store::Session& session) {
    store::Ledger& ledger = session.ledger();
    const UtcTime as_of = ledger.now();
    ledger.forget_unseen_quarantine(context_.fence, stream_.name, partition_.name, pass_.started);
    const auto holdings = ledger.holdings(context_.job.source, stream_, partition_.name, as_of);
    const PassTotals totals{pass_.total_before, total_after_, pass_.tally.fetched(), steady_};
    certificate = make_certificate(totals, holdings, context_.run_id, context_.job.source, partition_.name, as_of);
    ledger.save_certificate(context_.fence, certificate);
  });
  context_.observer.on_event(event::CertificateIssued{scope(), certificate.balanced, certificate.total_before,
                                                      certificate.total_after, certificate.stored_live,
                                                      certificate.quarantined, certificate.excluded});
  return certificate;
}

void PartitionWalk::close_pass() {
  const model::Page nothing;
  const model::Checkpoint closed{stream_.name, partition_.name, bookmark_, "", sizer_.size()};
  door_.perform([&](store::Session& session) {
    session.ledger().forget_unseen_quarantine(context_.fence, stream_.name, partition_.name, pass_.started);
    session.writer().apply(nothing, decode_, closed, {stream_, partition_, context_.run_id, context_.fence});
  });
}

model::Page PartitionWalk::fetch(const std::string& position) {
  const Deadline deadline(context_.clock, context_.job.retry_budget);
  for (int refetches = 0;; ++refetches) {
    model::Page page = fetch_in_some_size(position, deadline);
    counts_.requests += page.requests;
    sizer_.note_success(page.elapsed);
    if (page.holes == 0 || refetches == kHoleRefetches) return page;
    ++other_pages_;
  }
}

model::Page PartitionWalk::fetch_in_some_size(const std::string& position, const Deadline& deadline) {
  bool refetched = false;
  while (true) {
    const int size = std::max(1, sizer_.size() - other_pages_);
    try {
      model::Page page =
          context_.source.fetch({stream_, partition_, position, size, sizer_.may_shrink(), scope()}, context_.stop);
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

Counts PartitionWalk::store_page(const model::Page& page, const std::string& position_after) {
  pass_.source_position = position_after;
  ++pass_.pages;
  const model::Checkpoint checkpoint{stream_.name, partition_.name, bookmark_, pass_.text(), sizer_.size()};
  Counts stored;
  door_.perform(
      [&](store::Session& session) {
        stored =
            session.writer().apply(page, decode_, checkpoint, {stream_, partition_, context_.run_id, context_.fence});
      },
      [&](store::Session& session) {
        const auto saved = session.ledger().checkpoint(context_.job.source, stream_.name, partition_.name);
        return !checkpoint.position.empty() && saved && saved->position == checkpoint.position;
      });
  counts_ += stored;
  context_.observer.on_event(
      event::PageStored{scope(), stored, static_cast<std::int64_t>(page.records.size() + page.quarantined.size())});
  return stored;
}

}  // namespace surveysync::sync
