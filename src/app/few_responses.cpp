#include "app/few_responses.h"

#include <algorithm>
#include <cmath>

namespace surveysync::app {
namespace {

constexpr std::chrono::microseconds kDay = std::chrono::hours(24);
constexpr double kLeastWorst = 20, kShare = 0.25;

/// How much came within [from, until).
double within(const std::vector<store::Intake>& runs, UtcTime from, UtcTime until) {
  double sum = 0;
  for (std::size_t i = 1; i < runs.size(); ++i) {
    const UtcTime begin = runs[i - 1].finished_at, end = runs[i].finished_at;
    if (begin >= end) {
      if (end >= from && end < until) sum += static_cast<double>(runs[i].records);
      continue;
    }
    const auto shared = std::min(end, until) - std::max(begin, from);
    if (shared.count() <= 0) continue;
    sum += static_cast<double>(runs[i].records) * static_cast<double>(shared.count()) /
           static_cast<double>((end - begin).count());
  }
  return sum;
}

}  // namespace

std::optional<FewResponses> judge_intake(const std::vector<store::Intake>& runs) {
  // The first run of all brought what had gathered since nobody knows when.
  if (runs.size() < 2) return std::nullopt;
  const UtcTime now = runs.back().finished_at;
  if (runs.front().finished_at > now - (kIntakeDays + 1) * kDay) return std::nullopt;
  std::vector<double> days;
  for (int day = 1; day <= kIntakeDays; ++day)
    days.push_back(within(runs, now - (day + 1) * kDay, now - day * kDay));
  std::ranges::sort(days);
  const double today = within(runs, now - kDay, now + std::chrono::microseconds(1));
  FewResponses found;
  found.today = std::llround(today);
  found.worst = std::llround(days.front());
  found.usual = std::llround((days[kIntakeDays / 2 - 1] + days[kIntakeDays / 2]) / 2);
  found.unusual = days.front() >= kLeastWorst && today < kShare * days.front();
  return found;
}

}  // namespace surveysync::app
