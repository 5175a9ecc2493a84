#include "sync/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <mutex>
#include <thread>

#include "sync/certificate.h"
#include "sync/lease_keeper.h"
#include "sync/walk.h"

namespace surveysync::sync {
namespace {

using sources::Source;

// A vendor that cannot be reached for this many partitions in a row, each with all its retries, is down: the run ends.
constexpr int kUnreachableEndsRun = 5;
// Partitions that are asked for what must be learned of the account.
constexpr std::size_t kSampledPartitions = 3;
// The capability that remembers what the stored rows were made with.
constexpr std::string_view kDecodedWith = "decoded_with";
// The lane's connection is idle while the workers work, and may be lost without anybody noticing.
constexpr int kCloseAttempts = 2;

/// Partitions still to be walked, and what became of the others. Shared by the workers of one run.
class WorkList {
 public:
  explicit WorkList(std::deque<model::Partition> partitions) : todo_(std::move(partitions)) {}

  std::optional<model::Partition> next() {
    const std::lock_guard lock(mutex_);
    if (todo_.empty()) return std::nullopt;
    model::Partition partition = std::move(todo_.front());
    todo_.pop_front();
    return partition;
  }

  /// Adds a partition's counts. True when so many of the run's records could not be stored that the API must have
  /// changed.
  bool add(const Counts& counts, const Job& job) {
    const std::lock_guard lock(mutex_);
    report_.counts += counts;
    const Counts& all = report_.counts;
    const std::int64_t met = all.inserted + all.updated + all.unchanged + all.quarantined;
    return all.quarantined > job.quarantine_least && all.quarantined * 100 > met * job.quarantine_percent;
  }
  void certified(bool balanced) {
    const std::lock_guard lock(mutex_);
    ++(balanced ? report_.certified : report_.unbalanced);
  }
  /// Takes a failure; how many partitions in a row, of all workers, failed because the vendor could not be reached.
  int failed(PartitionFailure failure) {
    const std::lock_guard lock(mutex_);
    unreachable_in_a_row_ = failure.kind == ErrorKind::unavailable ? unreachable_in_a_row_ + 1 : 0;
    report_.failures.push_back(std::move(failure));
    return unreachable_in_a_row_;
  }
  void reached() {
    const std::lock_guard lock(mutex_);
    unreachable_in_a_row_ = 0;
  }
  /// The first error that ends the whole run; later ones are its echo.
  void end_with(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (!report_.error) report_.error = error;
  }
  bool ended() const {
    const std::lock_guard lock(mutex_);
    return report_.error.has_value();
  }
  RunReport take() {
    const std::lock_guard lock(mutex_);
    return std::move(report_);
  }

 private:
  mutable std::mutex mutex_;
  std::deque<model::Partition> todo_;
  RunReport report_;
  int unreachable_in_a_row_ = 0;
};

/// The run of one job: its parts in the order in which `run` uses them.
class Run {
 public:
  Run(const Job& job, Source& source, const store::OpenSession& open, Observer& observer, Clock& clock,
      std::stop_token stop)
      : job_(job), source_(source), open_(open), observer_(observer), clock_(clock), asked_to_stop_(std::move(stop)) {}

  RunReport tell() {
    const SteadyTime started = clock_.now();
    const std::int64_t requests_before = source_.requests();
    const std::stop_callback forward(asked_to_stop_, [this] { stop_.request_stop(); });
    lane_ = open_(stop_.get_token());                            // fails at once when the database is down
    fence_ = lane_->acquire_lease(job_.source, job_.lease_ttl);  // from here on no other process works this source
    for (const std::int64_t id : lane_->ledger().close_abandoned(fence_))
      observer_.on_event(event::RunAbandoned{{job_.source, id, "", ""}});
    run_id_ = lane_->ledger().open_run(fence_, job_.kind);
    observer_.on_event(event::RunStarted{scope(), job_.kind});
    RunReport report = work_under_lease();
    report.source = job_.source;
    report.run_id = run_id_;
    report.counts.requests = source_.requests() - requests_before;
    report.elapsed = clock_.now() - started;
    report.outcome = outcome_of(report);
    close(report);
    return report;
  }

 private:
  /// Everything between the run's ledger row and its end; what ends the run is in the report, never thrown.
  RunReport work_under_lease() {
    RunReport report;
    LeaseKeeper keeper(open_, fence_, job_.lease_ttl, clock_, stop_);
    try {
      report = work();
    } catch (const Error& error) {
      report.error = error;
    } catch (const std::exception& error) {
      report.error = unexpected(error);
    }
    if (auto loss = keeper.loss()) report.error = std::move(loss);  // all else is its echo
    return report;
  }

  RunReport work() {
    const std::deque<model::Partition> partitions = plan();
    WorkList list(partitions);
    carry(list, partitions.size());
    RunReport report = list.take();
    report.partitions = static_cast<std::int64_t>(partitions.size());
    for (PartitionFailure& missing : missing_)
      report.failures.push_back(std::move(missing));
    const bool everything = report.failures.empty() && !report.error && !stop_.stop_requested() && job_.only.empty();
    if (decode_again_ && everything) save_decoding();
    return report;
  }

  /// What to walk, the largest first (so that no long partition is left alone at the end), once the account's clocks
  /// are known.
  std::deque<model::Partition> plan() {
    std::vector<model::Partition> held = source_.partitions(scope(), stop_.get_token());
    // What somebody named, in the configuration or on the command line, must be there: a permission may have been lost.
    std::set<std::string> wanted = job_.only.empty() ? job_.following.include : job_.only;
    for (const std::string& excluded : job_.following.exclude)
      if (job_.only.empty()) wanted.erase(excluded);
    std::erase_if(held, [&](const model::Partition& p) {
      const bool walked = job_.following.follows(p.name) && (job_.only.empty() || job_.only.contains(p.name));
      if (walked) wanted.erase(p.name);
      return !walked;
    });
    for (const std::string& name : wanted) {
      const bool followed = job_.following.follows(name);
      missing_.push_back({"survey", name,
                          followed ? "not in the account's list" : "not followed: see surveys.include and exclude",
                          ErrorKind::denied});
    }
    if (held.empty() && !job_.only.empty()) {
      throw Error(
          ErrorKind::config, "none of the surveys named is in the account's list and followed",
          "`surveysync status` and the vendor's site show the ids; surveys.include and exclude say what is followed");
    }
    std::ranges::stable_sort(held, std::greater{}, &model::Partition::expected_records);
    learn(held);
    std::int64_t expected = 0;
    for (const model::Partition& p : held)
      expected += p.expected_records;
    observer_.on_event(event::RunPlanned{scope(), static_cast<std::int64_t>(held.size()), expected});
    return {std::make_move_iterator(held.begin()), std::make_move_iterator(held.end())};
  }

  void learn(const std::vector<model::Partition>& sample) {
    std::vector<model::Capability> known = lane_->ledger().capabilities(job_.source);
    const UtcTime oldest_good = clock_.utc_now() - std::chrono::duration_cast<std::chrono::microseconds>(job_.recheck);
    const bool fresh = std::ranges::all_of(source_.learnable(), [&](const std::string& name) {
      return std::ranges::any_of(known, [&](const auto& c) { return c.name == name && c.learned_at >= oldest_good; });
    });
    if (!fresh) {
      const std::vector<model::Capability> learned = learn_from(sample);
      for (const model::Capability& c : learned)
        observer_.on_event(event::CapabilityLearned{scope(), c.name, c.value, c.evidence});
      if (!learned.empty()) {
        lane_->ledger().save_capabilities(fence_, learned);
        for (const model::Capability& c : learned)
          std::erase_if(known, [&](const auto& old) { return old.name == c.name; });
        known.insert(known.end(), learned.begin(), learned.end());
      }
    }
    source_.assume(known);
    const auto decoded = std::ranges::find(known, std::string(kDecodedWith), &model::Capability::name);
    decode_again_ = decoded != known.end() && decoded->value != source_.decoding();
    if (decoded == known.end()) save_decoding();
  }

  /// From here on stored rows count as made with what the source knows now.
  void save_decoding() {
    lane_->ledger().save_capabilities(
        fence_, {{std::string(kDecodedWith), source_.decoding(), "rows are made with this", clock_.utc_now()}});
  }

  /// Asks a few partitions, the most promising first, until one adds nothing to what the others told; one that fails is
  /// passed over (its own walk will tell).
  std::vector<model::Capability> learn_from(const std::vector<model::Partition>& sample) {
    std::vector<model::Capability> learned;
    for (std::size_t i = 0; i < std::min(sample.size(), kSampledPartitions); ++i) {
      const std::size_t before = learned.size();
      try {
        for (model::Capability& found : source_.learn({sample[i]}, scope(), stop_.get_token())) {
          const bool known = std::ranges::any_of(learned, [&](const auto& c) { return c.name == found.name; });
          if (!known) learned.push_back(std::move(found));
        }
      } catch (const Error& error) {
        if (policy(error.kind()).ends_run) throw;
        observer_.on_event(
            event::Note{scope(), Severity::warning, "nothing learned from " + sample[i].name + ": " + error.what()});
      }
      if (before > 0 && learned.size() == before) break;
    }
    return learned;
  }

  /// The workers carry the partitions, until none is left or the run is stopped.
  void carry(WorkList& list, std::size_t partitions) {
    const std::size_t count = std::min<std::size_t>(static_cast<std::size_t>(job_.workers), partitions);
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < count; ++i)
      workers.emplace_back([&] { worker(list); });
  }

  void worker(WorkList& list) {
    try {
      StoreDoor door(open_, scope(), observer_, clock_, stop_.get_token());
      const WalkContext context{job_, source_, fence_, run_id_, decode_again_, observer_, clock_, stop_.get_token()};
      std::map<std::string, model::Decode> decoders;
      for (const model::StreamSpec& stream : followed_streams())
        decoders.emplace(stream.name, source_.decoder(stream));
      while (auto partition = list.next()) {
        for (const model::StreamSpec& stream : followed_streams()) {
          if (stop_.stop_requested()) return;
          carry_partition(list, context, door, stream, *partition, decoders.at(stream.name));
        }
      }
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::cancelled || !stop_.stop_requested()) list.end_with(error);
      stop_.request_stop();
    } catch (const std::exception& error) {
      list.end_with(unexpected(error));
      stop_.request_stop();
    }
  }

  static Error unexpected(const std::exception& error) {
    return Error(ErrorKind::bug, std::string("unexpected: ") + error.what(), "please report this with the log");
  }

  /// One partition's outcome. Rethrows what ends the whole run.
  void carry_partition(WorkList& list, const WalkContext& context, StoreDoor& door, const model::StreamSpec& stream,
                       const model::Partition& partition, const model::Decode& decode) {
    Outcome outcome = Outcome::succeeded;
    PartitionWalk walk(context, door, stream, partition, decode);
    std::string message;
    std::optional<Error> ending;
    try {
      const std::optional<store::Certificate> certificate = walk.run();
      list.reached();
      if (certificate) list.certified(certificate->balanced);
      if (certificate && !certificate->balanced) {
        outcome = Outcome::partial;
        message = describe_imbalance(*certificate);
      }
    } catch (Error& error) {
      outcome = error.kind() == ErrorKind::cancelled ? Outcome::cancelled : Outcome::failed;
      message = error.full_text();
      if (policy(error.kind()).ends_run || door.gave_up()) ending = error;
      if (error.kind() == ErrorKind::denied)
        observer_.on_event(event::PartitionDenied{partition_scope(stream, partition), error.what()});
      const bool vendor_down = outcome == Outcome::failed &&
                               list.failed({stream.name, partition.name, message, error.kind()}) >= kUnreachableEndsRun;
      if (vendor_down && !ending) ending = error;
    }
    if (list.add(walk.counts(), job_) && !ending) ending = changed_contract();
    if (!door.gave_up()) record_outcome(door, stream, partition, outcome, walk.counts(), message);
    observer_.on_event(event::PartitionFinished{partition_scope(stream, partition), std::string(name_of(outcome)),
                                                walk.counts(), message});
    if (ending) throw Error(*ending);
  }

  /// product.md section 7: above the configured share of records that could not be stored the run fails.
  Error changed_contract() const {
    return Error(ErrorKind::malformed,
                 fmt::format("more than {} records and {} % could not be stored", job_.quarantine_least,
                             job_.quarantine_percent),
                 "this looks like a changed API: see `surveysync quarantine list`");
  }

  void record_outcome(StoreDoor& door, const model::StreamSpec& stream, const model::Partition& partition,
                      Outcome outcome, const Counts& counts, const std::string& message) {
    if (outcome == Outcome::cancelled) return;  // the ledger closes the run's open rows with it
    door.perform([&](store::Session& session) {
      session.ledger().finish_partition(fence_, run_id_, stream.name, partition.name, std::string(name_of(outcome)),
                                        counts.requests, message);
    });
  }

  Outcome outcome_of(const RunReport& report) const {
    if (report.error) return report.error->kind() == ErrorKind::cancelled ? Outcome::cancelled : Outcome::failed;
    if (asked_to_stop_.stop_requested()) return Outcome::cancelled;
    if (report.failures.empty() && report.unbalanced == 0) return Outcome::succeeded;
    const bool any_good = report.certified > 0 || report.unbalanced > 0 ||
                          report.failures.size() < static_cast<std::size_t>(report.partitions);
    return any_good ? Outcome::partial : Outcome::failed;
  }

  /// The ledger row and the lease, also when we were stopped; once more on a fresh connection if the idle one was lost.
  void close(const RunReport& report) {
    const std::string error = report.error ? report.error->full_text() : std::string();
    for (int attempt = 1; attempt <= kCloseAttempts; ++attempt) {
      try {
        if (!lane_ || !lane_->alive()) lane_ = open_({});
        lane_->connection().use_stop({});
        lane_->ledger().finish_run(fence_, run_id_, std::string(name_of(report.outcome)), report.counts, error);
        lane_->release_lease(fence_);
        break;
      } catch (const Error& lost) {
        lane_.reset();
        if (lost.kind() == ErrorKind::locked) break;  // another process took over and closed the row
        observer_.on_event(event::StoreUnavailable{scope(), std::string("run could not be closed: ") + lost.what()});
      }
    }
    observer_.on_event(
        event::RunFinished{scope(), std::string(name_of(report.outcome)), report.counts, report.elapsed, error});
  }

  std::vector<std::reference_wrapper<const model::StreamSpec>> followed_streams() const {
    std::vector<std::reference_wrapper<const model::StreamSpec>> streams;
    for (const model::StreamSpec& stream : source_.streams()) {
      if (job_.following.streams.empty() || job_.following.streams.contains(stream.name)) streams.emplace_back(stream);
    }
    return streams;
  }

  Scope scope() const { return {job_.source, run_id_, "", ""}; }
  Scope partition_scope(const model::StreamSpec& stream, const model::Partition& partition) const {
    return {job_.source, run_id_, stream.name, partition.name};
  }

  const Job& job_;
  Source& source_;
  const store::OpenSession& open_;
  Observer& observer_;
  Clock& clock_;
  const std::stop_token asked_to_stop_;  // from outside
  std::stop_source stop_;                // of this run: asked from outside, a lost lease, or what ends the run
  std::unique_ptr<store::Session> lane_;
  store::Fence fence_;
  std::int64_t run_id_ = 0;
  bool decode_again_ = false;
  std::vector<PartitionFailure> missing_;
};

}  // namespace

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::succeeded:
      return "succeeded";
    case Outcome::partial:
      return "partial";
    case Outcome::failed:
      return "failed";
    case Outcome::cancelled:
      return "cancelled";
  }
  return "failed";
}

RunReport run(const Job& job, sources::Source& source, const store::OpenSession& open_session, Observer& observer,
              Clock& clock, const std::stop_token& stop) {
  return Run(job, source, open_session, observer, clock, stop).tell();
}

}  // namespace surveysync::sync
