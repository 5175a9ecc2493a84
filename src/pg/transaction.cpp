#include <fmt/format.h>

#include "pg/libpq.h"

namespace surveysync::pg {
namespace {

constexpr Duration kRollback = std::chrono::seconds(5);
/// A transaction of ours waits for nobody but the server; longer idleness means that we hang.
constexpr Duration kIdle = std::chrono::minutes(1);
/// A rehearsal waits for the vendor between its pages too.
constexpr Duration kRehearsalIdle = std::chrono::hours(2);
constexpr const char* kSavepoint = "SAVEPOINT surveysync";
constexpr const char* kRelease = "RELEASE SAVEPOINT surveysync";
constexpr const char* kUndo = "ROLLBACK TO SAVEPOINT surveysync; RELEASE SAVEPOINT surveysync";

std::int64_t milliseconds(Duration time) {
  return std::chrono::ceil<std::chrono::milliseconds>(time).count();
}

}  // namespace

std::string Connection::Impl::begin_text(Duration idle_limit) const {
  return fmt::format(
      "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL TimeZone = 'UTC'; SET LOCAL search_path = ''; "
      "SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {}; "
      "SET LOCAL idle_in_transaction_session_timeout = {}",
      milliseconds(options.statement_timeout), milliseconds(options.lock_timeout), milliseconds(idle_limit));
}

void Connection::begin_rehearsal() {
  Impl& impl = *impl_;
  if (impl.rehearsing || impl.in_transaction) throw Error(ErrorKind::bug, "a rehearsal inside a transaction");
  impl.require_ready("a rehearsal");
  try {
    impl.script(impl.begin_text(kRehearsalIdle), impl.statement_deadline(), OnStop::heed);
  } catch (const Error&) {
    impl.broken = true;
    throw;
  }
  impl.rehearsing = true;
}

Transaction::Transaction(Connection& connection) : connection_(connection) {
  Connection::Impl& impl = *connection_.impl_;
  if (impl.in_transaction) throw Error(ErrorKind::bug, "a transaction inside a transaction");
  impl.require_ready("a transaction");
  const std::string begin = impl.rehearsing ? kSavepoint : impl.begin_text(kIdle);
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
    impl.script(impl.rehearsing ? kUndo : "ROLLBACK", Deadline(impl.clock, kRollback), OnStop::ignore);
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
    const PgResult result =
        impl.script(impl.rehearsing ? kRelease : "COMMIT", impl.statement_deadline(), OnStop::ignore);
    if (!impl.rehearsing && std::string_view(PQcmdStatus(result.get())) != "COMMIT") {
      throw Error(ErrorKind::bug, "COMMIT of a transaction that had failed");
    }
  } catch (const Error& error) {
    // With the connection a rehearsal is gone for certain.
    if (impl.alive() || impl.rehearsing) throw;
    Error doubt(ErrorKind::in_doubt, std::string("the answer to COMMIT was lost: ") + error.what());
    doubt.with_sqlstate(error.sqlstate());
    throw doubt;
  }
}

}  // namespace surveysync::pg
