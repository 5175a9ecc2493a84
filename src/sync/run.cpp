#include "sync/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "store/named_records.h"
#include "store/requests.h"
#include "sync/certificate.h"
#include "sync/close_run.h"
#include "sync/lease_keeper.h"
#include "sync/prepare.h"
#include "sync/unfetched.h"
#include "sync/walk.h"
#include "sync/wide.h"
#include "sync/work_list.h"

namespace surveysync::sync {
namespace {

using sources::Source;

// A vendor that cannot be reached for this many partitions in a row, each with all its retries, is down: the run ends.
constexpr int kUnreachableEndsRun = 5;

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
    take_request();
    open_ledger();
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
  /// What somebody asked for is executed once.
  void take_request() {
    if (job_.request_id == 0 || store::Requests(lane_->connection()).take(fence_, job_.request_id)) return;
    lane_->release_lease(fence_);
    throw Error(ErrorKind::locked, fmt::format("request {} was executed by another process", job_.request_id));
  }

  /// A rehearsal leaves nothing in the ledger.
  void open_ledger() {
    const std::string kind(name_of(job_.kind));
    if (!job_.dry_run) {
      for (const std::int64_t id : lane_->ledger().close_abandoned(fence_))
        observer_.on_event(event::RunAbandoned{{job_.source, id, "", ""}});
      run_id_ = lane_->ledger().open_run(fence_, kind, is_narrowed(job_));
      if (job_.request_id != 0) store::Requests(lane_->connection()).note_run(fence_, job_.request_id, run_id_);
    }
    observer_.on_event(event::RunStarted{scope(), kind, is_narrowed(job_) || job_.dry_run});
  }

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
    if (job_.kind == RunKind::backfill) require_dates();

    // What the account holds, what it supports, and so what there is to do.
    StoreDoor door(open_, scope(), observer_, clock_, stop_.get_token());
    const Lane lane{job_, source_, door, fence_, scope(), observer_, clock_, stop_.get_token()};
    Prepared prepared = prepare(lane, job_.kind == RunKind::incremental);
    decode_again_ = prepared.decode_again;
    std::int64_t expected = 0;
    for (const Task& task : prepared.plan.tasks)
      expected += task.partition.expected_records;
    const std::size_t parts = prepared.plan.tasks.size() + prepared.plan.lists.size();
    observer_.on_event(event::RunPlanned{scope(), static_cast<std::int64_t>(parts), expected});

    // From here on every task ends with an outcome of its own.
    const auto count = static_cast<std::int64_t>(prepared.plan.tasks.size() + prepared.plan.vanished.size());
    const bool entries_changed = std::ranges::any_of(prepared.plan.tasks, &Task::definition);
    WorkList list;
    carry(list, std::move(prepared.plan.tasks));
    std::int64_t lists = 0;
    try {
      if (!stop_.stop_requested() && job_.kind != RunKind::backfill) settle_vanished(list, prepared.plan.vanished);
      lists = carry_lists(list, std::move(prepared.plan.lists), entries_changed);
      lists += carry_named(list, prepared.listed);
      note_offers(list);
    } catch (const Error& error) {
      // What was carried until then stays reported.
      if (error.kind() != ErrorKind::cancelled || !stop_.stop_requested()) list.end_with(error);
    }

    if (job_.wide && !job_.dry_run)
      update_wide({source_, open_, fence_, scope(), observer_, clock_, stop_.get_token(), job_.workers});

    RunReport report = list.take();
    report.partitions = count;
    report.lists = lists;
    report.skipped = prepared.plan.skipped;
    for (PartitionFailure& missing : prepared.missing)
      report.failures.push_back(std::move(missing));
    const bool everything = report.failures.empty() && !report.error && !stop_.stop_requested() && !is_narrowed(job_) &&
                            job_.kind == RunKind::incremental && !job_.dry_run;
    if (decode_again_ && everything) note_decoding(lane);
    return report;
  }

  /// What was stored counts even if this cannot be noted: then the next run makes the rows anew once more.
  void note_decoding(const Lane& lane) {
    try {
      save_decoding(lane);
    } catch (const Error& error) {
      observer_.on_event(event::StoreUnavailable{scope(), error.what()});
    }
  }

  /// A window of time needs records that are read by their date of change.
  void require_dates() const {
    if (certified_stream(job_, source_) != nullptr) return;
    throw Error(
        ErrorKind::config,
        fmt::format("backfill of {}: none of the streams that it follows is read by date of change", job_.source),
        fmt::format("`surveysync resync {}` reads all of them again", job_.source));
  }

  /// Lists that tell nothing of changes. While nothing else changed in the account, those read lately are taken at
  /// their word.
  std::int64_t carry_lists(WorkList& list, std::vector<Task> tasks, bool entries_changed) {
    const auto fresh = std::ranges::stable_partition(tasks, [](const Task& task) { return !task.if_changed; });
    std::vector<Task> others(std::make_move_iterator(fresh.begin()), std::make_move_iterator(fresh.end()));
    tasks.erase(fresh.begin(), fresh.end());
    auto count = static_cast<std::int64_t>(tasks.size());
    if (!stop_.stop_requested()) carry(list, std::move(tasks));
    if (stop_.stop_requested() || (!entries_changed && !list.changed())) return count;
    count += static_cast<std::int64_t>(others.size());
    carry(list, std::move(others));
    return count;
  }

  /// The workers carry the tasks, until none is left or the run is stopped.
  void carry(WorkList& list, std::vector<Task> work) {
    const std::size_t tasks = work.size();
    list.add_tasks(std::move(work));
    // A rehearsal is one transaction, and a backfill shall not be in anybody's way.
    const int most = job_.dry_run || job_.kind == RunKind::backfill ? 1 : job_.workers;
    const int count = static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(most), tasks));
    Hands hands(most - count);
    std::vector<std::jthread> workers;
    for (int i = 0; i < count; ++i)
      workers.emplace_back([&] {
        worker(list, hands);
        hands.give();
      });
  }

  /// Records that what is stored by now names: one more round.
  std::int64_t carry_named(WorkList& list, const std::vector<model::Partition>& listed) {
    std::vector<Task> tasks;
    if (stop_.stop_requested() || job_.kind == RunKind::backfill || !job_.responses.empty()) return 0;
    StoreDoor door(open_, scope(), observer_, clock_, stop_.get_token());
    for (const model::StreamSpec& stream : followed_streams(job_, source_)) {
      if (stream.reading != model::Reading::named) continue;
      door.perform([&](store::Session& session) {
        std::erase_if(tasks, [&](const Task& task) { return task.list == &stream; });
        add_named_tasks(session, stream, listed, tasks);
      });
    }
    const auto count = static_cast<std::int64_t>(tasks.size());
    if (count > 0) carry(list, std::move(tasks));
    return count;
  }

  void add_named_tasks(store::Session& session, const model::StreamSpec& stream,
                       const std::vector<model::Partition>& listed, std::vector<Task>& tasks) {
    const std::vector<store::PartitionState> states = session.ledger().states(job_.source);
    const UtcTime now = session.ledger().now();
    store::NamedRecords named(session.connection());
    if (!job_.dry_run) named.mark_orphans(fence_, run_id_, stream);
    const bool all = job_.kind == RunKind::resync;
    std::map<std::string, store::Unfetched> waiting = named.unfetched(job_.source, stream, now);
    for (const auto& [name, missing] :
         named.missing(job_.source, stream, all ? store::AskAgain::all : store::AskAgain::due)) {
      const auto partition = std::ranges::find(listed, name, &model::Partition::name);
      const bool wanted = job_.only.empty() || job_.only.contains(name);
      if (partition == listed.end() || !wanted) continue;
      Task task = named_task(stream, *partition, states);
      // What the vendor did not have last time is asked for again now and then.
      const store::Standing& known = task.standing;
      const bool same =
          known.balanced && known.total == missing && known.probed_at && now - *known.probed_at < job_.probe_all;
      if (same && !all) continue;
      waiting.erase(name);  // its walk tells
      tasks.push_back(std::move(task));
    }
    for (const auto& [name, unfetched] : waiting) {
      const bool wanted = job_.only.empty() || job_.only.contains(name);
      const bool shown = std::ranges::find(listed, name, &model::Partition::name) != listed.end();
      if (job_.dry_run || !wanted || !shown || unfetched.waiting == 0) continue;
      session.ledger().finish_partition(fence_, run_id_, stream.name, name, std::string(name_of(Outcome::partial)), 0,
                                        unfetched_text(job_.source, unfetched));
    }
  }

  static Task named_task(const model::StreamSpec& stream, const model::Partition& partition,
                         const std::vector<store::PartitionState>& states) {
    Task task;
    task.partition = partition;
    task.hint = hint_of(partition);
    task.reason = "stored rows name what is not stored";
    task.list = &stream;
    for (const store::PartitionState& state : states) {
      if (state.stream != stream.name) continue;
      task.proven |= state.standing.balanced;
      if (state.partition == partition.name) task.standing = state.standing;
    }
    return task;
  }

  /// Which streams the vendor refused this key everywhere, or does no more.
  void note_offers(WorkList& list) {
    const auto offers = list.offers();
    if (job_.dry_run || offers.empty() || stop_.stop_requested()) return;
    StoreDoor door(open_, scope(), observer_, clock_, stop_.get_token());
    door.perform([&](store::Session& session) {
      const std::vector<model::Capability> known = session.ledger().capabilities(job_.source);
      std::vector<model::Capability> learned;
      for (const model::StreamSpec& stream : followed_streams(job_, source_)) {
        const auto offer = offers.find(stream.name);
        if (offer == offers.end()) continue;
        const bool refused = offer->second.read == 0;
        const auto before = std::ranges::find(known, refused_capability(stream), &model::Capability::name);
        const bool was_refused = before != known.end() && before->value == kRefusedStream;
        if (!refused && (!was_refused || offer->second.refused > 0)) continue;
        learned.push_back({refused_capability(stream), refused ? std::string(kRefusedStream) : "read",
                           refused ? offer->second.words : "", clock_.utc_now()});
      }
      if (!learned.empty()) session.ledger().save_capabilities(fence_, learned);
    });
  }

  /// What one worker has at hand.
  struct Bench {
    WalkContext context;
    StoreDoor door;
    std::map<std::string, model::Decode> decoders;
    WorkList& list;
    Hands& hands;
  };

  void worker(WorkList& list, Hands& hands) {
    try {
      Bench bench{
          context(), StoreDoor(open_, scope(), observer_, clock_, stop_.get_token(), job_.dry_run), {}, list, hands};
      for (const model::StreamSpec& stream : followed_streams(job_, source_))
        bench.decoders.emplace(stream.name, source_.decoder(stream));
      while (auto task = list.next()) {
        if (stop_.stop_requested()) return;
        visit(bench, *task);
      }
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::cancelled || !stop_.stop_requested()) list.end_with(error);
      stop_.request_stop();
    } catch (const std::exception& error) {
      list.end_with(unexpected(error));
      stop_.request_stop();
    }
  }

  WalkContext context() {
    return {job_, source_, open_, fence_, run_id_, decode_again_, observer_, clock_, stop_.get_token()};
  }

  /// One partition: its definition if that is due or if its records turn out to have changed, then its records.
  void visit(Bench& bench, const Task& task) {
    if (task.list) return carry_partition(bench, *task.list, task, {});
    bool defined = false;
    const auto define = [&] {
      if (std::exchange(defined, true) || job_.kind == RunKind::backfill || !job_.responses.empty()) return;
      if (const model::StreamSpec* const stream = definition_stream(job_, source_))
        carry_partition(bench, *stream, task, {});
    };
    if (task.definition) define();
    if (task.certified == Task::Certified::skip || stop_.stop_requested()) return;
    if (const model::StreamSpec* const stream = certified_stream(job_, source_))
      carry_partition(bench, *stream, task, define);
  }

  /// A dry run's and a window's walk have other ends than a certificate.
  std::optional<store::Certificate> walk_as_asked(PartitionWalk& walk, const model::StreamSpec& stream) {
    if (stream.reading == model::Reading::named) {
      walk.run_unmet_names();
      return std::nullopt;
    }
    if (!stream.certified || stream.reading == model::Reading::whole) return walk.run();
    const bool windows = source_.abilities(stream).windows;
    if (!job_.responses.empty()) {
      walk.run_named_records();
    } else if (job_.kind == RunKind::backfill || ((job_.from || job_.until) && windows)) {
      walk.run_window();
    } else {
      return walk.run();
    }
    return std::nullopt;
  }

  /// One partition's outcome. Rethrows what ends the whole run.
  void carry_partition(Bench& bench, const model::StreamSpec& stream, const Task& task,
                       const std::function<void()>& on_change) {
    WorkList& list = bench.list;
    Outcome outcome = Outcome::succeeded;
    std::string message;
    std::optional<Error> ending;
    PartitionChange change{stream.name, task.partition.name, task.partition.title, {}, std::nullopt};
    std::optional<PartitionWalk> walk;
    try {
      walk.emplace(bench.context, bench.door, stream, task, bench.decoders.at(stream.name), bench.hands, on_change);
      change.certificate = walk_as_asked(*walk, stream);
      list.reached();
      if (task.list) list.list_read(stream.name);
      if (change.certificate) list.certified(change.certificate->balanced);
      if (change.certificate && !change.certificate->balanced) message = describe_imbalance(*change.certificate);
      if (!walk->trouble().empty()) message = walk->trouble();
      if (!message.empty()) outcome = Outcome::partial;
      if (message.empty()) message = walk->remark();
      if (walk->braked()) list.braked();
      const bool frozen = !walk->braked() && !walk->trouble().empty();
      if (frozen) list.failed({stream.name, task.partition.name, message, ErrorKind::denied});
    } catch (Error& error) {
      outcome = error.kind() == ErrorKind::cancelled ? Outcome::cancelled : Outcome::failed;
      message = error.full_text();
      if (policy(error.kind()).ends_run || bench.door.gave_up()) ending = error;
      if (error.kind() == ErrorKind::denied)
        observer_.on_event(event::PartitionDenied{partition_scope(stream, task.partition.name), error.what()});
      // A stream that nobody named and that this key never could read is a fact and no failure. One that was read
      // before fails in every run: a permission was lost.
      if (task.list && is_refusal(error) && !task.proven) {
        list.list_refused(stream.name, error.what());
        if (!job_.following.streams_named) return;
      }
      const int in_a_row =
          outcome == Outcome::failed ? list.failed({stream.name, task.partition.name, message, error.kind()}) : 0;
      // Lists come last: one kind of them that fails everywhere says nothing about the vendor.
      const bool vendor_down = in_a_row >= kUnreachableEndsRun && !task.list;
      if (vendor_down && !ending) ending = error;
    }
    if (walk) change.counts = walk->counts();
    const Counts counts = change.counts;
    if (list.add(std::move(change), job_) && !ending) ending = changed_contract();
    if (!bench.door.gave_up()) record_outcome(bench.door, stream, task.partition.name, outcome, counts, message);
    observer_.on_event(event::PartitionFinished{partition_scope(stream, task.partition.name),
                                                std::string(name_of(outcome)), counts, message});
    if (ending) throw Error(*ending);
  }

  static bool is_refusal(const Error& error) {
    const int status = error.http_status();
    const bool not_offered = status == 404 || status == 405 || status == 501;
    return error.kind() == ErrorKind::denied || (error.kind() == ErrorKind::rejected && not_offered);
  }

  /// Partitions that are stored and followed, and that the vendor's list does not show any more.
  void settle_vanished(WorkList& list, const std::vector<std::string>& vanished) {
    if (vanished.empty()) return;
    Hands nobody;
    Bench bench{
        context(), StoreDoor(open_, scope(), observer_, clock_, stop_.get_token(), job_.dry_run), {}, list, nobody};
    for (const model::StreamSpec& stream : followed_streams(job_, source_))
      bench.decoders.emplace(stream.name, source_.decoder(stream));
    for (const std::string& name : vanished) {
      if (stop_.stop_requested()) return;
      const VanishedPartition what = settle_partition(bench.context, bench.door, followed_streams(job_, source_), name);
      if (what.marked > 0) {
        PartitionChange change{"survey", name, "", {}, std::nullopt};
        change.counts.tombstoned = what.marked;
        list.add(std::move(change), job_);
      }
      if (what.braked) list.braked();
      if (what.present) {
        // Not listed and yet there: it is walked like any other.
        Task task;
        task.partition.name = name;
        task.certified = Task::Certified::complete;
        task.reason = "it is not in the vendor's list";
        visit(bench, task);
      } else if (!what.text.empty()) {
        list.failed({"survey", name, what.text, ErrorKind::denied});
        for (const model::StreamSpec& stream : followed_streams(job_, source_))
          record_outcome(bench.door, stream, name, Outcome::failed, {}, what.text);
      }
    }
  }

  static Error unexpected(const std::exception& error) {
    return Error(ErrorKind::bug, std::string("unexpected: ") + error.what(), "please report this with the log");
  }

  /// product.md section 7: above the configured share of records that could not be stored the run fails.
  Error changed_contract() const {
    return Error(ErrorKind::malformed,
                 fmt::format("more than {} records and {} % could not be stored", job_.quarantine_least,
                             job_.quarantine_percent),
                 "this looks like a changed API: see `surveysync quarantine list`");
  }

  void record_outcome(StoreDoor& door, const model::StreamSpec& stream, const std::string& partition, Outcome outcome,
                      const Counts& counts, const std::string& message) {
    if (outcome == Outcome::cancelled || job_.dry_run) return;  // the ledger closes the run's open rows with it
    door.perform([&](store::Session& session) {
      session.ledger().finish_partition(fence_, run_id_, stream.name, partition, std::string(name_of(outcome)),
                                        counts.requests, message);
    });
  }

  Outcome outcome_of(const RunReport& report) const {
    if (report.error) return report.error->kind() == ErrorKind::cancelled ? Outcome::cancelled : Outcome::failed;
    if (asked_to_stop_.stop_requested()) return Outcome::cancelled;
    if (report.failures.empty() && report.unbalanced == 0 && report.braked == 0) return Outcome::succeeded;
    const bool any_good = report.certified > 0 || report.unbalanced > 0 || report.skipped > 0 ||
                          report.failures.size() < static_cast<std::size_t>(report.partitions + report.lists);
    return any_good ? Outcome::partial : Outcome::failed;
  }

  void close(const RunReport& report) {
    const bool certified = report.outcome == Outcome::succeeded && report.certified + report.skipped > 0;
    close_run({open_, lane_, fence_, scope(), observer_, !job_.dry_run, certified}, report);
  }

  Scope scope() const { return {job_.source, run_id_, "", ""}; }
  Scope partition_scope(const model::StreamSpec& stream, const std::string& partition) const {
    return {job_.source, run_id_, stream.name, partition};
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
};

}  // namespace

RunReport run(const Job& job, sources::Source& source, const store::OpenSession& open_session, Observer& observer,
              Clock& clock, const std::stop_token& stop) {
  return Run(job, source, open_session, observer, clock, stop).tell();
}

}  // namespace surveysync::sync
