#pragma once
// Which records of a partition are kept out: dropped from quarantine, erased on request, or of a person who was erased.
// Erased ones are known by keyed digests only. Read once by Ledger::exclusions, then immutable: any thread.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/keyed_digest.h"
#include "model/stream.h"

namespace surveysync::store {

/// What a record is known by among the excluded: XXH3-128 of "stream\0partition\0record key". Dropped ones are stored
/// so.
model::Hash exclusion_digest(std::string_view stream, std::string_view partition, std::string_view record_key);

/// The kind of an e-mail address.
inline constexpr std::string_view kEmailKind = "email";

/// Who a person is: by what kind of text, and the text as it was given.
struct PersonName {
  std::string kind, text;  ///< kinds as in model::ContactColumn
  auto operator<=>(const PersonName&) const = default;
};
/// How an erased record and an erased person are stored.
model::Hash erased_record(const KeyedDigest& digest, const model::Hash& identity);
model::Hash erased_person(const KeyedDigest& digest, const PersonName& person);

class Exclusions {
 public:
  Exclusions() = default;
  explicit Exclusions(std::set<model::Hash> dropped) : dropped_(std::move(dropped)) {}

  void add_dropped(const model::Hash& identity) { dropped_.insert(identity); }
  /// `present`: the vendor was seen to have it.
  void add_erased(const model::Hash& stored, bool present) { erased_[stored] = present; }
  void add_person(const model::Hash& stored) { persons_.insert(stored); }
  /// Needed once there are erased ones.
  void use(std::shared_ptr<const KeyedDigest> digest) { digest_ = std::move(digest); }

  bool empty() const { return dropped_.empty() && erased_.empty() && persons_.empty(); }
  /// By exclusion_digest.
  bool contains(const model::Hash& identity) const;
  /// Erased on request, by exclusion_digest.
  bool erased(const model::Hash& identity) const;
  bool has_persons() const { return !persons_.empty(); }
  bool contains(const PersonName& person) const;

  /// As stored: those that were not among the `met`, by exclusion_digest.
  std::vector<model::Hash> absent(const std::set<model::Hash>& met) const;
  /// As stored: erased ones among the `met` that the vendor was not known to have.
  std::vector<model::Hash> shown(const std::set<model::Hash>& met) const;
  /// Null when nothing is erased.
  const KeyedDigest* digest() const { return digest_.get(); }

 private:
  std::set<model::Hash> dropped_, persons_;
  std::map<model::Hash, bool> erased_;
  std::shared_ptr<const KeyedDigest> digest_;
};

}  // namespace surveysync::store
