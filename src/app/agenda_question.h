#pragma once
// What the agenda is asked about a configured source: its schedule, and what the database says ran before. Throws what
// pg throws.

#include "app/config.h"
#include "store/history.h"
#include "sync/agenda.h"

namespace surveysync::app {

/// `now`: by the database's clock.
sync::AgendaQuestion agenda_question(const SourceConfig& source, store::History& history, UtcTime now);

}  // namespace surveysync::app
