#include "sandbox/request_log.h"

namespace surveysync::sandbox {
namespace {
constexpr std::size_t kMaxLog = 200000;
}

void RequestLog::begin(const HttpRequest& request, Duration elapsed) {
  last_request_ = elapsed.count();
  const bool disguised =
      request.query.find("_method=") != std::string::npos && request.query.find("_method=GET") == std::string::npos;
  if (request.method != "GET" || disguised) ++violations_;
}

void RequestLog::end(const HttpRequest& request, int status, Seconds at) {
  const std::lock_guard lock(mutex_);
  log_.push_back({at, request.method, request.path, status});
  if (log_.size() > kMaxLog) log_.pop_front();
  ++statuses_[status];
}

std::vector<LogEntry> RequestLog::entries() const {
  const std::lock_guard lock(mutex_);
  return {log_.begin(), log_.end()};
}

std::map<int, std::int64_t> RequestLog::statuses() const {
  const std::lock_guard lock(mutex_);
  return statuses_;
}

}  // namespace surveysync::sandbox
