#include "sandbox/script.h"

#include "sandbox/random.h"

namespace surveysync::sandbox {
namespace {
constexpr std::size_t kMaxLog = 100000;
}

Changed Script::apply(const Change& change, std::string_view by) {
  const std::lock_guard lock(mutex_);
  return apply_locked(change, by);
}

Changed Script::apply_locked(const Change& change, std::string_view by) {
  const Seconds now = clock_.now();
  Changed out = account_.apply(change, now);
  if (out.survey == 0) return out;
  note(now, by, op_name(change.op), out);
  return out;
}

Done Script::apply(const Act& act, std::string_view by) {
  const std::lock_guard lock(mutex_);
  return act_locked(act, by);
}

Done Script::act_locked(const Act& act, std::string_view by) {
  const Seconds now = clock_.now();
  Done out = act(now);
  if (!out.ids.empty()) note(now, by, out.op, {out.parents.empty() ? 0 : out.parents.front(), out.ids});
  return out;
}

void Script::note(Seconds at, std::string_view by, std::string op, Changed touched) {
  ++changes_;
  log_.push_back({requests_, at, std::string(by), std::move(op), std::move(touched)});
  if (log_.size() > kMaxLog) log_.pop_front();
}

void Script::add(Step step) {
  if (!step.fault.empty()) {
    Faults trial;
    trial.add(step.fault);
  }
  const std::lock_guard lock(mutex_);
  if (step.after <= 0) {
    take(step);
    if (--step.times <= 0) return;
  }
  const std::int64_t after = std::max<std::int64_t>(1, step.after);
  steps_.push_back({std::move(step), after});
}

void Script::clear_steps() {
  const std::lock_guard lock(mutex_);
  steps_.clear();
}

void Script::take(const Step& step) {
  if (step.advance > Duration::zero()) clock_.advance(step.advance);
  if (!step.remove_fault.empty()) faults_.remove(step.remove_fault);
  if (!step.fault.empty()) faults_.add(step.fault);
  if (step.change) apply_locked(*step.change, "between");
  if (step.act) act_locked(step.act, "between");
}

void Script::start(Chaos chaos) {
  const std::lock_guard lock(mutex_);
  chaos_ = std::move(chaos);
  chaos_requests_ = 0;
}

void Script::stop_chaos() {
  const std::lock_guard lock(mutex_);
  chaos_.reset();
}

void Script::run_chaos(std::string_view path) {
  if (!chaos_ || path.find(chaos_->path) == std::string_view::npos) return;
  Draw draw({chaos_->seed, 0xC4A05, ++chaos_requests_});
  if (chaos_->advance > Duration::zero()) clock_.advance(Duration(draw.below(chaos_->advance.count() + 1)));
  if (chaos_->most == 0 || chaos_->changes.empty() || draw.below(1000000) >= chaos_->per_million) return;
  // Where one kind finds nothing to change, another may.
  for (int attempt = 0; attempt < 4; ++attempt) {
    Change change = draw.pick(chaos_->changes);
    if (change.survey == 0 && !chaos_->surveys.empty()) change.survey = draw.pick(chaos_->surveys);
    if (apply_locked(change, "chaos").survey == 0) continue;
    if (chaos_->most > 0) --chaos_->most;
    return;
  }
}

void Script::after_request(std::string_view path) {
  const std::lock_guard lock(mutex_);
  ++requests_;
  std::vector<Step> due;
  std::erase_if(steps_, [&](Waiting& waiting) {
    if (path.find(waiting.step.path) == std::string_view::npos || --waiting.left > 0) return false;
    due.push_back(waiting.step);
    waiting.left = std::max<std::int64_t>(1, waiting.step.after);
    return --waiting.step.times <= 0;
  });
  for (const Step& step : due)
    take(step);
  run_chaos(path);
}

Script::Progress Script::progress() const {
  const std::lock_guard lock(mutex_);
  return {chaos_.has_value(), requests_, changes_, steps_.size()};
}

std::vector<AppliedChange> Script::log() const {
  const std::lock_guard lock(mutex_);
  return {log_.begin(), log_.end()};
}

}  // namespace surveysync::sandbox
