#pragma once
// A list as the vendor sends it: its envelope, its records as slices, the stamps in them. One answer belongs to one
// thread. Throws Error(malformed) where the answer makes no sense, and what judge.h makes of a refusal.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "http/client.h"
#include "sources/alchemer/window.h"

namespace surveysync::sources::alchemer {

/// An answer's body, repaired, owned by a page.
struct Body {
  std::unique_ptr<std::string> text;
  json::Repair repair;
  explicit Body(std::string&& bytes);
};

struct List {
  Body body;
  json::Envelope envelope;
  std::vector<std::string_view> records;  ///< without null entries
  std::int64_t holes = 0;                 ///< null entries
  std::optional<std::int64_t> total;
  bool flat = false;  ///< no list: the body is the object itself

  std::int64_t rows() const { return static_cast<std::int64_t>(records.size()) + holes; }
};

/// Takes the body out of `reply`. `path` names it in errors.
List read_list(http::Reply& reply, std::string_view path);
/// The same where the list may be called `member`, and where one object may stand beside result_ok instead of it.
List read_list_or_object(http::Reply& reply, std::string_view path, std::string_view member);

/// date_updated of a raw record where it has the form that can be ordered, else empty. A view into `raw`.
std::string_view stamp_of(std::string_view raw);

/// Takes a stamp (may be empty) into Page::newest and newest_at; `zone` of date_updated, where known.
void note_newest(std::string_view stamp, const Zone& zone, model::Page& page);

/// "page" and "resultsperpage".
http::Query paging(std::int64_t page, std::int64_t size);

}  // namespace surveysync::sources::alchemer
