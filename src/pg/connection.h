#pragma once
// Connection, transaction, result: the generic door to PostgreSQL. Asynchronous libpq behind it: every wait has a
// deadline and ends on stop, SQLSTATE becomes an ErrorKind. No SQL of ours lives here (store/ has it), no pooling, no
// repair: a broken connection is thrown away. One connection belongs to one thread. Throws Error: cancelled,
// unavailable, conflict, refused_row, refused_schema, in_doubt, config, bug.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace surveysync::pg {

/// What a SQLSTATE means for us; `connection_alive` false with an empty state is a lost connection. reliability.md 5.4.
ErrorKind kind_of_sqlstate(std::string_view sqlstate, bool connection_alive);

struct ConnectOptions {
  std::string uri;  ///< libpq's own syntax; may hold a password: never printed
  std::string application_name = "surveysync";
  Duration connect_timeout = std::chrono::seconds(10);
  Duration statement_timeout = std::chrono::minutes(5);
  Duration lock_timeout = std::chrono::seconds(30);

  /// The same for small questions whose askers must soon know that nobody answers: at most 5 s to connect and this
  /// for a statement.
  ConnectOptions impatient(Duration statement = std::chrono::seconds(20)) const;
};

/// One parameter or column of a statement, in PostgreSQL's binary format. Made by pg/binary.h.
struct Param {
  std::uint32_t oid = 0;
  std::optional<std::string> value;  ///< binary; empty optional is NULL
};

/// A statement with its parameters, for Transaction::execute_all.
struct Statement {
  std::string sql;
  std::vector<Param> params;
};

/// Rows of one statement, binary format. Accessors throw Error(bug) for a wrong type or index.
class Result {
 public:
  struct Impl;
  explicit Result(std::unique_ptr<Impl> impl);
  ~Result();
  Result(Result&&) noexcept;
  Result& operator=(Result&&) noexcept;

  std::size_t rows() const;
  std::size_t columns() const;
  std::int64_t affected() const;  ///< of INSERT, UPDATE, DELETE
  bool is_null(std::size_t row, std::size_t column) const;
  std::int64_t integer(std::size_t row, std::size_t column) const;  ///< int2, int4, int8
  bool boolean(std::size_t row, std::size_t column) const;
  std::string_view bytes(std::size_t row, std::size_t column) const;  ///< bytea, or the raw binary value of any type
  std::string text(std::size_t row, std::size_t column) const;        ///< text, varchar, json; empty for NULL
  std::optional<UtcTime> time(std::size_t row, std::size_t column) const;  ///< timestamptz
  double real(std::size_t row, std::size_t column) const;                  ///< float8

 private:
  std::unique_ptr<Impl> impl_;
};

class Connection {
 public:
  Connection(const ConnectOptions& options, Clock& clock, std::stop_token stop);
  ~Connection();
  Connection(Connection&&) noexcept;

  /// One statement, unnamed, binary parameters and results. Outside a transaction it is its own.
  Result execute(const std::string& sql, std::span<const Param> params = {});
  /// Several statements without parameters or results (migrations).
  void execute_script(const std::string& sql);

  bool alive() const;
  /// Server version as 150020, for capability probes.
  int server_version() const;
  /// "warehouse on /var/run/postgresql:5432 as surveysync": safe to print.
  std::string display() const;
  /// From here on waits end on this token (a run's stop instead of the process's).
  void use_stop(std::stop_token stop);
  /// Opens a transaction that ends, rolled back, with the connection; every Transaction and every statement outside one
  /// is a savepoint in it from here on. May idle for two hours. now() stands still: ask clock_timestamp().
  void begin_rehearsal();
  /// The token that waits end on now.
  const std::stop_token& stop() const;

 private:
  friend class Transaction;
  friend class CopyWriter;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// BEGIN ... COMMIT with the session settings that poolers lose (time zone, search_path, timeouts) set by SET LOCAL in
/// one round trip. The destructor rolls back unless commit() returned. Order is checked: no statement while a COPY is
/// open.
class Transaction {
 public:
  explicit Transaction(Connection& connection);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  Result execute(const std::string& sql, std::span<const Param> params = {});
  /// Several statements in one round trip (libpq's pipeline), one result each. The first failure is thrown; those
  /// behind it did not run.
  std::vector<Result> execute_all(std::span<const Statement> statements);
  /// Throws Error(in_doubt) when the connection is lost after COMMIT was sent.
  void commit();
  Connection& connection() { return connection_; }

 private:
  Connection& connection_;
  bool open_ = false;
};

}  // namespace surveysync::pg
