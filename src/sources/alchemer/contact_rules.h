#pragma once
// The privacy rules of objects that describe people: contacts, contacts of campaigns, users of the account. Pure; any
// thread. Use: `rewrite(raw, contact_rules(privacy), privacy.digest.get())`, before the object is hashed or stored.

#include "sources/privacy.h"

namespace surveysync::sources::alchemer {

/// What the rule of group "contacts" makes of such an object: ids, status and dates stay; every other member, custom
/// fields under whatever name included, is treated as the rule says.
MemberRules contact_rules(const Privacy& privacy);

}  // namespace surveysync::sources::alchemer
