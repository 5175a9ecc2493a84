#include "app/hook.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/child_process.h"

namespace surveysync::app {
namespace {

// How often the stop token and the child are looked at while it writes nothing.
constexpr Duration kTick = std::chrono::milliseconds(50);
// Between the request to end and the end by force.
constexpr Duration kGrace = std::chrono::seconds(2);
// A line of output that is longer is cut.
constexpr std::size_t kLongestLine = 2000;
// Reads after the end: more than a pipe holds.
constexpr int kLastReads = 256;
// Runs that are caught up with, one after the other: a hook that is new, or was broken for weeks, does not run all
// night.
constexpr std::size_t kMostCaughtUp = 5;

/// Turns the output of a child into notes, line by line, up to a bound.
class OutputLog {
 public:
  OutputLog(ChildProcess& child, const Scope& scope, Observer& observer)
      : child_(child), scope_(scope), observer_(observer) {}

  /// For a tick, or until it has written something. Somebody may write after its end: what it left in the background.
  void listen(Clock& clock, const std::stop_token& stop) {
    if (over_) {
      clock.wait_for(kTick, stop);
      return;
    }
    over_ = child_.read(output_, kTick) == ChildProcess::Reading::end;
    take(false);
  }
  /// What was written up to now. Bounded: one that does not end may write for ever.
  void finish() {
    for (int read = 0; read < kLastReads; ++read) {
      if (child_.read(output_, Duration::zero()) != ChildProcess::Reading::data) break;
      take(false);
    }
    take(true);
  }

 private:
  /// Takes whole lines off the output; what is too long to be one is cut.
  void take(bool all) {
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = output_.find('\n', begin)) != std::string::npos; begin = end + 1)
      tell(std::string_view(output_).substr(begin, end - begin));
    output_.erase(0, begin);
    if ((all && !output_.empty()) || output_.size() > kLongestLine) {
      tell(output_);
      output_.clear();
    }
  }
  void tell(std::string_view line) {
    if (lines_ > kHookLines) return;
    const std::string text = ++lines_ > kHookLines ? "hook: (more output is not shown)"
                                                   : fmt::format("hook: {}", line.substr(0, kLongestLine));
    observer_.on_event(event::Note{scope_, Severity::info, text});
  }

  ChildProcess& child_;
  const Scope& scope_;
  Observer& observer_;
  std::string output_;
  bool over_ = false;
  std::size_t lines_ = 0;
};

/// Waits for the end of a child that was asked to end, while its output is read.
void end_politely(ChildProcess& child, OutputLog& log, Clock& clock) {
  child.ask_to_end();
  const Deadline grace(clock, kGrace);
  while (!child.ended() && !grace.passed())
    log.listen(clock, {});
}

/// The ids whose hook is due, after those that are too many were noted as passed over.
std::vector<std::int64_t> due(const HookSettings& settings, const store::OpenSession& open, Observer& observer,
                              const std::stop_token& stop) {
  const auto session = open(stop);
  std::vector<std::int64_t> runs = session->ledger().runs_without_hook(settings.source);
  if (runs.size() <= kMostCaughtUp) return runs;
  const auto first = runs.end() - static_cast<std::ptrdiff_t>(kMostCaughtUp);
  observer.on_event(
      event::Note{{settings.source, 0, "", ""},
                  Severity::warning,
                  fmt::format("{} older certified runs are passed over by the hook", runs.size() - kMostCaughtUp)});
  const store::Fence fence = session->acquire_lease(settings.source, settings.lease_ttl);
  std::for_each(runs.begin(), first, [&](std::int64_t run) { session->ledger().note_hook(fence, run); });
  session->release_lease(fence);
  return {first, runs.end()};
}

void note(const HookSettings& settings, std::int64_t run, const store::OpenSession& open) {
  const auto session = open({});  // what has run is noted, also when we are asked to stop
  const store::Fence fence = session->acquire_lease(settings.source, settings.lease_ttl);
  session->ledger().note_hook(fence, run);
  session->release_lease(fence);
}

}  // namespace

std::string run_hook(const std::string& command, const Scope& scope, Duration time, Observer& observer, Clock& clock,
                     const std::stop_token& stop, const std::function<void()>& alive) {
  try {
    ChildProcess child({{"/bin/sh", "-c", command},
                        {fmt::format("SURVEYSYNC_RUN_ID={}", scope.run_id), "SURVEYSYNC_SOURCE=" + scope.source},
                        {},
                        true});
    OutputLog log(child, scope, observer);
    const Deadline deadline(clock, time);
    std::string trouble;
    std::optional<int> status;
    while (!(status = child.ended())) {
      if (alive) alive();
      if (stop.stop_requested() || deadline.passed()) {
        trouble = stop.stop_requested() ? "was ended because we were asked to stop"
                                        : fmt::format("did not end within {}", format_duration(time));
        end_politely(child, log, clock);
        break;
      }
      log.listen(clock, stop);
    }
    log.finish();
    if (!trouble.empty()) return trouble;
    return *status == 0 ? "" : "ended with " + describe_ending(*status);
  } catch (const Error& failure) {
    return failure.what();
  }
}

void run_hooks(const HookSettings& settings, const store::OpenSession& open, Observer& observer, Clock& clock,
               const std::stop_token& stop) {
  if (settings.command.empty() || stop.stop_requested()) return;
  Scope scope{settings.source, 0, "", ""};
  try {
    for (const std::int64_t run : due(settings, open, observer, stop)) {
      scope.run_id = run;
      const SteadyTime started = clock.now();
      const std::string trouble = run_hook(settings.command, scope, kHookTime, observer, clock, stop, settings.alive);
      observer.on_event(event::HookFinished{scope, clock.now() - started, trouble});
      if (!trouble.empty()) return;
      note(settings, run, open);
    }
  } catch (const Error& failure) {
    if (failure.kind() == ErrorKind::cancelled) return;
    observer.on_event(event::HookFinished{scope, {}, failure.what()});
  } catch (const std::exception& failure) {
    observer.on_event(event::HookFinished{scope, {}, failure.what()});
  }
}

}  // namespace surveysync::app
