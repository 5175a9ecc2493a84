#pragma once
// One object into the row of its table, as its kind's fields say. Pure; any thread, one document and batch a thread.
// Throws Error(malformed).

#include "base/json.h"
#include "model/stream.h"
#include "sources/alchemer/dates.h"
#include "sources/alchemer/objects.h"

namespace surveysync::sources::alchemer {

void decode_object(json::Document& document, const model::Record& record, const ObjectKind& kind, const Zones& zones,
                   model::RowBatch& rows);

/// The key columns of a row, from the record's key.
void fill_key(std::span<model::Cell> row, const model::Key& key, model::RowBatch& rows);

}  // namespace surveysync::sources::alchemer
