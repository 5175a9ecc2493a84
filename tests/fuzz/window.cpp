// Windows over changes, read from a vendor whose records are edited, deleted and added between any two requests, and
// who may ignore the filter or the order, cap its pages, or not count what it filters. The window comes to an end, and
// then nothing is missing that it promised, or it says that it cannot be believed. Also the position as text, and wall
// stamps.
#include <fmt/format.h>
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <map>
#include <set>

#include "fuzz/support/check.h"
#include "sources/alchemer/wall.h"
#include "sources/alchemer/window.h"

namespace surveysync::fuzz {
namespace {

using namespace sources::alchemer;

constexpr std::int64_t kStart = 1'790'000'000;  // away from any change of a clock

/// What happened, told once a promise is broken.
using Story = std::vector<std::string>;

class Vendor {
 public:
  explicit Vendor(FuzzedDataProvider& choices)
      : choices_(choices),
        ignores_filter_(choices.ConsumeIntegralInRange(0, 7) == 0),
        ignores_order_(choices.ConsumeIntegralInRange(0, 7) == 0),
        cap_(choices.ConsumeIntegralInRange<std::int64_t>(1, 20)),
        ties_(choices.ConsumeIntegralInRange(0, 2)) {
    const int crowd = choices.ConsumeIntegralInRange(1, 40);  // few seconds for many records make ties
    for (int i = choices.ConsumeIntegralInRange(0, 50); i > 0; --i)
      stamps_[next_id_++] = kStart + choices.ConsumeIntegralInRange(0, crowd);
    untouched_ = stamps_;
    now_ = kStart + crowd + 1;
  }

  /// What happens between two requests.
  void change() {
    now_ += 1 + choices_.ConsumeIntegralInRange(0, 2);
    if (choices_.remaining_bytes() == 0 || choices_.ConsumeIntegralInRange(0, 2) > 0) return;
    for (int events = choices_.ConsumeIntegralInRange(1, 5); events > 0; --events) {
      const int what = choices_.ConsumeIntegralInRange(0, 3);
      if (what == 0) {
        stamps_[next_id_++] = now_;
        continue;
      }
      if (stamps_.empty()) continue;
      const auto record = std::next(stamps_.begin(), choices_.ConsumeIntegralInRange<std::ptrdiff_t>(
                                                         0, static_cast<std::ptrdiff_t>(stamps_.size()) - 1));
      untouched_.erase(record->first);
      if (what == 1) {
        stamps_.erase(record);
      } else {
        record->second = now_;
      }
    }
  }

  struct Answer {
    std::vector<Dated> records;
    std::int64_t matches = 0;
  };
  /// Page `page` of `size` records of the query.
  Answer ask(const http::Query& query, std::int64_t page, std::int64_t size) {
    std::vector<std::pair<std::int64_t, std::int64_t>> found;  // stamp, id
    for (const auto& [id, stamp] : stamps_) {
      if (ignores_filter_ || passes(query, wall_text(stamp))) found.emplace_back(stamp, id);
    }
    const auto order = std::ranges::find(query, "order_by", [](const auto& item) { return item.first; });
    if (order == query.end() || ignores_order_) {
      std::ranges::sort(found, {}, [](const auto& one) { return one.second; });
    } else {
      const std::int64_t direction = order->second.starts_with('-') ? -1 : 1;
      std::ranges::sort(found, {}, [&](const auto& one) {
        const std::int64_t tie = ties_ == 0 ? one.second : ties_ == 1 ? -one.second : one.second * 7919 % 101;
        return std::tuple(one.first * direction, tie, one.second);
      });
    }
    Answer answer;
    answer.matches = static_cast<std::int64_t>(found.size());
    size = std::min(size, cap_);
    for (std::int64_t row = (page - 1) * size; row < page * size && row < answer.matches; ++row) {
      const auto& [stamp, id] = found[static_cast<std::size_t>(row)];
      answer.records.push_back({id, texts_.emplace(stamp, wall_text(stamp)).first->second});
    }
    return answer;
  }

  const std::map<std::int64_t, std::int64_t>& stamps() const { return stamps_; }
  const std::map<std::int64_t, std::int64_t>& untouched() const { return untouched_; }
  std::int64_t now() const { return now_; }
  std::int64_t cap() const { return cap_; }
  bool ignores_order() const { return ignores_order_; }
  std::string traits() const {
    return fmt::format("vendor{}{}, pages of at most {}, {} records at first",
                       ignores_filter_ ? " ignores filters" : "", ignores_order_ ? " ignores order" : "", cap_,
                       untouched_.size());
  }

 private:
  static bool passes(const http::Query& query, const std::string& stamp) {
    for (std::size_t i = 0;; ++i) {
      const auto value_of = [&](const char* part) -> const std::string* {
        const auto item =
            std::ranges::find(query, fmt::format("filter[{}][{}]", part, i), &http::Query::value_type::first);
        return item == query.end() ? nullptr : &item->second;
      };
      const std::string *sign = value_of("operator"), *value = value_of("value");
      if (sign == nullptr) return true;
      const bool passes = *sign == ">=" ? stamp >= *value : *sign == "<=" ? stamp <= *value : stamp < *value;
      if (!passes) return false;
    }
  }

  FuzzedDataProvider& choices_;
  const bool ignores_filter_, ignores_order_;
  const std::int64_t cap_;
  const int ties_;
  std::map<std::int64_t, std::int64_t> stamps_, untouched_;  // by id
  std::map<std::int64_t, std::string> texts_;                // of stamps, for as long as views may live
  std::int64_t next_id_ = 1, now_ = 0;
};

/// What is missing after a window was read to its end; empty when nothing is.
std::string missed_in_window(std::string_view bytes, Story* story) {
  constexpr int kMostRequests = 2'000;
  FuzzedDataProvider choices(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  Vendor vendor(choices);
  const auto page_size = choices.ConsumeIntegralInRange<std::int64_t>(1, 15);
  const bool counts = choices.ConsumeBool();
  const std::int64_t from = kStart + choices.ConsumeIntegralInRange(0, 20);
  const std::int64_t until =
      choices.ConsumeBool() ? from + choices.ConsumeIntegralInRange(1, 60) : vendor.now() + 100'000;
  std::optional<WindowPosition> position = WindowPosition{};
  position->newest_first = choices.ConsumeBool();
  position->from = wall_text(from);
  if (until < vendor.now() + 100'000) position->until = wall_text(until);
  const bool newest_first = position->newest_first;
  if (story) story->push_back(vendor.traits());
  std::set<std::pair<std::int64_t, std::string>> read;
  for (int requests = 0; position; ++requests) {
    SURVEYSYNC_PROMISE(requests < kMostRequests, "the window has no end");
    vendor.change();
    const auto again = WindowPosition::parse(position->text());
    SURVEYSYNC_PROMISE(again && again->text() == position->text(), position->text());
    const bool tie = position->tie.page > 0;
    const std::int64_t size = tie ? position->tie.size : page_size;
    const Vendor::Answer answer = vendor.ask(window_query(*position), tie ? position->tie.page : 1, size);
    for (const Dated& record : answer.records)
      read.emplace(record.id, record.stamp);
    const WindowSeen seen{size, static_cast<std::int64_t>(answer.records.size()),
                          counts ? std::optional(answer.matches) : std::nullopt, vendor.cap(), answer.records};
    WindowStep step = after_window_page(*position, seen, Zone("UTC"));
    if (story) {
      std::string line = fmt::format("{} asked for {} at {}:", position->text(), size, wall_text(vendor.now()));
      for (const Dated& record : answer.records)
        line += fmt::format(" {} ({})", record.id, record.stamp.substr(14));
      story->push_back(line + (step.unreliable.empty() ? "" : "; " + step.unreliable));
    }
    if (!step.unreliable.empty()) {
      SURVEYSYNC_PROMISE(!step.next);
      return {};
    }
    position = std::move(step.next);
  }
  // A page whose ids happen to be in the order of their changes cannot show that the order is ignored: that is tested
  // beforehand, with many records (Source::learn).
  if (vendor.ignores_order()) return {};
  // Backwards, what changes meanwhile moves out of the window: the next forward one meets it. Forward, it comes again.
  for (const auto& [id, stamp] : newest_first ? vendor.untouched() : vendor.stamps()) {
    if (stamp < from || stamp >= until || read.contains({id, wall_text(stamp)})) continue;
    return fmt::format("record {} of {} was passed over", id, wall_text(stamp));
  }
  return {};
}

void check_window(std::string_view bytes) {
  std::string missed = missed_in_window(bytes, nullptr);
  if (missed.empty()) return;
  Story story;
  missed_in_window(bytes, &story);
  for (const std::string& line : story)
    missed += "\n  " + line;
  SURVEYSYNC_PROMISE(missed.empty(), missed);
}

void check_text(std::string_view text) {
  if (const auto position = WindowPosition::parse(text)) {
    SURVEYSYNC_PROMISE(position->text() == text || WindowPosition::parse(position->text()).has_value());
    SURVEYSYNC_PROMISE(!window_query(*position).empty());
  }
  if (!is_wall(text)) return;
  SURVEYSYNC_PROMISE(wall_text(wall_seconds(text)) == text);
  SURVEYSYNC_PROMISE(moved(text, Duration::zero()) == text);
  if (text >= "2200-12-30") return;  // behind the last day that a wall clock shows here there is nowhere to move to
  SURVEYSYNC_PROMISE(moved(moved(text, std::chrono::hours(26)), -std::chrono::hours(26)) == text);
  const UtcTime at{std::chrono::seconds(wall_seconds(text))};
  for (const char* name : {"UTC", "America/New_York", "Australia/Sydney"}) {
    const Zone zone(name);
    const std::string shown = wall_at(at, zone);
    const auto back = to_utc(*parse_stamp(shown), zone, at);
    const bool early = wall_seconds(shown) < 86'400;  // before 1970 there are no stamps
    SURVEYSYNC_PROMISE(is_wall(shown) || wall_seconds(text) > 7'258'000'000, shown);
    if (is_wall(shown) && !early) SURVEYSYNC_PROMISE(back && (*back == at || is_repeated(shown, zone)), shown);
    SURVEYSYNC_PROMISE(doubt_around(at, zone) >= Duration::zero() && doubt_around(at, zone) <= kZoneDoubt);
  }
}

}  // namespace
}  // namespace surveysync::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace surveysync::fuzz;
  check_text(view_of(data, size));
  check_window(view_of(data, size));
  return 0;
}
