#include "app/key_records.h"

#include <algorithm>

namespace surveysync::app {
namespace {

// A database that is away is asked again this often.
constexpr Duration kAskAgain = std::chrono::seconds(5);
// Calls and stops wait for it, so one that hangs is soon taken for one that is away.
constexpr Duration kStatement = std::chrono::seconds(3);

}  // namespace

KeyRecords::KeyRecords(pg::ConnectOptions options, std::string source, std::vector<Duration> waits,
                       KeyPatience patience, Clock& clock, std::shared_ptr<KeyNotes> notes)
    : options_(options.impatient(kStatement)),
      source_(std::move(source)),
      waits_(std::move(waits)),
      patience_(patience),
      clock_(clock),
      notes_(std::move(notes)),
      own_(clock, waits_) {}

/// A process that ends well was not killed: its uses that got no answer (the network was down) count no more.
KeyRecords::~KeyRecords() {
  if (unanswered_.empty()) return;
  with_book([&](store::KeyBook& book) {
    for (const store::KeyRecord& key : unanswered_)
      book.forget_use(key);
  });
}

/// Under the lock.
void KeyRecords::begin_use(store::KeyBook& book, const store::KeyRecord& key) {
  book.begin(key);
  answered(key);
  unanswered_.push_back(key);
}

void KeyRecords::answered(const store::KeyRecord& key) {
  std::erase_if(unanswered_, [&](const store::KeyRecord& use) {
    return use.slot == key.slot && use.fingerprint == key.fingerprint;
  });
}

template <class Act>
bool KeyRecords::with_book(const Act& act) noexcept {
  const std::lock_guard lock(mutex_);
  // A pooler or a restart may have ended the idle connection: one fresh one is always worth it.
  for (int attempt = 1; attempt <= 2; ++attempt) {
    try {
      if (!connection_) {
        if (failed_at_ && clock_.now() < *failed_at_ + kAskAgain) return false;
        connection_ = std::make_unique<pg::Connection>(options_, clock_, std::stop_token());
      }
      store::KeyBook book(*connection_);
      act(book);
      failed_at_.reset();
      return true;
    } catch (...) {
      const bool was_idle = connection_ && !connection_->alive();
      connection_.reset();
      failed_at_ = clock_.now();
      if (!was_idle) return false;
      failed_at_.reset();
    }
  }
  return false;
}

store::KeyRecord KeyRecords::record_of(const http::KeyId& key) const {
  store::KeyRecord record;
  record.source = source_;
  record.slot = key.slot;
  record.fingerprint = key.fingerprint;
  record.lines = key.line_fingerprints;
  return record;
}

/// After a few uses that ended without an answer the next one waits, as long as a refused key's probe would.
Duration KeyRecords::rest_of(const store::KeyRecord& record) const {
  if (record.uses < kUsesWithoutAnswer || waits_.empty()) return Duration::zero();
  const auto step = static_cast<std::size_t>(record.uses - kUsesWithoutAnswer);
  return std::max(Duration::zero(), waits_[std::min(step, waits_.size() - 1)] - record.since_use);
}

http::KeyPast KeyRecords::past_of(const store::KeyRecord& record) const {
  http::KeyPast past;
  past.worked = record.last_good_at.has_value();
  past.last_good_at = record.last_good_at;
  past.last_good_lines = record.good_lines;
  if (!record.verdict.empty()) {
    past.refused = http::KeyPast::Refusal{record.verdict, record.evidence, record.next_step,
                                          record.refused_at.value_or(UtcTime()), record.until_probe};
  } else {
    past.rest = rest_of(record);
  }
  return past;
}

http::KeyPast KeyRecords::told_by_notes(const http::KeyId& key) const {
  return notes_ ? notes_->recall(key) : http::KeyPast();
}

/// What was learned while the database was away is written into it.
void KeyRecords::catch_up(store::KeyBook& book, const http::KeyId& key, store::KeyRecord& known) const {
  if (!notes_ || !known.verdict.empty()) return;
  const auto refused = notes_->recall(key).refused;
  if (!refused) return;
  if (known.last_good_at && *known.last_good_at > refused->since) return notes_->accepted(key);  // it was mended since
  store::KeyRecord record = record_of(key);
  book.begin(record);
  record.verdict = refused->verdict;
  record.evidence = refused->evidence;
  record.next_step = refused->next_step;
  book.refused(record, notes_->refusals(key), waits_);
  known = book.recall(record_of(key));
}

http::KeyPast KeyRecords::begin(const http::KeyId& key) {
  http::KeyPast past;
  const bool asked = with_book([&](store::KeyBook& book) {
    store::KeyRecord known = book.recall(record_of(key));
    catch_up(book, key, known);
    past = past_of(known);
    if (past.refused || past.rest > Duration::zero()) return;
    begin_use(book, record_of(key));
  });
  return asked ? past : told_by_notes(key);
}

http::KeyPast KeyRecords::recall(const http::KeyId& key) {
  http::KeyPast past;
  const bool asked = with_book([&](store::KeyBook& book) {
    store::KeyRecord known = book.recall(record_of(key));
    catch_up(book, key, known);
    past = past_of(known);
  });
  return asked ? past : told_by_notes(key);
}

void KeyRecords::accepted(const http::KeyId& key) {
  own_.accepted(key);
  if (notes_) notes_->accepted(key);
  with_book([&](store::KeyBook& book) {
    book.accepted(record_of(key));
    answered(record_of(key));
  });
}

void KeyRecords::refused(const http::KeyId& key, const std::string& verdict, const std::string& evidence,
                         const std::string& next_step, int requests) {
  own_.refused(key, verdict, evidence, next_step, requests);
  if (notes_) notes_->refused(key, verdict, evidence, next_step, requests);
  store::KeyRecord record = record_of(key);
  record.verdict = verdict;
  record.evidence = evidence;
  record.next_step = next_step;
  with_book([&](store::KeyBook& book) {
    book.refused(record, requests, waits_);
    answered(record);
  });
}

void KeyRecords::still_good(const http::KeyId& key) {
  with_book([&](store::KeyBook& book) { book.still_good(key.fingerprint); });
}

void KeyRecords::sent_in_vain(const http::KeyId& key, int requests) {
  own_.sent_in_vain(key, requests);
  if (notes_) notes_->sent_in_vain(key, requests);
  with_book([&](store::KeyBook& book) { book.count_refusals(key.fingerprint, requests); });
}

bool KeyRecords::claim_probe(const http::KeyId& key) {
  bool claimed = false;
  const bool asked = with_book([&](store::KeyBook& book) {
    const store::KeyRecord known = book.recall(record_of(key));
    if (!known.verdict.empty()) {
      claimed = book.claim_probe(record_of(key), waits_, http::kMostInFirstHour) ||
                (patience_ == KeyPatience::person && book.claim_early(record_of(key), kMostEarly));
    } else if (own_.recall(key).refused) {
      claimed = own_.claim_probe(key);
    } else if (rest_of(known) <= Duration::zero()) {
      begin_use(book, record_of(key));
      claimed = true;
    }
  });
  // A daemon waits for the database: it works nothing without it.
  if (!asked) return patience_ == KeyPatience::person && notes_ && notes_->claim_probe(key);
  if (claimed && notes_) notes_->sent_in_vain(key, 1);
  return claimed;
}

}  // namespace surveysync::app
