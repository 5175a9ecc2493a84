#pragma once
// Runs that one process asks for and another executes: surveysync.request. A verb that finds its source's lease held
// leaves a request and follows it; whoever holds the lease, or takes it next, executes it. One connection, one thread.
// Throws what pg throws, and Error(locked) from the fence.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "pg/connection.h"
#include "store/lease.h"

namespace surveysync::store {

/// What is asked for; surveysync.request.arguments as {"survey": ["1"], "response": ["7"], "from":
/// "2026-01-01T00:00:00Z", "until": ..., "confirmed": true}, absent where not given.
struct RequestArguments {
  std::set<std::string> surveys = {}, responses = {};
  std::optional<UtcTime> from = {}, until = {};
  bool confirmed = false;
  bool operator==(const RequestArguments&) const = default;
};

struct RunRequest {
  std::int64_t request_id = 0;
  std::string source, kind, requested_by;  ///< kind: incremental | resync | backfill
  RequestArguments arguments;
  UtcTime requested_at{};
  std::optional<UtcTime> started_at, finished_at;
  std::int64_t run_id = 0;     ///< 0 until a run began
  std::string outcome, error;  ///< once finished
  std::optional<int> exit_code;
};

class Requests {
 public:
  explicit Requests(pg::Connection& connection) : connection_(connection) {}

  /// Leaves a request; its id.
  std::int64_t add(const std::string& source, const std::string& kind, const RequestArguments& arguments,
                   const std::string& requested_by);
  std::optional<RunRequest> find(std::int64_t request_id);
  /// The oldest unfinished request of the fence's source, also one that a holder before us began and did not finish;
  /// marks it as begun by us. One that nobody can execute (rows come from people's hands too: an unknown kind or
  /// argument, a time that is none) is finished as failed with exit code 2, and the next one is taken.
  std::optional<RunRequest> take(const Fence& fence);
  /// The same for this one, which we left ourselves, when it is still unfinished and can be executed.
  std::optional<RunRequest> take(const Fence& fence, std::int64_t request_id);
  /// The run that executes it has begun.
  void note_run(const Fence& fence, std::int64_t request_id, std::int64_t run_id);
  void finish(const Fence& fence, std::int64_t request_id, std::int64_t run_id, const std::string& outcome,
              int exit_code, const std::string& error);
  /// The same once the run's lease was given up: by the process that began it, as long as nobody else began it anew; or
  /// for one that could not be begun at all.
  void finish_own(std::int64_t request_id, std::int64_t run_id, const std::string& outcome, int exit_code,
                  const std::string& error);
  /// The oldest unfinished request of the source, as it stands: what to take next. Marks nothing.
  std::optional<RunRequest> next(const std::string& source);
  /// Takes back a request that nobody has begun: the one who asked was stopped. It is finished as cancelled. False when
  /// it is too late.
  bool withdraw(std::int64_t request_id);
  /// Sources with unfinished requests.
  std::vector<std::string> waiting();
  /// Whether a living lease on the source is held now (by the database's clock), and by whom.
  std::optional<std::string> holder(const std::string& source);

 private:
  pg::Connection& connection_;
};

}  // namespace surveysync::store
