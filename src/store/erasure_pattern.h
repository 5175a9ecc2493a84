#pragma once
// How what is erased is found: by the columns of a key, and by text. Inside of store/.

#include <optional>
#include <string>

#include "pg/connection.h"
#include "store/erasure.h"

namespace surveysync::store {

/// Whether the text of row `t` shows the pattern $1; JSON also without its escapes.
std::string shows_pattern(const PlainTable& table);
/// The rows of a table that belong to a record: a condition, with its parameters from $1 on. Nothing where the table
/// has not the columns of the record's key.
std::optional<pg::Statement> where_is(const ErasedRecord& record, const PlainTable& table, const std::string& source);

/// A regular expression for the texts by which persons and records of the wish are written; empty when there are none.
std::string pattern_of(const ErasureWish& wish);
/// The same for persons alone, also as hexadecimal bytes.
std::string pattern_of_persons(const ErasureWish& wish);

/// The table that a statement deletes from or updates: "alchemer.response".
std::string place_of(const std::string& sql);

}  // namespace surveysync::store
