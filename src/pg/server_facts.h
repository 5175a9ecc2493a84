#pragma once
// What only the connection itself can tell of the way to the database, for `check`: encryption, certificate, pooler.
// One connection of its own, ended again. Any thread. Throws Error: unavailable, config, cancelled.

#include <optional>
#include <stop_token>
#include <string>

#include "pg/connection.h"

namespace surveysync::pg {

struct ServerFacts {
  std::string host;                          ///< a directory for a socket
  bool local = false;                        ///< a socket, or loopback
  std::string ssl_mode;                      ///< "verify-full", as it came out of URI, environment and service file
  std::string protocol, cipher;              ///< "TLSv1.3"; empty without encryption
  std::optional<UtcTime> certificate_until;  ///< when the server's certificate ends
  bool pooled = false;                       ///< a pooler stands between: the session is not ours
};

/// `ask_backend`: the statement that is answered with the number of the backend that runs it.
ServerFacts look_at_server(const ConnectOptions& options, const std::string& ask_backend, const Clock& clock,
                           const std::stop_token& stop);

}  // namespace surveysync::pg
