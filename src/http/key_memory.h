#pragma once
// What all processes together know of a source's keys, so that neither a restart nor a second process hammers the
// vendor with a dead one. A virtual seam: kept in PostgreSQL by app/key_records, scripted in tests. Keys are told apart
// by fingerprint; the same key under several sources is one key. Thread-safe. Nothing here throws: what cannot be asked
// or written is as if nothing were known, and this process goes by what it learned itself.

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace surveysync::http {

/// Requests with a dead key in its first hour after which no probe gets leave any more. A dozen are the most that the
/// vendor may see; a probe may take two.
inline constexpr int kMostInFirstHour = 11;

/// Which key; never its value.
struct KeyId {
  std::string slot = {};                            ///< "secret" | "next", as in the configuration
  std::string fingerprint = {};                     ///< Credential::fingerprint
  std::vector<std::string> line_fingerprints = {};  ///< one for each line, in order
};

/// What earlier uses showed.
struct KeyPast {
  bool worked = false;                            ///< this very key was accepted once
  std::optional<UtcTime> last_good_at = {};       ///< when
  std::vector<std::string> last_good_lines = {};  ///< line fingerprints of the key that this slot last worked with

  /// It is refused, as far as anybody knows.
  struct Refusal {
    std::string verdict, evidence, next_step;
    UtcTime since;
    Duration until_probe;  ///< until the next probe is due; zero or less: now
  };
  std::optional<Refusal> refused = {};
  /// Uses began and ended without an answer in the last minutes (processes that were killed): so long nothing is asked.
  Duration rest = Duration::zero();
};

class KeyMemory {
 public:
  virtual ~KeyMemory() = default;

  /// Before the first request with a key in this process; notes that a use began.
  virtual KeyPast begin(const KeyId& key) = 0;
  /// What is known now, without noting anything.
  virtual KeyPast recall(const KeyId& key) = 0;
  /// The key was accepted.
  virtual void accepted(const KeyId& key) = 0;
  /// A key that is in use goes on being accepted: told now and then, so that people see when it last worked. Ends no
  /// refusal.
  virtual void still_good(const KeyId& key) { static_cast<void>(key); }
  /// The key is refused; `requests`: how many were sent with it in vain since begin or the last report, without the one
  /// for which each claim_probe gave leave (that counted it itself).
  virtual void refused(const KeyId& key, const std::string& verdict, const std::string& evidence,
                       const std::string& next_step, int requests) = 0;
  /// So many more requests with a key that is known as refused were sent in vain: their refusals came later, or they
  /// were given up before.
  virtual void sent_in_vain(const KeyId& key, int requests) {
    static_cast<void>(key);
    static_cast<void>(requests);
  }
  /// Whether this process may send the one probe of a refused key that is due now. Yes to one process only, at most as
  /// often as hold_probe says, and so that no more than a dozen requests are refused in the key's first hour. No, while
  /// nothing can be asked.
  virtual bool claim_probe(const KeyId& key) = 0;
};

}  // namespace surveysync::http
