#include "http/transport.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "http/body.h"
#include "http/connection.h"
#include "http/message.h"
#include "http/patience.h"

namespace surveysync::http {
namespace {

// A connection that ended while it was idle shows it at once; an end after a longer silence is the server giving up on
// us.
constexpr Duration kStaleShowsWithin = std::chrono::seconds(3);
// Servers that do not say how long they keep an idle connection keep it for a minute or longer (nginx 75 s).
constexpr Duration kUsualIdleLimit = std::chrono::seconds(50);

/// How long we may keep an idle connection: a little less than the server does.
Duration keep_for(const Head& head) {
  const Duration limit = idle_limit(head).value_or(kUsualIdleLimit);
  return limit - std::min<Duration>(std::chrono::seconds(1), limit / 4);
}

}  // namespace

struct PocoTransport::Impl {
  Impl(TransportOptions given, Clock& its_clock) : options(std::move(given)), clock(its_clock), connector(options) {}

  std::unique_ptr<Connection> take_idle();
  void keep(std::unique_ptr<Connection> connection);
  Response exchange(const Request& request, Patience& patience);
  Response converse(const Request& request, std::unique_ptr<Connection>& connection, Patience& patience);

  const TransportOptions options;
  Clock& clock;
  Connector connector;
  std::mutex mutex;
  std::vector<std::unique_ptr<Connection>> idle;  // the youngest last
};

std::unique_ptr<Connection> PocoTransport::Impl::take_idle() {
  for (;;) {
    std::unique_ptr<Connection> connection;
    {
      const std::lock_guard lock(mutex);
      if (idle.empty()) return nullptr;
      connection = std::move(idle.back());
      idle.pop_back();
    }
    if (clock.now() < connection->usable_until && connection->is_quiet()) return connection;
  }
}

void PocoTransport::Impl::keep(std::unique_ptr<Connection> connection) {
  std::vector<std::unique_ptr<Connection>> dropped;  // closed outside the lock
  const std::lock_guard lock(mutex);
  const SteadyTime now = clock.now();
  for (auto& other : idle) {
    if (other->usable_until <= now) dropped.push_back(std::move(other));
  }
  std::erase(idle, nullptr);
  if (idle.size() < options.idle_connections) idle.push_back(std::move(connection));
}

Response PocoTransport::Impl::exchange(const Request& request, Patience& patience) {
  std::unique_ptr<Connection> connection;
  // A kept connection may be dead, and that shows only when the answer is read: nothing that must not be done twice
  // goes over one.
  if (request.method == "GET") connection = take_idle();
  if (connection) {
    const SteadyTime begun = clock.now();
    try {
      return converse(request, connection, patience);
    } catch (const Error& failure) {
      patience.check();
      // The server may end an idle connection in the moment in which we use it: that is nobody's fault, and free of
      // charge.
      const bool stale = failure.kind() == ErrorKind::unavailable && connection->received() == 0 &&
                         clock.now() - begun < kStaleShowsWithin;
      if (!stale) throw;
    }
  }
  patience.request_sent(false);
  connection = connector.connect(patience);
  return converse(request, connection, patience);
}

Response PocoTransport::Impl::converse(const Request& request, std::unique_ptr<Connection>& connection,
                                       Patience& patience) {
  connection->begin_exchange();
  patience.request_sent();
  patience.now_doing(fmt::format("the answer of {} to {}", connection->peer(), request.display));
  connection->write(request_head(request, options.endpoint) + request.body, patience);
  AnswerReader reader(*connection, patience, options.body_limit);
  Head head = reader.read_head();
  Response response;
  response.status = head.status;
  response.body = reader.read_body(head);
  response.wire_bytes = connection->received();
  if (reader.is_exhausted()) {
    connection->usable_until = clock.now() + keep_for(head);
    keep(std::move(connection));
  }
  response.headers = std::move(head.headers);
  return response;
}

PocoTransport::PocoTransport(TransportOptions options, Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(options), clock)) {}
PocoTransport::~PocoTransport() = default;

Response PocoTransport::exchange(const Request& request, const Deadline& deadline, const std::stop_token& stop) {
  check_request(request);
  const SteadyTime started = impl_->clock.now();
  Patience patience(deadline, stop, impl_->clock);
  try {
    Response response = impl_->exchange(request, patience);
    response.elapsed = impl_->clock.now() - started;
    return response;
  } catch (Error& failure) {
    // A stop or the deadline looks like an outage to whoever was interrupted by it.
    if (failure.kind() != ErrorKind::cancelled && !failure.timed_out()) patience.check();
    failure.with_context(fmt::format("{} {} {} {}", request.method, request.display,
                                     request.method == "GET" ? "from" : "to", impl_->options.endpoint.host));
    throw;
  }
}

}  // namespace surveysync::http
