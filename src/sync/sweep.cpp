#include "sync/sweep.h"

#include <fmt/format.h>

namespace surveysync::sync {
namespace {

// Of so many missing records a random sample decides when somebody confirmed the deletion (product.md 4.6).
constexpr std::size_t kSample = 100;

/// One sweep's confirmations.
class Confirmation {
 public:
  Confirmation(const WalkContext& context, PartitionReader& reader) : context_(context), reader_(reader) {}

  /// Asks for each key; false as soon as one is refused.
  bool ask(const std::vector<model::Key>& keys, SweepResult& result) {
    for (const model::Key& key : keys) {
      if (context_.stop.stop_requested())
        throw Error(ErrorKind::cancelled, "stopped while missing records were asked for");
      sources::Found found = context_.source.find(reader_.target().stream, reader_.target().partition, key,
                                                  reader_.scope(), context_.stop);
      reader_.counts.requests += std::max<std::int64_t>(1, found.page.requests);
      switch (found.presence) {
        case sources::Presence::gone:
          gone_.push_back(key);
          break;
        case sources::Presence::present:
          ++result.refuted;
          reader_.store(found.page, position, true);
          break;
        case sources::Presence::refused:
          result.frozen = true;
          result.text = fmt::format("record {} was refused ({}): a permission is missing, nothing is marked deleted",
                                    model::key_text(key), found.evidence);
          context_.observer.on_event(event::DeletionsFrozen{reader_.scope(), found.evidence});
          return false;
      }
    }
    return true;
  }

  void mark(SweepResult& result) {
    if (gone_.empty()) return;
    std::int64_t marked = 0;
    reader_.door().perform([&](store::Session& session) {
      marked = session.ledger().mark_deleted(context_.fence, context_.run_id, reader_.target().stream,
                                             reader_.target().partition.name, gone_);
    });
    note(marked, result);
  }
  void note(std::int64_t marked, SweepResult& result) {
    result.marked += marked;
    reader_.counts.tombstoned += marked;
    if (marked > 0) context_.observer.on_event(event::DeletionsMarked{reader_.scope(), marked});
  }
  const std::vector<model::Key>& gone() const { return gone_; }
  std::string position;  ///< of the unfinished pass, kept as it is

 private:
  const WalkContext& context_;
  PartitionReader& reader_;
  std::vector<model::Key> gone_;
};

void brake(const WalkContext& context, PartitionReader& reader, std::int64_t stored, std::string reason,
           SweepResult& result) {
  result.braked = true;
  result.text = fmt::format("{} of {} stored records are missing at the vendor, none was marked deleted: {}",
                            result.missing, stored, reason);
  context.observer.on_event(event::DeletionsBraked{reader.scope(), result.missing, stored, std::move(reason)});
}

}  // namespace

bool above_brake(const Brake& brake, std::int64_t missing, std::int64_t stored) {
  return missing > brake.rows || (missing > brake.least && missing * 100 > stored * brake.percent);
}

SweepResult sweep(const WalkContext& context, PartitionReader& reader, const store::Ledger::UnseenQuestion& question,
                  Proof proof) {
  SweepResult result;
  std::int64_t stored = 0;
  std::vector<model::Key> keys;
  std::string position;
  bool much = false;
  reader.door().perform([&](store::Session& session) {
    store::Ledger& ledger = session.ledger();
    result.missing = ledger.count_unseen(context.job.source, question);
    if (result.missing == 0) return;
    stored = ledger.holdings(context.job.source, question.stream, question.partition, question.since).stored_live;
    much = above_brake(context.job.brake, result.missing, stored);
    if (much && !context.job.confirmed) return;
    if (proof == Proof::by_list) return;
    keys = ledger.unseen(context.job.source, question, much ? kSample : static_cast<std::size_t>(result.missing), much);
    const auto saved = ledger.checkpoint(context.job.source, question.stream.name, question.partition);
    if (saved) position = saved->position;
  });
  if (result.missing == 0) return result;
  if (much && !context.job.confirmed) {
    brake(context, reader, stored, "a lost permission looks the same", result);
    return result;
  }
  Confirmation confirmation(context, reader);
  confirmation.position = position;
  if (!confirmation.ask(keys, result)) return result;
  if (!much && proof == Proof::by_record) {
    confirmation.mark(result);
    return result;
  }
  if (result.refuted > 0) {
    brake(context, reader, stored,
          fmt::format("{} of a sample of {} are there when asked for alone", result.refuted, keys.size()), result);
    return result;
  }
  std::int64_t marked = 0;
  reader.door().perform([&](store::Session& session) {
    marked = session.ledger().mark_unseen_deleted(context.fence, context.run_id, question);
  });
  confirmation.note(marked, result);
  return result;
}

SweepResult settle_records(const WalkContext& context, PartitionReader& reader, const std::vector<model::Key>& keys) {
  SweepResult result;
  result.missing = static_cast<std::int64_t>(keys.size());
  Confirmation confirmation(context, reader);
  reader.door().perform([&](store::Session& session) {
    const auto saved =
        session.ledger().checkpoint(context.job.source, reader.target().stream.name, reader.target().partition.name);
    if (saved) confirmation.position = saved->position;
  });
  if (confirmation.ask(keys, result)) confirmation.mark(result);
  return result;
}

VanishedPartition settle_partition(const WalkContext& context, StoreDoor& door,
                                   const std::vector<std::reference_wrapper<const model::StreamSpec>>& streams,
                                   const std::string& name) {
  VanishedPartition result;
  const Scope scope{context.job.source, context.run_id, "", name};
  const sources::Found found = context.source.find_partition(name, scope, context.stop);
  if (found.presence == sources::Presence::refused) {
    context.observer.on_event(event::DeletionsFrozen{scope, found.evidence});
    result.text = "it is not in the account's list, and asking for it was refused (" + found.evidence + ")";
    return result;
  }
  result.present = found.presence == sources::Presence::present;
  if (result.present) return result;
  std::int64_t stored = 0;
  door.perform([&](store::Session& session) {
    for (const model::StreamSpec& stream : streams) {
      if (stream.certified && !stream.of_account)
        stored += session.ledger().holdings(context.job.source, stream, name, session.ledger().now()).stored_live;
    }
  });
  if (!found.certain && !context.job.confirmed && stored > context.job.brake.least) {
    result.braked = true;
    result.text = fmt::format(
        "it is not in the account's list ({}), and its {} stored records were not marked deleted: "
        "a lost permission looks the same",
        found.evidence, stored);
    context.observer.on_event(
        event::DeletionsBraked{scope, stored, stored, "the survey is not there: " + found.evidence});
    return result;
  }
  door.perform([&](store::Session& session) {
    result.marked = 0;
    store::Standing gone;
    for (const model::StreamSpec& stream : streams) {
      if (stream.of_account) continue;
      result.marked += session.ledger().mark_partition_deleted(context.fence, context.run_id, stream, name);
      session.ledger().close_pass(context.fence, {stream.name, name, "", "", 0}, gone);
    }
  });
  context.observer.on_event(event::PartitionDeleted{scope, found.evidence});
  return result;
}

}  // namespace surveysync::sync
