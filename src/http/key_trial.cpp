// The decisions of the gate. Everything here runs with its Turn, one thread at a time: slots are written by nobody else
// (under the mutex all the same, for those who look), so this thread may read them freely.
#include <fmt/format.h>

#include "http/key_alarm.h"
#include "http/key_gate.h"

namespace surveysync::http {
namespace {

// A key that was refused so often, with nothing good in between, is refused, though no probe could confirm it.
constexpr int kRefusedOftenEnough = 6;
// In a dead key's first hour requests are few, and the account is asked once.
constexpr Duration kAccountSpared = std::chrono::hours(1);

bool is_about_the_pair(const KeyVerdict& verdict) {
  return verdict.verdict == "rotated" || verdict.verdict == "invalid" || verdict.verdict == "mistyped" ||
         verdict.verdict == "half_rotated" || verdict.verdict == "wrong_region";
}

bool is_about_the_pair(Refusal refusal) {
  return refusal == Refusal::pair || refusal == Refusal::never_valid || refusal == Refusal::invalid;
}

bool is_about_access(const KeyVerdict& verdict) {
  return verdict.verdict == "permission_denied" || verdict.verdict == "access_disabled";
}

/// Whether an answer brings nothing new to light about a key that is held with this verdict.
bool is_as_before(const KeyVerdict& verdict, const KeyGate::Answer& answer) {
  if (is_about_the_pair(verdict)) return is_about_the_pair(answer.refusal);
  return is_about_access(verdict) && answer.refusal == Refusal::access && !answer.account_asked;
}

}  // namespace

// --- what is known of a key ---

/// Asks what earlier uses showed, once a key. `probe_is_due`: it is refused, and its next probe is due.
void KeyGate::begin(Slot& slot, const Content& content, bool& probe_is_due) {
  probe_is_due = false;
  if (known_of(content).begun) return;
  if (const std::string mistake = mistake_of(content); !mistake.empty()) {
    hold(slot, content, malformed_key(slot.reference->display(), content->fingerprint, mistake));
    return;
  }
  const KeyPast past = memory_->begin(id_of(slot, content));
  const bool must_rest = past.rest > Duration::zero();
  const std::lock_guard lock(mutex_);
  Known& known = known_locked(content);
  known.begun = true;
  known.worked = known.worked || past.worked;
  known.good_seen = past.last_good_at;
  if (!known.last_good_at) known.last_good_at = past.last_good_at;
  if (!past.last_good_lines.empty()) slot.good_lines = past.last_good_lines;
  if (must_rest) known.rest_until = clock_.now() + past.rest;
  if (!past.refused) return;
  const auto& [verdict, evidence, next_step, since, until_probe] = *past.refused;
  known.held = Held{{verdict, evidence, next_step}, since};
  known.proven = false;
  probe_is_due = !must_rest && until_probe <= Duration::zero();
}

/// What other processes met with the slot's key while this one had no use for it: nothing is noted by asking.
void KeyGate::learn_refusal(Slot& slot) {
  const KeyPast past = slot.content ? memory_->recall(id_of(slot, slot.content)) : KeyPast();
  if (!past.refused || known_of(slot.content).held) return;
  const std::lock_guard lock(mutex_);
  Known& known = known_locked(slot.content);
  known.held = Held{{past.refused->verdict, past.refused->evidence, past.refused->next_step}, past.refused->since};
  known.begun = true;
  known.worked = known.worked || past.worked;
  known.proven = false;
  known.good_seen = past.last_good_at;
  if (!past.last_good_lines.empty()) slot.good_lines = past.last_good_lines;
}

/// A probe was accepted. A key that is in use is told of; one in reserve is only noted.
void KeyGate::admit(Slot& slot, const Content& content) {
  const bool in_use = &slot == &slots_[active_];
  bool is_news = false;
  {
    const std::lock_guard lock(mutex_);
    Known& known = known_locked(content);
    known.held.reset();
    known.begun = known.worked = true;
    if (in_use) forget_told_locked();
    known.told = false;
    known.in_a_row = known.unreported = 0;
    known.last_good_at = clock_.utc_now();
    known.noted_at = clock_.now();
    is_news = !known.proven;
    known.proven = in_use;
    slot.good_lines = content->line_fingerprints;
  }
  alarm_->accepted(content->fingerprint);
  if (!is_news) return;
  memory_->accepted(id_of(slot, content));
  if (in_use) observer_.on_event(event::KeyAccepted{scope_, slot.name, content->fingerprint});
}

/// Nothing more is asked with the key; everybody may know. Telling people is another matter: see tell().
void KeyGate::hold(Slot& slot, const Content& content, const KeyVerdict& verdict) {
  int requests = 0;
  {
    const std::lock_guard lock(mutex_);
    Known& known = known_locked(content);
    known.held = Held{verdict, known.held ? known.held->since : clock_.utc_now()};
    known.begun = true;
    known.proven = false;
    requests = std::max(0, known.unreported);
    known.unreported -= requests;
  }
  memory_->refused(id_of(slot, content), verdict.verdict, verdict.evidence, verdict.next_step, requests);
}

KeyVerdict KeyGate::decide(Slot& slot, const Content& content, const Answer& answer, const std::stop_token& stop) {
  Known known;
  KeyEvidence evidence;
  {
    const std::lock_guard lock(mutex_);
    known = known_locked(content);
    evidence.good_lines = slot.good_lines;
  }
  if (known.held && is_as_before(known.held->verdict, answer)) return known.held->verdict;
  evidence.refusal = answer.refusal;
  evidence.words = answer.words;
  evidence.reference = slot.reference->display();
  evidence.unreadable = slot.unreadable;
  evidence.fingerprint = content->fingerprint;
  evidence.lines = content->line_fingerprints;
  evidence.worked = known.worked;
  evidence.last_good_at = known.last_good_at;
  evidence.account_accepts = answer.account_accepts;
  evidence.oddities = key_oddities(*content);
  if (options_.oauth1)
    evidence.oauth =
        OAuthEvidence{scope_.source, slot.token ? slot.token->display() : std::string(), answer.clock_skew};
  if (options_.accepted_elsewhere && !known.asked_elsewhere && may_belong_elsewhere(evidence)) {
    KeyOptions::Elsewhere found;
    try {
      found = options_.accepted_elsewhere(*content, stop);
    } catch (const Error& failure) {
      if (failure.kind() == ErrorKind::cancelled) throw;
    }
    evidence.accepted_elsewhere = found.region;
    const std::lock_guard lock(mutex_);
    known_locked(content).asked_elsewhere = true;
    known_locked(content).unreported += found.in_vain;
  }
  return judge_key(evidence);
}

// --- probes ---

KeyGate::Answer KeyGate::try_key(const Content& content, const std::stop_token& stop) {
  if (std::string mistake = mistake_of(content); !mistake.empty())
    return {Answer::Kind::refused, Refusal::never_valid, std::move(mistake)};
  const std::optional<Held> held = known_of(content).held;
  const bool lately = held && clock_.utc_now() - held->since < kAccountSpared;
  const auto account = lately && is_about_access(held->verdict) ? Account::spare : Account::ask;
  return probe_({content, version_}, account, stop);
}

/// One probe of a key that is not in use, or is refused, and what follows from it.
KeyGate::Answer::Kind KeyGate::try_and_tell(Slot& slot, const Content& content, Claimed claimed,
                                            const std::stop_token& stop) {
  if (claimed == Claimed::yes) {
    const std::lock_guard lock(mutex_);
    --known_locked(content).unreported;
  }
  const Answer answer = try_key(content, stop);
  if (answer.kind == Answer::Kind::not_asked) return answer.kind;
  std::string verdict;
  if (answer.kind == Answer::Kind::refused) {
    alarm_->refused(content->fingerprint, answer);
    const KeyVerdict found = decide(slot, content, answer, stop);
    hold(slot, content, found);
    verdict = found.verdict;
  } else if (answer.kind == Answer::Kind::unknown) {
    verdict = undecided_key(answer.words).verdict;
  }
  observer_.on_event(event::KeyTried{scope_, slot.name, content->fingerprint, verdict});
  return answer.kind;
}

/// A probe that KeyMemory gave leave for. Whether the key is good again.
bool KeyGate::retry_held(Slot& slot, const Content& content, const std::stop_token& stop) {
  if (try_and_tell(slot, content, Claimed::yes, stop) != Answer::Kind::accepted) return false;
  admit(slot, content);
  return true;
}

/// Goes on with the slot that is not in use, if its key is accepted.
bool KeyGate::promote_other(const std::stop_token& stop) {
  const std::size_t index = 1 - active_;
  Slot& other = slots_[index];
  if (const Content fresh = look(other)) put(index, fresh, Announce::no);
  const Content content = other.content;
  const Content& current = slots_[active_].content;
  if (!content || (current && content->fingerprint == current->fingerprint)) return false;
  bool probe_is_due = false;
  begin(other, content, probe_is_due);
  const Known known = known_of(content);
  if (known.rest_until) return false;
  if (known.held && !memory_->claim_probe(id_of(other, content))) return false;
  const Claimed claimed = known.held ? Claimed::yes : Claimed::no;
  if (try_and_tell(other, content, claimed, stop) != Answer::Kind::accepted) return false;
  activate(index);
  admit(other, content);
  return true;
}

// --- a refused call ---

KeyGate::Ruling KeyGate::rule(const Refused& refused, const std::stop_token& stop) {
  {
    const std::lock_guard lock(mutex_);
    ++known_locked(refused.key.credential).in_a_row;
  }
  const Turn turn(*this, Turn::Workers::wait, stop);
  if (const auto ruling = earlier_ruling(refused)) return *ruling;
  const auto remember = [&](Ruling ruling) {
    const std::lock_guard lock(mutex_);
    if (ruling == Ruling::rotated) return ruling;  // says nothing about the key that is in use now
    ruled_at_ = clock_.now();
    last_ruling_ = ruling;
    return ruling;
  };
  try {
    return remember(settle(refused, stop));
  } catch (...) {
    remember(Ruling::unknown);
    throw;
  }
}

/// What was decided while the refusal was on its way.
std::optional<KeyGate::Ruling> KeyGate::earlier_ruling(const Refused& refused) {
  const Known known = known_of(slots_[active_].content);
  if (refused.key.version != version_) return Ruling::rotated;
  if (known.held) return Ruling::refused;
  // A ruling that was made after the call went out is about it too.
  if (ruled_at_ && *ruled_at_ >= refused.sent_at) return last_ruling_;
  return std::nullopt;
}

KeyGate::Ruling KeyGate::settle(const Refused& refused, const std::stop_token& stop) {
  Slot& slot = slots_[active_];
  const Content content = slot.content;
  const Content fresh = look(slot);
  if (fresh && !knows_refused(fresh)) {
    put(active_, fresh, Announce::yes);
    return Ruling::rotated;
  }
  const KeyPast past = memory_->recall(id_of(slot, content));
  {
    const std::lock_guard lock(mutex_);
    known_locked(content).good_seen = past.last_good_at;
  }
  if (past.refused) {
    hold(slot, content, {past.refused->verdict, past.refused->evidence, past.refused->next_step});
  } else if (const KeyAlarm::Inquiry inquiry(*alarm_, content->fingerprint, stop); inquiry.answered()) {
    hold(slot, content, decide(slot, content, *inquiry.answered(), stop));
  } else if (const Ruling ruling = confirm(refused, content, stop); ruling != Ruling::refused) {
    return ruling;
  }
  if (fresh) put(active_, fresh, Announce::no);  // it is known to be refused as well, and told of
  if (promote_other(stop)) return Ruling::rotated;
  tell(slot, slot.content);
  return Ruling::refused;
}

/// One probe for everybody; when it is refused too, the key is held.
KeyGate::Ruling KeyGate::confirm(const Refused& refused, const Content& content, const std::stop_token& stop) {
  Slot& slot = slots_[active_];
  Answer answer = try_key(content, stop);
  if (answer.kind == Answer::Kind::accepted) {
    admit(slot, content);
    return Ruling::accepted;
  }
  const bool often = known_of(content).in_a_row >= kRefusedOftenEnough;
  if (answer.kind == Answer::Kind::unknown && !often) return Ruling::unknown;
  if (answer.kind != Answer::Kind::refused) {
    answer.refusal = refused.refusal;
    answer.words = refused.words;
  }
  alarm_->refused(content->fingerprint, answer);
  hold(slot, content, decide(slot, content, answer, stop));
  return Ruling::refused;
}

// --- whoever looks after the source ---

bool KeyGate::refresh(const std::stop_token& stop) {
  {
    const Turn turn(*this, Turn::Workers::go_on, stop);
    for (std::size_t index = 0; index < slots_.size(); ++index) {
      if (const Content fresh = look(slots_[index])) {
        if (index == active_) learn_refusal(slots_[index]);
        try_fresh(index, fresh, stop);
      }
    }
    if (!known_of(slots_[active_].content).begun) open(stop);
  }
  tell_if_held();
  return is_usable();
}

/// A secret has other content than the slot: one probe decides whether it takes its place.
void KeyGate::try_fresh(std::size_t index, const Content& fresh, const std::stop_token& stop) {
  Slot& slot = slots_[index];
  const bool replaces_nothing_good = index != active_ || !is_usable();
  bool probe_is_due = false;
  begin(slot, fresh, probe_is_due);
  const Known known = known_of(fresh);
  Answer::Kind answer = Answer::Kind::refused;
  if (known.rest_until) {
    answer = Answer::Kind::unknown;
  } else if (!known.held || memory_->claim_probe(id_of(slot, fresh))) {
    answer = try_and_tell(slot, fresh, known.held ? Claimed::yes : Claimed::no, stop);
  }
  switch (answer) {
    case Answer::Kind::accepted:
    case Answer::Kind::not_asked:
      put(index, fresh, Announce::yes);
      if (index == 0 || !is_usable()) activate(index);
      if (answer == Answer::Kind::accepted) admit(slot, fresh);
      return;
    case Answer::Kind::refused:
      if (replaces_nothing_good) {
        put(index, fresh, Announce::no);
      } else {
        slot.rejected = fresh;
      }
      if (index == 0 || index == active_) tell(slot, fresh);
      return;
    case Answer::Kind::unknown:
      if (replaces_nothing_good) put(index, fresh, Announce::yes);  // as good as any key that was not used yet
      return;
  }
}

/// Whether another process found the key to be good since we held it: then so do we.
bool KeyGate::others_accept(const Slot& slot) {
  const KeyPast past = memory_->recall(id_of(slot, slot.content));
  const std::lock_guard lock(mutex_);
  Known& known = known_locked(slot.content);
  if (past.refused || !past.last_good_at || (known.good_seen && *past.last_good_at <= *known.good_seen)) return false;
  known.good_seen = known.last_good_at = past.last_good_at;
  known.held.reset();
  known.told = known.proven = false;
  known.worked = true;
  known.in_a_row = 0;
  alarm_->accepted(slot.content->fingerprint);
  return true;
}

bool KeyGate::probe_refused(const std::stop_token& stop) {
  {
    const Turn turn(*this, Turn::Workers::go_on, stop);
    Slot& slot = slots_[active_];
    {
      const std::lock_guard lock(mutex_);
      end_rest_locked(known_locked(slot.content));
    }
    if (!known_of(slot.content).begun) open(stop);
    if (slot.content && known_of(slot.content).held && !others_accept(slot)) {
      const bool leave = memory_->claim_probe(id_of(slot, slot.content));
      if (leave && !retry_held(slot, slot.content, stop)) promote_other(stop);
    }
  }
  tell_if_held();
  return is_usable();
}

std::optional<KeyState> KeyGate::try_next(const std::stop_token& stop) {
  if (!options_.next) return std::nullopt;
  const Turn turn(*this, Turn::Workers::go_on, stop);
  const Slot& next = slots_[1];
  if (active_ == 1 && known_of(next.content).proven) {  // it proves itself with every call
    const std::lock_guard lock(mutex_);
    return state_locked(next, next.content);
  }
  return test_slot(1, stop);
}

std::vector<KeyState> KeyGate::test_all(const std::stop_token& stop) {
  std::vector<KeyState> states;
  {
    const Turn turn(*this, Turn::Workers::go_on, stop);
    for (std::size_t index = 0; index < slots_.size(); ++index) {
      if (slots_[index].reference) states.push_back(test_slot(index, stop));
    }
  }
  tell_if_held();
  return states;
}

KeyState KeyGate::test_slot(std::size_t index, const std::stop_token& stop) {
  Slot& slot = slots_[index];
  const Content fresh = look(slot);
  const Content content = fresh ? fresh : slot.content;
  Answer::Kind answer = Answer::Kind::not_asked;
  if (fresh) {
    try_fresh(index, fresh, stop);
  } else if (content) {
    bool probe_is_due = false;
    begin(slot, content, probe_is_due);
    const Known known = known_of(content);
    if (!known.rest_until && (!known.held || memory_->claim_probe(id_of(slot, content)))) {
      answer = try_and_tell(slot, content, known.held ? Claimed::yes : Claimed::no, stop);
      if (answer == Answer::Kind::accepted) admit(slot, content);
    }
  }
  const std::lock_guard lock(mutex_);
  KeyState state = state_locked(slot, content);
  if (answer == Answer::Kind::unknown && state.usable) state.verdict = undecided_key("").verdict;
  return state;
}

}  // namespace surveysync::http
