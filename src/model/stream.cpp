#include "model/stream.h"

#include <xxhash.h>

#include <cstring>

namespace surveysync::model {

std::string key_text(const Key& key) {
  std::string text;
  for (const KeyPart& part : key) {
    if (!text.empty()) text += '/';
    text += std::holds_alternative<std::int64_t>(part) ? std::to_string(std::get<std::int64_t>(part))
                                                       : std::get<std::string>(part);
  }
  return text;
}

Hash hash_of(std::string_view bytes) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
  Hash hash;
  static_assert(sizeof(hash) == sizeof(canonical.digest));
  std::memcpy(hash.data(), canonical.digest, hash.size());
  return hash;
}

namespace {
constexpr std::size_t kFirstBlock = 64UL * 1024;
}

RowBatch::RowBatch() : memory_(std::make_unique<std::pmr::monotonic_buffer_resource>(kFirstBlock)) {}

void RowBatch::clear() {
  rows_.clear();
  flags.clear();
  notices.clear();
  memory_->release();
}

std::span<Cell> RowBatch::make_cells(std::size_t count) {
  auto* cells = static_cast<Cell*>(memory_->allocate(count * sizeof(Cell), alignof(Cell)));
  std::uninitialized_default_construct_n(cells, count);
  return {cells, count};
}

std::span<Cell> RowBatch::add_row(std::size_t table, std::size_t columns) {
  const std::span<Cell> cells = make_cells(columns);
  rows_.push_back({table, cells});
  return cells;
}

std::string_view RowBatch::keep(std::string_view text) {
  if (text.empty()) return {"", 0};
  auto* copy = static_cast<char*>(memory_->allocate(text.size(), 1));
  std::memcpy(copy, text.data(), text.size());
  return {copy, text.size()};
}

std::span<const Cell> RowBatch::keep_list(std::span<const Cell> cells) {
  const std::span<Cell> copy = make_cells(cells.size());
  std::ranges::copy(cells, copy.begin());
  return copy;
}

}  // namespace surveysync::model
