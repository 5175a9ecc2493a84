#pragma once
// One connection with the rooms that work on it: what a worker or a lane holds while it runs. One thread.
// Throws what pg/connection throws.

#include <functional>
#include <memory>
#include <stop_token>

#include "pg/connection.h"
#include "store/lease.h"
#include "store/ledger.h"
#include "store/writer.h"

namespace surveysync::store {

class Session {
 public:
  /// Connects at once. `digest`: see Ledger.
  Session(const pg::ConnectOptions& options, Observer& observer, Clock& clock, std::stop_token stop,
          DigestSource digest = {});

  Ledger& ledger() { return ledger_; }
  Writer& writer() { return writer_; }
  pg::Connection& connection() { return connection_; }
  /// False when the connection is lost: throw the session away and open another.
  bool alive() const { return connection_.alive(); }

  /// From here on every transaction of this session is part of one that nobody will commit (`sync --dry-run`): what
  /// was written is seen by this session only and is gone with it. A lost connection loses it: Error(unavailable), and
  /// no other session can go on.
  void rehearse() { connection_.begin_rehearsal(); }

  Fence acquire_lease(const std::string& source, Duration ttl) { return Lease::acquire(connection_, source, ttl); }
  void renew_lease(const Fence& fence, Duration ttl) { Lease::renew(connection_, fence, ttl); }
  void release_lease(const Fence& fence) { Lease::release(connection_, fence); }

 private:
  pg::Connection connection_;
  Ledger ledger_;
  Writer writer_;
};

/// Opens a session whose waits end on the given token.
using OpenSession = std::function<std::unique_ptr<Session>(std::stop_token)>;

}  // namespace surveysync::store
