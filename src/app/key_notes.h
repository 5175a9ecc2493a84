#pragma once
// What is known of refused keys on this machine, in a file of the state directory (fingerprints only): stands in for
// surveysync.credential while the database cannot be asked, so that `check` in a loop without a database does not
// hammer the vendor. All processes of the machine share it (a lock on a file beside it). Where the directory cannot be
// written, or somebody stands still with the lock in hand, nothing is kept and no probe granted. Thread-safe. Never
// throws.

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "http/key_memory.h"

namespace surveysync::app {

class KeyNotes final : public http::KeyMemory {
 public:
  /// `waits`: limits.hold_probe. `clock` outlives it.
  KeyNotes(const std::string& state_dir, std::vector<Duration> waits, Clock& clock);

  http::KeyPast begin(const http::KeyId& key) override { return recall(key); }
  http::KeyPast recall(const http::KeyId& key) override;
  void accepted(const http::KeyId& key) override;
  void refused(const http::KeyId& key, const std::string& verdict, const std::string& evidence,
               const std::string& next_step, int requests) override;
  void sent_in_vain(const http::KeyId& key, int requests) override;
  /// A probe that is due, or one before that while few were refused in the hour: a person asks, who has perhaps mended
  /// the key just now.
  bool claim_probe(const http::KeyId& key) override;
  /// How many requests with a refused key are counted.
  int refusals(const http::KeyId& key);

  /// How many of a dead key's requests in an hour may come before a probe is due.
  static constexpr int kMostEarly = 6;

 private:
  struct Note {
    std::string verdict, evidence, next_step;
    UtcTime since{}, next_probe{};
    int probes = 0, refusals = 0;
  };
  using Notes = std::map<std::string, Note>;  // by fingerprint
  template <class Act>
  bool with_notes(const Act& act) noexcept;
  bool take_lock(int descriptor) const;
  Notes seen() const noexcept;
  Notes load() const;
  bool save(const Notes& notes) const;
  Duration wait_of(int probes) const;

  const std::string file_;
  const std::vector<Duration> waits_;
  Clock& clock_;
  std::mutex mutex_;
};

}  // namespace surveysync::app
