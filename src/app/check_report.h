#pragma once
// The results of named checks: how they are collected, shown and judged. A check that throws Error has failed with its
// hint.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace surveysync::app {

enum class Verdict { pass, warn, fail };
/// "pass", "warn", "fail".
std::string_view name_of(Verdict verdict);

struct CheckResult {
  std::string name;  ///< "database", "source us key"
  Verdict verdict = Verdict::pass;
  std::string message;  ///< what was found
  std::string hint;     ///< what a person can do, empty when there is nothing to do
};

class CheckReport {
 public:
  /// `told` hears each result as soon as it is known.
  explicit CheckReport(std::function<void(const CheckResult&)> told) : told_(std::move(told)) {}

  void add(CheckResult result);
  void pass(const std::string& name, const std::string& message) { add({name, Verdict::pass, message, {}}); }
  void warn(const std::string& name, const std::string& message, const std::string& hint = {}) {
    add({name, Verdict::warn, message, hint});
  }
  /// Runs `check`, which returns what it found or throws; false when it failed. A stop (Error cancelled) is passed on.
  bool run(const std::string& name, const std::function<std::string()>& check);

  const std::vector<CheckResult>& results() const { return results_; }
  std::size_t count(Verdict verdict) const;
  /// A check has failed.
  bool failed() const { return count(Verdict::fail) > 0; }

 private:
  std::function<void(const CheckResult&)> told_;
  std::vector<CheckResult> results_;
};

/// "pass  database    warehouse on ..." and the hint below.
std::string check_line(const CheckResult& result, bool colours);
/// {"ok", "passed", "warnings", "failed", "checks": [{"name", "verdict", "message", "hint"}]}.
std::string checks_json(const CheckReport& report);
/// "31 checks: 29 passed, 2 warnings, 0 failed".
std::string checks_summary(const CheckReport& report, bool colours);

}  // namespace surveysync::app
