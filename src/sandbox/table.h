#pragma once
// The responses of one survey as the vendor's database has them: twenty bytes a row, and three sorted indexes of eight
// bytes or less over the listed ones (id, wall clock of date_submitted, wall clock of date_updated), kept up on every
// change. A page costs what the page holds, wherever it lies. Not thread-safe; the zones outlive it.

#include <limits>
#include <optional>
#include <vector>

#include "sandbox/model.h"
#include "sandbox/ranked.h"

namespace surveysync::sandbox {

enum class RowOrder : std::uint8_t { id, submitted, updated };

/// Wall-clock seconds, both ends included. The vendor's columns hold local time and are compared as such.
struct WallRange {
  static constexpr Seconds kLatest = (Seconds{1} << 33) - 1;  // the year 2242
  Seconds first = 0, last = kLatest;
  bool all() const { return first <= 0 && last >= kLatest; }
  bool holds(Seconds wall) const { return wall >= first && wall <= last; }
  /// Keeps what lies in both.
  void narrow(Seconds from, Seconds until) {
    first = std::clamp(from, first, kLatest + 1);
    last = std::clamp(until, Seconds{-1}, last);
  }
};

struct RowsAsked {
  RowOrder order = RowOrder::id;
  bool descending = false;
  WallRange submitted, updated;
  std::size_t first = 0, count = std::numeric_limits<std::size_t>::max();
  std::optional<std::uint64_t> shuffle_ties = std::nullopt;  ///< rows of one second come in an order drawn from this
};

struct RowsFound {
  std::size_t total = 0;  ///< of all pages
  std::vector<Row> rows;
};

class ResponseTable {
 public:
  ResponseTable(const Zone& submitted, const Zone& updated) : submitted_zone_(&submitted), updated_zone_(&updated) {}

  /// For the generated past: rows by ascending id, then finish_loading.
  void reserve(std::size_t rows) { rows_.reserve(rows); }
  void load(const Row& row);
  void finish_loading();

  /// Adds a row, or replaces the one with its id.
  void put(const Row& row);
  /// Deleted ones included.
  std::optional<Row> find(std::int64_t id) const;
  std::size_t size() const { return rows_.size(); }
  Row at(std::size_t index) const { return unpacked(rows_[index]); }
  /// The index of the first row whose id is not below `id`.
  std::size_t index_of(std::int64_t id) const;
  std::int64_t last_id() const { return rows_.empty() ? 0 : rows_.back().id; }
  /// Rows that lists show.
  std::size_t listed() const { return by_id_.size(); }
  const Statistics& counts() const { return counts_; }

  RowsFound page(const RowsAsked& asked) const;

 private:
  struct Packed {
    std::uint32_t id, started, submitted, updated;  // seconds since 1970, until 2106
    std::uint16_t edits;
    std::uint8_t definition, bits;
  };
  using TimeKey = std::uint64_t;  // wall clock, then id
  static Packed packed(const Row& row);
  static Row unpacked(const Packed& row);
  TimeKey submitted_key(const Row& row) const;
  TimeKey updated_key(const Row& row) const;
  void index(const Row& row);
  void forget(const Row& row);
  void count(const Row& row, int by);
  RowsFound page_of_index(const Ranked<TimeKey>& index, const WallRange& range, const RowsAsked& asked) const;
  RowsFound page_of_ids(const RowsAsked& asked) const;
  RowsFound page_of_gathered(const RowsAsked& asked) const;
  static bool covers(const Ranked<TimeKey>& index, const WallRange& range);
  void shuffle(std::vector<TimeKey>& keys, std::uint64_t seed) const;
  std::vector<Row> rows_of(const std::vector<TimeKey>& keys) const;

  const Zone* submitted_zone_;
  const Zone* updated_zone_;
  std::vector<Packed> rows_;  // ascending id
  Ranked<std::uint32_t> by_id_;
  Ranked<TimeKey> by_submitted_, by_updated_;
  Statistics counts_;
};

}  // namespace surveysync::sandbox
