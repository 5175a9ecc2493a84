#pragma once
// A sorted set of numbers that also answers "which is the k-th" and "how many lie below": chunks of about a thousand,
// so that an insertion moves a few kilobytes and a look-up counts chunks. Not thread-safe.

#include <algorithm>
#include <cstddef>
#include <vector>

namespace surveysync::sandbox {

template <typename Key>
class Ranked {
 public:
  std::size_t size() const { return size_; }

  /// Replaces the contents by `keys`, ascending and without repeats.
  void assign(const std::vector<Key>& keys) {
    chunks_.clear();
    size_ = keys.size();
    for (std::size_t from = 0; from < keys.size(); from += kFilled) {
      const auto begin = keys.begin() + static_cast<std::ptrdiff_t>(from);
      chunks_.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(std::min(kFilled, keys.size() - from)));
    }
  }

  /// Harmless when `key` is in already.
  void insert(Key key) {
    if (chunks_.empty()) chunks_.emplace_back();
    std::vector<Key>& chunk = chunks_[std::min(chunk_of(key), chunks_.size() - 1)];
    const auto at = std::lower_bound(chunk.begin(), chunk.end(), key);
    if (at != chunk.end() && *at == key) return;
    chunk.insert(at, key);
    ++size_;
    if (chunk.size() > kMost) split(static_cast<std::size_t>(&chunk - chunks_.data()));
  }

  /// Harmless when `key` is not in.
  void erase(Key key) {
    const std::size_t number = chunk_of(key);
    if (number == chunks_.size()) return;
    std::vector<Key>& chunk = chunks_[number];
    const auto at = std::lower_bound(chunk.begin(), chunk.end(), key);
    if (at == chunk.end() || *at != key) return;
    chunk.erase(at);
    --size_;
    if (chunk.empty()) chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(number));
  }

  /// How many keys are smaller than `key`.
  std::size_t below(Key key) const {
    const std::size_t number = chunk_of(key);
    std::size_t out = 0;
    for (std::size_t i = 0; i < number; ++i)
      out += chunks_[i].size();
    if (number == chunks_.size()) return out;
    const std::vector<Key>& chunk = chunks_[number];
    return out + static_cast<std::size_t>(std::lower_bound(chunk.begin(), chunk.end(), key) - chunk.begin());
  }

  /// The keys of ranks [first, first + count), ascending; fewer at the end.
  std::vector<Key> slice(std::size_t first, std::size_t count) const {
    std::vector<Key> out;
    out.reserve(std::min(count, first < size_ ? size_ - first : 0));
    for (std::size_t i = 0; i < chunks_.size() && out.size() < count; ++i) {
      const std::vector<Key>& chunk = chunks_[i];
      if (first >= chunk.size()) {
        first -= chunk.size();
        continue;
      }
      const std::size_t take = std::min(chunk.size() - first, count - out.size());
      const auto begin = chunk.begin() + static_cast<std::ptrdiff_t>(first);
      out.insert(out.end(), begin, begin + static_cast<std::ptrdiff_t>(take));
      first = 0;
    }
    return out;
  }

 private:
  static constexpr std::size_t kFilled = 768, kMost = 1024;

  // The first chunk whose last key is not below `key`.
  std::size_t chunk_of(Key key) const {
    const auto at = std::partition_point(chunks_.begin(), chunks_.end(), [key](const std::vector<Key>& chunk) {
      return chunk.empty() || chunk.back() < key;
    });
    return static_cast<std::size_t>(at - chunks_.begin());
  }

  void split(std::size_t number) {
    std::vector<Key>& full = chunks_[number];
    const auto middle = full.begin() + static_cast<std::ptrdiff_t>(full.size() / 2);
    std::vector<Key> upper(middle, full.end());
    full.erase(middle, full.end());
    full.shrink_to_fit();
    chunks_.insert(chunks_.begin() + static_cast<std::ptrdiff_t>(number) + 1, std::move(upper));
  }

  std::vector<std::vector<Key>> chunks_;
  std::size_t size_ = 0;
};

}  // namespace surveysync::sandbox
