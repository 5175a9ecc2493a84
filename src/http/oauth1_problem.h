#pragma once
// How a vendor refuses a signed call: the names of the OAuth problem reporting extension and of Adobe's list, in the
// WWW-Authenticate header, in a form or JSON body, or as words in a message, with 400 as well as 401. Pure, any thread,
// never throws.

#include <optional>
#include <string>
#include <string_view>

#include "http/client.h"

namespace surveysync::http {

/// One problem, as far as it can be told from words.
struct OAuthProblem {
  std::string name;  ///< "timestamp_refused"; that of the extension also where the vendor has other words for it
  ErrorKind kind = ErrorKind::unauthorized;
  Refusal refusal = Refusal::none;
  std::optional<UtcTime> vendor_time = {};  ///< the middle of oauth_acceptable_timestamps
};

/// The first problem that `text` names; one behind "oauth_problem" before others.
std::optional<OAuthProblem> find_oauth_problem(std::string_view text);

/// judge_response for calls that are signed: a problem that the answer names decides, wherever it stands.
Judgement judge_signed_response(const Response& response, const Judge& judge);

}  // namespace surveysync::http
