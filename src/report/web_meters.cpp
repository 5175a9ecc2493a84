#include "report/web_meters.h"

#include <algorithm>

namespace surveysync::report {
namespace {

constexpr std::string_view kOutcomes[] = {"succeeded", "partial", "failed", "cancelled"};
constexpr std::string_view kChanges[] = {"inserted", "updated", "unchanged", "tombstoned", "quarantined"};

void add_rows(Tally& rows, const std::string& source, const Counts& counts) {
  const std::int64_t numbers[] = {counts.inserted, counts.updated, counts.unchanged, counts.tombstoned,
                                  counts.quarantined};
  for (std::size_t at = 0; at < std::size(kChanges); ++at)
    rows[{source, std::string(kChanges[at])}] += numbers[at];
}

void add_time(RunTimes& times, Duration elapsed) {
  const double seconds = std::chrono::duration<double>(elapsed).count();
  const auto* const bound = std::ranges::lower_bound(RunTimes::kBounds, seconds);
  ++times.counts[static_cast<std::size_t>(bound - RunTimes::kBounds.begin())];
  times.seconds += seconds;
}

}  // namespace

/// Empties the slots of the seconds that passed without a call.
void Meters::Minute::advance(std::int64_t second) {
  if (second - newest >= 60) calls.fill(0);
  for (std::int64_t at = std::max(newest + 1, second - 59); at <= second; ++at)
    calls[static_cast<std::size_t>(at % 60)] = 0;
  newest = std::max(newest, second);
}

std::int64_t Meters::second() const {
  return std::chrono::floor<std::chrono::seconds>(clock_.now().time_since_epoch()).count();
}

void Meters::on_event(const Event& event) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    count(event);
    count_run(event, scope_of(event));
  } catch (...) {
    // Out of memory, say: a run matters more than its counters.
  }
}

void Meters::know(const std::string& source) {
  const std::lock_guard lock(mutex_);
  reading_.throttled[{source, ""}] += 0;
  reading_.bytes[{source, ""}] += 0;
  reading_.requests[{source, "200"}] += 0;
  reading_.run_times[source];
  add_rows(reading_.rows, source, {});
  for (const std::string_view outcome : kOutcomes)
    reading_.runs[{source, std::string(outcome)}] += 0;
  for (const char* const verdict : {"balanced", "unbalanced"})
    reading_.certificates[{source, verdict}] += 0;
}

void Meters::count(const Event& event) {
  const std::string& source = scope_of(event).source;
  if (const auto* call = std::get_if<event::CallFinished>(&event)) {
    ++reading_.requests[{source, std::to_string(call->status)}];
    reading_.bytes[{source, ""}] += call->bytes;
    Minute& minute = minutes_[source];
    minute.advance(second());
    ++minute.calls[static_cast<std::size_t>(minute.newest % 60)];
  } else if (const auto* page = std::get_if<event::PageStored>(&event)) {
    add_rows(reading_.rows, source, page->counts);
  } else if (const auto* marked = std::get_if<event::DeletionsMarked>(&event)) {
    reading_.rows[{source, "tombstoned"}] += marked->records;
  } else if (std::holds_alternative<event::Throttled>(event)) {
    ++reading_.throttled[{source, ""}];
  } else if (const auto* retry = std::get_if<event::RetryScheduled>(&event)) {
    ++reading_.retries[{source, std::string(policy(retry->kind).name)}];
  } else if (const auto* tried = std::get_if<event::KeyTried>(&event)) {
    ++reading_.key_probes[{source, tried->verdict.empty() ? "accepted" : tried->verdict}];
  } else if (const auto* refused = std::get_if<event::KeyRefused>(&event)) {
    ++reading_.key_verdicts[{source, refused->verdict}];
  } else if (std::holds_alternative<event::KeyAccepted>(event)) {
    ++reading_.key_verdicts[{source, "accepted"}];
  } else if (const auto* certificate = std::get_if<event::CertificateIssued>(&event)) {
    ++reading_.certificates[{source, certificate->balanced ? "balanced" : "unbalanced"}];
  } else if (const auto* opened = std::get_if<event::IncidentOpened>(&event)) {
    ++reading_.incidents[{opened->rule, opened->severity}];
  } else if (const auto* sent = std::get_if<event::AlertSent>(&event)) {
    ++reading_.alerts[{sent->channel, sent->error.empty() ? "delivered" : "failed"}];
  }
}

void Meters::count_run(const Event& event, const Scope& scope) {
  if (const auto* started = std::get_if<event::RunStarted>(&event)) {
    runs_.erase(scope.source);
    UnderWay& run = runs_[scope.source];
    run.view = {.source = scope.source, .kind = started->kind, .run_id = scope.run_id, .since = clock_.utc_now()};
    run.whole = !started->narrowed;
    return;
  }
  if (std::holds_alternative<event::CertificateIssued>(event) && !scope.partition.empty())
    certified_[scope.source] = scope.stream;
  const auto found = runs_.find(scope.source);
  if (const auto* finished = std::get_if<event::RunFinished>(&event)) {
    ++reading_.runs[{scope.source, finished->outcome}];
    add_time(reading_.run_times[scope.source], finished->elapsed);
    if (found != runs_.end()) runs_.erase(found);
    return;
  }
  if (found == runs_.end()) return;
  UnderWay& run = found->second;
  if (const auto* planned = std::get_if<event::RunPlanned>(&event)) {
    run.view.planned = true;
    run.view.parts = planned->partitions;
    run.view.expected = planned->expected_records;
  } else if (const auto* page = std::get_if<event::PageStored>(&event)) {
    if (!scope.partition.empty()) run.streams[scope.stream].first += page->records;
  } else if (std::holds_alternative<event::PartitionFinished>(event)) {
    scope.partition.empty() ? ++run.lists : ++run.streams[scope.stream].second;
  }
}

MeterReading Meters::reading() const {
  const std::lock_guard lock(mutex_);
  return reading_;
}

std::vector<ProgressView> Meters::progress() const {
  const std::lock_guard lock(mutex_);
  std::vector<ProgressView> runs;
  for (const auto& [source, run] : runs_) {
    ProgressView& view = runs.emplace_back(run.view);
    std::pair<std::int64_t, std::int64_t> most{0, 0};
    const auto certified = certified_.find(source);
    for (const auto& [stream, done] : run.streams) {
      // What goes beside the mass (definitions) was not planned as parts and records.
      const bool beside = certified == certified_.end() ? done.second > 0 : certified->second != stream;
      if (!run.whole || !beside) most = std::max(most, done);
    }
    view.records = most.first;
    view.parts_done = std::min(most.second + run.lists, view.parts);
  }
  return runs;
}

std::map<std::string, std::int64_t> Meters::recent_calls() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::int64_t> calls;
  for (auto [source, minute] : minutes_) {
    minute.advance(second());
    for (const std::int64_t number : minute.calls)
      calls[source] += number;
  }
  return calls;
}

}  // namespace surveysync::report
