#pragma once
// Cells against the bytes that COPY would send for them, and decoded rows against what the tables demand. The reader of
// the binary format is the target's own: it knows PostgreSQL's protocol, not pg/binary.h. Breaks the promise (aborts)
// where they differ.

#include <cstdint>
#include <span>
#include <string_view>

#include "model/stream.h"

namespace surveysync::fuzz {

/// Reads tuples of COPY (FORMAT binary), without its header and trailer.
class TupleReader {
 public:
  explicit TupleReader(std::string_view bytes) : rest_(bytes) {}
  /// The count of fields that opens a tuple.
  int begin_tuple();
  /// The next field; its bytes are empty when it is null.
  struct Field {
    bool null;
    std::string_view bytes;
  };
  Field next();
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view take(std::size_t size);
  std::string_view rest_;
};

/// The big-endian number at the front of `bytes`, which become shorter; two's complement.
std::int64_t take_number(std::string_view& bytes, std::size_t size);

/// Checks that `field` is what a column of this type holds of `cell`.
void check_field(const model::Column& column, const model::Cell& cell, const TupleReader::Field& field);

/// Checks what every decoder promises of the rows of one record of `stream`: their shape, types, texts that can be
/// stored, keys present and unique, few notices. Then encodes each row and reads it back. False when a value does not
/// fit its column (the record is then quarantined).
bool check_rows(const model::StreamSpec& stream, const model::RowBatch& rows);

/// Checks what every record promises before it is decoded: a payload that can be stored, the hash of the vendor's
/// bytes.
void check_record(const model::Record& record);

}  // namespace surveysync::fuzz
