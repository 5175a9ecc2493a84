#pragma once
// Records that a list shows only in part are completed where the wings meet: from what is stored, else by the source.

#include "sources/source.h"
#include "sync/store_door.h"

namespace surveysync::sync {

/// Completes the page that `source` gave for `request` (Source::complete). Any worker. Throws what the source and the
/// database throw.
void complete_records(sources::Source& source, const sources::FetchRequest& request, model::Page& page, StoreDoor& door,
                      const std::stop_token& stop);

}  // namespace surveysync::sync
