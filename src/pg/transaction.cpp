#include <fmt/format.h>

#include "pg/libpq.h"

namespace surveysync::pg {
namespace {

constexpr Duration kRollback = std::chrono::seconds(5);
/// A transaction of ours waits for nobody but the server; longer idleness means that we hang.
constexpr int kIdleMilliseconds = 60'000;

std::int64_t milliseconds(Duration time) {
  return std::chrono::ceil<std::chrono::milliseconds>(time).count();
}

}  // namespace

Transaction::Transaction(Connection& connection) : connection_(connection) {
  Connection::Impl& impl = *connection_.impl_;
  if (impl.in_transaction) throw Error(ErrorKind::bug, "a transaction inside a transaction");
  impl.require_ready("a transaction");
  // A transaction pooler loses or leaks session settings: they are made anew in each transaction, with its first
  // message.
  const std::string begin = fmt::format(
      "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL TimeZone = 'UTC'; SET LOCAL search_path = ''; "
      "SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {}; "
      "SET LOCAL idle_in_transaction_session_timeout = {}",
      milliseconds(impl.options.statement_timeout), milliseconds(impl.options.lock_timeout), kIdleMilliseconds);
  try {
    impl.script(begin, impl.statement_deadline(), OnStop::heed);
  } catch (const Error&) {
    impl.broken = true;  // BEGIN may have been taken: nobody shall find an open transaction here
    throw;
  }
  impl.in_transaction = open_ = true;
}

Transaction::~Transaction() {
  if (!open_) return;
  Connection::Impl& impl = *connection_.impl_;
  impl.in_transaction = false;
  if (!impl.alive()) return;
  try {
    impl.script("ROLLBACK", Deadline(impl.clock, kRollback), OnStop::ignore);
  } catch (const Error&) {
    impl.broken = true;
  }
}

Result Transaction::execute(const std::string& sql, std::span<const Param> params) {
  if (!open_) throw Error(ErrorKind::bug, "a statement after the end of its transaction");
  return connection_.execute(sql, params);
}

std::vector<Result> Transaction::execute_all(std::span<const Statement> statements) {
  if (!open_) throw Error(ErrorKind::bug, "a statement after the end of its transaction");
  connection_.impl_->require_ready("a statement");
  if (statements.empty()) return {};
  return connection_.impl_->pipeline(statements);
}

void Transaction::commit() {
  if (!open_) throw Error(ErrorKind::bug, "COMMIT after the end of its transaction");
  Connection::Impl& impl = *connection_.impl_;
  impl.require_ready("COMMIT");
  open_ = impl.in_transaction = false;
  try {
    // The stop is not heeded: a page that is being committed may finish, bounded by the statement timeout.
    const PgResult result = impl.script("COMMIT", impl.statement_deadline(), OnStop::ignore);
    if (std::string_view(PQcmdStatus(result.get())) != "COMMIT") {
      throw Error(ErrorKind::bug, "COMMIT of a transaction that had failed");
    }
  } catch (const Error& error) {
    if (impl.alive()) throw;
    Error doubt(ErrorKind::in_doubt, std::string("the answer to COMMIT was lost: ") + error.what());
    doubt.with_sqlstate(error.sqlstate());
    throw doubt;
  }
}

}  // namespace surveysync::pg
