#include "support/scripted_transport.h"

#include "base/json.h"

namespace surveysync::test {

http::Response answer(int status, std::string body, http::Headers headers, Duration elapsed) {
  http::Response response;
  response.status = status;
  response.headers = std::move(headers);
  response.wire_bytes = static_cast<std::int64_t>(body.size());
  response.body = std::move(body);
  response.body.reserve(response.body.size() + json::kPadding);
  response.elapsed = elapsed;
  return response;
}

ScriptedTransport& ScriptedTransport::then(http::Response response) {
  return then([response = std::move(response)](const http::Request&) {
    http::Response copy = response;
    copy.body.reserve(copy.body.size() + json::kPadding);
    return copy;
  });
}

ScriptedTransport& ScriptedTransport::then(Error error) {
  return then([error = std::move(error)](const http::Request&) -> http::Response { throw error; });
}

ScriptedTransport& ScriptedTransport::then(Handler handler) {
  const std::lock_guard lock(mutex_);
  steps_.push_back(std::move(handler));
  return *this;
}

void ScriptedTransport::otherwise(Handler handler) {
  const std::lock_guard lock(mutex_);
  otherwise_ = std::move(handler);
}

http::Response ScriptedTransport::exchange(const http::Request& request, const Deadline&, const std::stop_token& stop) {
  Handler step;
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    times_.push_back(clock_ != nullptr ? clock_->now() : SteadyTime{});
    if (steps_.empty()) {
      step = otherwise_;
    } else {
      step = std::move(steps_.front());
      steps_.pop_front();
    }
  }
  if (stop.stop_requested()) throw Error(ErrorKind::cancelled, "stopped");
  if (!step) throw Error(ErrorKind::bug, "the script has no answer to " + request.target);
  http::Response response = step(request);
  if (clock_ != nullptr) clock_->advance(response.elapsed);
  return response;
}

std::vector<http::Request> ScriptedTransport::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::size_t ScriptedTransport::count() const {
  const std::lock_guard lock(mutex_);
  return requests_.size();
}

std::vector<SteadyTime> ScriptedTransport::times() const {
  const std::lock_guard lock(mutex_);
  return times_;
}

std::size_t ScriptedTransport::left() const {
  const std::lock_guard lock(mutex_);
  return steps_.size();
}

}  // namespace surveysync::test
