#include <algorithm>

#include "pg/connection.h"

namespace surveysync::pg {
namespace {

struct Rule {
  std::string_view prefix;  // a class or a whole state; the longest match counts
  ErrorKind kind;
};

// reliability.md 5.4 and the table of architecture.md section 5.
constexpr Rule kRules[] = {
    {"08", ErrorKind::unavailable},     // connection
    {"0A", ErrorKind::refused_schema},  // this engine cannot do it
    {"22", ErrorKind::refused_row},     // data
    {"23", ErrorKind::refused_row},     // integrity
    {"25006", ErrorKind::unavailable},  // read-only: a standby; another connection may find the primary
    {"25P03", ErrorKind::unavailable},  // idle in transaction for too long
    {"28", ErrorKind::config},          // authentication
    {"3D", ErrorKind::config},          // no such database
    {"3F", ErrorKind::refused_schema},  // no such schema
    {"40", ErrorKind::conflict},        // serialization, dead-lock
    {"40003", ErrorKind::in_doubt},     // completion unknown
    {"42", ErrorKind::refused_schema},  // syntax, names, privileges
    {"44", ErrorKind::refused_row},     // WITH CHECK OPTION
    {"53", ErrorKind::unavailable},     // out of disk, memory, connections
    {"54", ErrorKind::refused_row},     // a value too large for an index, too deep for the stack
    {"55", ErrorKind::unavailable},     // object not in the needed state
    {"55P03", ErrorKind::conflict},     // lock timeout
    {"57", ErrorKind::unavailable},     // shutdown, cancel, statement timeout, starting up
    {"58", ErrorKind::unavailable},     // the server's own input/output
    {"P0", ErrorKind::refused_row},     // somebody's trigger refused it
    {"XX", ErrorKind::unavailable},     // the server's own bug or damage
};

}  // namespace

ErrorKind kind_of_sqlstate(std::string_view sqlstate, bool connection_alive) {
  const Rule* best = nullptr;
  for (const Rule& rule : kRules) {
    if (sqlstate.starts_with(rule.prefix) && (best == nullptr || rule.prefix.size() > best->prefix.size()))
      best = &rule;
  }
  if (best != nullptr) return best->kind;
  // A backend that was killed says nothing at all.
  return connection_alive && !sqlstate.empty() ? ErrorKind::bug : ErrorKind::unavailable;
}

}  // namespace surveysync::pg
