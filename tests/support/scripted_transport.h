#pragma once
// A Transport that plays what a test wrote down: answers, errors, or a function of the request. Remembers every
// request. Thread-safe; handlers may be called by several threads at once.

#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/error.h"
#include "http/transport.h"
#include "support/manual_clock.h"

namespace surveysync::test {

/// An answer with the padding that Response promises.
http::Response answer(int status, std::string body, http::Headers headers = {},
                      Duration elapsed = std::chrono::milliseconds(50));

class ScriptedTransport final : public http::Transport {
 public:
  using Handler = std::function<http::Response(const http::Request&)>;

  /// With a clock, each answer's `elapsed` moves it on.
  explicit ScriptedTransport(ManualClock* clock = nullptr) : clock_(clock) {}

  /// The next exchange that has no earlier step ends like this.
  ScriptedTransport& then(http::Response response);
  ScriptedTransport& then(Error error);
  ScriptedTransport& then(Handler handler);
  /// What happens when the script is used up; without it, that is an Error(bug).
  void otherwise(Handler handler);

  http::Response exchange(const http::Request& request, const Deadline& deadline, const std::stop_token& stop) override;

  std::vector<http::Request> requests() const;
  std::size_t count() const;
  /// Steady times at which the requests came (zero without a clock).
  std::vector<SteadyTime> times() const;
  /// Steps that nobody asked for yet.
  std::size_t left() const;

 private:
  ManualClock* const clock_;
  mutable std::mutex mutex_;
  std::deque<Handler> steps_;
  Handler otherwise_;
  std::vector<http::Request> requests_;
  std::vector<SteadyTime> times_;
};

}  // namespace surveysync::test
