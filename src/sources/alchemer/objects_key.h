#pragma once
// The cheap step of objects: privacy, key, hash. API keys of users never get further than here, whatever the rules say:
// they are secrets of other people, and nobody needs them to analyse surveys. Pure; any thread.

#include <string_view>

#include "sources/alchemer/decode.h"
#include "sources/alchemer/objects.h"
#include "sources/alchemer/objects_list.h"
#include "sources/privacy.h"

namespace surveysync::sources::alchemer {

/// What is stored of objects of this kind.
MemberRules object_rules(const ObjectKind& kind, const Privacy& privacy);

/// Appends one object to `out`: a record with key `parents` and its id, or a quarantined item where it has none or the
/// rules cannot be applied (its bytes are withheld then). The record's payload may view `item.raw`.
void key_object(const ObjectItem& item, const ObjectKind& kind, const model::Key& parents, const Privacy& privacy,
                const SliceOrigin& origin, model::Page& out);

}  // namespace surveysync::sources::alchemer
