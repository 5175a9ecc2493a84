#pragma once
// Pieces of SQL that are made of declared names: what table_sql and its neighbours are built from. Pure text. Inside of
// store/.

#include <string>
#include <vector>

#include "model/stream.h"

namespace surveysync::store {

/// "name" in double quotes. Names come from our own declarations.
std::string quoted(const std::string& name);
/// "schema"."name".
std::string qualified(const model::Table& table);
/// What an array parameter of this column holds: one that cannot be nested comes as text.
std::string element_type(model::ColumnType type);

/// ", "-joined texts made of an index.
template <class Make>
std::string list(std::size_t count, const Make& make, const char* separator = ", ") {
  std::string text;
  for (std::size_t index = 0; index < count; ++index) {
    if (index > 0) text += separator;
    text += make(index);
  }
  return text;
}

/// The condition that a row `t` has the keys given by `fixed` single values and then by arrays, as parameters from
/// `first` on.
struct KeyMatch {
  std::string from;   ///< what to join with, named k (c0, c1, ...); empty when = ANY is enough
  std::string where;  ///< after "t.source = $1"
};
KeyMatch match_keys(const std::vector<model::Column>& key, std::size_t fixed, std::size_t first = 2);

/// "t.survey_id = $2::text::bigint": rows of a partition by its name. Empty for streams without partitions.
std::string in_partition(const model::Table& table, bool partitioned, std::size_t parameter);

/// " AND ...": rows `t` that the configuration follows. Empty for tables that hold nothing else.
std::string followed_rows(const model::Table& table);

}  // namespace surveysync::store
