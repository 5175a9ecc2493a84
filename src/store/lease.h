#pragma once
// Which process works which source: a row with an epoch (fencing token) and an expiry by the database's clock. Every
// transaction that writes checks holder and epoch, so a paused holder that wakes too late writes nothing. No advisory
// locks: they do not pass poolers. A holder on this host whose process is gone is replaced at once; any other after the
// lease's time. Throws Error(locked) when another process holds it.

#include <cstdint>
#include <string>

#include "pg/connection.h"

namespace surveysync::store {

/// "host/pid/start-ticks" of this process: tells whether a holder on the same host still lives.
std::string process_identity();

/// The application_name of a process's database sessions: by it the sessions of a holder that was stopped are found.
std::string session_name(const std::string& identity);

/// What writers check.
struct Fence {
  std::string source, holder;
  std::int64_t epoch = 0;
};

class Lease {
 public:
  /// Takes the lease of `source` for `ttl`, or throws Error(locked) naming the holder and since when.
  static Fence acquire(pg::Connection& connection, const std::string& source, Duration ttl);
  /// Extends it. Throws Error(locked) when it was lost.
  static void renew(pg::Connection& connection, const Fence& fence, Duration ttl);
  /// Gives it up; quietly does nothing when it was lost.
  static void release(pg::Connection& connection, const Fence& fence);
  /// Locks the row FOR KEY SHARE inside a writing transaction: holds off a takeover, not a renewal. Throws
  /// Error(locked) when it was lost.
  static void check(pg::Transaction& transaction, const Fence& fence);
  /// The same in two halves, for a pipeline: the statement, and what its result means (the database's time, or a
  /// throw).
  static pg::Statement check_statement(const Fence& fence);
  static UtcTime judge(const pg::Result& result, const Fence& fence);
};

}  // namespace surveysync::store
