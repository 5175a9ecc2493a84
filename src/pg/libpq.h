#pragma once
// Inside of pg/: the libpq handle with its waits. Not for other rooms. Non-blocking throughout; every wait ends on its
// deadline and, where it heeds the stop, on the stop token (an eventfd beside the socket). One thread.

#include <libpq-fe.h>

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "pg/connection.h"

namespace surveysync::pg {

struct PgResultDeleter {
  void operator()(PGresult* result) const noexcept { PQclear(result); }
};
using PgResult = std::unique_ptr<PGresult, PgResultDeleter>;

struct Result::Impl {
  PgResult result;
};

enum class OnStop : bool { ignore, heed };

struct Connection::Impl {
  Impl(const ConnectOptions& options, Clock& clock, std::stop_token stop);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void connect();
  void watch(std::stop_token stop);
  bool alive() const { return conn != nullptr && !broken && PQstatus(conn) == CONNECTION_OK; }
  /// Refuses work on a lost connection or out of order.
  void require_ready(const char* what) const;

  /// Waits for poll() events on the socket. Throws Error(cancelled) on stop, Error(unavailable) past the deadline.
  short wait(short events, const Deadline& deadline, OnStop on_stop);
  /// Sends what libpq holds back, reading meanwhile so that neither side blocks the other.
  void flush(const Deadline& deadline, OnStop on_stop);
  /// The next result; null at the end of a statement.
  PgResult next(const Deadline& deadline, OnStop on_stop);
  /// Reads to the end of the current statement; throws for the first failure. The last result.
  PgResult finish(const Deadline& deadline, OnStop on_stop);
  /// Sends a text of statements without parameters (simple protocol) and reads all answers.
  PgResult script(const std::string& sql, const Deadline& deadline, OnStop on_stop);
  /// One statement with parameters, binary both ways.
  void send(const std::string& sql, std::span<const Param> params);
  std::vector<Result> pipeline(std::span<const Statement> statements);

  /// Cancels the running statement and drains its answers for a short time; the connection is broken if that fails.
  void interrupt() noexcept;
  /// Ends an open COPY as failed; cancels too when we are asked to stop, as the server may be waiting for a lock.
  void abandon_copy() noexcept;
  void drain_pipeline();
  void drain(const Deadline& deadline);
  void cancel() noexcept;
  /// Throws what a failed result means.
  [[noreturn]] void fail(const PGresult* result);
  [[noreturn]] void lost(const char* what);
  Deadline statement_deadline() const;
  /// BEGIN with the settings that a transaction pooler loses or leaks, made anew with its first message.
  std::string begin_text(Duration idle_limit) const;

  struct Wake {
    int fd;
    void operator()() const noexcept;
  };

  ConnectOptions options;
  Clock& clock;
  std::stop_token stop;
  int wake_fd = -1;
  std::optional<std::stop_callback<Wake>> callback;
  PGconn* conn = nullptr;
  std::string display;
  bool broken = false, in_transaction = false, in_copy = false;
  bool rehearsing = false;  ///< inside a transaction that nobody commits: transactions are savepoints
};

}  // namespace surveysync::pg
