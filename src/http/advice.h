#pragma once
// What an answer's headers say about our pace and about time. Hints only ever make us slower. Pure, any thread, never
// throws.

#include <optional>
#include <string_view>

#include "base/time.h"
#include "http/transport.h"

namespace surveysync::http {

/// Waits above this are not waited for: the call gives up and says when to come back.
inline constexpr Duration kLongestAdvice = std::chrono::minutes(15);

struct Advice {
  std::optional<Duration> retry_after;  ///< Retry-After, where it makes sense (positive, at most a day)
  std::optional<Duration> exhausted;    ///< RateLimit headers: nothing left until then (at most kLongestAdvice)
  bool running_low = false;             ///< X-SG-Warning, or RateLimit headers with less than a tenth left
  std::optional<UtcTime> date;          ///< Date
};

/// Reads the headers. `now` is our time, used where the server does not give its own.
Advice read_advice(const Response& response, UtcTime now);
/// "Sun, 06 Nov 1994 08:49:37 GMT"; years 1970 to 2199.
std::optional<UtcTime> parse_http_date(std::string_view text);

}  // namespace surveysync::http
