#pragma once
// PgBouncer in transaction mode before a TempCluster: a unix socket in a scratch folder, few server connections, no
// reset between clients, so that whatever a session leaves behind is seen by the next one. Stops and removes itself on
// destruction, and ends when this process dies in any way. One thread.

#include <string>

#include "support/temp_cluster.h"

namespace surveysync::test {

class PgBouncer {
 public:
  /// Starts it for `users`, who need no password. Throws std::runtime_error.
  PgBouncer(const TempCluster& cluster, const std::vector<std::string>& users, int server_connections);
  ~PgBouncer();
  PgBouncer(const PgBouncer&) = delete;
  PgBouncer& operator=(const PgBouncer&) = delete;

  /// libpq's connection text: through the pooler.
  std::string uri(const std::string& database, const std::string& user) const;
  /// What it wrote.
  std::string log() const;

 private:
  void write_configuration(const TempCluster& cluster, const std::vector<std::string>& users,
                           int server_connections) const;
  void await_ready(const std::string& user) const;
  std::string directory_;
  int pid_ = 0;
};

}  // namespace surveysync::test
