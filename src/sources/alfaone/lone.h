#pragma once
// Answers to a question about one record: it is there, gone, or cannot be asked for alone. And the records that are
// worth such a question because their list does not show all of them, kept as long as their list's entry stays as it
// is.

#include <map>
#include <mutex>
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
/// One call. Throws what http/client throws (denied, rejected: refused), and Error(malformed) for an answer about
/// something else. Any thread.
Lone ask_lone(http::Client& client, const Resource& resource, const std::string& id, http::Query query,
              const Scope& scope, const std::stop_token& stop);

/// Records with what their lists do not show (Resource::detail). Thread-safe.
class Details {
 public:
  Details(http::Client& client, const Clock& clock) : client_(client), clock_(clock) {}

  /// The record alone, where that shows more than `item`, its entry in the list; else nothing. `requests` counts up.
  /// Throws what ends a page.
  std::optional<std::string> fuller(const Resource& resource, std::string_view item, const Scope& scope,
                                    const std::stop_token& stop, std::int64_t& requests);

 private:
  struct Kept {
    model::Hash item{};
    SteadyTime read_at{};
    std::string text;
  };
  bool is_fresh(const Resource& resource, const Kept& kept, const model::Hash& item) const;

  http::Client& client_;
  const Clock& clock_;
  std::mutex mutex_;                       // guards all below
  std::map<std::string, Kept> kept_;       // by path
  std::map<std::string_view, bool> vain_;  // streams whose records alone show no more, or are refused
};

}  // namespace surveysync::sources::alfaone
