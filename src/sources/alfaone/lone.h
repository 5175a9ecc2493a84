#pragma once
// Answers to a question about one record: it is there, gone, or cannot be asked for alone.

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "http/client.h"
#include "sources/alfaone/tables.h"
#include "sources/record_text.h"

namespace surveysync::sources::alfaone {

/// What the vendor says about one record.
struct Lone {
  enum class Kind : std::uint8_t {
    present,
    gone,         ///< 404 or 410 in the vendor's own form, or without a word
    not_offered,  ///< 405, 501, or a web page: this cannot be asked
  } kind = Kind::not_offered;
  std::string evidence = {};      ///< "HTTP 404: Invite not found"
  std::optional<Body> body = {};  ///< when present
  std::string_view object = {};   ///< the record, a part of the body
  int requests = 0;
  Duration elapsed{};
  bool cached = false;
};

/// "/api/v1/invites/ID".
std::string lone_path(const Resource& resource, const std::string& id);
/// One call; `attempts`: as http::Call. Throws what http/client throws (denied, rejected: refused), and
/// Error(malformed) for an answer about something else. Any thread.
Lone ask_lone(http::Client& client, const Resource& resource, const std::string& id, http::Query query,
              const Scope& scope, const std::stop_token& stop, int attempts = 0);

}  // namespace surveysync::sources::alfaone
