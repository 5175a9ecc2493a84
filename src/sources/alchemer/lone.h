#pragma once
// Answers to a question about one object: whether it is there, gone, or not for us (vendor-api.md 1.3, 1.6, 1.8). The
// vendor has many ways to say that something is gone, and some of them are also how it fails. Pure.

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "http/client.h"

namespace surveysync::sources::alchemer {

/// Evidence that counts only when it comes twice: null data and stray web pages are also seen to pass.
inline constexpr std::string_view kNoData = "no data", kWebPage = "HTTP 404 with a web page";

/// The vendor's words when an answer says that the object is not there: 404, 410, result_ok false that is neither about
/// the key, a permission, the rate nor the vendor's own trouble, or no data. Nothing for all other answers.
std::optional<std::string> says_gone(int status, std::string_view body);

/// The object of a sound answer: under "data", alone in an array there, or beside result_ok. Absent when there is none.
/// `flat`: it is the whole answer.
struct LoneObject {
  json::Value value;
  bool flat = false;
};
LoneObject lone_object(json::Value root);

/// A flat answer without its envelope's members, the other bytes as they are.
std::string without_envelope(std::string_view raw);

}  // namespace surveysync::sources::alchemer
