#pragma once
// The key in use, whether it may be used at all, and what to do when it is refused. Threads: workers take() a key, tell
// what became of it and share one ruling on a refusal; whoever decides something (reads a secret again, sends a probe,
// asks KeyMemory) first takes the gate's one Turn. The mutex is never held while a file, the vendor or the memory is
// asked, so state() and is_good() answer at once. Throws Error: unauthorized, cancelled; config when the secret cannot
// be read at construction.
//
//   not begun --begin()--> good --refused + probe refused--> held --probe accepted--> good
//       |                    ^                                |
//       +--known refused-----+--- another content, or `next` -+

#include <array>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/event.h"
#include "base/secret.h"
#include "http/client.h"
#include "http/key_verdict.h"

namespace surveysync::http {

class KeyGate {
 public:
  /// A credential, with the number of times that another one was in use before it.
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
  /// What the vendor said to a probe.
  struct Answer {
    enum class Kind { accepted, refused, unknown, not_asked } kind = Kind::unknown;
    Refusal refusal = Refusal::none;
    std::string words = {};
    bool account_asked = false, account_accepts = false;
    Duration clock_skew = {};  ///< the vendor's Date minus our clock
  };
  /// Whether the account is asked too, where the words are not about the key: that is one request more.
  enum class Account { ask, spare };
  using Probe = std::function<Answer(const Key& key, Account account, const std::stop_token& stop)>;
  /// A refusal of an ordinary call.
  struct Refused {
    Key key;
    SteadyTime sent_at{};
    Refusal refusal = Refusal::none;
    std::string words;
  };

  /// References outlive the gate. `probe` sends one, with the key that it is given.
  KeyGate(SecretReference secret, std::size_t lines, KeyOptions options, Scope scope, Probe probe, Masker& masker,
          Observer& observer, Clock& clock);

  // --- for workers ---

  /// The key to sign with; waits while a refusal is being confirmed. Throws Error(unauthorized) while it is refused;
  /// its secret is read again then, every two seconds at most.
  Key take(const std::stop_token& stop);
  /// Whether `key` may still be used: neither replaced, nor refused, nor being confirmed.
  bool is_good(const Key& key) const;
  /// Leave to send a call with a key that was not accepted yet, until what became of it is decided: one at a time.
  /// Nobody waits with a key that was accepted.
  class FirstUse {
   public:
    FirstUse(KeyGate& gate, const Key& key, const std::stop_token& stop);
    ~FirstUse();
    FirstUse(const FirstUse&) = delete;
    FirstUse& operator=(const FirstUse&) = delete;

   private:
    KeyGate& gate_;
    bool alone_ = false;
  };
  /// A call signed with `key` and sent at `sent_at` got a good answer that the vendor made for it.
  void accepted(const Key& key, SteadyTime sent_at);
  /// A call signed with `key` was sent, and refused, or given up before its answer was read. Each is counted once, and
  /// what is counted when the key turns out to be dead, or is known as such, is told to KeyMemory.
  void in_vain(const Key& key);
  /// A call was refused. One caller decides, the others wait and share its ruling: the secret is read again, others'
  /// knowledge is asked, then one probe, then the second key.
  Ruling rule(const Refused& refused, const std::stop_token& stop);
  /// The error of a refused key.
  Error refusal() const;

  // --- for whoever looks after the source; see Client ---

  KeyState state() const;
  bool refresh(const std::stop_token& stop);
  bool probe_refused(const std::stop_token& stop);
  std::optional<KeyState> try_next(const std::stop_token& stop);
  std::vector<KeyState> test_all(const std::stop_token& stop);

 private:
  using Content = std::shared_ptr<const Credential>;
  struct Held {
    KeyVerdict verdict;
    UtcTime since;
  };
  /// What this process knows of one key, by fingerprint; "" stands for a secret that cannot be read.
  struct Known {
    bool begun = false;   // KeyMemory was asked
    bool worked = false;  // once, in any process
    bool proven = false;  // here, since the last hold
    bool told = false;    // KeyRefused, since it was last accepted
    bool asked_elsewhere = false;
    std::optional<UtcTime> last_good_at;
    std::optional<Held> held;
    std::optional<SteadyTime> rest_until;
    std::optional<UtcTime> good_seen;    // what KeyMemory said last about when it worked
    std::optional<SteadyTime> noted_at;  // when KeyMemory was told last that it works
    std::optional<SteadyTime> in_vain_at;
    int unreported = 0;  // requests in vain that KeyMemory does not know of; below zero: it counts one that is to come
    int in_a_row = 0;    // refused calls since the last good one
    bool usable() const { return !held && !rest_until; }
  };
  struct Slot {
    std::string name;
    std::optional<SecretReference> reference;
    Content content;                      // null: cannot be read, or was not read yet
    std::vector<std::string> good_lines;  // of the key that it last worked with
    std::set<std::string> warned;         // what is wrong with the file, each told once until it is right again
    Content rejected;                     // what the file held instead of content, and was refused
    std::string unreadable;               // why content is null
    std::string remedy;                   // and what to do about it, when that is not to write the key
    std::optional<SecretReference> token = std::nullopt;  // OAuth: the second part of the key
  };
  /// The right to decide; one at a time. With `workers_wait`, nobody takes a key meanwhile.
  class Turn {
   public:
    enum class Workers { go_on, wait };
    Turn(KeyGate& gate, Workers workers, const std::stop_token& stop);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    KeyGate& gate_;
  };

  enum class Announce { no, yes };  // with KeyRotated
  enum class Claimed { no, yes };   // KeyMemory::claim_probe gave leave, and counts one request

  // Under mutex_.
  Known& known_locked(const Content& content) { return known_[content ? content->fingerprint : std::string()]; }
  const Known* current_locked() const;
  KeyState state_locked(const Slot& slot, const Content& content) const;
  void end_rest_locked(Known& known) const;

  // Never under mutex_; all but the first three with a Turn.
  bool is_usable() const;
  void tell(const Slot& slot, const Content& content);
  void tell_if_held();
  Content take_in(const Slot& slot, Credential credential);
  Credential read(const Slot& slot, std::string& remedy) const;
  static KeyVerdict missing_of(const Slot& slot);
  Content look(Slot& slot);
  void restored(Slot& slot);
  void put(std::size_t index, const Content& content, Announce announce);
  void activate(std::size_t index);
  Known known_of(const Content& content);
  bool knows_refused(const Content& content);
  static KeyId id_of(const Slot& slot, const Content& content);
  void begin(Slot& slot, const Content& content, bool& probe_is_due);
  void learn_refusal(Slot& slot);
  std::string mistake_of(const Content& content) const { return options_.mistake ? options_.mistake(*content) : ""; }
  void open(const std::stop_token& stop);
  void admit(Slot& slot, const Content& content);
  void hold(Slot& slot, const Content& content, const KeyVerdict& verdict);
  KeyVerdict decide(Slot& slot, const Content& content, const Answer& answer, const std::stop_token& stop);
  Answer try_key(const Content& content, const std::stop_token& stop);
  Answer::Kind try_and_tell(Slot& slot, const Content& content, Claimed claimed, const std::stop_token& stop);
  bool retry_held(Slot& slot, const Content& content, const std::stop_token& stop);
  bool promote_other(const std::stop_token& stop);
  std::optional<Ruling> earlier_ruling(const Refused& refused);
  Ruling settle(const Refused& refused, const std::stop_token& stop);
  Ruling confirm(const Refused& refused, const Content& content, const std::stop_token& stop);
  bool heed_alarm(const std::stop_token& stop);
  void forget_told_locked();
  void try_fresh(std::size_t index, const Content& fresh, const std::stop_token& stop);
  bool others_accept(const Slot& slot);
  KeyState test_slot(std::size_t index, const std::stop_token& stop);

  const std::size_t lines_;
  const KeyOptions options_;
  const std::shared_ptr<KeyMemory> memory_;
  const std::shared_ptr<KeyAlarm> alarm_;
  const Scope scope_;
  const Probe probe_;
  Masker& masker_;
  Observer& observer_;
  Clock& clock_;

  mutable std::mutex mutex_;
  std::condition_variable_any free_;
  bool taken_ = false;      // there is a Turn
  bool closed_ = false;     // and workers wait for it
  bool first_use_ = false;  // somebody has this leave
  std::array<Slot, 2> slots_;
  std::size_t active_ = 0;
  std::uint64_t version_ = 1;
  std::map<std::string, Known> known_;
  SteadyTime next_look_{};
  std::optional<SteadyTime> ruled_at_;
  Ruling last_ruling_ = Ruling::unknown;
};

}  // namespace surveysync::http
