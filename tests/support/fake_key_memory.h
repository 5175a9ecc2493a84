#pragma once
// A KeyMemory that several clients share like processes share the database, on a manual clock, and that writes down
// what it was told. Thread-safe.

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "http/key_memory.h"
#include "support/manual_clock.h"

namespace surveysync::test {

class FakeKeyMemory final : public http::KeyMemory {
 public:
  explicit FakeKeyMemory(ManualClock& clock) : clock_(clock) {}

  http::KeyPast begin(const http::KeyId& key) override;
  http::KeyPast recall(const http::KeyId& key) override;
  void accepted(const http::KeyId& key) override;
  void refused(const http::KeyId& key, const std::string& verdict, const std::string& evidence,
               const std::string& next_step, int requests) override;
  void still_good(const http::KeyId& key) override;
  void sent_in_vain(const http::KeyId& key, int requests) override;
  bool claim_probe(const http::KeyId& key) override;

  /// What was known before: by fingerprint.
  void set(const std::string& fingerprint, http::KeyPast past);
  /// The next claims of anybody are answered so; without it, yes when 70 s have passed since refusal or last claim.
  void allow_probes(bool allow);
  /// "begin secret 12345678", "refused secret 12345678 rotated 5", in order.
  std::vector<std::string> told() const;
  int count(const std::string& beginning) const;
  /// Requests that were told as sent in vain, claimed probes included.
  int refusals() const;

 private:
  http::KeyPast past_locked(const http::KeyId& key);
  ManualClock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, http::KeyPast> known_;
  std::map<std::string, SteadyTime> next_probe_;
  std::map<std::string, std::vector<std::string>> good_lines_;
  std::vector<std::string> told_;
  std::optional<bool> allow_;
  int refusals_ = 0;
};

}  // namespace surveysync::test
