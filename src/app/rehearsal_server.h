#pragma once
// The scratch PostgreSQL of a rehearsal: a private cluster with a socket that only its owner reaches, or databases of
// their own on a server that the operator names. Gone with this object, and with the process. Never touches a database
// that it did not make. One thread. Throws Error(config, unavailable, ...).

#include <memory>
#include <string>
#include <vector>

#include "app/rehearsal_process.h"
#include "base/time.h"
#include "pg/connection.h"

namespace surveysync::app {

class RehearsalServer {
 public:
  /// `directory`: ours, may be written. `uri`: a database of the server to use, whose role may create databases; empty:
  /// a private cluster, made and started here.
  RehearsalServer(const std::string& directory, std::string uri, Clock& clock, std::stop_token stop);
  ~RehearsalServer();
  RehearsalServer(const RehearsalServer&) = delete;
  RehearsalServer& operator=(const RehearsalServer&) = delete;

  /// A new empty database; its URI.
  std::string create_database();
  /// Nobody can connect any more, and those who were connected are cut off, until restore(): a private cluster is shut
  /// down at once, the databases on somebody's server are closed.
  void take_away();
  void restore();
  /// "a private PostgreSQL 15.14".
  std::string describe();
  /// A connection to `uri`.
  pg::Connection connect(const std::string& uri) const;

 private:
  void make_cluster();
  void start();
  void drop_databases() noexcept;
  std::string uri_of(const std::string& database) const;

  const std::string directory_;  // of the cluster; empty on somebody's server
  const std::string given_uri_;
  Clock& clock_;
  const std::stop_token stop_;
  std::string programs_;  // where initdb and postgres are
  std::optional<RehearsalCommand::User> user_;
  std::unique_ptr<RehearsalProcess> server_;
  std::vector<std::string> databases_;
};

}  // namespace surveysync::app
