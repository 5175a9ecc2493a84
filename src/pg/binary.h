#pragma once
// Values in PostgreSQL's binary format: tuples for COPY, parameters for statements, and back. Byte work only: no
// connection. A TupleBuffer keeps its memory from page to page and belongs to one thread. Throws Error(malformed) for
// what the type cannot hold (a numeric that is none or too large), Error(bug) for misuse.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "pg/connection.h"

namespace surveysync::pg {

/// Type numbers of the catalog that we send or read.
namespace oid {
inline constexpr std::uint32_t kBool = 16, kBytea = 17, kName = 19, kInt8 = 20, kInt2 = 21, kInt4 = 23, kText = 25,
                               kJson = 114, kFloat8 = 701, kVarchar = 1043, kTimestamptz = 1184, kNumeric = 1700,
                               kJsonb = 3802;
inline constexpr std::uint32_t kJsonArray = 199, kBoolArray = 1000, kByteaArray = 1001, kInt4Array = 1007,
                               kTextArray = 1009, kInt8Array = 1016, kTimestamptzArray = 1185, kNumericArray = 1231,
                               kJsonbArray = 3807;
}  // namespace oid

/// The array type over `element`. Throws Error(bug) for one not listed above.
std::uint32_t array_of(std::uint32_t element);

/// Grows by whole fields: a length and its bytes, as tuples and arrays hold them.
class TupleBuffer {
 public:
  void begin_tuple(std::int16_t fields);
  void null();
  void boolean(bool value);
  void int4(std::int32_t value);
  void int8(std::int64_t value);
  /// text, bytea, json.
  void bytes(std::string_view value);
  void jsonb(std::string_view text);
  void timestamptz(UtcTime value);
  /// A decimal token as JSON writes it: 12, -0.50, 1e-3. Keeps its digits.
  void numeric(std::string_view token);
  /// Opens an array field: then `count` fields, then end_array with what this returned.
  std::size_t begin_array(std::uint32_t element, std::size_t count);
  void end_array(std::size_t mark);

  void append(std::string_view raw);
  std::string_view view() const { return {data_.get(), size_}; }
  std::size_t size() const { return size_; }
  /// Forgets what was written after `size`.
  void truncate(std::size_t size) { size_ = size; }
  /// Forgets all; memory above `keep` bytes is given back.
  void clear(std::size_t keep = 16UL << 20);

 private:
  char* grow(std::size_t bytes);
  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0, capacity_ = 0;
};

/// Collects the elements of one array parameter.
class ArrayBuilder {
 public:
  explicit ArrayBuilder(std::uint32_t element);
  /// The buffer for the next element: write exactly one field into it.
  TupleBuffer& next() {
    ++count_;
    return buffer_;
  }
  std::size_t count() const { return count_; }
  Param take();

 private:
  std::uint32_t element_;
  std::size_t count_ = 0;
  TupleBuffer buffer_;
};

Param null_of(std::uint32_t type);
Param boolean(bool value);
Param int4(std::int32_t value);
Param int8(std::int64_t value);
Param text(std::string_view value);
Param bytea(std::string_view value);
Param timestamptz(UtcTime value);
Param timestamptz(const std::optional<UtcTime>& value);
Param numeric(std::string_view token);
Param json(std::string_view value);
Param jsonb(std::string_view value);
Param text_array(std::span<const std::string> values);
Param int8_array(std::span<const std::int64_t> values);

/// A binary numeric as decimal text.
std::string numeric_text(std::string_view binary);
/// `text` with what a text column refuses replaced: NUL by U+2400, invalid UTF-8 by U+FFFD.
std::string storable(std::string_view text);

}  // namespace surveysync::pg
