#pragma once
// Waits on loopback for the browser that comes back from the vendor's page, as OAuth's callback. Answers a plain page;
// takes nothing but GET of its own path under its own host name, with the token that it waits for. Not thread-safe.
// Throws Error: config where the port cannot be had, cancelled.

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/time.h"

namespace surveysync::http {

/// What a callback says.
struct Callback {
  bool allowed = false;
  std::string verifier;  ///< when allowed; empty with vendors before OAuth 1.0a
  std::string why;       ///< when not: the vendor's word
};

/// Reads the query of a callback for `token`; nothing when it is another token's, or no callback at all.
std::optional<Callback> read_callback(std::string_view query, std::string_view token);

class CallbackListener {
 public:
  /// Listens on 127.0.0.1; port 0 takes any free one. `clock` outlives it.
  CallbackListener(std::uint16_t port, Clock& clock);
  ~CallbackListener();
  CallbackListener(const CallbackListener&) = delete;
  CallbackListener& operator=(const CallbackListener&) = delete;

  /// "http://127.0.0.1:PORT/callback".
  std::string url() const;
  /// The first callback for `token`, or nothing by `deadline`. Can be called again to go on waiting.
  std::optional<Callback> wait(std::string_view token, const Deadline& deadline, const std::stop_token& stop);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace surveysync::http
