#pragma once
// A worker's way to the database that survives the loss of a connection: the session is thrown away, another opened
// after a growing wait, and the act repeated, within a bounded time. Acts must be repeatable. One thread.

#include <functional>
#include <memory>

#include "base/event.h"
#include "store/session.h"

namespace surveysync::sync {

class StoreDoor {
 public:
  /// `rehearsal`: nothing that is done through this door is ever committed; a lost connection loses it all, and
  /// perform gives up at once.
  StoreDoor(const store::OpenSession& open, Scope scope, Observer& observer, Clock& clock, std::stop_token stop,
            bool rehearsal = false);

  /// Runs `act` on a live session. On Error(unavailable) or Error(in_doubt): `settled`, if given, is asked on the new
  /// session whether the act had been committed after all; if not it is repeated. Gives up with Error(unavailable)
  /// after kOutageBudget.
  void perform(const std::function<void(store::Session&)>& act,
               const std::function<bool(store::Session&)>& settled = {});

  /// Whether perform gave up because the database stayed away: nothing else of the run can succeed then.
  bool gave_up() const { return gave_up_; }

  /// How long a lost database is waited for before the run ends.
  static constexpr Duration kOutageBudget = std::chrono::seconds(60);

 private:
  store::Session& session();
  store::OpenSession open_;
  Scope scope_;
  Observer& observer_;
  Clock& clock_;
  std::stop_token stop_;
  std::unique_ptr<store::Session> session_;
  bool rehearsal_ = false, gave_up_ = false;
};

}  // namespace surveysync::sync
