#pragma once
// What the status page's server answers: paths, rules, security headers, and the caching of a drawing for as long as it
// is true. No sockets. Not thread-safe: one thread answers.

#include <map>
#include <memory>
#include <string>

#include "report/web_meters.h"
#include "report/web_metrics.h"
#include "report/web_request.h"
#include "report/web_view.h"

namespace surveysync::report {

struct WebAnswer {
  int status = 200;
  std::string_view type = "text/plain; charset=utf-8";
  std::string body, extra;  ///< extra: further header lines, each with its end
};

class WebSite {
 public:
  /// `meters` and `clock` outlive it.
  WebSite(WebRules rules, const Meters& meters, const Clock& clock)
      : rules_(std::move(rules)), meters_(meters), clock_(clock) {}

  /// The bytes to send for one head as received. `server`: counted here too. Null `latest`: nothing is known yet.
  std::string respond(std::string_view head, const std::shared_ptr<const StatusView>& latest, ServerReading& server);
  /// The answer to a request that never came to an end: 400, 408, 431.
  static std::string refuse(int status);

 private:
  WebAnswer answer(const WebRequest& request, const StatusView& view, const ServerReading& server);
  WebAnswer page(const WebRequest& request, const StatusView& view);

  const WebRules rules_;
  const Meters& meters_;
  const Clock& clock_;
  struct Drawing {
    const void* database = nullptr;
    std::int64_t second = 0;
    std::string body;
  };
  std::map<int, Drawing> drawings_;  // by seconds of refresh
};

/// /api/status.
std::string status_document(const StatusView& view);

}  // namespace surveysync::report
