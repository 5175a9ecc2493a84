#pragma once
// The patience of one exchange: how long it may take, and who may end it. Every wait for a descriptor in this room goes
// through here, so that no server (silent, dripping, stuck in a handshake) outlives the deadline or a stop. One object
// per exchange, used by the thread that runs it. Throws Error(cancelled), Error(unavailable).

#include <poll.h>

#include <optional>
#include <stop_token>
#include <string>

#include "base/error.h"
#include "base/time.h"

namespace surveysync::http {

class Patience {
 public:
  /// References outlive the object.
  Patience(const Deadline& deadline, const std::stop_token& stop, const Clock& clock);
  /// A part of `whole` that may take `at_most`, and ends with it.
  Patience(const Patience& whole, Duration at_most);
  ~Patience();
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;

  /// What is being done, for the text of a time-out: "connecting to host:443".
  void now_doing(std::string what) { doing_ = std::move(what); }
  /// From here on the other side knows of the request: a time-out means that it is too slow, not that it cannot be
  /// reached.
  void request_sent(bool sent = true) { sent_ = sent; }

  /// Throws when stopped or when the deadline has passed.
  void check() const;
  /// Waits until `descriptor` is ready for `events` (poll's). Throws as check() does.
  void await(int descriptor, short events) const;

  SteadyTime now() const { return clock_.now(); }
  Duration left() const { return deadline_.left(); }

 private:
  struct Waker {
    int descriptor;
    void operator()() const noexcept;
  };
  const Deadline deadline_;
  const std::stop_token stop_;
  const Clock& clock_;
  const Duration allowed_;
  std::string doing_ = "the request";
  bool sent_ = false;
  int wake_ = -1;
  std::optional<std::stop_callback<Waker>> on_stop_;
};

}  // namespace surveysync::http
