#pragma once
// A throw-away PostgreSQL 15 cluster: a scratch folder, a unix socket in it, fsync off, the superuser "postgres"
// without a password. Stops and removes itself on destruction, and the server also ends when this process dies in any
// way. Tests that cannot have a server fail loudly: they are never skipped. One thread makes and breaks it; databases
// may be used by all.

#include <functional>
#include <string>
#include <vector>

namespace surveysync::test {

class TempCluster {
 public:
  struct Options {
    bool tcp = false;                   ///< also listens on 127.0.0.1, a free port
    std::vector<std::string> settings;  ///< "name=value", beside the fast defaults
  };

  /// Makes and starts it. Throws std::runtime_error.
  explicit TempCluster(Options options);
  TempCluster() : TempCluster(Options()) {}
  ~TempCluster();
  TempCluster(const TempCluster&) = delete;
  TempCluster& operator=(const TempCluster&) = delete;

  /// One for the whole test program, started on first use.
  static TempCluster& shared();

  /// libpq's connection text: through the socket, as `user`.
  std::string uri(const std::string& database, const std::string& user = "postgres") const;
  /// The same over TCP (Options::tcp).
  std::string tcp_uri(const std::string& database, const std::string& user = "postgres") const;
  int tcp_port() const { return tcp_port_; }
  const std::string& directory() const { return directory_; }

  /// A new empty database; its name.
  std::string create_database();
  /// A copy of a template that `prepare` filled once (its argument: the template's URI); the new database's name.
  /// Always give the same `prepare` to one cluster.
  std::string copy_database(const std::function<void(const std::string& uri)>& prepare);

  /// Runs statements as superuser, outside our own code. Throws std::runtime_error with the server's text.
  void run_sql(const std::string& database, const std::string& sql);
  /// First column of the first row as text; empty when there is no row.
  std::string query(const std::string& database, const std::string& sql);
  /// All rows, columns joined by '|', NULL as "-".
  std::vector<std::string> rows(const std::string& database, const std::string& sql);

  void start();
  void stop();  ///< fast shutdown, waits
  void kill();  ///< SIGKILL to the postmaster and what it started: a power cut

 private:
  void await_ready() const;
  std::string directory_;
  std::string template_;
  std::vector<std::string> settings_;
  int tcp_port_ = 0;
  int pid_ = 0;
  int next_database_ = 1;
};

}  // namespace surveysync::test
