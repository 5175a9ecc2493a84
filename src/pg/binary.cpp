#include "pg/binary.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

#include "base/error.h"

namespace surveysync::pg {
namespace {

constexpr std::int64_t kMicrosToPgEpoch = 946'684'800'000'000;  // 2000-01-01, from where PostgreSQL counts

template <class Number>
void put(char* at, Number value) {
  if constexpr (std::endian::native == std::endian::little && sizeof(Number) > 1) {
    if constexpr (sizeof(Number) == 2)
      value = static_cast<Number>(__builtin_bswap16(static_cast<std::uint16_t>(value)));
    if constexpr (sizeof(Number) == 4)
      value = static_cast<Number>(__builtin_bswap32(static_cast<std::uint32_t>(value)));
    if constexpr (sizeof(Number) == 8)
      value = static_cast<Number>(__builtin_bswap64(static_cast<std::uint64_t>(value)));
  }
  std::memcpy(at, &value, sizeof(value));
}

std::int16_t get2(std::string_view bytes, std::size_t at) {
  if (at + 2 > bytes.size()) throw Error(ErrorKind::bug, "a binary numeric is cut");
  const auto high = static_cast<unsigned char>(bytes[at]), low = static_cast<unsigned char>(bytes[at + 1]);
  return static_cast<std::int16_t>(static_cast<std::uint16_t>(high << 8U | low));
}

constexpr std::size_t kArrayHeader = 20;  // dimensions, has-null, element, length, lower bound
constexpr int kDigitBase = 10'000, kDigitsPerGroup = 4;
constexpr std::int16_t kNegative = 0x4000;
// What the server's numeric type allows (numeric.h): digits before and after the point.
constexpr std::int64_t kMaxBefore = 131'072, kMaxAfter = 16'383;

[[noreturn]] void not_a_number(std::string_view token) {
  throw Error(ErrorKind::malformed,
              "not a decimal number that a numeric column can hold: " + storable(token.substr(0, 40)));
}

/// A decimal token taken apart: digits without point, and how many of them stand behind it.
struct Decimal {
  bool negative = false;
  std::string digits;
  std::int64_t scale = 0;  // negative: zeros to be appended
};

Decimal parse_decimal(std::string_view token) {
  Decimal decimal;
  std::size_t at = 0;
  if (at < token.size() && (token[at] == '-' || token[at] == '+')) decimal.negative = token[at++] == '-';
  bool point = false;
  for (; at < token.size(); ++at) {
    const char c = token[at];
    if (c >= '0' && c <= '9') {
      decimal.digits += c;
      if (point) ++decimal.scale;
    } else if (c == '.' && !point) {
      point = true;
    } else {
      break;
    }
  }
  if (decimal.digits.empty()) not_a_number(token);
  if (at < token.size()) {
    if (token[at] != 'e' && token[at] != 'E') not_a_number(token);
    ++at;
    if (at < token.size() && token[at] == '+') ++at;
    int exponent = 0;
    const char* end = token.data() + token.size();
    const auto [stop, error] = std::from_chars(token.data() + at, end, exponent);
    if (error != std::errc() || stop != end || exponent > kMaxBefore || exponent < -kMaxBefore) not_a_number(token);
    decimal.scale -= exponent;
  }
  return decimal;
}

}  // namespace

std::uint32_t array_of(std::uint32_t element) {
  switch (element) {
    case oid::kBool:
      return oid::kBoolArray;
    case oid::kBytea:
      return oid::kByteaArray;
    case oid::kInt8:
      return oid::kInt8Array;
    case oid::kInt4:
      return oid::kInt4Array;
    case oid::kText:
      return oid::kTextArray;
    case oid::kJson:
      return oid::kJsonArray;
    case oid::kTimestamptz:
      return oid::kTimestamptzArray;
    case oid::kNumeric:
      return oid::kNumericArray;
    case oid::kJsonb:
      return oid::kJsonbArray;
    default:
      throw Error(ErrorKind::bug, "no array type known over type " + std::to_string(element));
  }
}

char* TupleBuffer::grow(std::size_t bytes) {
  if (size_ + bytes > capacity_) {
    const std::size_t wanted = std::max({size_ + bytes, capacity_ * 2, std::size_t{4096}});
    auto larger = std::make_unique_for_overwrite<char[]>(wanted);
    if (size_ > 0) std::memcpy(larger.get(), data_.get(), size_);
    data_ = std::move(larger);
    capacity_ = wanted;
  }
  char* at = data_.get() + size_;
  size_ += bytes;
  return at;
}

void TupleBuffer::clear(std::size_t keep) {
  size_ = 0;
  if (capacity_ > keep) {
    data_.reset();
    capacity_ = 0;
  }
}

void TupleBuffer::begin_tuple(std::int16_t fields) {
  put(grow(2), fields);
}

void TupleBuffer::null() {
  put(grow(4), std::int32_t{-1});
}

void TupleBuffer::boolean(bool value) {
  char* at = grow(5);
  put(at, std::int32_t{1});
  at[4] = value ? '\1' : '\0';
}

void TupleBuffer::int4(std::int32_t value) {
  char* at = grow(8);
  put(at, std::int32_t{4});
  put(at + 4, value);
}

void TupleBuffer::int8(std::int64_t value) {
  char* at = grow(12);
  put(at, std::int32_t{8});
  put(at + 4, value);
}

void TupleBuffer::bytes(std::string_view value) {
  if (value.size() > 0x3FFFFFFFU) throw Error(ErrorKind::malformed, "a value of more than 1 GiB");
  char* at = grow(4 + value.size());
  put(at, static_cast<std::int32_t>(value.size()));
  if (!value.empty()) std::memcpy(at + 4, value.data(), value.size());
}

void TupleBuffer::jsonb(std::string_view text) {
  if (text.size() > 0x3FFFFFFFU) throw Error(ErrorKind::malformed, "a value of more than 1 GiB");
  char* at = grow(5 + text.size());
  put(at, static_cast<std::int32_t>(text.size() + 1));
  at[4] = '\1';  // version of the format
  if (!text.empty()) std::memcpy(at + 5, text.data(), text.size());
}

void TupleBuffer::timestamptz(UtcTime value) {
  int8(value.time_since_epoch().count() - kMicrosToPgEpoch);
}

void TupleBuffer::numeric(std::string_view token) {
  Decimal decimal = parse_decimal(token);
  const std::int64_t before = static_cast<std::int64_t>(decimal.digits.size()) - decimal.scale;
  if (before > kMaxBefore || decimal.scale > kMaxAfter) not_a_number(token);
  if (decimal.scale < 0) {
    decimal.digits.append(static_cast<std::size_t>(-decimal.scale), '0');
    decimal.scale = 0;
  }
  const auto scale = static_cast<std::size_t>(decimal.scale);
  if (decimal.digits.size() < scale) decimal.digits.insert(0, scale - decimal.digits.size(), '0');
  // Groups of four decimal digits, aligned at the point.
  const std::size_t whole = decimal.digits.size() - scale;
  decimal.digits.insert(0, (kDigitsPerGroup - whole % kDigitsPerGroup) % kDigitsPerGroup, '0');
  const std::size_t groups_before = (decimal.digits.size() - scale) / kDigitsPerGroup;
  decimal.digits.append((kDigitsPerGroup - scale % kDigitsPerGroup) % kDigitsPerGroup, '0');
  std::vector<std::int16_t> groups;
  for (std::size_t at = 0; at < decimal.digits.size(); at += kDigitsPerGroup) {
    int group = 0;
    for (std::size_t i = 0; i < kDigitsPerGroup; ++i)
      group = group * 10 + (decimal.digits[at + i] - '0');
    groups.push_back(static_cast<std::int16_t>(group));
  }
  std::size_t first = 0;
  while (first < groups.size() && groups[first] == 0)
    ++first;
  while (groups.size() > first && groups.back() == 0)
    groups.pop_back();
  const bool zero = groups.size() == first;
  const std::size_t count = groups.size() - first;
  char* at = grow(4 + 8 + 2 * count);
  put(at, static_cast<std::int32_t>(8 + 2 * count));
  put(at + 4, static_cast<std::int16_t>(count));
  put(at + 6, static_cast<std::int16_t>(
                  zero ? 0 : static_cast<std::int64_t>(groups_before) - 1 - static_cast<std::int64_t>(first)));
  put(at + 8, zero || !decimal.negative ? std::int16_t{0} : kNegative);
  put(at + 10, static_cast<std::int16_t>(scale));
  for (std::size_t i = 0; i < count; ++i)
    put(at + 12 + 2 * i, groups[first + i]);
}

std::size_t TupleBuffer::begin_array(std::uint32_t element, std::size_t count) {
  const std::size_t mark = size_;
  const bool some = count > 0;
  char* at = grow(4 + (some ? kArrayHeader : 12));
  put(at + 4, std::int32_t{some ? 1 : 0});
  put(at + 8, std::int32_t{1});  // may hold nulls
  put(at + 12, element);
  if (some) {
    put(at + 16, static_cast<std::int32_t>(count));
    put(at + 20, std::int32_t{1});
  }
  return mark;
}

void TupleBuffer::end_array(std::size_t mark) {
  put(data_.get() + mark, static_cast<std::int32_t>(size_ - mark - 4));
}

void TupleBuffer::append(std::string_view raw) {
  if (!raw.empty()) std::memcpy(grow(raw.size()), raw.data(), raw.size());
}

ArrayBuilder::ArrayBuilder(std::uint32_t element) : element_(element) {}

Param ArrayBuilder::take() {
  TupleBuffer header;
  header.begin_array(element_, count_);
  std::string value;
  value.reserve(header.size() + buffer_.size());
  value.append(header.view().substr(4)).append(buffer_.view());
  buffer_.clear(0);
  count_ = 0;
  return {array_of(element_), std::move(value)};
}

namespace {

/// A parameter is a field without its length.
template <class Write>
Param param(std::uint32_t type, const Write& write) {
  TupleBuffer buffer;
  write(buffer);
  return {type, std::string(buffer.view().substr(4))};
}

}  // namespace

Param null_of(std::uint32_t type) {
  return {type, std::nullopt};
}
Param boolean(bool value) {
  return param(oid::kBool, [&](TupleBuffer& out) { out.boolean(value); });
}
Param int4(std::int32_t value) {
  return param(oid::kInt4, [&](TupleBuffer& out) { out.int4(value); });
}
Param int8(std::int64_t value) {
  return param(oid::kInt8, [&](TupleBuffer& out) { out.int8(value); });
}
Param text(std::string_view value) {
  return {oid::kText, std::string(value)};
}
Param bytea(std::string_view value) {
  return {oid::kBytea, std::string(value)};
}
Param timestamptz(UtcTime value) {
  return param(oid::kTimestamptz, [&](TupleBuffer& out) { out.timestamptz(value); });
}
Param timestamptz(const std::optional<UtcTime>& value) {
  return value ? timestamptz(*value) : null_of(oid::kTimestamptz);
}
Param numeric(std::string_view token) {
  return param(oid::kNumeric, [&](TupleBuffer& out) { out.numeric(token); });
}
Param json(std::string_view value) {
  return {oid::kJson, std::string(value)};
}
Param jsonb(std::string_view value) {
  return param(oid::kJsonb, [&](TupleBuffer& out) { out.jsonb(value); });
}
Param text_array(std::span<const std::string> values) {
  ArrayBuilder builder(oid::kText);
  for (const std::string& value : values)
    builder.next().bytes(value);
  return builder.take();
}
Param int8_array(std::span<const std::int64_t> values) {
  ArrayBuilder builder(oid::kInt8);
  for (const std::int64_t value : values)
    builder.next().int8(value);
  return builder.take();
}

std::string numeric_text(std::string_view binary) {
  const int count = get2(binary, 0), weight = get2(binary, 2), sign = get2(binary, 4), scale = get2(binary, 6);
  if (sign != 0 && sign != kNegative) return "NaN";
  const auto group = [&](int index) {
    const int value = index >= 0 && index < count ? get2(binary, 8 + 2 * static_cast<std::size_t>(index)) : 0;
    std::string text = std::to_string(value + kDigitBase);
    return text.substr(1);
  };
  std::string whole, fraction;
  for (int index = 0; index <= weight; ++index)
    whole += group(index);
  whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size()));
  if (whole.empty()) whole = "0";
  for (int index = weight + 1; static_cast<int>(fraction.size()) < scale; ++index)
    fraction += group(index);
  fraction.resize(static_cast<std::size_t>(scale));
  return (sign == kNegative ? "-" : "") + whole + (scale > 0 ? "." + fraction : "");
}

}  // namespace surveysync::pg
