#include "http/key_gate.h"

#include <fmt/format.h>

namespace surveysync::http {
namespace {

constexpr Duration kLookEvery = std::chrono::seconds(2);

}  // namespace

KeyGate::KeyGate(SecretReference reference, std::size_t lines, Scope scope, Masker& masker, Observer& observer,
                 Clock& clock)
    : reference_(std::move(reference)),
      lines_(lines),
      scope_(std::move(scope)),
      masker_(masker),
      observer_(observer),
      clock_(clock) {
  adopt_locked(reference_.read(lines_));
}

void KeyGate::adopt_locked(Credential credential) {
  masker_.add(credential);
  for (const std::string& warning : credential.warnings) {
    observer_.on_event(event::SecretWarned{scope_, reference_.display() + ": " + warning});
  }
  key_ = {std::make_shared<const Credential>(std::move(credential)), key_.version + 1};
  proven_ = false;
  last_warning_.clear();
  refused_for_.reset();
  ruled_at_.reset();
}

bool KeyGate::reread_locked() {
  try {
    Credential found = reference_.read(lines_);
    if (found.lines == key_.credential->lines) return false;
    adopt_locked(std::move(found));
  } catch (const Error& failure) {
    // Missing or half-written: the last good content stays until a whole one is there.
    if (std::exchange(last_warning_, failure.what()) != last_warning_) {
      observer_.on_event(event::SecretWarned{scope_, last_warning_});
    }
    return false;
  }
  observer_.on_event(event::KeyRotated{scope_, "secret", key_.credential->fingerprint});
  return true;
}

KeyGate::Key KeyGate::take(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (!confirmed_.wait(lock, stop, [&] { return !confirming_; })) {
    throw Error(ErrorKind::cancelled, "stopped while a refused key was being confirmed");
  }
  if (!refused_for_) return key_;
  if (const SteadyTime now = clock_.now(); now >= next_look_) {
    next_look_ = now + kLookEvery;
    if (reread_locked()) return key_;
  }
  lock.unlock();
  throw refusal();
}

KeyGate::Key KeyGate::current() const {
  const std::lock_guard lock(mutex_);
  return key_;
}

bool KeyGate::is_good(const Key& key) const {
  const std::lock_guard lock(mutex_);
  return !confirming_ && !refused_for_ && key.version == key_.version;
}

void KeyGate::accepted(const Key& key) {
  const std::lock_guard lock(mutex_);
  if (proven_ || key.version != key_.version) return;
  proven_ = true;
  observer_.on_event(event::KeyAccepted{scope_, "secret", key_.credential->fingerprint});
}

KeyState KeyGate::state() const {
  const std::lock_guard lock(mutex_);
  KeyState state;
  state.slot = "secret";
  state.fingerprint = key_.credential->fingerprint;
  state.usable = !refused_for_;
  return state;
}

Error KeyGate::refusal() const {
  const std::lock_guard lock(mutex_);
  return Error(ErrorKind::unauthorized,
               fmt::format("the key {} of {} is refused: {}", key_.credential->fingerprint, reference_.display(),
                           refused_for_.value_or("no reason given")),
               "put the new key into " + reference_.display() + "; it is tried within seconds");
}

KeyGate::Ruling KeyGate::rule(const Key& key, SteadyTime sent_at, const std::string& reason,
                              const std::function<Ruling()>& probe, const std::stop_token& stop) {
  {
    std::unique_lock lock(mutex_);
    if (!confirmed_.wait(lock, stop, [&] { return !confirming_; })) {
      throw Error(ErrorKind::cancelled, "stopped while a refused key was being confirmed");
    }
    if (key.version != key_.version) return Ruling::rotated;
    if (refused_for_) return Ruling::refused;
    // A ruling that was made after our call went out is about our call too.
    if (ruled_at_ && *ruled_at_ >= sent_at) return last_ruling_;
    if (reread_locked()) return Ruling::rotated;
    confirming_ = true;
  }
  const auto finish = [&](Ruling ruling) {
    const std::lock_guard lock(mutex_);
    confirming_ = false;
    ruled_at_ = clock_.now();
    last_ruling_ = ruling;
    if (ruling == Ruling::refused) {
      refused_for_ = reason;
      next_look_ = clock_.now() + kLookEvery;
      observer_.on_event(
          event::KeyRefused{scope_, "secret", key_.credential->fingerprint, proven_ ? "rotated" : "mistyped", reason,
                            "put the new key into " + reference_.display() + "; it is tried within seconds"});
    }
    confirmed_.notify_all();
    return ruling;
  };
  try {
    return finish(probe());
  } catch (...) {
    finish(Ruling::unknown);
    throw;
  }
}

}  // namespace surveysync::http
