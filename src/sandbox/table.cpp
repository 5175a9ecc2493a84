#include "sandbox/table.h"

#include "sandbox/random.h"

namespace surveysync::sandbox {
namespace {

constexpr int kIdBits = 30;
constexpr std::uint64_t kIdMask = (std::uint64_t{1} << kIdBits) - 1;

std::uint64_t key_of(Seconds wall, std::int64_t id) {
  return static_cast<std::uint64_t>(std::max<Seconds>(0, wall)) << kIdBits | static_cast<std::uint64_t>(id);
}

std::uint32_t u32(std::int64_t value) {
  return static_cast<std::uint32_t>(value);
}

}  // namespace

ResponseTable::Packed ResponseTable::packed(const Row& row) {
  const unsigned bits = static_cast<unsigned>(row.status) | (row.test ? 4U : 0U) | (row.deleted ? 8U : 0U) |
                        (row.without_answers ? 16U : 0U) | (row.touched ? 32U : 0U);
  return {u32(row.id),
          u32(row.started),
          u32(row.submitted),
          u32(row.updated),
          row.edits,
          row.definition,
          static_cast<std::uint8_t>(bits)};
}

Row ResponseTable::unpacked(const Packed& row) {
  Row out;
  out.id = row.id;
  out.started = row.started;
  out.submitted = row.submitted;
  out.updated = row.updated;
  out.edits = row.edits;
  out.definition = row.definition;
  out.status = static_cast<Status>(row.bits & 3U);
  out.test = (row.bits & 4U) != 0;
  out.deleted = (row.bits & 8U) != 0;
  out.without_answers = (row.bits & 16U) != 0;
  out.touched = (row.bits & 32U) != 0;
  return out;
}

ResponseTable::TimeKey ResponseTable::submitted_key(const Row& row) const {
  return key_of(submitted_zone_->wall(row.submitted), row.id);
}

ResponseTable::TimeKey ResponseTable::updated_key(const Row& row) const {
  return key_of(updated_zone_->wall(row.updated), row.id);
}

void ResponseTable::load(const Row& row) {
  rows_.push_back(packed(row));
}

void ResponseTable::finish_loading() {
  std::vector<std::uint32_t> ids;
  std::vector<TimeKey> submitted, updated;
  for (auto* keys : {&submitted, &updated})
    keys->reserve(rows_.size());
  ids.reserve(rows_.size());
  for (const Packed& item : rows_) {
    const Row row = unpacked(item);
    count(row, 1);
    if (row.deleted) continue;
    ids.push_back(item.id);
    submitted.push_back(submitted_key(row));
    updated.push_back(updated_key(row));
  }
  by_id_.assign(ids);
  std::sort(submitted.begin(), submitted.end());
  by_submitted_.assign(submitted);
  std::sort(updated.begin(), updated.end());
  by_updated_.assign(updated);
}

void ResponseTable::count(const Row& row, int by) {
  if (row.test) counts_.test += by;
  if (row.deleted) {
    counts_.deleted += by;
  } else if (row.status == Status::complete) {
    counts_.complete += by;
  } else if (row.status == Status::partial) {
    counts_.partial += by;
  } else {
    counts_.disqualified += by;
  }
}

void ResponseTable::index(const Row& row) {
  if (row.deleted) return;
  by_id_.insert(u32(row.id));
  by_submitted_.insert(submitted_key(row));
  by_updated_.insert(updated_key(row));
}

void ResponseTable::forget(const Row& row) {
  if (row.deleted) return;
  by_id_.erase(u32(row.id));
  by_submitted_.erase(submitted_key(row));
  by_updated_.erase(updated_key(row));
}

std::size_t ResponseTable::index_of(std::int64_t id) const {
  const auto at = std::lower_bound(rows_.begin(), rows_.end(), id,
                                   [](const Packed& row, std::int64_t wanted) { return row.id < wanted; });
  return static_cast<std::size_t>(at - rows_.begin());
}

void ResponseTable::put(const Row& row) {
  const std::size_t at = index_of(row.id);
  if (at < rows_.size() && rows_[at].id == row.id) {
    const Row old = unpacked(rows_[at]);
    forget(old);
    count(old, -1);
    rows_[at] = packed(row);
  } else {
    // Grows by an eighth, not by as much again: a million rows would waste as many.
    if (rows_.size() == rows_.capacity()) rows_.reserve(rows_.size() + rows_.size() / 8 + 64);
    rows_.insert(rows_.begin() + static_cast<std::ptrdiff_t>(at), packed(row));
  }
  index(row);
  count(row, 1);
}

std::optional<Row> ResponseTable::find(std::int64_t id) const {
  const std::size_t at = index_of(id);
  if (at == rows_.size() || rows_[at].id != id) return std::nullopt;
  return unpacked(rows_[at]);
}

std::vector<Row> ResponseTable::rows_of(const std::vector<TimeKey>& keys) const {
  std::vector<Row> out;
  out.reserve(keys.size());
  for (const TimeKey key : keys)
    out.push_back(at(index_of(static_cast<std::int64_t>(key & kIdMask))));
  return out;
}

void ResponseTable::shuffle(std::vector<TimeKey>& keys, std::uint64_t seed) const {
  std::stable_sort(keys.begin(), keys.end(), [seed](TimeKey a, TimeKey b) {
    if (a >> kIdBits != b >> kIdBits) return a < b;
    return Draw({seed, a & kIdMask}).next() < Draw({seed, b & kIdMask}).next();
  });
}

RowsFound ResponseTable::page_of_index(const Ranked<TimeKey>& index, const WallRange& range,
                                       const RowsAsked& asked) const {
  RowsFound out;
  if (range.first > range.last) return out;  // nothing can lie in it
  const std::size_t begin = range.all() ? 0 : index.below(key_of(range.first, 0));
  const std::size_t end = range.all() ? index.size() : index.below(key_of(range.last + 1, 0));
  out.total = end - begin;
  if (asked.first >= out.total) return out;
  std::size_t count = std::min(asked.count, out.total - asked.first);
  std::size_t first = asked.descending ? end - asked.first - count : begin + asked.first;
  std::size_t skip = 0;
  const std::size_t wanted = count;
  if (asked.shuffle_ties) {
    // Whole seconds are shuffled, also where one reaches over the edge of the page.
    const std::vector<TimeKey> edge{index.slice(first, 1).front(), index.slice(first + count - 1, 1).front()};
    const std::size_t from = index.below(edge[0] & ~kIdMask), until = index.below((edge[1] | kIdMask) + 1);
    skip = asked.descending ? until - (first + count) : first - from;
    first = from;
    count = until - from;
  }
  std::vector<TimeKey> keys = index.slice(first, count);
  if (asked.shuffle_ties) shuffle(keys, *asked.shuffle_ties);
  if (asked.descending) std::reverse(keys.begin(), keys.end());
  if (keys.size() > wanted) {
    keys.erase(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(skip));
    keys.resize(wanted);
  }
  out.rows = rows_of(keys);
  return out;
}

RowsFound ResponseTable::page_of_ids(const RowsAsked& asked) const {
  RowsFound out;
  out.total = by_id_.size();
  const std::vector<std::uint32_t> ids = by_id_.slice(asked.first, asked.count);
  out.rows.reserve(ids.size());
  if (ids.empty()) return out;
  // Listed rows lie nearly side by side.
  std::size_t at_row = index_of(ids.front());
  for (const std::uint32_t id : ids) {
    while (rows_[at_row].id != id)
      ++at_row;
    out.rows.push_back(at(at_row));
  }
  return out;
}

// A range of one time in the order of another, or of both times: costs what the range holds.
RowsFound ResponseTable::page_of_gathered(const RowsAsked& asked) const {
  RowsAsked everything;
  const bool by_updated = !covers(by_updated_, asked.updated);
  RowsFound out =
      page_of_index(by_updated ? by_updated_ : by_submitted_, by_updated ? asked.updated : asked.submitted, everything);
  if (by_updated) {
    std::erase_if(out.rows,
                  [&](const Row& row) { return !asked.submitted.holds(submitted_zone_->wall(row.submitted)); });
  }
  const auto key = [&](const Row& row) {
    return asked.order == RowOrder::id          ? static_cast<TimeKey>(row.id)
           : asked.order == RowOrder::submitted ? submitted_key(row)
                                                : updated_key(row);
  };
  std::sort(out.rows.begin(), out.rows.end(),
            [&](const Row& a, const Row& b) { return asked.descending ? key(b) < key(a) : key(a) < key(b); });
  out.total = out.rows.size();
  const std::size_t first = std::min(asked.first, out.total);
  out.rows.erase(out.rows.begin(), out.rows.begin() + static_cast<std::ptrdiff_t>(first));
  if (out.rows.size() > asked.count) out.rows.resize(asked.count);
  return out;
}

bool ResponseTable::covers(const Ranked<TimeKey>& index, const WallRange& range) {
  if (range.all()) return true;
  return range.first <= range.last && index.below(key_of(range.first, 0)) == 0 &&
         index.below(key_of(range.last + 1, 0)) == index.size();
}

RowsFound ResponseTable::page(const RowsAsked& asked) const {
  const bool any_submitted = covers(by_submitted_, asked.submitted), any_updated = covers(by_updated_, asked.updated);
  if (asked.order == RowOrder::id && any_submitted && any_updated) return page_of_ids(asked);
  if (asked.order == RowOrder::updated && any_submitted) return page_of_index(by_updated_, asked.updated, asked);
  if (asked.order == RowOrder::submitted && any_updated) return page_of_index(by_submitted_, asked.submitted, asked);
  return page_of_gathered(asked);
}

}  // namespace surveysync::sandbox
