#include "store/server_view.h"

namespace surveysync::store {

std::optional<std::int64_t> database_size(pg::Connection& connection) {
  try {
    const pg::Result row = connection.execute("SELECT pg_catalog.pg_database_size(pg_catalog.current_database())");
    return row.integer(0, 0);
  } catch (const Error& refusal) {
    if (refusal.kind() != ErrorKind::refused_schema) throw;
    return std::nullopt;
  }
}

}  // namespace surveysync::store
