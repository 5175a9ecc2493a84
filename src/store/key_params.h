#pragma once
// Keys of many records as parameters: the parts they share as single values, the others as one array a column. Inside
// of store/.

#include <span>
#include <string>
#include <vector>

#include "model/stream.h"
#include "pg/binary.h"
#include "pg/connection.h"
#include "store/encode.h"
#include "store/page_write.h"

namespace surveysync::store {

/// One part of a key as a parameter.
pg::Param key_param(const model::KeyPart& part);
/// The value of a key column in a result.
model::KeyPart key_part(const pg::Result& result, std::size_t row, std::size_t column, const model::Column& declared);
/// The value of a key column from text, as a partition's name. Throws Error(bug) when the column is a number and the
/// text is none.
model::KeyPart key_part(const std::string& text, const model::Column& declared);
/// Neighbours that share a table and the fixed leading parts of its key. `items` are sorted.
std::vector<std::span<const Item>> group_by_prefix(std::span<const Item> items,
                                                   const std::vector<model::Table>& tables);
/// Appends an array for each key column from `fixed` on, over `count` keys given by `key(index)`.
template <class KeyAt>
void append_key_arrays(std::vector<pg::Param>& params, const model::Table& table, std::size_t fixed, std::size_t count,
                       const KeyAt& key) {
  for (std::size_t column = fixed; column < table.key.size(); ++column) {
    pg::ArrayBuilder builder(element_of(table.key[column].type));
    for (std::size_t index = 0; index < count; ++index)
      encode(builder.next(), key(index)[column]);
    params.push_back(builder.take());
  }
}
/// The parameters of TableSql::lookup and delete_children for keys that share their first `fixed` parts.
template <class KeyAt>
std::vector<pg::Param> key_params(const std::string& source, const model::Table& table, std::size_t fixed,
                                  std::size_t count, const KeyAt& key) {
  std::vector<pg::Param> params = {pg::text(source)};
  for (std::size_t column = 0; column < fixed; ++column)
    params.push_back(key_param(key(0)[column]));
  append_key_arrays(params, table, fixed, count, key);
  return params;
}

}  // namespace surveysync::store
