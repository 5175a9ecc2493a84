#pragma once
// What happens at the vendor between one request and the next: planned steps, chaos drawn from a seed, and the log of
// every change with the number of the request it followed. Thread-safe; a change is applied after the reply was made
// and before it is sent, so that a client which asks one thing at a time meets it exactly there.

#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/change.h"
#include "sandbox/faults.h"
#include "sandbox/vendor_clock.h"

namespace surveysync::sandbox {

/// What happened to objects that are no responses; `ids` empty: nothing.
struct Done {
  std::string op;  ///< "edit campaign"
  std::vector<std::int64_t> parents, ids;
  std::vector<std::string> names;  ///< of the ids, where numbers are not what the vendor shows
};
using Act = std::function<Done(Seconds now)>;

/// Happens once `after` further requests, whose path holds `path`, have been answered; then `times - 1` times again.
struct Step {
  std::int64_t after = 1, times = 1;
  std::string path;
  std::optional<Change> change;
  Act act;                          ///< any other change; may be empty
  std::string fault, remove_fault;  ///< a rule to add, a kind to remove
  Duration advance{};
};

struct Chaos {
  std::uint64_t seed = 1;
  std::int64_t per_million = 300000;  ///< chance of a change after a request
  std::vector<Change> changes;        ///< drawn from evenly
  std::vector<std::int64_t> surveys;  ///< empty: all
  std::string path;                   ///< requests that count
  Duration advance{};                 ///< the clock jumps by up to so much after each of them
  std::int64_t most = -1;             ///< changes; without end below zero
};

/// One line of GET /changes.
struct AppliedChange {
  std::int64_t request;  ///< how many had been answered
  Seconds at;
  std::string by;  ///< control, between, chaos or live
  std::string op;
  Changed touched;  ///< survey 0 for objects outside of surveys
};

class Script {
 public:
  Script(Changeable& account, VendorClock& clock, Faults& faults) : account_(account), clock_(clock), faults_(faults) {}

  Changed apply(const Change& change, std::string_view by);
  Done apply(const Act& act, std::string_view by);
  void after_request(std::string_view path);

  /// Throws Error{config} when it adds a fault that cannot be read.
  void add(Step step);
  void clear_steps();
  void start(Chaos chaos);
  void stop_chaos();

  struct Progress {
    bool chaos = false;
    std::int64_t requests = 0, changes = 0;  ///< answered; applied, whoever asked for them
    std::size_t steps = 0;                   ///< that wait
  };
  Progress progress() const;
  std::vector<AppliedChange> log() const;

 private:
  Changed apply_locked(const Change& change, std::string_view by);
  Done act_locked(const Act& act, std::string_view by);
  void note(Seconds at, std::string_view by, std::string op, Changed touched);
  void take(const Step& step);
  void run_chaos(std::string_view path);

  Changeable& account_;
  VendorClock& clock_;
  Faults& faults_;
  mutable std::mutex mutex_;
  std::int64_t requests_ = 0, changes_ = 0;
  std::deque<AppliedChange> log_;
  struct Waiting {
    Step step;
    std::int64_t left;
  };
  std::vector<Waiting> steps_;
  std::optional<Chaos> chaos_;
  std::uint64_t chaos_requests_ = 0;
};

}  // namespace surveysync::sandbox
