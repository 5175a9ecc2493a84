// The workers' side of the gate, and what it shows. The decisions are in key_trial.cpp.
#include "http/key_gate.h"

#include <fmt/format.h>

#include "http/key_alarm.h"
#include "http/own_memory.h"

namespace surveysync::http {
namespace {

constexpr Duration kLookEvery = std::chrono::seconds(2);
constexpr Duration kNoteEvery = std::chrono::hours(1);

[[noreturn]] void stopped() {
  throw Error(ErrorKind::cancelled, "stopped while a key was being confirmed");
}

}  // namespace

KeyGate::Turn::Turn(KeyGate& gate, Workers workers, const std::stop_token& stop) : gate_(gate) {
  std::unique_lock lock(gate_.mutex_);
  if (!gate_.free_.wait(lock, stop, [&] { return !gate_.taken_; })) stopped();
  gate_.taken_ = true;
  gate_.closed_ = workers == Workers::wait;
}

KeyGate::Turn::~Turn() {
  const std::lock_guard lock(gate_.mutex_);
  gate_.taken_ = gate_.closed_ = false;
  gate_.free_.notify_all();
}

KeyGate::KeyGate(SecretReference secret, std::size_t lines, KeyOptions options, Scope scope, Probe probe,
                 Masker& masker, Observer& observer, Clock& clock)
    : lines_(lines),
      options_(std::move(options)),
      memory_(options_.memory ? options_.memory : std::make_shared<OwnMemory>(clock)),
      alarm_(options_.alarm ? options_.alarm : std::make_shared<KeyAlarm>()),
      scope_(std::move(scope)),
      probe_(std::move(probe)),
      masker_(masker),
      observer_(observer),
      clock_(clock) {
  slots_[0].name = "secret";
  slots_[0].reference = std::move(secret);
  slots_[1].name = "next";
  slots_[1].reference = options_.next;
  slots_[0].token = options_.token;
  if (!options_.may_be_missing) {
    std::string remedy;
    try {
      put(0, take_in(slots_[0], read(slots_[0], remedy)), Announce::no);
    } catch (const Error& failure) {
      if (remedy.empty()) throw;
      throw Error(failure.kind(), failure.what(), remedy);
    }
  }
  for (std::size_t index = 0; index < slots_.size(); ++index) {
    if (slots_[index].content) continue;
    if (const Content content = look(slots_[index])) put(index, content, Announce::no);
  }
}

// --- for workers ---

KeyGate::Key KeyGate::take(const std::stop_token& stop) {
  for (;;) {
    if (heed_alarm(stop)) continue;
    {
      std::unique_lock lock(mutex_);
      if (!free_.wait(lock, stop, [&] { return !closed_; })) stopped();
      const Slot& slot = slots_[active_];
      Known& known = known_locked(slot.content);
      end_rest_locked(known);
      if (slot.content && known.begun && known.usable()) return {slot.content, version_};
      const bool may_look = !taken_ && clock_.now() >= next_look_;
      if (known.begun && !may_look) break;
    }
    const Turn turn(*this, Turn::Workers::wait, stop);
    open(stop);
  }
  tell_if_held();
  throw refusal();
}

/// Another source may have found out that the key in use is dead. Whether that was news.
bool KeyGate::heed_alarm(const std::stop_token& stop) {
  Content content;
  {
    const std::lock_guard lock(mutex_);
    content = slots_[active_].content;
    if (!content || known_locked(content).held) return false;
  }
  const std::optional<Answer> answer = alarm_->ask(content->fingerprint, stop);
  if (!answer) return false;
  const Turn turn(*this, Turn::Workers::wait, stop);
  Slot& slot = slots_[active_];
  if (slot.content != content || known_of(content).held) return true;
  hold(slot, content, decide(slot, content, *answer, stop));
  promote_other(stop);
  return true;
}

/// A key is accepted: whatever was told of others is over, and would be news again.
void KeyGate::forget_told_locked() {
  for (auto& [fingerprint, known] : known_)
    known.told = false;
}

/// Makes the key in use known: what earlier uses showed, whether its secret changed while it is refused.
void KeyGate::open(const std::stop_token& stop) {
  bool was_begun = false;
  {
    const std::lock_guard lock(mutex_);
    const Slot& slot = slots_[active_];
    const Known& known = known_locked(slot.content);
    was_begun = known.begun;
    if (was_begun && ((slot.content && known.usable()) || clock_.now() < next_look_)) return;  // another did it
    next_look_ = clock_.now() + kLookEvery;
  }
  Slot& slot = slots_[active_];
  if (const Content fresh = look(slot); fresh && !knows_refused(fresh)) {
    put(active_, fresh, Announce::yes);
    was_begun = false;
  }
  if (was_begun) return;
  bool probe_is_due = false;
  if (slot.content) {
    begin(slot, slot.content, probe_is_due);
  } else {
    const std::lock_guard lock(mutex_);
    Known& known = known_locked(slot.content);
    known.begun = true;
    known.held = Held{missing_of(slot), clock_.utc_now()};
  }
  if (!known_of(slot.content).held) return;
  if (probe_is_due && memory_->claim_probe(id_of(slot, slot.content)) && retry_held(slot, slot.content, stop)) return;
  promote_other(stop);
}

bool KeyGate::is_good(const Key& key) const {
  const std::lock_guard lock(mutex_);
  const Known* const known = current_locked();
  return !closed_ && key.version == version_ && known != nullptr && known->usable() &&
         !alarm_->raised(key.credential->fingerprint);
}

KeyGate::FirstUse::FirstUse(KeyGate& gate, const Key& key, const std::stop_token& stop) : gate_(gate) {
  std::unique_lock lock(gate_.mutex_);
  const auto may_go = [&] {
    const Known& known = gate_.known_locked(key.credential);
    return known.proven || known.held || key.version != gate_.version_ || !gate_.first_use_;
  };
  if (!gate_.free_.wait(lock, stop, may_go)) stopped();
  const Known& known = gate_.known_locked(key.credential);
  if (known.proven || known.held || key.version != gate_.version_) return;
  alone_ = gate_.first_use_ = true;
}

KeyGate::FirstUse::~FirstUse() {
  if (!alone_) return;
  const std::lock_guard lock(gate_.mutex_);
  gate_.first_use_ = false;
  gate_.free_.notify_all();
}

void KeyGate::accepted(const Key& key, SteadyTime sent_at) {
  std::size_t index = 0;
  bool was_proven = false;
  {
    const std::lock_guard lock(mutex_);
    if (key.version != version_) return;
    Known& known = known_locked(key.credential);
    if (known.held) return;  // it was sent before the key was refused
    // A key that died a moment ago still has good answers under way.
    if (!known.in_vain_at || *known.in_vain_at <= sent_at) known.in_a_row = known.unreported = 0;
    known.last_good_at = clock_.utc_now();
    was_proven = std::exchange(known.proven, true);
    if (was_proven && known.noted_at && clock_.now() < *known.noted_at + kNoteEvery) return;
    known.noted_at = clock_.now();
    index = active_;
    if (!was_proven) {
      known.worked = true;
      forget_told_locked();
      slots_[index].good_lines = key.credential->line_fingerprints;
    }
  }
  if (was_proven) return memory_->still_good(id_of(slots_[index], key.credential));
  alarm_->accepted(key.credential->fingerprint);
  memory_->accepted(id_of(slots_[index], key.credential));
  observer_.on_event(event::KeyAccepted{scope_, slots_[index].name, key.credential->fingerprint});
}

Error KeyGate::refusal() const {
  const std::lock_guard lock(mutex_);
  const Slot& slot = slots_[active_];
  const KeyState state = state_locked(slot, slot.content);
  const std::string what = state.fingerprint.empty() ? "the key" : "the key " + state.fingerprint;
  const std::string since =
      state.refused_since ? " since " + format_utc(std::chrono::floor<std::chrono::seconds>(*state.refused_since)) : "";
  return Error(ErrorKind::unauthorized,
               fmt::format("{} of {} cannot be used{}: {} ({})", what, slot.reference->display(), since, state.verdict,
                           state.evidence),
               state.next_step);
}

// --- what is known ---

void KeyGate::end_rest_locked(Known& known) const {
  if (!known.rest_until || clock_.now() < *known.rest_until) return;
  known.rest_until.reset();
  known.begun = false;  // what happened meanwhile is asked again
}

const KeyGate::Known* KeyGate::current_locked() const {
  const Content& content = slots_[active_].content;
  const auto found = known_.find(content ? content->fingerprint : std::string());
  return found == known_.end() ? nullptr : &found->second;
}

bool KeyGate::is_usable() const {
  return state().usable;
}

KeyState KeyGate::state() const {
  const std::lock_guard lock(mutex_);
  return state_locked(slots_[active_], slots_[active_].content);
}

KeyState KeyGate::state_locked(const Slot& slot, const Content& content) const {
  KeyState state;
  state.slot = slot.name;
  if (content) state.fingerprint = content->fingerprint;
  const auto found = known_.find(state.fingerprint);
  const Known known = found == known_.end() ? Known{} : found->second;
  state.last_good_at = known.last_good_at;
  std::optional<KeyVerdict> verdict;
  if (known.held) {
    verdict = known.held->verdict;
    state.refused_since = known.held->since;
  } else if (!content) {
    verdict = missing_of(slot);
  } else if (known.rest_until && clock_.now() < *known.rest_until) {
    verdict = resting_key();
  }
  state.usable = !verdict;
  if (!verdict) return state;
  state.verdict = verdict->verdict;
  state.evidence = verdict->evidence;
  state.next_step = verdict->next_step;
  return state;
}

KeyGate::Known KeyGate::known_of(const Content& content) {
  const std::lock_guard lock(mutex_);
  return known_locked(content);
}

bool KeyGate::knows_refused(const Content& content) {
  return known_of(content).held.has_value();
}

void KeyGate::in_vain(const Key& key) {
  KeyId id;
  int requests = 0;
  {
    const std::lock_guard lock(mutex_);
    Known& known = known_locked(key.credential);
    known.in_vain_at = clock_.now();
    ++known.unreported;
    if (!known.held || known.unreported <= 0) return;
    requests = std::exchange(known.unreported, 0);
    id = id_of(slots_[active_], key.credential);
  }
  memory_->sent_in_vain(id, requests);
}

KeyId KeyGate::id_of(const Slot& slot, const Content& content) {
  return {slot.name, content->fingerprint, content->line_fingerprints};
}

void KeyGate::tell(const Slot& slot, const Content& content) {
  std::optional<Held> held;
  {
    const std::lock_guard lock(mutex_);
    Known& known = known_locked(content);
    if (known.held && !std::exchange(known.told, true)) held = known.held;
  }
  if (!held) return;
  const auto& [verdict, evidence, next_step] = held->verdict;
  observer_.on_event(
      event::KeyRefused{scope_, slot.name, content ? content->fingerprint : "", verdict, evidence, next_step});
}

void KeyGate::tell_if_held() {
  std::size_t index = 0;
  Content content;
  {
    const std::lock_guard lock(mutex_);
    index = active_;
    content = slots_[index].content;
  }
  tell(slots_[index], content);
}

}  // namespace surveysync::http
