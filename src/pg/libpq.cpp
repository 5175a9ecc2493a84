#include "pg/libpq.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <future>
#include <memory>
#include <thread>

namespace surveysync::pg {
namespace {

/// The server's own timeout fires first; ours is for a server that does not answer at all.
constexpr Duration kGrace = std::chrono::seconds(5);
/// How long the request to cancel may take.
constexpr Duration kCancel = std::chrono::seconds(2);
/// How long a cancelled statement may take to say so.
constexpr Duration kDrain = std::chrono::seconds(2);

std::string one_line(const char* text) {
  std::string line = text == nullptr ? "" : text;
  while (!line.empty() && (line.back() == '\n' || line.back() == ' '))
    line.pop_back();
  for (char& c : line) {
    if (c == '\n') c = ' ';
  }
  return line;
}

std::string field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? "" : text;
}

bool failed(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE || status == PGRES_EMPTY_QUERY;
}

}  // namespace

void Connection::Impl::Wake::operator()() const noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(fd, &one, sizeof(one));
}

Connection::Impl::Impl(const ConnectOptions& connect_options, Clock& the_clock, std::stop_token the_stop)
    : options(connect_options), clock(the_clock), wake_fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (wake_fd < 0) throw Error(ErrorKind::unavailable, "no file descriptor left for the database connection");
  try {
    watch(std::move(the_stop));
    connect();
  } catch (...) {
    PQfinish(conn);
    callback.reset();
    ::close(wake_fd);
    throw;
  }
}

Connection::Impl::~Impl() {
  callback.reset();
  PQfinish(conn);
  ::close(wake_fd);
}

void Connection::Impl::watch(std::stop_token new_stop) {
  callback.reset();
  std::uint64_t forget = 0;
  [[maybe_unused]] const auto read = ::read(wake_fd, &forget, sizeof(forget));
  stop = std::move(new_stop);
  callback.emplace(stop, Wake{wake_fd});
}

void Connection::Impl::require_ready(const char* what) const {
  if (in_copy) throw Error(ErrorKind::bug, std::string(what) + " while a COPY is open");
  if (!alive()) throw Error(ErrorKind::unavailable, "the connection to the database is lost");
}

Deadline Connection::Impl::statement_deadline() const {
  return {clock, options.statement_timeout + kGrace};
}

short Connection::Impl::wait(short events, const Deadline& deadline, OnStop on_stop) {
  for (;;) {
    if (on_stop == OnStop::heed && stop.stop_requested()) {
      throw Error(ErrorKind::cancelled, "stopped while waiting for the database");
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline.left()).count();
    if (left <= 0) throw Error(ErrorKind::unavailable, "the database did not answer in time");
    std::array<pollfd, 2> fds = {pollfd{PQsocket(conn), events, 0}, pollfd{wake_fd, POLLIN, 0}};
    const nfds_t watched = on_stop == OnStop::heed ? 2 : 1;
    // In slices: the clock that the deadline counts by need not be the kernel's.
    ::poll(fds.data(), watched, static_cast<int>(std::min<std::int64_t>(left, 1000)));
    if (fds[0].revents != 0) return fds[0].revents;
  }
}

void Connection::Impl::flush(const Deadline& deadline, OnStop on_stop) {
  for (;;) {
    const int state = PQflush(conn);
    if (state == 0) return;
    if (state < 0) {
      // The server may have said why before it hung up; the next read will tell.
      PQconsumeInput(conn);
      return;
    }
    if ((wait(POLLIN | POLLOUT, deadline, on_stop) & POLLIN) != 0 && PQconsumeInput(conn) == 0) return;
  }
}

PgResult Connection::Impl::next(const Deadline& deadline, OnStop on_stop) {
  while (PQisBusy(conn) != 0) {
    wait(POLLIN, deadline, on_stop);
    if (PQconsumeInput(conn) == 0) break;  // PQgetResult then hands out the reason
  }
  return PgResult(PQgetResult(conn));
}

PgResult Connection::Impl::finish(const Deadline& deadline, OnStop on_stop) {
  PgResult last, first_failure;
  while (PgResult result = next(deadline, on_stop)) {
    const ExecStatusType status = PQresultStatus(result.get());
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) return result;
    if (failed(result.get()) && !first_failure) {
      first_failure = std::move(result);
    } else {
      last = std::move(result);
    }
    if (PQstatus(conn) != CONNECTION_OK) break;
  }
  if (first_failure) fail(first_failure.get());
  if (!last) lost("no answer");
  return last;
}

PgResult Connection::Impl::script(const std::string& sql, const Deadline& deadline, OnStop on_stop) {
  try {
    if (PQsendQuery(conn, sql.c_str()) == 0) lost("sending");
    flush(deadline, on_stop);
    return finish(deadline, on_stop);
  } catch (const Error&) {
    interrupt();
    throw;
  }
}

void Connection::Impl::send(const std::string& sql, std::span<const Param> params) {
  std::vector<Oid> types;
  std::vector<const char*> values;
  std::vector<int> lengths;
  const std::vector<int> formats(params.size(), 1);
  for (const Param& param : params) {
    types.push_back(param.oid);
    values.push_back(param.value ? param.value->data() : nullptr);
    lengths.push_back(param.value ? static_cast<int>(param.value->size()) : 0);
  }
  if (PQsendQueryParams(conn, sql.c_str(), static_cast<int>(params.size()), types.data(), values.data(), lengths.data(),
                        formats.data(), 1) == 0) {
    lost("sending");
  }
}

std::vector<Result> Connection::Impl::pipeline(std::span<const Statement> statements) {
  const Deadline deadline = statement_deadline();
  std::vector<Result> results;
  PgResult failure;
  try {
    if (PQenterPipelineMode(conn) == 0) throw Error(ErrorKind::bug, "pipeline mode was refused");
    for (const Statement& statement : statements)
      send(statement.sql, statement.params);
    if (PQpipelineSync(conn) == 0) lost("sending");
    flush(deadline, OnStop::heed);
    for (std::size_t index = 0; index < statements.size(); ++index) {
      PgResult result = next(deadline, OnStop::heed);
      if (!result) lost("no answer");
      if (failed(result.get()) && !failure) failure = std::move(result);
      if (PQstatus(conn) != CONNECTION_OK) break;
      if (result) results.emplace_back(std::make_unique<Result::Impl>(Result::Impl{std::move(result)}));
      next(deadline, OnStop::heed);  // the null that ends each statement
    }
    if (failure && PQstatus(conn) != CONNECTION_OK) fail(failure.get());
    const PgResult end = next(deadline, OnStop::heed);
    if (!end || PQresultStatus(end.get()) != PGRES_PIPELINE_SYNC) lost("pipeline");
    PQexitPipelineMode(conn);
  } catch (const Error&) {
    drain_pipeline();
    throw;
  }
  if (failure) fail(failure.get());
  return results;
}

void Connection::Impl::cancel() noexcept {
  try {
    const std::shared_ptr<PGcancel> handle(PQgetCancel(conn), &PQfreeCancel);
    if (!handle) return;
    std::packaged_task<void()> ask([handle] {
      std::array<char, 256> text{};
      PQcancel(handle.get(), text.data(), static_cast<int>(text.size()));
    });
    // PQcancel waits for a server that hangs as long as the server hangs, and nothing interrupts it.
    const std::future<void> asked = ask.get_future();
    std::thread(std::move(ask)).detach();
    asked.wait_for(kCancel);
  } catch (const std::exception&) {
    // No thread to be had: the statement ends by its timeout.
  }
}

void Connection::Impl::drain(const Deadline& deadline) {
  flush(deadline, OnStop::ignore);
  while (PgResult result = next(deadline, OnStop::ignore)) {
    if (PQstatus(conn) != CONNECTION_OK) return;
    if (PQresultStatus(result.get()) == PGRES_COPY_IN) {
      PQputCopyEnd(conn, "abandoned");
      flush(deadline, OnStop::ignore);
    }
  }
}

void Connection::Impl::drain_pipeline() {
  try {
    if (!alive()) throw Error(ErrorKind::unavailable, "lost");
    cancel();
    const Deadline deadline(clock, kDrain);
    flush(deadline, OnStop::ignore);
    // Two nulls in a row: nothing is under way any more.
    for (int nulls = 0; nulls < 2;) {
      const PgResult result = next(deadline, OnStop::ignore);
      nulls = result ? 0 : nulls + 1;
      if (PQresultStatus(result.get()) == PGRES_PIPELINE_SYNC) break;
    }
    if (PQexitPipelineMode(conn) == 0) broken = true;
  } catch (const Error&) {
    broken = true;
  }
}

void Connection::Impl::interrupt() noexcept {
  try {
    if (!alive()) throw Error(ErrorKind::unavailable, "lost");
    if (PQtransactionStatus(conn) != PQTRANS_ACTIVE) return;
    cancel();
    drain(Deadline(clock, kDrain));
  } catch (const Error&) {
    broken = true;
  }
}

void Connection::Impl::abandon_copy() noexcept {
  in_copy = false;
  try {
    if (!alive()) throw Error(ErrorKind::unavailable, "lost");
    if (stop.stop_requested()) cancel();
    drain(Deadline(clock, kDrain));
  } catch (const Error&) {
    broken = true;
  }
}

void Connection::Impl::lost(const char* what) {
  const bool was_alive = PQstatus(conn) == CONNECTION_OK;
  broken = true;
  const std::string reason = one_line(PQerrorMessage(conn));
  throw Error(ErrorKind::unavailable, std::string("the connection to the database ") +
                                          (was_alive ? "is out of step (" : "was lost (") + what + ")" +
                                          (reason.empty() ? "" : ": " + reason));
}

void Connection::Impl::fail(const PGresult* result) {
  const std::string state = field(result, PG_DIAG_SQLSTATE), severity = field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  std::string message = one_line(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
  if (message.empty()) message = one_line(PQresultErrorMessage(result));
  // Detail and context are left out on purpose: they quote values of people's data.
  for (const auto& [code, name] : {std::pair(PG_DIAG_TABLE_NAME, "table"), std::pair(PG_DIAG_COLUMN_NAME, "column"),
                                   std::pair(PG_DIAG_CONSTRAINT_NAME, "constraint")}) {
    if (const std::string value = field(result, code); !value.empty())
      message += std::string(", ") + name + " " + value;
  }
  const bool connected = PQstatus(conn) == CONNECTION_OK && severity != "FATAL" && severity != "PANIC";
  if (!connected || state == "25006") broken = true;
  if (state == "57014" && stop.stop_requested()) throw Error(ErrorKind::cancelled, "stopped while the database worked");
  std::string hint = field(result, PG_DIAG_MESSAGE_HINT);
  if (state == "42501") hint = "give the role its privileges: surveysync migrate --print-roles";
  if (state == "25006") hint = "the server is read-only: a standby, or default_transaction_read_only is on";
  if (state == "53100") hint = "the server's disk is full";
  Error error(kind_of_sqlstate(state, connected),
              "database: " + message + (state.empty() ? "" : " (SQLSTATE " + state + ")"), std::move(hint));
  error.with_sqlstate(state);
  throw error;
}

}  // namespace surveysync::pg
