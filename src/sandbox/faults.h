#pragma once
// Faults by rule: "KIND[:key=value,...]". A rule says which requests it meets (path, survey, and which of those by
// number) and what goes wrong. The kinds and their keys are listed in README.md. Thread-safe. Throws Error{config} for
// a rule it cannot read.

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace surveysync::sandbox {

/// A rule that met the request in hand.
struct Fault {
  std::string kind;
  std::map<std::string, std::string> args;
  std::string text(const std::string& key, std::string_view otherwise) const;
  std::int64_t number(const std::string& key, std::int64_t otherwise) const;
  /// "500ms", "60s", or a bare number of milliseconds.
  Duration time(const std::string& key, Duration otherwise) const;
};

class Faults {
 public:
  void add(std::string_view rule);
  void clear();
  void remove(std::string_view kind);
  /// The first rule of `kind` that meets every request to such a path.
  std::optional<Fault> standing(std::string_view kind, std::string_view path, std::int64_t survey) const;
  /// The faults that meet this request, in the order of their rules; counts it for each rule whose path and survey fit.
  std::vector<Fault> meet(std::string_view path, std::int64_t survey);

 private:
  struct Rule {
    Fault fault;
    std::int64_t seen = 0;
  };
  mutable std::mutex mutex_;
  std::vector<Rule> rules_;
};

/// The first fault of `kind`, or null.
const Fault* find_fault(const std::vector<Fault>& faults, std::string_view kind);

}  // namespace surveysync::sandbox
