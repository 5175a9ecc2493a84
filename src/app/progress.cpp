#include "app/progress.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/human.h"

namespace surveysync::app {
namespace {

constexpr Duration kRedraw = std::chrono::milliseconds(100);
constexpr Duration kTick = std::chrono::milliseconds(250);
constexpr int kTicksPerNote = 40;

std::string bar(double share, std::size_t width) {
  const auto full = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(width));
  return "[" + std::string(full, '#') + std::string(width - full, '-') + "]";
}

double share_done(const SourceProgress& progress) {
  if (progress.expected > 0) {
    // Hints of the vendor may be stale: nothing is complete before its partitions are.
    const double share = static_cast<double>(progress.records) / static_cast<double>(progress.expected);
    return progress.partitions_done < progress.partitions ? std::min(share, 0.99) : 1.0;
  }
  return progress.partitions == 0
             ? 1.0
             : static_cast<double>(progress.partitions_done) / static_cast<double>(progress.partitions);
}

std::string time_left(const SourceProgress& progress, double rate) {
  const std::int64_t left = progress.expected - progress.records;
  if (progress.finished || left <= 0 || rate < 0.01) return {};
  return "  " +
         spoken(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(static_cast<double>(left) / rate))) +
         " left";
}

}  // namespace

std::string progress_line(const SourceProgress& progress, SteadyTime now, std::size_t columns) {
  if (!progress.planned) {
    const std::string text = progress.source + "  reading the list of surveys";
    return columns == 0 ? text : shortened(text, columns);
  }
  const double seconds = std::max(0.001, std::chrono::duration<double>(now - progress.since).count());
  const double rate = static_cast<double>(progress.records) / seconds;
  const std::string numbers =
      fmt::format("{}/{} surveys  {}{} responses  {}/s{}", grouped(progress.partitions_done),
                  grouped(progress.partitions), grouped(progress.records),
                  progress.expected > 0 ? "/" + grouped(std::max(progress.expected, progress.records)) : "",
                  grouped(static_cast<std::int64_t>(rate)), time_left(progress, rate));
  if (columns == 0) return progress.source + "  " + numbers;
  // The bar takes what is left of the line; numbers come first when it is narrow.
  const std::size_t used = columns_of(progress.source) + 2 + 2 + columns_of(numbers) + 2;
  const std::size_t width = columns > used + 5 ? std::min<std::size_t>(30, columns - used) : 0;
  const std::string middle = width == 0 ? "" : bar(share_done(progress), width) + "  ";
  return shortened(progress.source + "  " + middle + numbers, columns);
}

Progress::Progress(std::vector<Source> sources, Options options, Clock& clock)
    : options_(std::move(options)), clock_(clock) {
  for (Source& source : sources) {
    SourceProgress progress;
    progress.source = std::move(source.name);
    progress.stream = std::move(source.stream);
    progress.since = clock_.now();
    sources_.push_back(std::move(progress));
  }
  timer_ = std::jthread([this](const std::stop_token& stop) { keep_time(stop); });
}

Progress::~Progress() {
  finish();
}

void Progress::finish() {
  timer_.request_stop();
  if (timer_.joinable()) timer_.join();
  const std::lock_guard lock(mutex_);
  clear_locked();
  ended_ = true;
}

void Progress::on_event(const Event& event) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    update(event);
    if (options_.terminal && !ended_ && clock_.now() - last_drawn_ >= kRedraw) draw_locked();
  } catch (...) {
    // A bar that cannot be drawn is no reason to stop a run.
  }
}

void Progress::update(const Event& event) {
  const Scope& scope = scope_of(event);
  const auto found = std::find_if(sources_.begin(), sources_.end(),
                                  [&](const SourceProgress& progress) { return progress.source == scope.source; });
  if (found == sources_.end()) return;
  if (const auto* planned = std::get_if<event::RunPlanned>(&event)) {
    found->planned = true;
    found->run_id = scope.run_id;
    found->partitions = planned->partitions;
    found->expected = planned->expected_records;
    found->since = clock_.now();
  } else if (const auto* page = std::get_if<event::PageStored>(&event)) {
    if (scope.stream == found->stream) found->records += page->records;
  } else if (std::holds_alternative<event::PartitionFinished>(event)) {
    if (scope.stream == found->stream) ++found->partitions_done;
  } else if (std::holds_alternative<event::RunFinished>(event)) {
    found->finished = true;
  }
}

void Progress::clear() {
  const std::lock_guard lock(mutex_);
  clear_locked();
}

void Progress::draw() {
  const std::lock_guard lock(mutex_);
  if (options_.terminal && !ended_) draw_locked();
}

void Progress::clear_locked() {
  if (drawn_ == 0) return;
  // Up to the first of our lines, then everything below it goes.
  options_.write(fmt::format("\033[{}A\r\033[J", drawn_));
  drawn_ = 0;
}

void Progress::draw_locked() {
  clear_locked();
  last_drawn_ = clock_.now();
  const std::size_t columns = std::max<std::size_t>(20, options_.columns ? options_.columns() : 80) - 1;
  std::string text;
  for (const SourceProgress& progress : sources_) {
    if (progress.finished) continue;
    text += progress_line(progress, last_drawn_, columns) + "\n";
    ++drawn_;
  }
  if (drawn_ != 0) options_.write(text);
}

void Progress::keep_time(const std::stop_token& stop) {
  for (int tick = 1; clock_.wait_for(kTick, stop); ++tick) {
    if (options_.terminal) {
      draw();
    } else if (tick % kTicksPerNote == 0) {
      tell_notes();
    }
  }
}

void Progress::tell_notes() {
  if (options_.notes == nullptr) return;
  std::vector<event::Note> notes;
  {
    const std::lock_guard lock(mutex_);
    for (const SourceProgress& progress : sources_) {
      if (progress.finished) continue;
      notes.push_back(
          {{progress.source, progress.run_id, "", ""}, Severity::info, progress_line(progress, clock_.now(), 0)});
    }
  }
  for (const event::Note& note : notes)
    options_.notes->on_event(note);
}

}  // namespace surveysync::app
