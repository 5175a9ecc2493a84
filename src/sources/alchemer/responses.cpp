// Pages of responses: complete passes, the newest end, the newest changes, windows over changes, counts.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "sources/alchemer/alchemer_source.h"
#include "sources/alchemer/wall.h"

namespace surveysync::sources::alchemer {
namespace {

using model::Page;

// Rows of a look at the newest end.
constexpr int kTailPage = 25;
// Tries of a page under whose weight the vendor fails, before a smaller one is asked for.
constexpr int kHeavyAttempts = 2;
// More responses than any survey has: a total above is no total.
constexpr std::int64_t kLargestTotal = 1'000'000'000;
constexpr std::string_view kTail = "tail:", kNewest = "newest:", kCount = "count:";
// The earliest that any zone's clock can show.
constexpr std::chrono::hours kWestmost{-12};
constexpr std::string_view kBeginning = "1970-01-01 00:00:00";

std::int64_t number_behind(std::string_view text, std::string_view prefix) {
  std::int64_t number = 0;
  text.remove_prefix(prefix.size());
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0)
    throw Error(ErrorKind::bug, fmt::format("position \"{}{}\" is none of this source's", prefix, text));
  return number;
}

/// About `size` rows, another number for each variant.
std::int64_t varied(int size, unsigned variant) {
  const auto spread = static_cast<unsigned>(std::min(static_cast<int>(kVariants), size / 5));
  return size < 16 ? size + static_cast<int>(variant % 4) : size - static_cast<int>(variant % spread);
}

http::Query with_paging(http::Query query, std::int64_t page, std::int64_t size) {
  for (auto& item : paging(page, size))
    query.push_back(std::move(item));
  return query;
}

/// What the page showed of ids, for the seam.
PageSeen seen_of(const PageNumber& number, std::int64_t total, std::int64_t rows, const std::vector<Dated>& records) {
  PageSeen seen{number, total, rows, -1, -1, true};
  for (const Dated& record : records) {
    if (record.id < 1) continue;
    seen.ascending = seen.ascending && record.id > seen.highest;
    seen.lowest = seen.lowest < 0 ? record.id : std::min(seen.lowest, record.id);
    seen.highest = std::max(seen.highest, record.id);
  }
  return seen;
}

}  // namespace

Page AlchemerSource::fetch_responses(const FetchRequest& request, const std::stop_token& stop) {
  const std::string& at = request.position;
  if (at.empty()) return count_responses(request, stop);
  if (at.starts_with(kTail)) return read_tail(request, stop);
  if (at.starts_with(kNewest)) return read_newest(request, stop);
  if (at.starts_with(kCount)) return count_changed(request, stop);
  if (auto window = WindowPosition::parse(at)) return read_window(request, std::move(*window), stop);
  if (const auto position = PagePosition::parse(at)) return read_unread_page(request, *position, stop);
  throw Error(ErrorKind::bug, "position \"" + at + "\" is none of this source's");
}

AlchemerSource::Answer AlchemerSource::ask(const FetchRequest& request, const http::Query& query,
                                           const PageNumber& number, const std::stop_token& stop) {
  const std::string path = survey_path(request.partition.name) + "/surveyresponse";
  http::Reply reply = context_.client.get(
      {path, with_paging(query, number.page, number.size), request.scope, 0, request.may_shrink ? kHeavyAttempts : 0},
      stop);
  Page page;
  page.requests = reply.attempts;
  page.elapsed = reply.elapsed;
  page.cached = reply.cached;
  List list = read_list(reply, path);
  const auto echoed = list.envelope.integer("page");
  if (echoed && *echoed != number.page) {
    throw Error(ErrorKind::malformed,
                fmt::format("reading {}: asked for page {}, got page {}", path, number.page, *echoed));
  }
  page.total = list.total;
  page.holes = list.holes;
  if (list.rows() >= number.size) note_full_page(number.size);
  return {number, std::move(page), std::move(list), 0};
}

std::vector<Dated> AlchemerSource::take_records(const FetchRequest& request, List& list, Page& page) const {
  const std::int64_t survey_id = std::stoll(request.partition.name);
  std::vector<Dated> dated;
  dated.reserve(list.records.size());
  page.records.reserve(list.records.size());
  for (const std::string_view raw : list.records) {
    const std::size_t before = page.records.size();
    key_response(raw, survey_id, privacy_, {&list.body.repair, list.body.text.get()}, page);
    const bool keyed = page.records.size() > before;
    dated.push_back({keyed ? std::get<std::int64_t>(page.records.back().key.back()) : 0, stamp_of(raw)});
  }
  for (const Dated& record : dated)
    note_newest(record.stamp, zones_.updated, page);
  page.texts.push_back(std::move(list.body.text));
  return dated;
}

// --- complete passes ---

Page AlchemerSource::count_responses(const FetchRequest& request, const std::stop_token& stop) {
  const http::Query order =
      abilities_.newest_first ? http::Query{{"order_by", "-date_updated"}} : http::Query();  // where the pass begins
  Answer answer = ask(request, order, {1, 1 + next_variant(request.partition.name) % kCountVariants}, stop);
  Page page = std::move(answer.page);
  page.holes = 0;
  if (abilities_.newest_first) {
    for (const std::string_view raw : answer.list.records)
      note_newest(stamp_of(raw), zones_.updated, page);
  }
  if (!page.total) throw Error(ErrorKind::malformed, "the list of responses has no total_count");
  if (*page.total < 0 || *page.total > kLargestTotal) {
    throw Error(ErrorKind::malformed, fmt::format("the vendor counts {} responses", *page.total));
  }
  PagePosition all;
  all.remaining = *page.total;
  if (all.remaining > 0) page.next = all.text();
  return page;
}

AlchemerSource::Answer AlchemerSource::ask_numbered(const FetchRequest& request, const PageNumber& number,
                                                    const std::stop_token& stop) {
  Answer answer = ask(request, {}, number, stop);
  if (static_cast<std::int64_t>(answer.list.records.size()) > number.size) {
    throw Error(ErrorKind::malformed,
                fmt::format("asked for {} responses, got {}", number.size, answer.list.records.size()));
  }
  answer.due = expected_rows(number, answer.page.total.value_or(number.first_row() + number.size));
  return answer;
}

/// Asks for the page of `position`, and follows the vendor when its pages turn out to be smaller than ours.
AlchemerSource::Answer AlchemerSource::read_unread(const FetchRequest& request, const PagePosition& position,
                                                   const std::stop_token& stop) {
  Answer answer = ask_numbered(request, next_page(position, capped(request.page_size)), stop);
  const std::int64_t came = answer.came(), asked = answer.number.size;
  const std::int64_t told = answer.list.envelope.integer("results_per_page").value_or(0);
  const bool short_of_due = came < asked && came != answer.due && came - answer.list.holes != answer.due;
  const bool said_so = told > 0 && told < asked && came == told;
  if (came == 0 || (!short_of_due && !said_so)) return answer;
  Answer smaller = ask_numbered(request, next_page(position, static_cast<int>(came)), stop);
  smaller.page.requests += answer.page.requests;
  answer.page.requests = smaller.page.requests;
  if (smaller.came() == smaller.number.size) suspect_cap(static_cast<int>(came));
  // Nothing behind it: its pages are no smaller, it shows fewer rows than it counts.
  return smaller.came() == 0 && smaller.due > 0 ? std::move(answer) : std::move(smaller);
}

Page AlchemerSource::read_unread_page(const FetchRequest& request, const PagePosition& position,
                                      const std::stop_token& stop) {
  Answer answer = read_unread(request, position, stop);
  Page page = std::move(answer.page);
  const std::int64_t total = page.total.value_or(std::max(position.remaining, answer.number.first_row()));
  const std::int64_t came = answer.came();
  // One page without rows where rows are due: the total lies, or the page does. Walking on would have no end.
  if (came == 0 && answer.due > 0) {
    throw Error(ErrorKind::malformed, fmt::format("page {} of {} responses is empty although the vendor counts {}",
                                                  answer.number.page, answer.number.size, total));
  }
  const std::vector<Dated> records = take_records(request, answer.list, page);
  if (const auto left = after_page(position, seen_of(answer.number, total, came, records))) page.next = left->text();
  return page;
}

Page AlchemerSource::read_tail(const FetchRequest& request, const std::stop_token& stop) {
  const std::int64_t known = number_behind(request.position, kTail);
  const int size = capped(kTailPage - static_cast<int>(next_variant(request.partition.name) % kVariants));
  const PageNumber number{std::max<std::int64_t>(1, (known + size - 1) / size), size};
  Answer answer = ask(request, {}, number, stop);
  Page page = std::move(answer.page);
  const std::int64_t came = answer.came();
  const std::vector<Dated> records = take_records(request, answer.list, page);
  if (!page.total) return page;
  PagePosition next;
  if (*page.total > known) {
    next.remaining = *page.total;
    next.floor = number.first_row();
  } else {
    const PageSeen seen = seen_of(number, *page.total, came, records);
    next.remaining = std::min(number.first_row(), *page.total);
    next.ordered = seen.ascending;
    next.low = seen.ascending ? seen.lowest : -1;
  }
  if (next.remaining > next.floor) page.next = next.text();
  return page;
}

// --- changes ---

Page AlchemerSource::read_newest(const FetchRequest& request, const std::stop_token& stop) {
  const auto wanted =
      static_cast<int>(std::clamp<std::int64_t>(number_behind(request.position, kNewest), 1, kListPage));
  const int most = capped(wanted + static_cast<int>(kVariants) - 1);
  const int least = std::max(1, most - static_cast<int>(kVariants) + 1);
  const auto variants = static_cast<unsigned>(most - least + 1);
  const int size = least + static_cast<int>(next_variant(request.partition.name) % variants);
  Answer answer = ask(request, {{"order_by", "-date_updated"}}, {1, size}, stop);
  Page page = std::move(answer.page);
  const std::vector<Dated> records = take_records(request, answer.list, page);
  std::string_view before;
  bool dateless = false;
  for (const Dated& record : records) {
    if (record.stamp.empty()) {
      dateless = dateless || record.id > 0;
      continue;
    }
    // Dates that are missing come last where the order is kept.
    if ((!before.empty() && record.stamp > before) || dateless) {
      page.unreliable = fmt::format("the order is ignored: a change of {} comes after {}", record.stamp,
                                    dateless ? std::string_view("none") : before);
    }
    before = record.stamp;
  }
  if (!before.empty())
    page.oldest_at = to_utc(*parse_stamp(before), zones_.updated.known() ? zones_.updated : Zone("UTC"));
  if (page.newest.empty() && dateless) page.unreliable = "responses have no date_updated";
  return page;
}

Page AlchemerSource::read_window(const FetchRequest& request, WindowPosition position, const std::stop_token& stop) {
  const int most = capped(request.page_size);
  const std::int64_t size =
      std::min<std::int64_t>(varied(most, next_variant(request.partition.name)), page_cap_.load());
  // The pages of one second are numbered: when the vendor needs smaller ones they begin anew.
  if (position.tie.page > 0 && most * 5 < position.tie.size * 4) position.tie = {1, most, 0, 0, 0};
  const bool tie = position.tie.page > 0;
  const PageNumber number{tie ? position.tie.page : 1, tie ? position.tie.size : size};
  Answer answer = ask(request, window_query(position), number, stop);
  Page page = std::move(answer.page);
  const WindowSeen shown{number.size,
                         answer.came(),
                         abilities_.windows_counted ? page.total : std::optional<std::int64_t>(),
                         uncapped(),
                         {}};
  if (!abilities_.windows_counted) page.total.reset();  // it counts neither the window's rest nor the partition
  const std::vector<Dated> records = take_records(request, answer.list, page);
  WindowSeen seen = shown;
  seen.records = records;
  WindowStep step = after_window_page(position, seen, zones_.updated);
  page.unreliable = std::move(step.unreliable);
  if (step.next) page.next = step.next->text();
  return page;
}

Page AlchemerSource::count_changed(const FetchRequest& request, const std::stop_token& stop) {
  const std::string until = request.position.substr(kCount.size());
  if (!is_wall(until)) throw Error(ErrorKind::bug, "position \"" + request.position + "\" is none of this source's");
  const PageNumber number{1, 1 + next_variant(request.partition.name) % kCountVariants};
  Page page = ask(request, filter_updated({{"<=", until}}), number, stop).page;
  page.holes = 0;
  if (!page.total) throw Error(ErrorKind::malformed, "the list of responses has no total_count");
  return page;
}

std::string AlchemerSource::bookmark(const std::string& newest, UtcTime not_after, const std::string& before) const {
  if (newest.empty()) return before;
  const Zone& zone = zones_.updated;
  const std::string latest = zone.known() ? wall_at(not_after, zone) : wall_at(not_after + kWestmost, Zone("UTC"));
  return std::max(before, std::min(newest, latest));
}

std::string AlchemerSource::window_position(const std::string& bookmark, Duration lookback) const {
  const Duration back = zones_.updated.known() ? lookback : std::max<Duration>(lookback, kZoneDoubt);
  WindowPosition window;
  window.from = bookmark.empty() ? std::string(kBeginning) : moved(bookmark, -back);
  return window.text();
}

std::string AlchemerSource::window_position(UtcTime from, std::optional<UtcTime> until, bool newest_first) const {
  const Zone zone = zones_.updated.known() ? zones_.updated : Zone("UTC");
  const auto doubt_of = [&](UtcTime at) {
    return std::chrono::ceil<std::chrono::microseconds>(doubt_around(at, zones_.updated));
  };
  WindowPosition window;
  window.newest_first = newest_first;
  window.from = wall_at(from - doubt_of(from), zone);
  if (until) window.until = wall_at(std::chrono::ceil<std::chrono::seconds>(*until + doubt_of(*until)), zone);
  return window.text();
}

std::optional<std::string> AlchemerSource::count_position(UtcTime as_of) const {
  if (!abilities_.windows_counted || doubt_around(as_of, zones_.updated) > Duration::zero()) return std::nullopt;
  return std::string(kCount) + wall_at(as_of, zones_.updated);
}

}  // namespace surveysync::sources::alchemer
