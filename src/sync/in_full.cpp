#include "sync/in_full.h"

#include "store/archive.h"

namespace surveysync::sync {

void complete_records(sources::Source& source, const sources::FetchRequest& request, model::Page& page, StoreDoor& door,
                      const std::stop_token& stop) {
  std::vector<model::Key> keys;
  for (const model::Record& record : page.records)
    if (record.in_part) keys.push_back(record.key);
  if (keys.empty()) return;
  model::Page stored;
  door.perform([&](store::Session& session) {
    stored = store::Archive(session.connection()).live_records(request.scope.source, request.stream, keys);
  });
  source.complete(request, page, stored, stop);
}

}  // namespace surveysync::sync
