#pragma once
// One reply with a list, whichever generation of the API sent it: wrapped by the resource's name, under "data", or
// bare; with `pagination`, or without it, which makes it the complete set. And the ids in it. One reply belongs to one
// thread. Throws Error(malformed) where the reply makes no sense.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/client.h"
#include "sources/alfaone/tables.h"
#include "sources/record_text.h"

namespace surveysync::sources::alfaone {

struct List {
  Body body;
  std::vector<std::string_view> records;           ///< without null entries
  std::int64_t holes = 0;                          ///< null entries
  bool paged = false;                              ///< there is `pagination`; without it this is all there is
  std::optional<std::int64_t> total, page, limit;  ///< of the pagination

  std::int64_t rows() const { return static_cast<std::int64_t>(records.size()) + holes; }
};

/// Takes the body out of `reply`. `path` names it in errors.
List read_list(http::Reply& reply, const Resource& resource, std::string_view path);

/// A record's own id as text; empty when it has none that can be read.
std::string id_of(std::string_view raw, const Resource& resource);
/// A scalar member of a raw record by its name in camel case, or in snake case; empty when there is none. Never throws.
std::string scalar_of(std::string_view raw, std::string_view camel, std::string_view snake);

}  // namespace surveysync::sources::alfaone
