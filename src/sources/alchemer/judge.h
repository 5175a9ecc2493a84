#pragma once
// How Alchemer says no: in the HTTP status, in the body behind a 200, with codes as numbers or text. Pure.
// Facts: shared/vendor-api.md 1.2, 1.5, 1.6.

#include "http/client.h"

namespace surveysync::sources::alchemer {

/// Reads one answer. HTML and empty bodies are the network or the vendor's front, never the key. A body above
/// kJudgedBody is a page of records: its result_ok is read when the page is split.
http::Judgement judge(const http::Response& response);
inline constexpr std::size_t kJudgedBody = 16UL * 1024;

/// The kind and words of an envelope that says result_ok false; `status` is the HTTP status it came with.
http::Judgement judge_envelope(int status, std::string_view code, std::string_view message);

}  // namespace surveysync::sources::alchemer
