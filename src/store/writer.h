#pragma once
// One page becomes rows: fence, look up hashes, drop the unchanged, COPY the new, upsert the changed, quarantine,
// notices, checkpoint, commit. The deepest room of the right wing. One Writer a worker, on that worker's connection.
// Makes its SQL from the declared tables. Throws Error: cancelled, unavailable, in_doubt, locked, refused_schema, bug.
// What the database refuses row by row (refused_row) is handled here: the page is divided until the bad record is
// alone, and that one is quarantined.

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "base/event.h"
#include "model/stream.h"
#include "pg/connection.h"
#include "store/exclusions.h"
#include "store/lease.h"

namespace surveysync::store {

/// Where the rows of a page belong.
struct WriteTarget {
  const model::StreamSpec& stream;
  model::Partition partition;
  std::int64_t run_id = 0;
  Fence fence;
  /// The page's keys are added to the partition's sightings, in its transaction.
  bool sight = false;
  /// Records with these digests are neither stored nor quarantined (Ledger::exclusions); may be null.
  const Exclusions* excluded = nullptr;
};

class Writer {
 public:
  Writer(pg::Connection& connection, Observer& observer, Clock& clock);
  ~Writer();

  /// Stores `page` and `checkpoint` in one transaction, or nothing. `decode` turns a record that is new or changed into
  /// rows; when it throws Error(malformed) the record is quarantined. Records with equal hash that are live are left
  /// untouched; a tombstoned one comes back to life. What was read afresh is the newest, whatever
  /// its dates say; in a page from the vendor's cache (Page::cached) an older version never replaces a newer one
  /// (model::Table::version). Of two records with one key in a page the last wins. A page with `complete` set also
  /// marks rows of the partition's main tables that it does not hold as deleted. Conflicts (another worker was first,
  /// dead-locks) repeat the page a few times. The counts of what happened are also added to the run's stream row in the
  /// same transaction.
  /// A page with `decode_again`: every record is decoded, compared with what is stored (columns, flags, child rows) and
  /// written only where it differs. A page with `keep_marks`: rows that are marked deleted stay so, nothing leaves
  /// quarantine or is replaced in it, and no version is recorded. In tables with `history` each new content of a row
  /// and its disappearance become a row of surveysync.definition_history; equal bytes in another context do not.
  Counts apply(const model::Page& page, const model::Decode& decode, const model::Checkpoint& checkpoint,
               const WriteTarget& target);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Compares the declaration with the catalog: every table and column there, of the right type, the unique key in place.
/// Throws Error(refused_schema) naming the first difference and the next step (`surveysync migrate`), so that a
/// forgotten migration fails at start and not at page 700.
void verify_tables(pg::Connection& connection, const model::StreamSpec& stream);

}  // namespace surveysync::store
