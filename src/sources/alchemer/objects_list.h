#pragma once
// Lists of objects as the vendor sends them: arrays, objects by id, `quotas` instead of `data`, single objects, flat
// ones, refusals that mean "none" and web pages that mean "not offered" (vendor-api.md 1.3, 1.6, 1.12). One answer
// belongs to one thread. Throws Error(malformed) where an answer makes no sense.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sources/alchemer/list.h"
#include "sources/alchemer/objects.h"

namespace surveysync::sources::alchemer {

/// One object of a list.
struct ObjectItem {
  std::string_view raw;     ///< the vendor's bytes
  std::int64_t id = 0;      ///< its own, else its name in a keyed list; 0 where there is none
  bool is_deleted = false;  ///< in the vendor's own words
  std::string mistake;      ///< why it cannot be keyed
};

struct ObjectList {
  Body body;
  std::vector<ObjectItem> items;  ///< without null entries
  std::int64_t holes = 0;         ///< null entries
  std::optional<std::int64_t> total;

  std::int64_t rows() const { return static_cast<std::int64_t>(items.size()) + holes; }
};

/// What an answer to the question for a list is, where it is no list.
enum class NoList : std::uint8_t {
  none,         ///< it is one, or a failure that the judge knows
  empty,        ///< the vendor refuses in words that say that there are none
  not_offered,  ///< 404, 405, 410 or 501: no such list for this key
};
/// Never takes words about the key, a permission or the rate for one of them.
NoList no_list(int status, std::string_view body, const ObjectKind& kind);

/// Takes the body out of `reply`. `path` names it in errors.
ObjectList read_object_list(http::Reply& reply, const ObjectKind& kind, std::string_view path);

/// The object `id` of a single GET: itself, or below its id as in a keyed list.
json::Value object_of(json::Value object, std::int64_t id);

}  // namespace surveysync::sources::alchemer
