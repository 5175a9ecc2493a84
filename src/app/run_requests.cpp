#include "app/run_requests.h"

#include <fmt/format.h>
#include <unistd.h>

#include "app/exit_code.h"
#include "store/history.h"

namespace surveysync::app {
namespace {

// How often a request is looked at.
constexpr Duration kLook = std::chrono::seconds(1);
// A database that is away is waited for this long by a verb that follows.
constexpr Duration kOutage = std::chrono::seconds(60);
// Requests that one process executes in a row, after its own run.
constexpr int kMostInARow = 100;

sync::RunKind kind_of(const std::string& name) {
  for (const sync::RunKind kind : {sync::RunKind::incremental, sync::RunKind::resync, sync::RunKind::backfill})
    if (sync::name_of(kind) == name) return kind;
  throw Error(ErrorKind::config, fmt::format("a request asks for a run of kind \"{}\"", name),
              "incremental, resync and backfill can be asked for");
}

sync::Outcome outcome_of(const std::string& name) {
  for (const sync::Outcome outcome : {sync::Outcome::succeeded, sync::Outcome::partial, sync::Outcome::cancelled})
    if (sync::name_of(outcome) == name) return outcome;
  return sync::Outcome::failed;
}

/// An error that leads to this exit code.
ErrorKind kind_of(int exit_code) {
  switch (exit_code) {
    case kExitUsage:
      return ErrorKind::config;
    case kExitRefused:
      return ErrorKind::unauthorized;
    case kExitUnavailable:
      return ErrorKind::unavailable;
    default:
      return ErrorKind::malformed;
  }
}

void finish(const RunHand& hand, const store::RunRequest& request, const sync::RunReport& report) {
  const auto session = hand.open({});  // how it ended is written down, also when we are asked to stop
  const std::string error = report.error ? report.error->full_text() : std::string();
  const sync::RunReport reports[] = {report};
  store::Requests(session->connection())
      .finish_own(request.request_id, report.run_id, std::string(sync::name_of(report.outcome)),
                  exit_code_of(reports, 0), error);
}

/// Follows one request to its end.
class Follower {
 public:
  Follower(const RunHand& hand, const sync::Job& job, std::int64_t request)
      : hand_(hand), job_(job), request_(request) {}

  sync::RunReport follow() {
    std::optional<Deadline> outage;
    while (true) {
      try {
        if (auto report = look()) return *report;
        outage.reset();
      } catch (const Error& error) {
        session_.reset();
        if (error.kind() == ErrorKind::cancelled && !began_) return withdraw();
        if (error.kind() != ErrorKind::unavailable) throw;
        if (!outage) outage.emplace(hand_.clock, kOutage);
        if (outage->passed()) throw;
      }
      if (!hand_.clock.wait_for(kLook, hand_.stop)) return withdraw();
    }
  }

 private:
  std::optional<sync::RunReport> look() {
    if (!session_) session_ = hand_.open(hand_.stop);
    store::Requests requests(session_->connection());
    const auto row = requests.find(request_);
    if (!row) throw Error(ErrorKind::locked, fmt::format("request {} is gone from surveysync.request", request_));
    if (row->finished_at) {
      store::History history(session_->connection());
      sync::RunReport report = report_of(*row, row->run_id == 0 ? std::nullopt : history.run(row->run_id));
      for (const store::Certificate& certificate : history.certificates(row->run_id))
        report.certified += certificate.balanced ? 1 : 0;
      return report;
    }
    const auto holder = requests.holder(job_.source);
    tell(*row, holder);
    if (holder) return std::nullopt;
    try {
      began_ = true;  // from here on a stop is that of our own run
      return carry_request(hand_, job_, *row);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::locked) throw;  // somebody was faster
      began_ = false;
      return std::nullopt;
    }
  }

  /// Says when something changed: who works the source, and when our run begins.
  void tell(const store::RunRequest& row, const std::optional<std::string>& holder) {
    std::string text;
    if (row.run_id != 0) {
      text = fmt::format("request {} is executed as run {} by {}", request_, row.run_id, holder.value_or("nobody"));
    } else if (holder) {
      text = fmt::format("request {} waits: source {} is worked by {}", request_, job_.source, *holder);
    }
    if (text.empty() || text == told_) return;
    told_ = text;
    hand_.observer.on_event(event::Note{{job_.source, row.run_id, "", ""}, Severity::info, text});
  }

  sync::RunReport withdraw() {
    const auto session = hand_.open({});
    const bool withdrawn = store::Requests(session->connection()).withdraw(request_);
    const std::string text =
        withdrawn ? "stopped; the request was taken back" : "stopped; the request is executed all the same";
    hand_.observer.on_event(
        event::Note{{job_.source, 0, "", ""}, Severity::warning, text});  // a stop's error is not shown
    throw Error(ErrorKind::cancelled, text);
  }

  const RunHand& hand_;
  const sync::Job& job_;
  const std::int64_t request_;
  std::unique_ptr<store::Session> session_;
  bool began_ = false;
  std::string told_;
};

}  // namespace

sync::Job job_of(sync::Job configured, const store::RunRequest& request) {
  configured.kind = kind_of(request.kind);
  configured.only = request.arguments.surveys;
  configured.responses = request.arguments.responses;
  configured.from = request.arguments.from;
  configured.until = request.arguments.until;
  configured.confirmed = request.arguments.confirmed;
  configured.request_id = request.request_id;
  return configured;
}

store::RequestArguments arguments_of(const sync::Job& job) {
  return {job.only, job.responses, job.from, job.until, job.confirmed};
}

sync::RunReport report_of(const store::RunRequest& request, const std::optional<store::RunRow>& run) {
  sync::RunReport report;
  report.source = request.source;
  report.run_id = request.run_id;
  report.outcome = outcome_of(request.outcome);
  if (run) {
    report.counts = run->counts;
    if (run->finished_at) report.elapsed = *run->finished_at - run->started_at;
  }
  const int code = request.exit_code.value_or(report.outcome == sync::Outcome::succeeded ? kExitOk : kExitUnexpected);
  report.braked = code == kExitConfirm ? 1 : 0;
  report.unbalanced = code == kExitUnbalanced ? 1 : 0;
  const std::string error = request.error.empty() ? "the run of another process " + request.outcome : request.error;
  if (report.outcome == sync::Outcome::failed)
    report.error = Error(kind_of(code), error);
  else if (report.outcome == sync::Outcome::partial)
    report.failures.push_back({"", "", error, ErrorKind::malformed});
  return report;
}

sync::RunReport run_now(const RunHand& hand, const sync::Job& job) {
  hand.client.probe_refused_key(hand.stop);
  return sync::run(job, hand.source, hand.open, hand.observer, hand.clock, hand.stop);
}

sync::RunReport carry_request(const RunHand& hand, const sync::Job& configured, const store::RunRequest& request) {
  const Scope scope{request.source, 0, "", ""};
  hand.observer.on_event(event::RequestTaken{scope, request.request_id, request.kind, request.requested_by, ""});
  sync::RunReport report;
  report.source = request.source;
  try {
    report = run_now(hand, job_of(configured, request));
  } catch (const Error& error) {
    // Locked: somebody else does it. Stopped before it began: so may the next holder.
    if (error.kind() == ErrorKind::locked || error.kind() == ErrorKind::cancelled ||
        error.kind() == ErrorKind::unavailable) {
      throw;
    }
    report.error = error;
  }
  // Ended by our own stop it stays open: whoever holds the source next goes on with it.
  if (report.outcome != sync::Outcome::cancelled) finish(hand, request, report);
  hand.observer.on_event(event::RequestTaken{scope, request.request_id, request.kind, request.requested_by,
                                             std::string(sync::name_of(report.outcome))});
  return report;
}

void carry_waiting_requests(const RunHand& hand, const sync::Job& configured) {
  for (int done = 0; done < kMostInARow && !hand.stop.stop_requested(); ++done) {
    try {
      std::optional<store::RunRequest> request;
      {
        const auto session = hand.open(hand.stop);
        request = store::Requests(session->connection()).next(configured.source);
      }
      if (!request) return;
      carry_request(hand, configured, *request);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::locked && error.kind() != ErrorKind::cancelled)
        hand.observer.on_event(event::Note{{configured.source, 0, "", ""}, Severity::warning, error.full_text()});
      return;
    }
  }
}

sync::RunReport run_or_ask(const RunHand& hand, const sync::Job& job, bool wait) {
  try {
    sync::RunReport report = run_now(hand, job);
    if (!job.dry_run) carry_waiting_requests(hand, job);
    return report;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::locked || job.dry_run) throw;
  }
  std::int64_t request = 0;
  {
    const auto session = hand.open(hand.stop);
    request = store::Requests(session->connection())
                  .add(job.source, std::string(sync::name_of(job.kind)), arguments_of(job), store::process_identity());
  }
  if (wait) return Follower(hand, job, request).follow();
  sync::RunReport report;
  report.source = job.source;
  report.outcome = sync::Outcome::succeeded;
  report.queued_as = request;
  return report;
}

}  // namespace surveysync::app
