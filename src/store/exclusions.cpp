#include "store/exclusions.h"

#include <algorithm>

namespace surveysync::store {
namespace {

constexpr char kEnd = '\0';

/// Addresses are one however they are written.
std::string folded(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c; });
  return lower;
}

}  // namespace

model::Hash exclusion_digest(std::string_view stream, std::string_view partition, std::string_view record_key) {
  std::string bytes(stream);
  bytes.append(1, kEnd).append(partition).append(1, kEnd).append(record_key);
  return model::hash_of(bytes);
}

model::Hash erased_record(const KeyedDigest& digest, const model::Hash& identity) {
  std::string bytes("erased record");
  bytes.append(1, kEnd).append(reinterpret_cast<const char*>(identity.data()), identity.size());
  return digest.bytes(bytes);
}

model::Hash erased_person(const KeyedDigest& digest, const PersonName& person) {
  std::string bytes("erased person");
  bytes.append(1, kEnd).append(person.kind).append(1, kEnd).append(folded(person.text));
  return digest.bytes(bytes);
}

bool Exclusions::contains(const model::Hash& identity) const {
  return dropped_.contains(identity) || erased(identity);
}

bool Exclusions::erased(const model::Hash& identity) const {
  return !erased_.empty() && erased_.contains(erased_record(*digest_, identity));
}

bool Exclusions::contains(const PersonName& person) const {
  return !persons_.empty() && !person.text.empty() && persons_.contains(erased_person(*digest_, person));
}

std::vector<model::Hash> Exclusions::absent(const std::set<model::Hash>& met) const {
  std::vector<model::Hash> absent;
  std::ranges::set_difference(dropped_, met, std::back_inserter(absent));
  std::set<model::Hash> seen;
  for (const model::Hash& identity : met) {
    if (!erased_.empty()) seen.insert(erased_record(*digest_, identity));
  }
  for (const auto& [stored, present] : erased_) {
    if (!seen.contains(stored)) absent.push_back(stored);
  }
  return absent;
}

std::vector<model::Hash> Exclusions::shown(const std::set<model::Hash>& met) const {
  std::vector<model::Hash> shown;
  for (const model::Hash& identity : met) {
    if (erased_.empty()) break;
    const model::Hash stored = erased_record(*digest_, identity);
    const auto known = erased_.find(stored);
    if (known != erased_.end() && !known->second) shown.push_back(stored);
  }
  return shown;
}

}  // namespace surveysync::store
