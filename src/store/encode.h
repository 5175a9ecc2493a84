#pragma once
// Cells become fields in PostgreSQL's binary format. Pure. Throws Error(malformed) for a value that its column cannot
// hold (the record is then quarantined) and Error(bug) for a cell of the wrong type (a decoder's mistake).

#include <span>
#include <string>

#include "model/stream.h"
#include "pg/binary.h"

namespace surveysync::store {

/// Writes the cell as a field of `column`.
void encode(pg::TupleBuffer& out, const model::Column& column, const model::Cell& cell);
/// Writes key columns, then typed columns. `cells` are those of a RowBatch's row of `table`.
void encode_row(pg::TupleBuffer& out, const model::Table& table, std::span<const model::Cell> cells);
/// One part of a key as a field.
void encode(pg::TupleBuffer& out, const model::KeyPart& part);

/// The element type of the array parameter that carries this column through unnest.
std::uint32_t element_of(model::ColumnType type);
/// Writes the cell as an element of that array: list columns as array literals in text.
void encode_element(pg::TupleBuffer& out, const model::Column& column, const model::Cell& cell);
/// {"a","b"}: PostgreSQL's text form of an array.
std::string array_literal(std::span<const std::string> values);

/// The parts of `cells` that are the table's key. Throws Error(bug) when one is null.
model::Key key_of(const model::Table& table, std::span<const model::Cell> cells);

}  // namespace surveysync::store
