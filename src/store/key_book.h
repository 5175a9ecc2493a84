#pragma once
// What is known of each source's keys, in surveysync.credential: fingerprints only, never a key. Several processes read
// and write it; the same fingerprint under several sources is one key when it comes to refusals and probes. One
// connection, one thread. Throws what pg throws.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pg/connection.h"

namespace surveysync::store {

/// One row: one slot of one source.
struct KeyRecord {
  std::string source, slot, fingerprint;
  std::vector<std::string> lines, good_lines;  ///< fingerprints of the key's lines; of those that last worked
  std::string verdict, evidence, next_step;    ///< verdict empty while it is not refused
  std::optional<UtcTime> first_used_at, last_good_at, refused_at, next_probe_at;
  int probes = 0, refusals = 0;
  int uses = 0;  ///< that began since the last answer
  std::optional<UtcTime> used_at;
  Duration until_probe{};  ///< by the database's clock; zero when due or not refused
  Duration since_use{};    ///< the same since used_at
};

class KeyBook {
 public:
  explicit KeyBook(pg::Connection& connection) : connection_(connection) {}

  /// All slots of a source, or of all sources.
  std::vector<KeyRecord> records(const std::string& source_or_empty);

  /// What is known of the key: this slot's row where it holds this fingerprint; verdict, refused_at and the probe times
  /// of another source's row where that refuses the same fingerprint. Another fingerprint in the row: only good_lines.
  KeyRecord recall(const KeyRecord& key);
  /// The same, after the slot's row was made this key's (first_used_at set, good_lines kept) and `uses` grew by one.
  KeyRecord begin(const KeyRecord& key);
  /// Takes a use back that began and will get no answer, without blame of anybody.
  void forget_use(const KeyRecord& key);
  /// The key answered: last_good_at, good_lines, no verdict, no uses; also in other sources' rows of this fingerprint.
  void accepted(const KeyRecord& key);
  /// It works still: last_good_at moves in all rows of this fingerprint, unless somebody saw it refused.
  void still_good(const std::string& fingerprint);
  /// It is refused: verdict, evidence and next_step as given, refused_at where it was not, refusals + `requests` (and
  /// one for each use before this one that ended without an answer), uses 0, and next_probe_at after the first of
  /// `waits` when it was not refused before (by any row of this fingerprint: else theirs). What claim_probe and
  /// claim_early counted ahead is not among `requests`.
  void refused(const KeyRecord& key, int requests, const std::vector<Duration>& waits);
  /// Counts more refused requests of a key that is known as refused; nothing otherwise.
  void count_refusals(const std::string& fingerprint, int requests);
  /// True to one caller when the probe of a refused fingerprint is due in all rows that hold it: then probes grows by
  /// one and next_probe_at moves by the wait of that number (the last repeats). False while it is not due, and while
  /// refused_at is younger than an hour and `most_in_first_hour` requests are already counted; counts one refusal
  /// ahead.
  bool claim_probe(const KeyRecord& key, const std::vector<Duration>& waits, int most_in_first_hour);
  /// A probe before it is due, because a person asks: while fewer than `most_an_hour` requests were refused for each
  /// hour begun since the refusal. Counts one ahead; the next due probe stays where it is.
  bool claim_early(const KeyRecord& key, int most_an_hour);

 private:
  pg::Connection& connection_;
};

}  // namespace surveysync::store
