#pragma once
// Databases that live for one rehearsal, and what can be told of their content: counts and digests that two loads of
// the same account must have in common. Only ever used on databases that the rehearsal made. One connection, one
// thread. Throws what pg throws.

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "pg/connection.h"

namespace surveysync::store {

/// Makes the database `name`, empty. `server`: a connection to another database of the server.
void create_scratch_database(pg::Connection& server, const std::string& name);
/// Names of databases that begin with `prefix`.
std::vector<std::string> scratch_databases(pg::Connection& server, const std::string& prefix);
/// Drops it with whoever is connected to it; nothing where there is none.
void drop_scratch_database(pg::Connection& server, const std::string& name);
/// Nobody can connect to it any more, and those who were connected are not.
void close_scratch_database(pg::Connection& server, const std::string& name);
void open_scratch_database(pg::Connection& server, const std::string& name);

/// One data table: how many rows, and a digest over all columns but those that a load stamps itself.
struct TableDigest {
  std::string table, digest;
  std::int64_t rows = 0;
  bool operator==(const TableDigest&) const = default;
};
/// All data tables that have rows, by name.
std::vector<TableDigest> table_digests(pg::Connection& connection);

/// Ids of the source's live responses, "survey/response", and how many answers they have.
std::set<std::string> live_responses(pg::Connection& connection, const std::string& source);
std::int64_t live_answers(pg::Connection& connection, const std::string& source);

/// What a rehearsal asks of the operation's tables.
struct OperationTally {
  std::int64_t responses = 0, answers = 0;    ///< rows
  std::int64_t runs_good = 0, runs_open = 0;  ///< that succeeded; that have not finished
  std::int64_t unbalanced = 0;                ///< certificates of the newest run that do not balance
  std::int64_t incidents_opened = 0, incidents_open = 0;
  std::string verdicts;  ///< of the incidents, each once
  std::int64_t quarantined = 0, contract_changes = 0;
};
OperationTally operation_tally(pg::Connection& connection);

/// First sight of each new shape, "stream: what".
std::vector<std::string> contract_changes(pg::Connection& connection);

}  // namespace surveysync::store
