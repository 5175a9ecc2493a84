// What the gate's slots hold: the secrets, read again, taken in, and put in use. As in key_trial.cpp, with its Turn.
#include "http/key_gate.h"
#include "http/oauth1.h"

namespace surveysync::http {

/// Content that is read for the first time: it will be masked wherever it shows up, and what is odd about it is told.
KeyGate::Content KeyGate::take_in(const Slot& slot, Credential credential) {
  masker_.add(credential);
  for (const std::string& warning : credential.warnings)
    observer_.on_event(event::SecretWarned{scope_, slot.reference->display() + ": " + warning});
  if (options_.warning) {
    const std::string warning = options_.warning(credential);
    if (!warning.empty()) observer_.on_event(event::SecretWarned{scope_, slot.reference->display() + ": " + warning});
  }
  return std::make_shared<const Credential>(std::move(credential));
}

/// All parts of the slot's key. `remedy`: what to do when this throws, if it is not to write the key.
Credential KeyGate::read(const Slot& slot, std::string& remedy) const {
  Credential key = slot.reference->read(lines_);
  if (!slot.token) return key;
  remedy = authorize_again(scope_.source);
  Credential token = slot.token->read(kTokenLines);
  remedy.clear();
  return joined(std::move(key), std::move(token));
}

KeyVerdict KeyGate::missing_of(const Slot& slot) {
  KeyVerdict verdict = missing_key(slot.reference ? slot.reference->display() : slot.name, slot.unreadable);
  if (!slot.remedy.empty()) verdict.next_step = slot.remedy;
  return verdict;
}

/// The slot's secret, read again; nothing when it is as it was, or cannot be read (told once for each reason).
KeyGate::Content KeyGate::look(Slot& slot) {
  if (!slot.reference) return nullptr;
  std::string remedy;
  try {
    Credential found = read(slot, remedy);
    slot.warned.clear();
    {
      const std::lock_guard lock(mutex_);
      slot.unreadable.clear();
    }
    if (slot.content && found.lines == slot.content->lines) {
      restored(slot);
      return nullptr;
    }
    bool is_new = false;
    {
      const std::lock_guard lock(mutex_);
      is_new = known_.find(found.fingerprint) == known_.end();
    }
    return is_new ? take_in(slot, std::move(found)) : std::make_shared<const Credential>(std::move(found));
  } catch (const Error& failure) {
    if (slot.warned.insert(failure.what()).second) observer_.on_event(event::SecretWarned{scope_, failure.what()});
    const std::lock_guard lock(mutex_);
    slot.unreadable = failure.what();
    slot.remedy = remedy;
    return nullptr;
  }
}

/// The file holds the key in use again, after another that was refused and told of: that trouble is over.
void KeyGate::restored(Slot& slot) {
  const Content rejected = std::exchange(slot.rejected, nullptr);
  if (!rejected) return;
  {
    const std::lock_guard lock(mutex_);
    known_locked(rejected).told = false;
    if (!known_locked(slot.content).usable() || &slot != &slots_[active_]) return;
  }
  observer_.on_event(event::KeyAccepted{scope_, slot.name, slot.content->fingerprint});
}

/// From here on the slot holds `content`.
void KeyGate::put(std::size_t index, const Content& content, Announce announce) {
  {
    const std::lock_guard lock(mutex_);
    slots_[index].content = content;
    slots_[index].unreadable.clear();
    slots_[index].rejected.reset();
    if (index != active_) return;
    ++version_;
    ruled_at_.reset();
  }
  if (announce == Announce::yes)
    observer_.on_event(event::KeyRotated{scope_, slots_[index].name, content->fingerprint});
}

/// From here on the slot's key is the one in use.
void KeyGate::activate(std::size_t index) {
  {
    const std::lock_guard lock(mutex_);
    if (index == active_) return;
    active_ = index;
    ++version_;
    ruled_at_.reset();
  }
  observer_.on_event(event::KeyRotated{scope_, slots_[index].name, slots_[index].content->fingerprint});
}

}  // namespace surveysync::http
