#pragma once
// What a reader of the server's catalog may know of this database, for `check`. One connection, one thread. Throws what
// pg throws.

#include <cstdint>
#include <optional>

#include "pg/connection.h"

namespace surveysync::store {

/// The statement that is answered with the number of the backend that runs it: through a pooler it is another one than
/// the connection was told.
inline constexpr const char* kAskBackend = "SELECT pg_catalog.pg_backend_pid()";

/// Bytes on the server's disk; empty where the role may not know.
std::optional<std::int64_t> database_size(pg::Connection& connection);

}  // namespace surveysync::store
