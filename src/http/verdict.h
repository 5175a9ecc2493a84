#pragma once
// What an answer means: the table of statuses, and the provider's reading of the body on top of it. Anything that the
// network may have put in the vendor's place (HTML, redirects, an empty success) is "unavailable", never a word about
// key or request. Pure, any thread; never throws.

#include "http/client.h"

namespace surveysync::http {

/// The judgement on `response`; `judge` is asked where the body can be the vendor's.
Judgement judge_response(const Response& response, const Judge& judge);

}  // namespace surveysync::http
