#pragma once
// Unusually few responses: a form that is broken, a link that is gone, a permission that hides records. Compared is the
// source with its own history, and nothing is assumed about its distribution. The rule:
//
//   the last 24 hours against each of the 28 days of 24 hours before. It is unusual when fewer came than a quarter of
//   the worst of those days, where even the worst had 20, and all 28 are covered by runs.
//
// Weekends are in the history, so they are no alarm; a source that is small, young or irregular never is one. If the
// days were exchangeable the worst of 29 would be the last by chance once in 29 days; a quarter of the worst is far
// beyond that. What a run brought is spread evenly over the time since the run before it, so that jitter of the
// schedule moves nothing.

#include <optional>
#include <vector>

#include "store/freshness.h"

namespace surveysync::app {

struct FewResponses {
  std::int64_t today = 0;             ///< in the last 24 hours
  std::int64_t worst = 0, usual = 0;  ///< of the days before: the least, and the median
  bool unusual = false;
};

/// Judges the 24 hours until the newest run. Nothing when the history does not suffice. Pure.
std::optional<FewResponses> judge_intake(const std::vector<store::Intake>& runs);

inline constexpr int kIntakeDays = 28;

}  // namespace surveysync::app
