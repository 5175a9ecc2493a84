#pragma once
// What `status`, its --watch and the status page say: one look into the database, in the order of the configuration.
// Throws what pg throws.

#include <vector>

#include "app/config.h"
#include "app/history_json.h"
#include "pg/connection.h"

namespace surveysync::app {

/// Sources that are no longer configured come last.
Status look_at_status(const Config& config, pg::Connection& connection);

}  // namespace surveysync::app
