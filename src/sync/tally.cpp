#include "sync/tally.h"

#include <algorithm>
#include <charconv>

namespace surveysync::sync {
namespace {

// So many keys in ascending pages are no accident: from then on they need not be remembered.
constexpr std::int64_t kCertain = 200;

std::string part_text(const model::KeyPart& part) {
  return model::key_text({part});
}

std::optional<std::int64_t> to_int(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<model::KeyPart> parse_part(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (text.front() == 't') return model::KeyPart(std::string(text.substr(1)));
  const auto number = to_int(text.substr(1));
  return number ? std::optional<model::KeyPart>(*number) : std::nullopt;
}

std::string store_part(const std::optional<model::KeyPart>& part) {
  if (!part) return {};
  return (std::holds_alternative<std::int64_t>(*part) ? "n" : "t") + part_text(*part);
}

}  // namespace

void PassTally::add(const model::Page& page, std::int64_t until) {
  std::vector<model::KeyPart> keys;
  keys.reserve(page.records.size());
  for (const model::Record& record : page.records) {
    if (record.table != 0) continue;
    const auto* number = std::get_if<std::int64_t>(&record.key.back());
    if (until < 0 || number == nullptr || *number > until) keys.push_back(record.key.back());
  }
  for (const model::Quarantined& item : page.quarantined)
    unkeyed_.insert(item.record_key);
  const bool ascending = std::ranges::is_sorted(keys);
  if (!ascending && order_ == Order::learning) order_ = Order::other;
  if (!ascending && order_ == Order::ascending) order_ = Order::lost;
  if (order_ == Order::learning || order_ == Order::other) {
    remember(keys);
  } else {
    count_outside(keys);
  }
  for (const model::KeyPart& key : keys) {
    if (!lowest_ || key < *lowest_) lowest_ = key;
    if (!highest_ || *highest_ < key) highest_ = key;
  }
  if (order_ == Order::learning && distinct_ >= kCertain) {
    order_ = Order::ascending;
    remembered_.clear();
  }
}

void PassTally::remember(const std::vector<model::KeyPart>& keys) {
  for (const model::KeyPart& key : keys) {
    if (remembered_.insert(part_text(key)).second) ++distinct_;
  }
}

/// Keys are in ascending order.
void PassTally::count_outside(const std::vector<model::KeyPart>& keys) {
  const model::KeyPart* before = nullptr;
  for (const model::KeyPart& key : keys) {
    const bool again = before != nullptr && *before == key;
    if (!again && (!lowest_ || key < *lowest_ || *highest_ < key)) ++distinct_;
    before = &key;
  }
}

PassTally PassTally::remembering() {
  PassTally tally;
  tally.order_ = Order::other;
  return tally;
}

std::string PassTally::text() const {
  if (order_ == Order::other || order_ == Order::lost) return {};
  return std::to_string(distinct_) + "," +
         std::to_string(unkeyed_before_ + static_cast<std::int64_t>(unkeyed_.size())) + "," + store_part(lowest_) +
         "," + store_part(highest_);
}

std::optional<PassTally> PassTally::parse(std::string_view text) {
  std::vector<std::string_view> fields;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    fields.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  if (fields.size() != 4) return std::nullopt;
  const auto distinct = to_int(fields[0]), unkeyed = to_int(fields[1]);
  if (!distinct || !unkeyed || *distinct < 0 || *unkeyed < 0) return std::nullopt;
  PassTally tally;
  tally.distinct_ = *distinct;
  tally.unkeyed_before_ = *unkeyed;
  if (*distinct > 0) tally.order_ = Order::ascending;  // what was remembered is gone
  tally.lowest_ = parse_part(fields[2]);
  tally.highest_ = parse_part(fields[3]);
  if (tally.lowest_.has_value() != tally.highest_.has_value() || (tally.distinct_ > 0) != tally.lowest_.has_value())
    return std::nullopt;
  return tally;
}

}  // namespace surveysync::sync
