#pragma once
// What AlfaOne's records mean: raw JSON to records (id, privacy, hash), and records to rows. Pure; texts are owned by
// the page or the batch; any thread, one page, batch and document a thread. Whatever comes either decodes or throws
// Error(malformed) with a reason: the record is then quarantined.

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "model/stream.h"
#include "sources/alfaone/tables.h"
#include "sources/privacy.h"
#include "sources/record_text.h"

namespace surveysync::sources::alfaone {

/// The configured rules as this provider understands them: nobody can switch off that invites name people, so "off"
/// drops who they are.
Privacy understood(Privacy privacy);

/// What the rule of group "contacts" makes of a record. Invites and members are about people: all that is not known to
/// say nothing about them is treated so. Of other records only those members that name who made them.
MemberRules privacy_rules(const Resource& resource, const Privacy& privacy);

/// One record on its way into a page.
struct Arrived {
  std::string_view raw;                 ///< its bytes
  std::optional<std::string> original;  ///< the vendor's, where they had to be mended
  std::string partition;                ///< the assessment of a question
};
/// Appends it to `out`: keyed and hashed, or quarantined where no id can be read or privacy cannot be applied (its
/// bytes are withheld then). The payload views `raw` where nothing had to be altered.
void key_record(const Resource& resource, const Privacy& privacy, const MemberRules& rules, Arrived arrived,
                model::Page& out);

/// One record into its row. Throws Error(malformed).
void decode_record(const Resource& resource, json::Document& document, const model::Record& record,
                   model::RowBatch& rows);

/// `raw` without the members of these names, the other bytes as they are. Throws Error(malformed).
std::string without_members(std::string_view raw, std::span<const std::string_view> names);

}  // namespace surveysync::sources::alfaone
