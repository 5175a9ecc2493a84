#include "store/writer.h"

#include "store/page_write.h"

namespace surveysync::store {
namespace {

constexpr int kConflictAttempts = 6;
constexpr Duration kConflictBase = std::chrono::milliseconds(50), kConflictCap = std::chrono::seconds(2);
constexpr const char* kUniqueViolation = "23505";

}  // namespace

struct Writer::Impl {
  Impl(pg::Connection& the_connection, Observer& the_observer, Clock& the_clock)
      : connection(the_connection), observer(the_observer), clock(the_clock) {}

  Counts apply(const PageWrite::Input& input);
  /// Makes one attempt after another while the database reports a conflict. `act` gets a fresh PageWrite.
  template <class Act>
  void attempt(const PageWrite::Input& input, const Act& act);
  /// Divides `items` until the refused ones are alone.
  void divide(const PageWrite::Input& input, std::span<const Item> items, Refused& refused);

  pg::Connection& connection;
  Observer& observer;
  Clock& clock;
  PageMemory memory;
  bool upsert_all = false;  ///< for the page at hand
};

template <class Act>
void Writer::Impl::attempt(const PageWrite::Input& input, const Act& act) {
  const Backoff backoff(kConflictBase, kConflictCap);
  for (int turn = 1;; ++turn) {
    PageWrite write(connection, memory, input, upsert_all);
    try {
      return act(write);
    } catch (const Error& error) {
      const bool first_was_another = error.sqlstate() == kUniqueViolation && !upsert_all;
      if (!first_was_another && (error.kind() != ErrorKind::conflict || turn >= kConflictAttempts)) throw;
      upsert_all = true;
      if (!first_was_another && !clock.wait_for(backoff.wait(turn, random_unit()), connection.stop())) {
        throw Error(ErrorKind::cancelled, "stopped while another writer was waited for");
      }
    }
  }
}

void Writer::Impl::divide(const PageWrite::Input& input, std::span<const Item> items, Refused& refused) {
  try {
    attempt(input, [&](PageWrite& write) { write.rehearse(items); });
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::refused_row) throw;
    if (items.size() == 1) {
      refused[items.front().record] = error.what();
      return;
    }
    divide(input, items.first(items.size() / 2), refused);
    divide(input, items.subspan(items.size() / 2), refused);
  }
}

Counts Writer::Impl::apply(const PageWrite::Input& input) {
  const std::vector<Item> items = sort_items(input.page, input.target);
  upsert_all = false;
  Refused refused;
  Counts counts;
  for (;;) {
    std::vector<Item> candidates;
    try {
      attempt(input, [&](PageWrite& write) {
        try {
          counts = write.store(items, refused);
        } catch (const Error&) {
          candidates = write.written();
          throw;
        }
        for (const event::RecordQuarantined& event : write.quarantined())
          observer.on_event(event);
        for (const event::ContractChanged& event : write.notices())
          observer.on_event(event);
      });
      return counts;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::refused_row) throw;
      const std::size_t known = refused.size();
      divide(input, candidates, refused);
      // It was none of the records: our own statements were refused, and repeating will not help.
      if (refused.size() == known) throw;
      const Scope scope{input.target.fence.source, input.target.run_id, input.target.stream.name,
                        input.target.partition.name};
      observer.on_event(event::PageSplit{scope, static_cast<std::int64_t>(candidates.size()), error.what()});
    }
  }
}

Writer::Writer(pg::Connection& connection, Observer& observer, Clock& clock)
    : impl_(std::make_unique<Impl>(connection, observer, clock)) {}
Writer::~Writer() = default;

Counts Writer::apply(const model::Page& page, const model::Decode& decode, const model::Checkpoint& checkpoint,
                     const WriteTarget& target) {
  try {
    return impl_->apply({page, decode, checkpoint, target});
  } catch (Error& error) {
    error.with_context("storing a page of " + target.fence.source + "/" + target.stream.name + "/" +
                       target.partition.name);
    throw;
  }
}

}  // namespace surveysync::store
