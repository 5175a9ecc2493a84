#include <bit>

#include "pg/binary.h"
#include "pg/libpq.h"

namespace surveysync::pg {
namespace {

constexpr std::int64_t kMicrosToUnixEpoch = 946'684'800'000'000;

/// Big-endian bytes as a number of that many bytes.
std::int64_t number(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes)
    value = value << 8U | static_cast<unsigned char>(byte);
  const std::size_t unused = 64 - 8 * bytes.size();
  return static_cast<std::int64_t>(value << unused) >> unused;
}

void require_type(const PGresult* result, std::size_t column, std::initializer_list<std::uint32_t> types) {
  const Oid type = PQftype(result, static_cast<int>(column));
  for (const std::uint32_t wanted : types) {
    if (type == wanted) return;
  }
  throw Error(ErrorKind::bug, "column " + std::to_string(column) + " has type " + std::to_string(type));
}

}  // namespace

Result::Result(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Result::~Result() = default;
Result::Result(Result&&) noexcept = default;
Result& Result::operator=(Result&&) noexcept = default;

std::size_t Result::rows() const {
  return static_cast<std::size_t>(PQntuples(impl_->result.get()));
}
std::size_t Result::columns() const {
  return static_cast<std::size_t>(PQnfields(impl_->result.get()));
}

std::int64_t Result::affected() const {
  const std::string text = PQcmdTuples(impl_->result.get());
  return text.empty() ? 0 : std::stoll(text);
}

bool Result::is_null(std::size_t row, std::size_t column) const {
  if (row >= rows() || column >= columns()) throw Error(ErrorKind::bug, "no such cell in a result");
  return PQgetisnull(impl_->result.get(), static_cast<int>(row), static_cast<int>(column)) != 0;
}

std::string_view Result::bytes(std::size_t row, std::size_t column) const {
  if (is_null(row, column)) return {};
  const int r = static_cast<int>(row), c = static_cast<int>(column);
  return {PQgetvalue(impl_->result.get(), r, c), static_cast<std::size_t>(PQgetlength(impl_->result.get(), r, c))};
}

std::int64_t Result::integer(std::size_t row, std::size_t column) const {
  require_type(impl_->result.get(), column, {oid::kInt8, oid::kInt4, oid::kInt2});
  if (is_null(row, column)) throw Error(ErrorKind::bug, "an integer is null");
  return number(bytes(row, column));
}

bool Result::boolean(std::size_t row, std::size_t column) const {
  require_type(impl_->result.get(), column, {oid::kBool});
  return number(bytes(row, column)) != 0;
}

std::string Result::text(std::size_t row, std::size_t column) const {
  require_type(impl_->result.get(), column, {oid::kText, oid::kVarchar, oid::kName, oid::kJson, oid::kJsonb});
  std::string_view value = bytes(row, column);
  if (PQftype(impl_->result.get(), static_cast<int>(column)) == oid::kJsonb && !value.empty()) value.remove_prefix(1);
  return std::string(value);
}

std::optional<UtcTime> Result::time(std::size_t row, std::size_t column) const {
  require_type(impl_->result.get(), column, {oid::kTimestamptz});
  if (is_null(row, column)) return std::nullopt;
  return UtcTime(std::chrono::microseconds(number(bytes(row, column)) + kMicrosToUnixEpoch));
}

double Result::real(std::size_t row, std::size_t column) const {
  require_type(impl_->result.get(), column, {oid::kFloat8});
  return std::bit_cast<double>(number(bytes(row, column)));
}

}  // namespace surveysync::pg
