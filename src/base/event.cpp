#include "base/event.h"

#include <stdexcept>

#include "base/event_text.h"

namespace surveysync {
namespace {

std::string where(const Scope& scope) {
  if (scope.partition.empty()) return scope.stream.empty() ? scope.source : scope.source + " " + scope.stream;
  return fmt::format("{} {} {}", scope.source, scope.stream, scope.partition);
}

Severity severity_of_outcome(std::string_view outcome) {
  if (outcome == "failed") return Severity::error;
  return outcome == "partial" ? Severity::warning : Severity::info;
}

/// One overload an event; the order is that of base/event.h.
struct Describe : DescribeService {
  using DescribeService::operator();
  EventText operator()(const event::RunStarted& e) const {
    return Text("run_started", Severity::info, e.scope, fmt::format("{} run of {} started", e.kind, e.scope.source))
        .add("kind", e.kind)
        .done();
  }
  EventText operator()(const event::RunPlanned& e) const {
    return Text("run_planned", Severity::info, e.scope,
                fmt::format("{} parts to walk, about {} records", e.partitions, e.expected_records))
        .add("partitions", e.partitions)
        .add("expected_records", e.expected_records)
        .done();
  }
  EventText operator()(const event::RunFinished& e) const {
    return Text("run_finished", severity_of_outcome(e.outcome), e.scope,
                fmt::format("run of {} {}", e.scope.source, e.outcome))
        .add("outcome", e.outcome)
        .add(e.counts)
        .add_time("elapsed_seconds", e.elapsed)
        .add_text("cause", e.cause)
        .add_text("error", e.error)
        .done();
  }
  EventText operator()(const event::RunAbandoned& e) const {
    return Text("run_abandoned", Severity::warning, e.scope, "a run whose process died was closed as failed").done();
  }
  EventText operator()(const event::PartitionFinished& e) const {
    const Severity severity = e.outcome == "failed" ? Severity::warning : Severity::debug;
    return Text("partition_finished", severity, e.scope, fmt::format("{} {}", where(e.scope), e.outcome))
        .add("outcome", e.outcome)
        .add(e.counts)
        .add_text("error", e.error)
        .done();
  }
  EventText operator()(const event::PartitionDenied& e) const {
    return Text("partition_denied", Severity::warning, e.scope,
                fmt::format("{} is not open to this key", where(e.scope)))
        .add_text("reason", e.reason)
        .done();
  }
  EventText operator()(const event::CallFinished& e) const {
    return Text("call_finished", Severity::debug, e.scope, fmt::format("{} answered {}", e.path, e.status))
        .add("path", e.path)
        .add("status", e.status)
        .add("bytes", e.bytes)
        .add_time("elapsed_seconds", e.elapsed)
        .add("cached", e.cached)
        .done();
  }
  EventText operator()(const event::PageStored& e) const {
    return Text("page_stored", Severity::debug, e.scope,
                fmt::format("{}: page of {} records stored", where(e.scope), e.records))
        .add("records", e.records)
        .add(e.counts)
        .done();
  }
  EventText operator()(const event::RetryScheduled& e) const {
    return Text("retry_scheduled", Severity::info, e.scope,
                fmt::format("{} is tried again in {:.1f} s: {}", e.path, Text::seconds(e.wait), e.reason))
        .add("path", e.path)
        .add("attempt", e.attempt)
        .add_time("wait_seconds", e.wait)
        .add("kind", policy(e.kind).name)
        .done();
  }
  EventText operator()(const event::Throttled& e) const {
    return Text("throttled", Severity::info, e.scope,
                fmt::format("the account rests {:.1f} s: {}", Text::seconds(e.rest), e.reason))
        .add_time("rest_seconds", e.rest)
        .done();
  }
  EventText operator()(const event::PageSizeChanged& e) const {
    return Text("page_size_changed", Severity::debug, e.scope,
                fmt::format("page size {} becomes {}: {}", e.from, e.to, e.reason))
        .add("from", e.from)
        .add("to", e.to)
        .done();
  }
  EventText operator()(const event::RecordQuarantined& e) const {
    return Text("record_quarantined", Severity::warning, e.scope,
                fmt::format("{}: record {} was put into quarantine: {}", where(e.scope), e.record_key, e.reason))
        .add("record_key", e.record_key)
        .done();
  }
  EventText operator()(const event::ContractChanged& e) const {
    return Text("contract_changed", Severity::warning, e.scope,
                fmt::format("{} sent something new: {}", e.scope.source, e.what))
        .add("what", e.what)
        .add_text("sample", e.sample)
        .done();
  }
  EventText operator()(const event::CertificateIssued& e) const {
    return Text("certificate_issued", e.balanced ? Severity::debug : Severity::error, e.scope,
                fmt::format("{}: certificate {}", where(e.scope), e.balanced ? "balanced" : "does not balance"))
        .add("balanced", e.balanced)
        .add("total_before", e.total_before)
        .add("total_after", e.total_after)
        .add("stored_live", e.stored_live)
        .add("quarantined", e.quarantined)
        .add("excluded", e.excluded)
        .done();
  }
  EventText operator()(const event::DeletionsMarked& e) const {
    return Text(
               "deletions_marked", Severity::info, e.scope,
               fmt::format("{}: {} records that the vendor has no more were marked deleted", where(e.scope), e.records))
        .add("records", e.records)
        .done();
  }
  EventText operator()(const event::DeletionsBraked& e) const {
    return Text("deletions_braked", Severity::error, e.scope,
                fmt::format("{}: {} of {} stored records are missing at the vendor, none was marked deleted: {}",
                            where(e.scope), e.missing, e.stored, e.reason))
        .add("missing", e.missing)
        .add("stored", e.stored)
        .done();
  }
  EventText operator()(const event::DeletionsFrozen& e) const {
    return Text(
               "deletions_frozen", Severity::warning, e.scope,
               fmt::format("{}: nothing is marked deleted while a permission is missing: {}", where(e.scope), e.reason))
        .done();
  }
  EventText operator()(const event::PartitionDeleted& e) const {
    return Text("partition_deleted", Severity::info, e.scope,
                fmt::format("survey {} of {} is gone at the vendor ({}): its rows were marked deleted",
                            e.scope.partition, e.scope.source, e.evidence))
        .add_text("evidence", e.evidence)
        .done();
  }
  EventText operator()(const event::CompletePassNeeded& e) const {
    return Text("complete_pass_needed", Severity::info, e.scope,
                fmt::format("{} is read completely: {}", where(e.scope), e.reason))
        .add_text("reason", e.reason)
        .done();
  }
  EventText operator()(const event::WideUpdated& e) const {
    return Text("wide_updated", e.rebuilt ? Severity::info : Severity::debug, e.scope,
                e.rebuilt ? fmt::format("wide table {} was made anew with {} rows", e.table, e.rows)
                          : fmt::format("wide table {} took {} changed rows", e.table, e.rows))
        .add("table", e.table)
        .add("rows", e.rows)
        .add_time("elapsed_seconds", e.elapsed)
        .done();
  }
  EventText operator()(const event::WideFailed& e) const {
    return Text("wide_failed", Severity::warning, e.scope,
                fmt::format("wide table {} is not up to date: {}", e.table, e.reason))
        .add("table", e.table)
        .add_text("next_step", e.next_step)
        .done();
  }
  EventText operator()(const event::HookFinished& e) const {
    const bool well = e.error.empty();
    return Text("hook_finished", well ? Severity::info : Severity::error, e.scope,
                well ? fmt::format("the hook of {} ran", e.scope.source)
                     : fmt::format("the hook of {} failed and is run again after the next run: {}", e.scope.source,
                                   e.error))
        .add_time("elapsed_seconds", e.elapsed)
        .add_text("error", e.error)
        .done();
  }
  EventText operator()(const event::CapabilityLearned& e) const {
    return Text("capability_learned", Severity::info, e.scope,
                fmt::format("{}: {} is {}", e.scope.source, e.name, e.value))
        .add("name", e.name)
        .add("value", e.value)
        .add_text("evidence", e.evidence)
        .done();
  }
  EventText operator()(const event::StoreUnavailable& e) const {
    return Text("store_unavailable", Severity::error, e.scope, fmt::format("the database cannot answer: {}", e.reason))
        .done();
  }
  EventText operator()(const event::PageSplit& e) const {
    return Text("page_split", Severity::warning, e.scope,
                fmt::format("{}: a page of {} records is divided to find the bad one: {}", where(e.scope), e.records,
                            e.reason))
        .add("records", e.records)
        .done();
  }
  EventText operator()(const event::Note& e) const { return Text("note", e.severity, e.scope, e.text).done(); }
};

}  // namespace

Counts& Counts::operator+=(const Counts& other) {
  requests += other.requests;
  inserted += other.inserted;
  updated += other.updated;
  unchanged += other.unchanged;
  tombstoned += other.tombstoned;
  quarantined += other.quarantined;
  return *this;
}

EventText describe(const Event& event) {
  return std::visit(Describe{}, event);
}

const Scope& scope_of(const Event& event) {
  return std::visit([](const auto& e) -> const Scope& { return e.scope; }, event);
}

void Observers::add(Observer& observer) {
  for (std::atomic<Observer*>& member : members_) {
    Observer* none = nullptr;
    if (member.compare_exchange_strong(none, &observer)) return;
  }
  throw std::length_error("more observers than Observers::kMost");
}

void Observers::on_event(const Event& event) noexcept {
  for (const std::atomic<Observer*>& member : members_) {
    Observer* const present = member.load();
    if (present == nullptr) return;
    present->on_event(event);
  }
}

}  // namespace surveysync
