#pragma once
// The credential in use, and whether it may be used at all. A refused key is read again, then confirmed by one probe
// for all workers; once it is refused nothing passes until the secret's content changes. Thread-safe. Throws Error:
// unauthorized, cancelled; config when the secret cannot be read at construction.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "base/error.h"
#include "base/event.h"
#include "base/secret.h"
#include "http/client.h"

namespace surveysync::http {

class KeyGate {
 public:
  /// The credential with the number of times the secret changed before it.
  struct Key {
    std::shared_ptr<const Credential> credential;
    std::uint64_t version = 0;
  };
  enum class Ruling {
    rotated,   ///< another key is in place: repeat the call
    accepted,  ///< the key is good: the call alone is refused
    refused,   ///< the key is dead
    unknown,   ///< the probe got no answer that says anything about the key
  };

  /// References outlive the gate.
  KeyGate(SecretReference reference, std::size_t lines, Scope scope, Masker& masker, Observer& observer, Clock& clock);

  /// The key to sign with; waits while it is being confirmed. Throws Error(unauthorized) while it is refused.
  Key take(const std::stop_token& stop);
  /// The key, refused or not.
  Key current() const;
  /// Whether `key` may still be used: neither replaced, nor refused, nor being confirmed.
  bool is_good(const Key& key) const;
  /// A call signed with `key` succeeded.
  void accepted(const Key& key);
  /// A call signed with `key`, sent at `sent_at`, was refused for `reason`. One caller reads the secret again and runs
  /// `probe` (which says accepted, refused or unknown); the others wait and share its ruling.
  Ruling rule(const Key& key, SteadyTime sent_at, const std::string& reason, const std::function<Ruling()>& probe,
              const std::stop_token& stop);
  KeyState state() const;
  /// The error of a refused key.
  Error refusal() const;

 private:
  bool reread_locked();
  void adopt_locked(Credential credential);

  const SecretReference reference_;
  const std::size_t lines_;
  const Scope scope_;
  Masker& masker_;
  Observer& observer_;
  Clock& clock_;

  mutable std::mutex mutex_;
  std::condition_variable_any confirmed_;
  Key key_;
  bool proven_ = false;                     // a call with key_ succeeded
  std::optional<std::string> refused_for_;  // the reason, while key_ is refused
  SteadyTime next_look_{};                  // when a refused key's secret is read again
  bool confirming_ = false;
  std::string last_warning_;  // told once, not at every look
  std::optional<SteadyTime> ruled_at_;
  Ruling last_ruling_ = Ruling::unknown;
};

}  // namespace surveysync::http
