#pragma once
// Runs that one process asks for and another executes (surveysync.request, product.md section 1): what verbs do when a
// source's lease is held, and what holders do with what they find. Throws what pg throws.

#include "app/assembly.h"
#include "store/history.h"
#include "store/requests.h"
#include "sync/run.h"

namespace surveysync::app {

inline constexpr const char* kNoWaitHelp =
    "where another process works the source: leave the request to it and return at once";

/// The job of a request, within the limits of `configured`. Throws Error(config) for a kind that is none.
sync::Job job_of(sync::Job configured, const store::RunRequest& request);
/// What a request says about `job`.
store::RequestArguments arguments_of(const sync::Job& job);
/// How a request that another process executed ended; with the counts of its run. Leads to the same exit code.
sync::RunReport report_of(const store::RunRequest& request, const std::optional<store::RunRow>& run);

/// What executes and follows runs of one source.
struct RunHand {
  sources::Source& source;
  http::Client& client;
  const store::OpenSession& open;
  Observer& observer;
  Clock& clock;
  std::stop_token stop;
};

/// Runs `job` at once. A key that is held is tried first, if its next probe is due.
sync::RunReport run_now(const RunHand& hand, const sync::Job& job);
/// Executes `request` and writes down how it ended. Error(locked) is thrown when another process works the source or
/// has executed the request.
sync::RunReport carry_request(const RunHand& hand, const sync::Job& configured, const store::RunRequest& request);
/// Executes what others asked for while we held the source, oldest first, until nothing is left or somebody else does
/// it.
void carry_waiting_requests(const RunHand& hand, const sync::Job& configured);

/// Runs `job`; where another process works the source, leaves a request, and follows it to its end (`wait`) or returns
/// at once with RunReport::queued_as.
sync::RunReport run_or_ask(const RunHand& hand, const sync::Job& job, bool wait);

}  // namespace surveysync::app
