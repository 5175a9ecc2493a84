#pragma once
// [retention]: what is older than configured is forgotten, by the daemon once a day while a source waits, and a little
// after each `sync`. Never throws: history that stays longer harms nobody; why it did is a note in the log.

#include <functional>
#include <stop_token>
#include <string>

#include "app/config.h"
#include "base/event.h"
#include "store/session.h"

namespace surveysync::app {

/// Transactions of each kind in one go (store::kRetentionSlice rows each): of the daemon, and after a one-shot run.
inline constexpr int kSlicesADay = 500, kSlicesAfterRun = 20;

/// Forgets what `source` has too much; says so when it was anything. `alive`: called now and then while it works.
void forget_old(const store::OpenSession& open, const Config& config, const std::string& source, int slices,
                Observer& observer, const std::stop_token& stop, const std::function<void()>& alive = {});

}  // namespace surveysync::app
