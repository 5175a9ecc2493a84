#pragma once
// Writing under the lease: the fence's check and the statements in one round trip, in a transaction of their own.
// Inside of store/. Throws what pg throws, and Error(locked) when the lease was lost.

#include <string>
#include <vector>

#include "pg/connection.h"
#include "store/lease.h"

namespace surveysync::store {

/// Runs `statements` in order; their results, without the fence's. Nothing is written when the lease was lost.
std::vector<pg::Result> write_fenced(pg::Connection& connection, const Fence& fence,
                                     std::vector<pg::Statement> statements);
/// The same for one statement.
pg::Result write_fenced(pg::Connection& connection, const Fence& fence, const std::string& sql,
                        std::vector<pg::Param> params);

}  // namespace surveysync::store
