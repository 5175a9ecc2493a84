#pragma once
// What of a person is stored: every provider's privacy rules, and the one way to apply them to raw JSON before anything
// is hashed or stored. A rewritten text differs from the vendor's bytes in the values that the rules name and in
// nothing else. Plain values and pure functions: any thread. A text that cannot be rewritten throws Error(malformed):
// it must not be stored then, see `withheld`.

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/keyed_digest.h"

namespace surveysync::sources {

/// What becomes of a value.
enum class Treatment : std::uint8_t {
  keep,
  drop,  ///< null in its place
  hash   ///< its keyed digest in its place, as text; blank values stay as they are
};
/// "keep", "off" (what is not read needs no rule), "drop" or "hash". Throws Error(config) for another word.
Treatment treatment_of(std::string_view word);

/// [source.NAME.privacy] as configured.
struct Privacy {
  std::map<std::string, std::string> fields = {};     ///< group ("ip_address", "contacts") to keep | drop | hash | off
  std::map<std::string, std::string> questions = {};  ///< "12" or "8611799/12" to keep | drop | hash
  std::shared_ptr<const KeyedDigest> digest = nullptr;  ///< there wherever a rule says hash

  /// The rule of a group; keep where there is none. Throws Error(config) for a word that is no rule.
  Treatment of(const std::string& group) const;
  /// Whether any rule says hash.
  bool hashes() const;
  /// Throws Error(config) for a word that is no rule, and for a hash without a key.
  void require_sound() const;
  /// ", without geo, ip_address, hashed contacts by key 0a1b2c3d": for Source::decoding, since rows depend on it. Empty
  /// when everything is kept. `only`: the groups that the provider knows.
  std::string text(const std::set<std::string>& only) const;
};

/// What becomes of the members of one kind of JSON object, by their names.
class MemberRules {
 public:
  /// These members are treated so, and those that no rule names as `others`.
  MemberRules& treat(const std::vector<std::string>& names, Treatment treatment);
  /// The same for what ends in columns that hold no text (numbers): null stands for their digest.
  MemberRules& treat_numbers(const std::vector<std::string>& names, Treatment treatment);
  MemberRules& others(Treatment treatment);

  bool keeps_all() const;
  /// By the member's name between its quotes, escapes as sent.
  Treatment of_raw(std::string_view raw_key) const;
  const std::map<std::string, Treatment, std::less<>>& named() const { return named_; }

 private:
  std::map<std::string, Treatment, std::less<>> named_;
  Treatment others_ = Treatment::keep;
};

/// One replacement in a text: `slice` is a part of it.
struct Edit {
  std::string_view slice;
  std::string text;
};
/// `raw` with its edits made, which are in the order of their places and do not overlap.
std::string edited(std::string_view raw, const std::vector<Edit>& edits);

/// Appends the edits that `rules` make in the object `raw`. `digest` may be null where nothing is hashed.
void collect_edits(std::string_view raw, const MemberRules& rules, const KeyedDigest* digest, std::vector<Edit>& edits);
/// The object `raw` after `rules`; empty when nothing changes.
std::optional<std::string> rewrite(std::string_view raw, const MemberRules& rules, const KeyedDigest* digest);

/// A JSON value with every text and number in it replaced by its digest, quoted; names of members stay, and so do null,
/// "" and, in objects that say {key, value, type}, key and type.
std::string hashed(std::string_view raw_value, const KeyedDigest& digest);
/// The digest of one scalar as sent ("x" and x alike), as a JSON string; null and "" as they are.
std::string hashed_scalar(std::string_view raw_value, const KeyedDigest& digest);
/// null, "", [], {} or nothing: there is nothing to protect.
bool is_blank_value(std::string_view raw_value);
/// Throws Error(malformed) unless `raw_value` is one string, number, word, object or array, by its first and last
/// bytes.
void require_value(std::string_view raw_value);

/// What is stored of a text that the rules cannot be applied to: that it was there, for people. It is no JSON, so that
/// nobody takes it for a record.
std::string withheld(std::string_view raw);
bool is_withheld(std::string_view stored);
/// Why, for surveysync.quarantine.
std::string withheld_reason(std::string_view reason);

}  // namespace surveysync::sources
