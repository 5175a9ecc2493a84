#include "pg/connection.h"

#include <cstring>

#include "pg/binary.h"
#include "pg/libpq.h"

namespace surveysync::pg {

Connection::Connection(const ConnectOptions& options, Clock& clock, std::stop_token stop)
    : impl_(std::make_unique<Impl>(options, clock, std::move(stop))) {}
Connection::~Connection() = default;
Connection::Connection(Connection&&) noexcept = default;

Result Connection::execute(const std::string& sql, std::span<const Param> params) {
  Impl& impl = *impl_;
  impl.require_ready("a statement");
  if (impl.rehearsing && !impl.in_transaction) {
    // A statement that fails must not cost the whole rehearsal.
    Transaction alone(*this);
    Result result = alone.execute(sql, params);
    alone.commit();
    return result;
  }
  const Deadline deadline = impl.statement_deadline();
  try {
    impl.send(sql, params);
    impl.flush(deadline, OnStop::heed);
    PgResult result = impl.finish(deadline, OnStop::heed);
    return Result(std::make_unique<Result::Impl>(Result::Impl{std::move(result)}));
  } catch (const Error&) {
    impl.interrupt();
    throw;
  }
}

void Connection::execute_script(const std::string& sql) {
  impl_->require_ready("a script");
  impl_->script(sql, impl_->statement_deadline(), OnStop::heed);
}

bool Connection::alive() const {
  return impl_->alive();
}
int Connection::server_version() const {
  return PQserverVersion(impl_->conn);
}
std::string Connection::display() const {
  return impl_->display;
}
const std::stop_token& Connection::stop() const {
  return impl_->stop;
}
void Connection::use_stop(std::stop_token stop) {
  impl_->watch(std::move(stop));
}

}  // namespace surveysync::pg
