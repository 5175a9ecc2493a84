#pragma once
// What a simulated vendor was asked and what it answered: GET /log and GET /stats of the control port. Thread-safe.

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/time.h"
#include "sandbox/http.h"
#include "sandbox/zone.h"

namespace surveysync::sandbox {

/// One line of GET /log.
struct LogEntry {
  Seconds at;
  std::string method, path;
  int status;
};

class RequestLog {
 public:
  /// A request came at `elapsed`. Anything but a GET is counted as a violation: the client may only read.
  void begin(const HttpRequest& request, Duration elapsed);
  void end(const HttpRequest& request, int status, Seconds at);

  std::vector<LogEntry> entries() const;
  std::map<int, std::int64_t> statuses() const;
  std::int64_t violations() const { return violations_; }
  /// When the last request came; zero before the first.
  Duration last_request() const { return Duration(last_request_.load()); }

 private:
  std::atomic<std::int64_t> last_request_{0}, violations_{0};
  mutable std::mutex mutex_;
  std::deque<LogEntry> log_;
  std::map<int, std::int64_t> statuses_;
};

}  // namespace surveysync::sandbox
