#include "sync/store_door.h"

namespace surveysync::sync {

StoreDoor::StoreDoor(const store::OpenSession& open, Scope scope, Observer& observer, Clock& clock,
                     std::stop_token stop, bool rehearsal)
    : open_(open),
      scope_(std::move(scope)),
      observer_(observer),
      clock_(clock),
      stop_(std::move(stop)),
      rehearsal_(rehearsal) {}

store::Session& StoreDoor::session() {
  if (session_ && !session_->alive()) session_.reset();
  if (session_) return *session_;
  session_ = open_(stop_);
  if (rehearsal_) session_->rehearse();
  return *session_;
}

void StoreDoor::perform(const std::function<void(store::Session&)>& act,
                        const std::function<bool(store::Session&)>& settled) {
  const Backoff backoff(std::chrono::milliseconds(200), std::chrono::seconds(5));
  std::optional<Deadline> deadline;
  for (int attempt = 1;; ++attempt) {
    try {
      store::Session& live = session();
      if (attempt > 1 && settled && settled(live)) return;
      return act(live);
    } catch (Error& error) {
      const bool lost = error.kind() == ErrorKind::unavailable || error.kind() == ErrorKind::in_doubt;
      if (!lost) throw;
      session_.reset();
      if (attempt == 1) observer_.on_event(event::StoreUnavailable{scope_, error.what()});  // once while it lasts
      if (!deadline) deadline.emplace(clock_, kOutageBudget);
      if (rehearsal_ || deadline->passed()) {
        gave_up_ = true;
        error.with_context(rehearsal_ ? "the rehearsal was lost with its connection"
                                      : "the database stayed away for " + format_duration(kOutageBudget));
        throw;
      }
      if (!clock_.wait_for(backoff.wait(attempt, random_unit()), stop_))
        throw Error(ErrorKind::cancelled, "stopped while the database was away");
    }
  }
}

}  // namespace surveysync::sync
