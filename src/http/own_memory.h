#pragma once
// What one process alone knows of its keys: stands in where nobody remembers for all of them. Thread-safe.

#include <map>
#include <mutex>

#include "http/key_memory.h"

namespace surveysync::http {

class OwnMemory final : public KeyMemory {
 public:
  /// `waits`: between probes of a refused key, the last repeats; none: those that hold_probe has by default. `clock`
  /// outlives the memory.
  explicit OwnMemory(Clock& clock, std::vector<Duration> waits = {});

  KeyPast begin(const KeyId& key) override { return recall(key); }
  KeyPast recall(const KeyId& key) override;
  void accepted(const KeyId& key) override;
  void refused(const KeyId& key, const std::string& verdict, const std::string& evidence, const std::string& next_step,
               int requests) override;
  void sent_in_vain(const KeyId& key, int requests) override;
  bool claim_probe(const KeyId& key) override;

 private:
  struct Known {
    KeyPast past;
    std::size_t probes = 0;
    int requests = 0;  // in vain
    SteadyTime next_probe{};
  };
  Clock& clock_;
  const std::vector<Duration> waits_;
  std::mutex mutex_;
  std::map<std::string, Known> known_;                          // by fingerprint
  std::map<std::string, std::vector<std::string>> good_lines_;  // by slot
};

}  // namespace surveysync::http
