#include "report/alerts.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace surveysync::report {
namespace {

// Whoever claims a message and dies with it keeps it from the others for this long, beside the time of a send.
constexpr auto kClaim = std::chrono::minutes(1);
constexpr const char* kInMemory = "; alerts are kept in memory until it can be written";
// Other processes may leave messages: looked for this often.
constexpr Duration kLook = std::chrono::seconds(2);
constexpr Duration kFlushTick = std::chrono::milliseconds(10);

std::chrono::microseconds micro(Duration time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time);
}

}  // namespace

/// One channel with its thread.
struct Alerts::Lane {
  Channel channel;
  std::condition_variable_any woken;
  bool work_waits = false;      // guarded by the mutex of Alerts
  std::vector<Alert> reminder;  // the same
  SteadyTime rests_until{};     // the thread's own from here on
  int failures = 0;
  bool told_failing = false;
  std::jthread thread;
};

Alerts::Alerts(AlertsOptions options, Masker& masker, Observer& observer, Clock& clock, ChannelFailing failing)
    : options_(std::move(options)),
      masker_(masker),
      observer_(observer),
      clock_(clock),
      failing_(std::move(failing)),
      try_file_at_(clock.now() + options_.try_file),
      channels_(options_.channels) {
  std::string trouble;
  try {
    outbox_ = std::make_shared<Outbox>(options_.state_dir);
    trouble = outbox_->trouble();
    if (options_.takes_over) outbox_->release_all();
  } catch (const Error& failure) {
    outbox_ = std::make_shared<Outbox>("");
    trouble = std::string(failure.what()) + kInMemory;
  }
  // Without channels nothing is lost.
  const Severity severity = options_.channels.empty() ? Severity::debug : Severity::warning;
  if (!trouble.empty()) observer_.on_event(event::Note{{}, severity, trouble});
  start(options_.channels);
}

Alerts::~Alerts() {
  std::vector<std::shared_ptr<Lane>> lanes;
  {
    const std::lock_guard lock(mutex_);
    lanes = lanes_;
  }
  for (const std::shared_ptr<Lane>& lane : lanes)
    lane->thread.request_stop();
  for (const std::shared_ptr<Lane>& lane : lanes)
    if (lane->thread.joinable()) lane->thread.join();
}

void Alerts::start(const std::vector<ChannelOptions>& channels) {
  for (const ChannelOptions& options : channels) {
    auto lane = std::make_shared<Lane>();
    lane->channel = make_channel(options, masker_, clock_);
    lane->work_waits = true;  // what an earlier process left
    {
      const std::lock_guard lock(mutex_);
      lanes_.push_back(lane);
    }
    Lane* const own = lane.get();
    lane->thread = std::jthread([this, own](const std::stop_token& stop) { work(*own, stop); });
  }
}

void Alerts::use(std::vector<ChannelOptions> channels) {
  std::vector<std::shared_ptr<Lane>> ended;
  std::vector<ChannelOptions> begun;
  std::vector<std::string> names;
  for (const ChannelOptions& channel : channels)
    names.push_back(channel.name);
  {
    const std::lock_guard lock(mutex_);
    channels_ = channels;  // at once: what happens while threads end and begin is told by those that come
    for (const ChannelOptions& channel : channels) {
      if (std::ranges::none_of(lanes_, [&](const auto& lane) { return lane->channel.options == channel; }))
        begun.push_back(channel);
    }
    std::erase_if(lanes_, [&](const std::shared_ptr<Lane>& lane) {
      const bool kept = std::ranges::find(channels, lane->channel.options) != channels.end();
      if (!kept) ended.push_back(lane);
      return !kept;
    });
  }
  for (const std::shared_ptr<Lane>& lane : ended)
    lane->thread.request_stop();
  for (const std::shared_ptr<Lane>& lane : ended)
    lane->thread.join();
  durable([&](Outbox& box) { box.keep_channels(names); });
  start(begun);
}

std::shared_ptr<Outbox> Alerts::outbox() const {
  const std::lock_guard lock(mutex_);
  return outbox_;
}

void Alerts::put(std::shared_ptr<Outbox> box) {
  const std::lock_guard lock(mutex_);
  outbox_ = std::move(box);
}

std::vector<std::string> Alerts::wanting(const Alert& alert) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const ChannelOptions& channel : channels_) {
    if (wants(channel, alert)) names.push_back(channel.name);
  }
  return names;
}

void Alerts::wake() {
  const std::lock_guard lock(mutex_);
  for (const std::shared_ptr<Lane>& lane : lanes_) {
    lane->work_waits = true;
    lane->woken.notify_all();
  }
}

/// Does `act` with the outbox. One that cannot be written for a while (the disk is full, a backup holds it) gives way
/// to one in memory: an alert is told all the same.
template <class Act>
void Alerts::durable(const Act& act) {
  const std::lock_guard lock(door_);
  try_file();
  try {
    act(*outbox());
  } catch (const Error& failure) {
    give_way(failure.what());
    act(*outbox());
  }
}

void Alerts::give_way(const std::string& why) {
  observer_.on_event(event::Note{{}, Severity::error, why + kInMemory});
  const auto memory = std::make_shared<Outbox>("");
  OutboxContent known;
  for (const auto& [key, incident] : seen_) {
    known.incidents.push_back(incident);
    carried_.insert(key);
  }
  memory->add(known);
  put(memory);
  try_file_at_ = clock_.now() + options_.try_file;
}

/// Back to the file, when it can be written again: what waits in it is sent after all.
void Alerts::try_file() {
  const std::shared_ptr<Outbox> memory = outbox();
  if (!memory->in_memory() || options_.state_dir.empty() || clock_.now() < try_file_at_) return;
  try_file_at_ = clock_.now() + options_.try_file;
  OutboxContent content = memory->take();
  content.over = carried_;
  for (const KnownIncident& known : content.incidents)
    content.over.erase(known.alert.key);
  try {
    const auto file = std::make_shared<Outbox>(options_.state_dir);
    file->add(content);
    put(file);
    carried_.clear();
    observer_.on_event(event::Note{{}, Severity::info, fmt::format("alerts are kept in {} again", options_.state_dir)});
  } catch (const Error&) {
    memory->add(content);  // not yet
  }
}

void Alerts::keep(const KnownIncident& known, bool told) {
  const std::vector<std::string> channels = told ? wanting(known.alert) : std::vector<std::string>();
  durable([&](Outbox& box) {
    box.keep(known, channels);
    seen_[known.alert.key] = known;
  });
  if (!channels.empty()) wake();
}

void Alerts::forget(const std::string& key, const std::optional<Alert>& last) {
  const std::vector<std::string> channels = last ? wanting(*last) : std::vector<std::string>();
  durable([&](Outbox& box) {
    box.forget(key, last, channels);
    seen_.erase(key);
  });
  if (!channels.empty()) wake();
}

void Alerts::send(const Alert& alert) {
  const std::vector<std::string> channels = wanting(alert);
  if (channels.empty()) return;
  durable([&](Outbox& box) { box.replace(alert, channels); });
  wake();
}

std::optional<KnownIncident> Alerts::find(const std::string& key) {
  std::optional<KnownIncident> found;
  durable([&](Outbox& box) { found = box.find(key); });
  return found;
}

std::vector<KnownIncident> Alerts::incidents() {
  std::vector<KnownIncident> all;
  durable([&](Outbox& box) {
    all = box.incidents();
    seen_.clear();
    for (const KnownIncident& known : all)
      seen_[known.alert.key] = known;
  });
  return all;
}

void Alerts::remind(std::vector<Alert> open) {
  const std::lock_guard lock(mutex_);
  for (const std::shared_ptr<Lane>& lane : lanes_) {
    if (!lane->channel.remind) continue;
    lane->reminder.clear();
    for (const Alert& alert : open) {
      if (wants(lane->channel.options, alert)) lane->reminder.push_back(alert);
    }
    if (!lane->reminder.empty()) lane->woken.notify_all();
  }
}

void Alerts::flush(Duration time) {
  const Deadline deadline(clock_, time);
  while (!deadline.passed()) {
    std::vector<std::string> names;
    {
      const std::lock_guard lock(mutex_);
      for (const std::shared_ptr<Lane>& lane : lanes_)
        names.push_back(lane->channel.options.name);
    }
    try {
      const std::shared_ptr<Outbox> box = outbox();
      if (std::ranges::none_of(names, [&](const std::string& name) { return box->waiting(name, true) > 0; })) return;
    } catch (const Error&) {
      return;
    }
    clock_.wait_for(kFlushTick, {});
  }
}

void Alerts::work(Lane& lane, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    bool again = false;
    try {
      again = step(lane, stop);
      remind_due(lane, stop);
    } catch (const std::exception& failure) {
      lane.rests_until = clock_.now() + kLook;
      observer_.on_event(event::Note{
          {}, Severity::error, fmt::format("alerts.{}: {}", lane.channel.options.name, masker_.mask(failure.what()))});
    }
    if (again) continue;
    std::unique_lock lock(mutex_);
    lane.work_waits = false;
    const Duration rest = std::clamp<Duration>(lane.rests_until - clock_.now(), std::chrono::milliseconds(1), kLook);
    lane.woken.wait_for(lock, stop, lane.rests_until > clock_.now() ? rest : kLook,
                        [&] { return lane.work_waits || !lane.reminder.empty(); });
    if (lane.rests_until > clock_.now()) {
      lock.unlock();
      clock_.wait_until(std::min(lane.rests_until, clock_.now() + kLook), stop);
    }
  }
}

/// One message; whether there may be another at once.
bool Alerts::step(Lane& lane, const std::stop_token& stop) {
  if (clock_.now() < lane.rests_until) return false;
  const std::shared_ptr<Outbox> box = outbox();
  const UtcTime now = clock_.utc_now();
  const std::string& name = lane.channel.options.name;
  if (const std::int64_t dropped = box->give_up(name, now - micro(options_.give_up)); dropped > 0) {
    observer_.on_event(event::AlertSent{{},
                                        name,
                                        fmt::format("{} messages", dropped),
                                        fmt::format("given up after {}", format_duration(options_.give_up))});
  }
  const std::optional<OutboxMessage> message = box->claim(name, now, now + micro(lane.channel.longest) + kClaim);
  if (!message) return false;
  send_one(lane, *box, *message, stop);
  if (box->in_memory() && box != outbox()) {
    // It was given up meanwhile: a message that did not arrive goes where the others are.
    const OutboxContent rest = box->take();
    durable([&](Outbox& used) { used.add(rest); });
  }
  return true;
}

/// Sends a message and settles it in the box that it came from.
void Alerts::send_one(Lane& lane, Outbox& box, const OutboxMessage& message, const std::stop_token& stop) {
  const std::string& name = lane.channel.options.name;
  std::string error, remark;
  std::optional<std::chrono::seconds> advice;
  bool broken_off = false;
  try {
    remark = lane.channel.send(message.alert, stop);
  } catch (const Error& failure) {
    error = masker_.mask(failure.full_text());
    advice = failure.retry_after();
    broken_off = failure.kind() == ErrorKind::cancelled || stop.stop_requested();
  } catch (const std::exception& failure) {
    error = masker_.mask(failure.what());
  }
  lane.rests_until = clock_.now() + lane.channel.gap;
  if (broken_off) return box.release(message);
  if (error.empty()) box.delivered(message);
  observer_.on_event(event::AlertSent{{message.alert.source, 0, "", ""}, name, message.alert.key, error});
  if (!error.empty()) return settle_failure(lane, box, message, error, advice);
  if (!remark.empty())
    observer_.on_event(event::Note{
        {}, Severity::warning, fmt::format("alerts.{}: not told everybody: {}", name, masker_.mask(remark))});
  if (lane.failures != 0 || !lane.told_failing) failing_(name, {});
  lane.failures = 0;
  lane.told_failing = true;  // that it works has been said once
}

void Alerts::settle_failure(Lane& lane, Outbox& box, const OutboxMessage& message, const std::string& error,
                            std::optional<std::chrono::seconds> advice) {
  const Backoff backoff(options_.retry, options_.longest_retry);
  ++lane.failures;
  Duration rest = backoff.wait(lane.failures, 1.0);
  if (advice) rest = std::max<Duration>(*advice, lane.channel.gap);
  lane.rests_until = clock_.now() + rest;
  const Duration own = std::max(rest, backoff.wait(message.attempts + 1, 1.0));
  const UtcTime now = clock_.utc_now();
  const ChannelRecord record = box.failed(message, error, now, now + micro(own));
  if (record.failures >= options_.failing_after && (record.failures - options_.failing_after) % 20 == 0)
    failing_(lane.channel.options.name, record);
}

void Alerts::remind_due(Lane& lane, const std::stop_token& stop) {
  std::vector<Alert> open;
  {
    const std::lock_guard lock(mutex_);
    open.swap(lane.reminder);
  }
  if (open.empty() || clock_.now() < lane.rests_until) return;
  try {
    lane.channel.remind(open, stop);
  } catch (const Error& failure) {
    if (failure.kind() == ErrorKind::cancelled) return;
    // The next reminder comes soon; a message that cannot be sent would say more.
    observer_.on_event(event::Note{
        {},
        Severity::warning,
        fmt::format("alerts.{} could not be reminded: {}", lane.channel.options.name, masker_.mask(failure.what()))});
  }
}

}  // namespace surveysync::report
