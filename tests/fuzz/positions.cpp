// Complete passes over a list with numbered pages. Positions as text: read or refused, and written the same again. And
// a whole pass, perhaps in two halves, over a list that loses, regains and appends records between any two requests: it
// comes to an end, and no record that was there all the time is passed over.
#include <fmt/format.h>
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <set>

#include "fuzz/support/check.h"
#include "sources/numbered_pages.h"

namespace surveysync::fuzz {
namespace {

using namespace sources;

void check_page(const PagePosition& position, int page_size) {
  const PageNumber number = next_page(position, page_size);
  SURVEYSYNC_PROMISE(number.page >= 1 && number.size >= 1, position.text());
  if (position.remaining < 1) return;
  const bool seamed = position.ordered && position.low >= 0 && position.low != PagePosition::kTop;
  const std::int64_t above = seamed ? 1 : 0;
  SURVEYSYNC_PROMISE(number.first_row() < position.remaining, position.text());
  SURVEYSYNC_PROMISE(number.first_row() + number.size >= position.remaining + above, position.text());
}

void check_text(std::string_view text) {
  const auto position = PagePosition::parse(text);
  if (!position) return;
  const auto again = PagePosition::parse(position->text());
  SURVEYSYNC_PROMISE(again && again->text() == position->text(), position->text());
  if (position->remaining > 1'000'000'000 || position->floor > position->remaining) return;  // no list is that long
  for (const int size : {1, 2, 10, 499, 500})
    check_page(*position, size);
  if (const auto half = PagePosition::parse(position->lower_half().text()))
    SURVEYSYNC_PROMISE(half->remaining <= position->remaining && half->floor == position->floor);
}

/// The vendor's list, and who was always in it since the pass began.
class List {
 public:
  explicit List(FuzzedDataProvider& choices) : choices_(choices) {
    const auto count = choices.ConsumeIntegralInRange<std::int64_t>(1, 90);
    for (next_id_ = 1; next_id_ <= count * 2; ++next_id_) {
      (next_id_ % 2 == 0 ? present_ : absent_).insert(next_id_);
    }
    stable_ = present_;
  }

  /// What happens between two requests.
  void change() {
    if (choices_.remaining_bytes() == 0 || choices_.ConsumeIntegralInRange(0, 3) > 0) return;
    for (int events = choices_.ConsumeIntegralInRange(1, 4); events > 0; --events) {
      changed_ = true;
      switch (choices_.ConsumeIntegralInRange(0, 2)) {
        case 0:
          move(present_, absent_);
          break;
        case 1:
          move(absent_, present_);
          break;
        default:
          present_.insert(next_id_++);
      }
    }
    std::erase_if(stable_, [&](std::int64_t id) { return !present_.contains(id); });
  }

  PageSeen read(const PageNumber& number, std::set<std::int64_t>& into) const {
    PageSeen seen{number, static_cast<std::int64_t>(present_.size()), 0, -1, -1, true};
    std::int64_t row = 0;
    for (const std::int64_t id : present_) {
      if (row >= number.first_row() && row < number.first_row() + number.size) {
        if (seen.rows++ == 0) seen.lowest = id;
        seen.highest = id;
        into.insert(id);
      }
      ++row;
    }
    return seen;
  }

  const std::set<std::int64_t>& stable() const { return stable_; }
  std::int64_t total() const { return static_cast<std::int64_t>(present_.size()); }
  bool changed() const { return changed_; }

 private:
  void move(std::set<std::int64_t>& from, std::set<std::int64_t>& to) {
    if (from.empty()) return;
    const auto at = std::next(
        from.begin(), choices_.ConsumeIntegralInRange<std::ptrdiff_t>(0, static_cast<std::ptrdiff_t>(from.size()) - 1));
    to.insert(*at);
    from.erase(at);
  }

  FuzzedDataProvider& choices_;
  std::set<std::int64_t> present_, absent_, stable_;
  std::int64_t next_id_ = 1;
  bool changed_ = false;
};

/// What happened in a pass, told once a promise is broken.
using Story = std::vector<std::string>;

std::string told(const PageSeen& seen, const List& list, const std::optional<PagePosition>& left) {
  return fmt::format("page {} of {}: ids {} to {}, {} in the list, then at {}", seen.number.page, seen.number.size,
                     seen.lowest, seen.highest, list.total(), left ? left->text() : "the end");
}

/// Divides the pass as sync/complete_pass does: one page of the lower half, then the upper one ends where they meet.
/// False when there is nothing to divide.
bool divide(std::vector<std::optional<PagePosition>>& parts, const List& list, int page_size,
            std::set<std::int64_t>& read, Story* story) {
  PagePosition upper = *parts[0];
  if (!upper.ordered || upper.low < 0 || upper.remaining - upper.floor < 4 * page_size) return false;
  PagePosition lower = upper.lower_half();
  std::set<std::int64_t> page;
  const PageSeen seen = list.read(next_page(lower, page_size), page);
  if (seen.highest < 0 || upper.low <= seen.highest) return false;
  upper.until = seen.highest;
  upper.floor = lower.remaining;
  lower.low = seen.highest;
  read.insert(page.begin(), page.end());
  parts[0] = upper;
  parts.push_back(after_page(lower, seen));
  if (story) story->push_back("divided, upper at " + upper.text() + "; lower: " + told(seen, list, parts[1]));
  return true;
}

/// The first record that was passed over; nothing when the pass kept its promise.
std::optional<std::int64_t> missed_in_pass(std::string_view bytes, Story* story) {
  FuzzedDataProvider choices(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  constexpr int kMostRequests = 3'000;
  const int page_size = choices.ConsumeIntegralInRange(1, 12);
  const bool may_divide = choices.ConsumeBool();
  List list(choices);
  std::set<std::int64_t> read;
  std::vector<std::optional<PagePosition>> parts = {PagePosition{list.total()}};
  try {
    for (int requests = 0; std::ranges::any_of(parts, [](const auto& part) { return part.has_value(); }); ++requests) {
      SURVEYSYNC_PROMISE(requests < kMostRequests, "the pass has no end");
      list.change();
      const bool divides = may_divide && parts.size() == 1 && parts[0] && choices.ConsumeBool();
      if (divides && divide(parts, list, page_size, read, story)) continue;
      auto& part = parts[parts.size() > 1 && (!parts[0] || (parts[1] && choices.ConsumeBool())) ? 1 : 0];
      check_page(*part, page_size);
      const PageSeen seen = list.read(next_page(*part, page_size), read);
      part = after_page(*part, seen);
      if (story) story->push_back(told(seen, list, part));
    }
  } catch (const Error& error) {
    SURVEYSYNC_PROMISE(error.kind() == ErrorKind::malformed && list.changed(), error.what());
    return std::nullopt;
  }
  const auto missed = std::ranges::find_if(list.stable(), [&](std::int64_t id) { return !read.contains(id); });
  return missed == list.stable().end() ? std::nullopt : std::optional(*missed);
}

void check_pass(std::string_view bytes) {
  const auto missed = missed_in_pass(bytes, nullptr);
  if (!missed) return;
  Story story;
  missed_in_pass(bytes, &story);
  std::string text = "record " + std::to_string(*missed) + " was passed over";
  for (const std::string& line : story)
    text += "\n  " + line;
  SURVEYSYNC_PROMISE(!missed, text);
}

}  // namespace
}  // namespace surveysync::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace surveysync::fuzz;
  check_text(view_of(data, size));
  check_pass(view_of(data, size));
  return 0;
}
