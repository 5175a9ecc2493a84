#include "sync/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace surveysync::sync {
namespace {

using Certified = Task::Certified;

// Surveys with a change within this time of the account's newest one are probed in every run.
constexpr auto kActive = std::chrono::days(30);
// So few dormant surveys cost so little that each is probed in every run: nobody waits a week for an edit there. For
// the same reason the lists (campaigns, quotas, ...) of so few surveys are read in every run.
constexpr std::size_t kFewDormant = 20, kFewListed = 20;
// A list that was read within this time is not read again in a run that finds nothing changed: a nightly load reads it.
constexpr auto kListsLast = std::chrono::hours(20);

std::chrono::microseconds micros(Duration time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time);
}

using States = std::map<std::string, const store::PartitionState*>;

States of_stream(const std::vector<store::PartitionState>& states, const std::string& stream) {
  States by_name;
  for (const store::PartitionState& state : states) {
    if (state.stream == stream) by_name.emplace(state.partition, &state);
  }
  return by_name;
}

/// Partitions whose `at` is oldest: all that are older than `period`, and as many more as keep all of them within it
/// when each run takes its share, those without a time first.
std::set<std::string> due_in_turn(const std::vector<std::pair<std::string, std::optional<UtcTime>>>& partitions,
                                  UtcTime now, Duration period) {
  std::vector<std::pair<UtcTime, std::string>> oldest_first;
  UtcTime latest{};
  for (const auto& [name, at] : partitions) {
    oldest_first.emplace_back(at.value_or(UtcTime()), name);
    latest = std::max(latest, at.value_or(UtcTime()));
  }
  std::ranges::sort(oldest_first);
  const double elapsed = std::chrono::duration<double>(now - latest).count();
  const double turn = std::chrono::duration<double>(period).count();
  const double share = turn > 0 ? std::clamp(elapsed / turn, 0.0, 1.0) : 1.0;
  auto quota = static_cast<std::size_t>(std::floor(share * static_cast<double>(oldest_first.size()) + 1e-6));
  std::set<std::string> due;
  for (const auto& [at, name] : oldest_first) {
    if (now - at < micros(period) && quota == 0) break;
    due.insert(name);
    if (quota > 0) --quota;
  }
  return due;
}

/// Partitions whose ids are due for comparison, each at an age of its own between half of the period and all of it:
/// what was read in one night, as at first contact, shall not be compared in one night.
std::set<std::string> due_for_comparison(const std::map<std::string, std::optional<UtcTime>>& partitions, UtcTime now,
                                         Duration period) {
  const double half = std::chrono::duration<double>(period).count() / 2;
  std::set<std::string> due;
  double rank = 0;
  for (const auto& [name, at] : partitions) {
    const double limit = half + half * (++rank) / static_cast<double>(partitions.size());
    if (std::chrono::duration<double>(now - at.value_or(UtcTime())).count() >= limit) due.insert(name);
  }
  return due;
}

/// Every run of the planning of one account.
class Planner {
 public:
  explicit Planner(const PlanInput& input)
      : in_(input),
        certified_(of_stream(input.states, input.certified_stream)),
        definitions_(of_stream(input.states, input.definition_stream)) {
    for (const auto& [name, state] : certified_) {
      if (state->standing.newest_at) newest_ = std::max(newest_, *state->standing.newest_at);
    }
    newest_ = std::min(newest_, in_.now);
    find_due();
  }

  Plan make() {
    Plan plan;
    std::set<std::string> listed;
    for (const model::Partition& partition : in_.listed) {
      listed.insert(partition.name);
      if (!in_.job.only.empty() && !in_.job.only.contains(partition.name)) continue;
      Task task = task_of(partition);
      if (task.certified == Certified::skip && !task.definition) {
        ++plan.skipped;
        continue;
      }
      plan.tasks.push_back(std::move(task));
    }
    std::ranges::stable_sort(plan.tasks, std::greater{},
                             [](const Task& task) { return task.partition.expected_records; });
    std::vector<States> kept = {certified_, definitions_};
    for (const model::StreamSpec& stream : in_.lists)
      if (!stream.of_account) kept.push_back(of_stream(in_.states, stream.name));
    for (const States& states : kept) {
      for (const auto& [name, state] : states) {
        const bool known = state->standing.total >= 0 || !state->standing.hint.empty() || state->open_pass;
        const bool wanted = in_.job.following.follows(name) && (in_.job.only.empty() || in_.job.only.contains(name));
        if (known && wanted && !listed.contains(name)) plan.vanished.push_back(name);
      }
    }
    plan_lists(plan);
    std::ranges::sort(plan.vanished);
    plan.vanished.erase(std::unique(plan.vanished.begin(), plan.vanished.end()), plan.vanished.end());
    return plan;
  }

 private:
  void find_due() {
    std::vector<std::pair<std::string, std::optional<UtcTime>>> dormant;
    std::map<std::string, std::optional<UtcTime>> all;
    for (const model::Partition& partition : in_.listed) {
      const auto found = certified_.find(partition.name);
      if (found == certified_.end()) continue;
      const store::Standing& standing = found->second->standing;
      if (!is_active(standing)) dormant.emplace_back(partition.name, standing.probed_at);
      all.emplace(partition.name, standing.swept_at);
    }
    if (dormant.size() <= kFewDormant) {
      for (const auto& [name, probed_at] : dormant)
        due_for_probe_.insert(name);
    } else {
      due_for_probe_ = due_in_turn(dormant, in_.now, in_.job.probe_all);
    }
    due_for_sweep_ = due_for_comparison(all, in_.now, in_.job.sweep_all);
  }

  /// Lists that tell nothing of changes: the certified ones, that are all there is of a vendor, in every run; the
  /// account's, and those of its surveys while there are few, once a day and in every run that finds something else
  /// changed; those of many surveys when their survey's entry changed, and in turn.
  void plan_lists(Plan& plan) const {
    if (in_.job.kind == RunKind::backfill || !in_.job.responses.empty()) return;
    for (const model::StreamSpec& stream : in_.lists) {
      const States states = of_stream(in_.states, stream.name);
      const bool proven = std::ranges::any_of(states, [](const auto& s) { return s.second->standing.balanced; });
      if (!stream.of_account) {
        plan_partitions(stream, states, proven, plan);
      } else if (in_.job.only.empty()) {
        Task task = list_task(stream, model::Partition{}, states, proven);
        task.if_changed = !stream.certified && is_fresh(task);
        plan.lists.push_back(std::move(task));
      }
    }
    std::ranges::stable_partition(plan.lists, [](const Task& task) { return task.list->of_account; });
  }

  void plan_partitions(const model::StreamSpec& stream, const States& states, bool proven, Plan& plan) const {
    std::vector<std::pair<std::string, std::optional<UtcTime>>> known;
    for (const auto& [name, state] : states)
      known.emplace_back(name, state->standing.probed_at);
    const std::set<std::string> due = due_in_turn(known, in_.now, in_.job.sweep_all);
    const bool few = in_.listed.size() <= kFewListed;
    for (const model::Partition& partition : in_.listed) {
      if (!in_.job.only.empty() && !in_.job.only.contains(partition.name)) continue;
      Task task = list_task(stream, partition, states, proven);
      const bool changed = !task.standing.balanced || task.standing.hint != task.hint;
      const bool is_due = changed || due.contains(partition.name);
      task.if_changed = !is_due && !stream.certified && is_fresh(task);
      if (few || is_due || asked_for()) plan.lists.push_back(std::move(task));
    }
  }

  bool asked_for() const { return in_.everything || in_.job.kind == RunKind::resync || !in_.job.only.empty(); }

  /// Read within the day, and nobody asks for more.
  bool is_fresh(const Task& task) const {
    const store::Standing& known = task.standing;
    return known.balanced && known.probed_at && in_.now - *known.probed_at < kListsLast && !asked_for();
  }

  static Task list_task(const model::StreamSpec& stream, const model::Partition& partition, const States& states,
                        bool proven) {
    Task task;
    task.partition = partition;
    task.hint = hint_of(partition);
    task.certified = Certified::complete;
    task.reason = "a list";
    task.list = &stream;
    task.proven = proven;
    const auto state = states.find(partition.name);
    if (state != states.end()) task.standing = state->second->standing;
    return task;
  }

  bool is_active(const store::Standing& standing) const {
    return standing.newest_at && *standing.newest_at >= newest_ - kActive;
  }

  Task task_of(const model::Partition& partition) const {
    Task task;
    task.partition = partition;
    task.hint = hint_of(partition);
    const bool resync = in_.job.kind == RunKind::resync, backfill = in_.job.kind == RunKind::backfill;
    const auto definition = definitions_.find(partition.name);
    task.definition = !in_.definition_stream.empty() && !backfill &&
                      (resync || definition == definitions_.end() || definition->second->open_pass ||
                       !definition->second->standing.balanced || definition->second->standing.hint != task.hint);
    const auto state = certified_.find(partition.name);
    if (state != certified_.end()) task.standing = state->second->standing;
    if (in_.certified_stream.empty()) {
      task.certified = Certified::skip;
    } else if (resync || backfill) {
      task.certified = Certified::complete;
      task.reason = std::string(name_of(in_.job.kind));
    } else {
      decide(state == certified_.end() ? nullptr : state->second, task);
    }
    return task;
  }

  void decide(const store::PartitionState* state, Task& task) const {
    const auto take = [&](Certified how, std::string reason) {
      task.certified = how;
      task.reason = std::move(reason);
    };
    const store::Standing& standing = task.standing;
    if (state == nullptr || standing.total < 0) return take(Certified::complete, "never certified");
    if (in_.everything) return take(Certified::complete, "rows are made anew: the account's clocks are known better");
    if (!in_.abilities.newest_first) return take(Certified::complete, in_.abilities.reason);
    if (!standing.balanced) return take(Certified::complete, "the last certificate did not balance");
    if (vendor_deleted(task)) return take(Certified::complete, "the vendor counts other deletions");
    if (due_for_sweep_.contains(task.partition.name)) return take(Certified::complete, "ids are due for comparison");
    if (state->open_pass) return take(Certified::probe, "a pass was interrupted");
    if (standing.hint != task.hint) return take(Certified::probe, "its entry in the list changed");
    if (!standing.settled) return take(Certified::probe, "it changed just before it was read");
    if (is_active(standing)) return take(Certified::probe, "active");
    if (due_for_probe_.contains(task.partition.name)) return take(Certified::probe, "dormant, due");
    if (in_.job.only.contains(task.partition.name)) return take(Certified::probe, "named");
    take(Certified::skip, "dormant");
  }

  /// The vendor's own count of deleted records moved by more than what we marked.
  static bool vendor_deleted(const Task& task) {
    const auto& before = task.standing.removed;
    const auto& now = task.partition.removed;
    return before && now && *now != *before && *now != *before + task.standing.tombstoned;
  }

  const PlanInput& in_;
  const States certified_, definitions_;
  UtcTime newest_{};
  std::set<std::string> due_for_probe_, due_for_sweep_;
};

}  // namespace

std::string hint_of(const model::Partition& partition) {
  std::string hex;
  for (const std::uint8_t byte : model::hash_of(partition.context))
    hex += fmt::format("{:02x}", byte);
  return hex;
}

Plan make_plan(const PlanInput& input) {
  return Planner(input).make();
}

}  // namespace surveysync::sync
