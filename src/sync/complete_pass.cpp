#include "sync/complete_pass.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "sources/numbered_pages.h"

namespace surveysync::sync {
namespace {

using sources::PagePosition;

// So many unread pages are worth a second worker.
constexpr std::int64_t kWorthDividing = 2;

bool read_number(std::string_view digits, std::int64_t& into) {
  return std::from_chars(digits.data(), digits.data() + digits.size(), into).ec == std::errc();
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<std::int64_t> numeric_id(const model::Record& record) {
  const auto* id = std::get_if<std::int64_t>(&record.key.back());
  return id ? std::optional(*id) : std::nullopt;
}

}  // namespace

bool PassState::all_read() const {
  return !segments.empty() && std::ranges::all_of(segments, [](const auto& s) { return s.position == kSegmentDone; });
}

std::int64_t PassState::fetched() const {
  std::int64_t sum = 0;
  for (const PassSegment& segment : segments)
    sum += segment.tally.fetched();
  return sum;
}

std::int64_t PassState::downs() const {
  std::int64_t most = 0;
  for (const PassSegment& segment : segments)
    most = std::max(most, segment.downs);
  return most;
}

std::int64_t PassState::highest_total() const {
  std::int64_t highest = total_before;
  for (const PassSegment& segment : segments)
    highest = std::max(highest, segment.last_total);
  return highest;
}

std::string PassState::text() const {
  const std::string at = newest_at ? std::to_string(newest_at->time_since_epoch().count()) : std::string();
  std::string text =
      fmt::format("2;{};{};{};{};{};{};{}", started.time_since_epoch().count(), signpost.time_since_epoch().count(),
                  total_before, pages, sweeping ? 1 : 0, newest, at);
  for (const PassSegment& segment : segments) {
    const std::string tally = segment.tally.text();
    if (tally.empty()) return {};  // the next run begins anew
    text += fmt::format("|{};{};{};{}", tally, segment.last_total, segment.downs, segment.position);
  }
  return text;
}

std::optional<PassState> PassState::parse(std::string_view text) {
  const std::vector<std::string_view> parts = split(text, '|');
  const std::vector<std::string_view> head = split(parts.front(), ';');
  if (head.size() != 8 || head[0] != "2" || parts.size() < 2) return std::nullopt;
  PassState state;
  std::int64_t started = 0, signpost = 0, sweeping = 0;
  if (!read_number(head[1], started) || !read_number(head[2], signpost) || !read_number(head[3], state.total_before) ||
      !read_number(head[4], state.pages) || !read_number(head[5], sweeping)) {
    return std::nullopt;
  }
  state.started = UtcTime(std::chrono::microseconds(started));
  state.signpost = UtcTime(std::chrono::microseconds(signpost));
  state.sweeping = sweeping != 0;
  state.newest = head[6];
  std::int64_t newest_at = 0;
  if (read_number(head[7], newest_at)) state.newest_at = UtcTime(std::chrono::microseconds(newest_at));
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::vector<std::string_view> fields = split(parts[i], ';');
    PassSegment segment;
    auto tally = fields.size() == 4 ? PassTally::parse(fields[0]) : std::nullopt;
    if (!tally || !read_number(fields[1], segment.last_total) || !read_number(fields[2], segment.downs))
      return std::nullopt;
    segment.tally = std::move(*tally);
    segment.position = fields[3];
    state.segments.push_back(std::move(segment));
  }
  return state;
}

CompletePass::CompletePass(const WalkContext& context, PartitionReader& reader, Hands& hands)
    : context_(context), reader_(reader), hands_(hands), may_divide_(!context.job.dry_run) {}

void CompletePass::begin(PassState state) {
  state_ = std::move(state);
  state_.segments.clear();
  state_.segments.emplace_back();
  lost_order_ = resumed_ = false;
  if (!state_.sweeping) return;
  reader_.door().perform([&](store::Session& session) {
    session.ledger().forget_sightings(context_.fence, reader_.target().stream.name, reader_.target().partition.name);
  });
}

void CompletePass::read() {
  while (true) {
    try {
      const std::size_t own = state_.segments.size();  // those that come while we read are their helpers'
      for (std::size_t i = 0; i < own; ++i)
        walk(i, reader_);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
    join_helpers();
    reader_.counts += std::exchange(helped_, Counts());
    reader_.met_excluded.merge(helpers_met_excluded_);
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    if (!lost_order_) return;
    begin_remembering();
  }
}

/// The list does not ascend by id after all: once more, remembering every key.
void CompletePass::begin_remembering() {
  may_divide_ = false;
  reader_.ask_otherwise();
  PassState anew;
  anew.started = state_.started;
  anew.signpost = state_.signpost;
  anew.sweeping = state_.sweeping;
  begin(std::move(anew));
  state_.segments.front().tally = PassTally::remembering();
}

void CompletePass::walk(std::size_t index, PartitionReader& reader) {
  while (true) {
    std::string position;
    {
      const std::lock_guard lock(mutex_);
      if (lost_order_ || failure_ || state_.segments[index].position == kSegmentDone) return;
      position = state_.segments[index].position;
    }
    divide(index, reader.page_size());
    if (!advance(index, reader.fetch(position), reader)) return;
  }
}

/// The position after a page of the segment, whose end a helper may have set while that page was under way.
std::string CompletePass::with_end_of(const PassSegment& segment, std::string next) {
  const auto held = PagePosition::parse(segment.position);
  auto following = PagePosition::parse(next);
  if (!held || !following || held->until == following->until) return next;
  following->until = held->until;
  following->floor = held->floor;
  return following->text();
}

/// Stores the page as the next one of the segment. False when the whole pass must begin anew.
bool CompletePass::advance(std::size_t index, model::Page page, PartitionReader& reader) {
  PassSegment after;  // others must not see, nor save, what is not committed yet
  std::string text;
  {
    const std::lock_guard lock(mutex_);
    if (page.total && state_.total_before < 0) state_.total_before = *page.total;
    if (state_.pages == 0) {
      state_.newest = page.newest;
      state_.newest_at = page.newest_at;
    }
    newest_ = std::max(newest_, page.newest);
    ++state_.pages;
    after = state_.segments[index];
    if (page.total) {
      after.downs += std::max<std::int64_t>(0, after.last_total - *page.total);
      after.last_total = *page.total;
    }
    whole_ = page.complete;
    const auto held = PagePosition::parse(after.position);
    if (reader_.target().stream.certified) after.tally.add(page, held ? held->until : -1);
    if (after.tally.lost()) {
      lost_order_ = true;
      return false;
    }
    after.position = with_end_of(after, page.next.value_or(std::string(kSegmentDone)));
    std::swap(state_.segments[index], after);
    text = state_.text();
    std::swap(state_.segments[index], after);
  }
  // Of a list that is read whole, what is missing is settled by the sweep, which has a brake.
  if (reader.target().stream.reading == model::Reading::whole) page.complete = false;
  reader.store(page, text, state_.sweeping);
  const std::lock_guard lock(mutex_);
  PassSegment& segment = state_.segments[index];
  after.position = with_end_of(segment, std::move(after.position));
  after.dividing = segment.dividing;
  segment = std::move(after);
  return true;
}

/// Gives the lower half of what the segment has not read to a spare worker, if it is worth it and there is one.
void CompletePass::divide(std::size_t index, int page_size) {
  const std::lock_guard lock(mutex_);
  PassSegment& segment = state_.segments[index];
  const auto position = PagePosition::parse(segment.position);
  const bool worth = may_divide_ && !segment.dividing && position && position->ordered && position->low >= 0 &&
                     segment.tally.ascending() && position->remaining - position->floor > kWorthDividing * page_size;
  if (!worth || !hands_.try_take()) return;
  const PagePosition lower = position->lower_half();
  segment.dividing = true;
  helpers_.emplace_back([this, index, page_size, at = lower.text()] { help(index, at, page_size); });
}

/// A helper's thread: the lower half, on a database connection of its own.
void CompletePass::help(std::size_t upper, const std::string& lower_position, int page_size) {
  Counts counts;
  try {
    StoreDoor door(context_.open, reader_.scope(), context_.observer, context_.clock, context_.stop);
    const model::Decode decode = context_.source.decoder(reader_.target().stream);
    const ReadTarget target{reader_.target().stream, reader_.target().partition, decode, reader_.target().excluded};
    PartitionReader reader(context_, door, target, page_size);
    reader.bookmark = reader_.bookmark;
    take_lower_half(upper, lower_position, reader);
    counts = reader.counts;
    const std::lock_guard lock(mutex_);
    helpers_met_excluded_.merge(reader.met_excluded);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::current_exception();
  }
  {
    const std::lock_guard lock(mutex_);
    helped_ += counts;
    state_.segments[upper].dividing = false;
  }
  hands_.give();
}

void CompletePass::take_lower_half(std::size_t upper, const std::string& lower_position, PartitionReader& reader) {
  model::Page page = reader.fetch(lower_position);
  std::optional<std::int64_t> highest;
  for (const model::Record& record : page.records) {
    const auto id = numeric_id(record);
    if (id && (!highest || *id > *highest)) highest = id;
  }
  std::size_t index = 0;
  {
    const std::lock_guard lock(mutex_);
    auto position = PagePosition::parse(state_.segments[upper].position);
    // The upper half is already done, or its owner came this far: then it goes on alone.
    if (!highest || !position || position->low <= *highest || lost_order_ || failure_) return;
    position->until = *highest;
    position->floor = PagePosition::parse(lower_position)->remaining;
    state_.segments[upper].position = position->text();
    state_.segments[upper].dividing = false;
    index = state_.segments.size();
    PagePosition below = *PagePosition::parse(lower_position);
    below.low = *highest;  // should another run begin here: its first page must reach up to where the halves meet
    PassSegment lower;
    lower.position = below.text();
    state_.segments.push_back(std::move(lower));
  }
  if (advance(index, std::move(page), reader)) walk(index, reader);
}

void CompletePass::join_helpers() {
  while (true) {
    std::jthread helper;
    {
      const std::lock_guard lock(mutex_);
      if (helpers_.empty()) return;
      helper = std::move(helpers_.back());
      helpers_.pop_back();
    }
    helper.join();
  }
}

}  // namespace surveysync::sync
