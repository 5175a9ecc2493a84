#include "app/source_lane.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/agenda_question.h"
#include "app/hook.h"
#include "app/key_records.h"
#include "app/tidy.h"
#include "store/history.h"
#include "store/incidents.h"
#include "store/migrate.h"

namespace surveysync::app {
namespace {

// A waiting lane looks at the database at least this often: other processes run things too.
constexpr Duration kLongestWait = std::chrono::seconds(60);
// How often a lane looks whether a run of another process is over, or its process dead.
constexpr Duration kForeignRun = std::chrono::seconds(5);
// The key of a held source is looked at this often; KeyMemory says when a probe goes out.
constexpr Duration kHeldLook = std::chrono::seconds(2);
constexpr Duration kNextSlotEvery = std::chrono::hours(24), kTidyEvery = std::chrono::hours(24);
// So long may a thread be silent: one that waits is back every minute; one at work may wait for a slow statement, or
// for as long as the vendor may advise a rest.
constexpr Duration kIdleSilence = std::chrono::minutes(5), kBusySilence = std::chrono::minutes(20);

}  // namespace

SourceLane::SourceLane(LaneSettings settings, const SourceConfig& source)
    : settings_(std::move(settings)),
      source_(source),
      work_life_(settings_.clock, kBusySilence),
      key_life_(settings_.clock, kBusySilence),
      pulse_(settings_.observer, work_life_, key_life_),
      open_(session_opener(*settings_.config, pulse_, settings_.clock)),
      bell_(settings_.clock),
      key_bell_(settings_.clock) {
  work_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
}

SourceLane::~SourceLane() {
  request_stop();
  if (work_.joinable()) work_.join();  // it starts the other
  if (keys_.joinable()) keys_.join();
}

void SourceLane::request_stop() {
  work_.request_stop();
  keys_stop_.request_stop();
}

void SourceLane::keys_changed() {
  keys_changed_ = true;
  key_bell_.ring();
}

LaneState SourceLane::state() const {
  const std::lock_guard lock(mutex_);
  return {source_.name, held_ ? fmt::format("held ({})", verdict_) : text_, held_, running_,
          work_life_.alive() && (!keys_begun_ || key_life_.alive())};
}

void SourceLane::say(std::string text, bool running) {
  const std::lock_guard lock(mutex_);
  text_ = std::move(text);
  running_ = running;
}

RunHand SourceLane::hand(const std::stop_token& stop) {
  return {parts_->source(), parts_->client(), open_, pulse_, settings_.clock, stop};
}

void SourceLane::work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    work_life_.enter(kBusySilence);
    Duration wait = kForeignRun;
    try {
      wait = step(stop);
      told_trouble_.clear();
      troubles_ = 0;
    } catch (const Error& error) {
      if (stop.stop_requested()) break;
      // Told once while it lasts; the waits grow, since what is away is not helped by asking.
      wait = std::min<Duration>(std::chrono::seconds(2) * (1 << std::min(troubles_++, 4)), std::chrono::seconds(30));
      say(error.kind() == ErrorKind::locked ? "worked by another process" : "waiting: " + std::string(error.what()));
      if (error.kind() == ErrorKind::locked) {
        wait = kForeignRun;
      } else if (std::exchange(told_trouble_, error.what()) != told_trouble_) {
        if (error.kind() == ErrorKind::unavailable)
          pulse_.on_event(event::StoreUnavailable{scope(), error.what()});
        else
          pulse_.on_event(event::Note{scope(), Severity::error, error.full_text()});
      }
    } catch (const std::exception& error) {
      wait = kLongestWait;
      pulse_.on_event(event::Note{scope(), Severity::error, std::string("unexpected: ") + error.what()});
    }
    work_life_.enter(kIdleSilence);
    bell_.wait(wait, stop);
  }
}

/// Everything that can be done now: what others asked for, then what is due. How long until there is more.
Duration SourceLane::step(const std::stop_token& stop) {
  assemble(stop);
  if (!parts_->client().key_state().usable) return kLongestWait;  // held: the other thread rings when the key is good
  carry_requests(stop);
  if (stop.stop_requested()) return Duration::zero();
  const bool at_once = run_at_once_.exchange(false);
  if (!at_once) {
    const Duration wait = until_next(stop);
    if (wait > Duration::zero()) {
      tidy(stop);
      return wait;
    }
  }
  try {
    carry([&] { return run_now(hand(stop), parts_->job(*settings_.config)); }, "running", stop);
  } catch (const Error& error) {
    if (at_once && error.kind() == ErrorKind::unavailable) run_at_once_ = true;  // it never began
    throw;
  }
  return until_next(stop);
}

/// Builds the source when it is first needed, and looks whether the schema fits before the first run.
void SourceLane::assemble(const std::stop_token& stop) {
  if (!parts_) {
    Surroundings around{settings_.masker, pulse_, settings_.clock};
    around.account_limiter = settings_.accounts.limiter(source_, *settings_.config);
    around.alarm = settings_.accounts.alarm(source_);
    around.answered_lately = settings_.accounts.answered_lately(source_);
    around.key_memory = std::make_shared<KeyRecords>(
        connect_options(*settings_.config), source_.name, source_.limits.hold_probe, KeyPatience::daemon,
        settings_.clock,
        std::make_shared<KeyNotes>(settings_.config->state_dir, source_.limits.hold_probe, settings_.clock));
    around.secret_may_be_missing = true;
    parts_ = std::make_unique<SourceParts>(source_, std::move(around));
  }
  if (schema_checked_) return;
  const auto session = open_(stop);
  if (!keys_.joinable()) begin_keys(session->connection(), stop);
  store::require_version(session->connection());
  for (const model::StreamSpec& stream : parts_->source().streams()) {
    if (parts_->following().reads(stream)) store::verify_tables(session->connection(), stream);
  }
  schema_checked_ = true;
}

/// What earlier processes knew of the key: one that is refused is held from the start, and one that was put in its
/// place while nobody ran is a release.
void SourceLane::begin_keys(pg::Connection& connection, const std::stop_token& stop) {
  const std::vector<store::KeyRecord> records = store::KeyBook(connection).records(source_.name);
  const bool was_held = std::ranges::any_of(
      records, [](const store::KeyRecord& record) { return record.slot == "secret" && !record.verdict.empty(); });
  {
    const std::lock_guard lock(mutex_);
    held_ = was_held;
  }
  if (was_held) parts_->client().probe_refused_key(stop);  // a good key is not begun before it is needed
  note_keys();
  key_life_.beat();
  keys_begun_ = true;
  keys_ = std::thread([this] { look_after_keys(keys_stop_.get_token()); });
}

/// How long until something is due; zero or less: now. Says so where that changed.
Duration SourceLane::until_next(const std::stop_token& stop) {
  const auto session = open_(stop);
  store::History history(session->connection());
  sync::AgendaQuestion question = agenda_question(source_, history, session->ledger().now());
  if (!question.runs.empty() && question.runs.front().outcome.empty()) {
    // Error(locked) from a living holder. A dead one is known as such at once where it was on this host.
    session->release_lease(session->acquire_lease(source_.name, settings_.config->lease_ttl));
    // Nobody will write how it ended. The first time it is run again at once.
    const bool again = question.runs.size() > 1 && question.runs[1].outcome == "failed";
    if (!again) return Duration::zero();
    question.runs.front().outcome = "failed";
    question.runs.front().finished_at = question.runs.front().started_at;
  }
  // A run that the last daemon had to stop goes on with the next one.
  const bool stopped = !question.runs.empty() && question.runs.front().outcome == "cancelled";
  if (std::exchange(first_look_, false) && stopped) return Duration::zero();
  const std::optional<sync::Due> due = sync::next_run(question);
  const std::string plan = due ? fmt::format("next run {} ({})", format_utc(due->at), due->reason) : "no schedule";
  const std::string& last = question.runs.empty() ? std::string() : question.runs.front().outcome;
  say(last.empty() || last == "succeeded" ? plan : fmt::format("last run {}; {}", last, plan));
  if (due && std::exchange(told_plan_, plan) != plan)
    pulse_.on_event(event::RunScheduled{scope(), due->at, due->reason});
  return due ? std::min<Duration>(due->at - question.now, kLongestWait) : kLongestWait;
}

/// One run, its hook, and what became of the key meanwhile.
void SourceLane::carry(const std::function<sync::RunReport()>& run, const std::string& what,
                       const std::stop_token& stop) {
  say(what, true);
  const sync::RunReport report = run();
  say("between runs");
  note_keys();
  key_bell_.ring();
  if (report.run_id == 0) return;
  if (!source_.hook.empty()) say("running the hook");
  run_hooks({source_.name, source_.hook, settings_.config->lease_ttl, [this] { work_life_.beat(); }}, open_, pulse_,
            settings_.clock, stop);
}

void SourceLane::carry_requests(const std::stop_token& stop) {
  std::int64_t last = 0;  // one that stays although it was carried is left to the next turn
  while (!stop.stop_requested() && parts_->client().key_state().usable) {
    std::optional<store::RunRequest> request;
    {
      const auto session = open_(stop);
      request = store::Requests(session->connection()).next(source_.name);
    }
    if (!request || request->request_id <= last) return;
    last = request->request_id;
    carry([&] { return carry_request(hand(stop), parts_->job(*settings_.config), *request); },
          fmt::format("running request {}", last), stop);
  }
}

/// Tells when the source begins to be held, and when it is no longer.
void SourceLane::note_keys() {
  const http::KeyState key = parts_->client().key_state();
  bool began = false, ended = false;
  {
    const std::lock_guard lock(mutex_);
    began = !key.usable && (!held_ || verdict_ != key.verdict);
    ended = key.usable && held_;
    held_ = !key.usable;
    verdict_ = key.verdict;
  }
  if (began) pulse_.on_event(event::SourceHeld{scope(), key.verdict, key.next_step});
  if (!ended) return;
  pulse_.on_event(event::SourceReleased{
      scope(), fmt::format("the key {} is accepted; what was missed is caught up", key.fingerprint)});
  run_at_once_ = true;
  bell_.ring();
}

/// Whether a key of the source is known as refused, or told of as such, whoever met it. No, while the database is away.
bool SourceLane::refused_by_anybody(const std::stop_token& stop) {
  try {
    const auto session = open_(stop);
    const auto is_refused = [](const store::KeyRecord& key) { return key.slot == "secret" && !key.verdict.empty(); };
    if (std::ranges::any_of(store::KeyBook(session->connection()).records(source_.name), is_refused)) return true;
    return std::ranges::any_of(store::Incidents(session->connection()).open_ones(), [&](const auto& incident) {
      return incident.source == source_.name && incident.rule == "credentials_refused";
    });
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::cancelled) throw;
    return false;
  }
}

/// A key that takes the place of one that another process saw refused ends what was missed for it, too. Whether the
/// source has a good key.
bool SourceLane::take_changed_keys(const std::stop_token& stop) {
  http::Client& client = parts_->client();
  const std::string before = client.fingerprint();
  const bool was_refused = refused_by_anybody(stop);
  const bool usable = client.refresh_keys(stop);
  {
    const std::lock_guard lock(mutex_);
    if (held_) return usable;  // it was seen here: see note_keys
  }
  if (!usable || !was_refused || client.fingerprint() == before) return usable;
  pulse_.on_event(event::SourceReleased{
      scope(),
      fmt::format("the key {} takes the place of a refused one; what was missed is caught up", client.fingerprint())});
  run_at_once_ = true;
  bell_.ring();
  return usable;
}

/// The other thread: changed secrets, probes of a refused key, and now and then the key in reserve.
void SourceLane::look_after_keys(const std::stop_token& stop) {
  pulse_.stand_apart();
  http::Client& client = parts_->client();
  while (!stop.stop_requested()) {
    key_life_.beat();
    try {
      bool usable = client.key_state().usable;
      if (keys_changed_.exchange(false)) usable = take_changed_keys(stop);
      if (!usable) usable = client.probe_refused_key(stop);
      note_keys();
      if (usable) try_next_slot(stop);
    } catch (const Error& error) {
      if (stop.stop_requested()) return;
      pulse_.on_event(
          event::Note{scope(), Severity::warning, fmt::format("looking after the keys: {}", error.full_text())});
    } catch (const std::exception& error) {
      pulse_.on_event(event::Note{scope(), Severity::error, fmt::format("looking after the keys: {}", error.what())});
    }
    key_bell_.wait(kHeldLook, stop);
  }
}

/// Old history goes once a day, while there is nothing else to do.
void SourceLane::tidy(const std::stop_token& stop) {
  const SteadyTime now = settings_.clock.now();
  if (tidied_at_ && now < *tidied_at_ + kTidyEvery) return;
  tidied_at_ = now;
  forget_old(open_, *settings_.config, source_.name, kSlicesADay, pulse_, stop, [this] { work_life_.beat(); });
}

void SourceLane::try_next_slot(const std::stop_token& stop) {
  if (source_.auth.next.empty()) return;
  const SteadyTime now = settings_.clock.now();
  if (next_slot_tried_at_ && now < *next_slot_tried_at_ + kNextSlotEvery) return;
  next_slot_tried_at_ = now;
  parts_->client().try_next_key(stop);
}

}  // namespace surveysync::app
