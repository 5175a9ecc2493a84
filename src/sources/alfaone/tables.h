#pragma once
// What AlfaOne's records are called and where they live: one constexpr list of columns a table (product.md section 3),
// and one Resource for each stream, with the paths and names of the vendor. Constants only; any thread.

#include <span>
#include <string_view>
#include <vector>

#include "model/stream.h"

namespace surveysync::sources::alfaone {

using Col = model::ColumnType;

/// One column of a table; keys come first, in key order. The vendor calls a field as the column, in camel case; also in
/// snake case, or by the other name.
struct ColumnDef {
  std::string_view name;
  Col type;
  bool key = false;
  std::string_view other = {};  ///< in camel case
};

/// One kind of thing that the vendor lists.
struct Resource {
  std::string_view stream;                     ///< and table: "invite"
  std::string_view path;                       ///< "/api/v1/invites"; of questions: behind their assessment
  std::string_view sort;                       ///< a field that stays while the record lives
  std::span<const std::string_view> wrappers;  ///< names of the list in a reply, the usual one first
  std::span<const ColumnDef> columns;
  std::span<const std::string_view> known;  ///< fields that are no columns and no news
  std::string_view detail = {};             ///< a field that only the record alone shows; empty: nothing worth a call
  std::span<const std::string_view> only_alone = {};  ///< fields that only the record alone shows
  bool lone_documented = false;                       ///< GET of one by its id is in the vendor's pages
};

/// By stream name. Throws Error(bug) for another.
const Resource& resource_of(std::string_view stream);

/// assessment, question, invite, member, tag: each read whole.
const std::vector<model::StreamSpec>& stream_specs();

/// "created_at" as the vendor writes it: "createdAt".
std::string camel_case(std::string_view snake_case);

}  // namespace surveysync::sources::alfaone
