#pragma once
// What the sources of one process tell each other of a key that they share: while one finds out whether it is dead, the
// others wait, and when it is, nobody asks again to learn the same. By fingerprint, for one place of one vendor.
// Thread-safe.

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "http/key_gate.h"

namespace surveysync::http {

class KeyAlarm {
 public:
  /// The right to find out, one at a time for each key; ends with the object. Waits for others first; throws
  /// Error(cancelled).
  class Inquiry {
   public:
    Inquiry(KeyAlarm& alarm, std::string fingerprint, const std::stop_token& stop);
    ~Inquiry();
    Inquiry(const Inquiry&) = delete;
    Inquiry& operator=(const Inquiry&) = delete;
    /// What the vendor said to another's probe, if the key was refused.
    const std::optional<KeyGate::Answer>& answered() const { return answered_; }

   private:
    KeyAlarm& alarm_;
    const std::string fingerprint_;
    std::optional<KeyGate::Answer> answered_;
  };
  /// Waits while somebody finds out. What the vendor said, if the key is refused; nothing also when asked to stop.
  std::optional<KeyGate::Answer> ask(const std::string& fingerprint, const std::stop_token& stop);
  /// Whether somebody finds out, or found out that it is refused.
  bool raised(const std::string& fingerprint);
  void refused(const std::string& fingerprint, const KeyGate::Answer& answer);
  void accepted(const std::string& fingerprint);

 private:
  struct Key {
    bool inquired = false;
    std::optional<KeyGate::Answer> refusal;
  };
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, Key> keys_;
};

}  // namespace surveysync::http
